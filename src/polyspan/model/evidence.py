"""One pass of a Reader over a data set for everything that calibration needs, at all temperatures at once."""

from dataclasses import replace

import numpy as np

from polyspan.data.schema import Corpus, require_corpus
from polyspan.model.answers import AnswerOptions, null_odds
from polyspan.model.search import SpanReader, search
from polyspan.stats.evidence import TEMPERATURES, Evidence


def evidence(
    reader: SpanReader, corpus: Corpus, options: AnswerOptions = AnswerOptions(), pack: bool | None = None
) -> Evidence:
    """How probable the best span and no answer are for every question, whichever of them would be given.

    At each temperature these are the probabilities that `answer_corpus` has there. Of the options those count
    that say which spans there are.
    """
    require_corpus(corpus, "evidence")
    decoding = replace(options, n_best=1).decoding(TEMPERATURES)
    ids = [question.id for _, question in corpus.questions()]
    texts: list[str] = []
    best, null, odds = [], [], []
    for chunk, found in search(reader, corpus, decoding, pack=pack, doing=f"answering {corpus.name}"):
        some = np.diff(found.bounds) > 0
        spans = iter(zip(found.start.tolist(), found.end.tolist(), strict=True))
        for (paragraph, _), there in zip(chunk.questions(), some.tolist(), strict=True):
            texts.append(paragraph.context[slice(*next(spans))] if there else "")
        log_p = np.full(found.log_null.shape, -np.inf)
        log_p[some] = found.log_p
        best.append(log_p)
        null.append(found.log_null)
        odds.append(null_odds(found))
    if not ids:
        return Evidence([], [], np.zeros(0), *np.zeros((2, 0, len(TEMPERATURES))))
    return Evidence(ids, texts, np.concatenate(odds), np.concatenate(best), np.concatenate(null))
