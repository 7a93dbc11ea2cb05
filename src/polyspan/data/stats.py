"""Counting what a data set holds."""

import statistics
from collections.abc import Sequence
from typing import Any

from polyspan.data.schema import Corpus


def stats(corpus: Corpus) -> dict[str, Any]:
    """Counts of a corpus as plain numbers. Lengths are in characters (code points): mean, median and maximum.

    `articles` counts titles (a paragraph without one is an article by itself), `duplicate_contexts` paragraphs
    whose context came before, `duplicate_ids` questions whose id did, `misplaced` answers that are not where they
    say; `fingerprint` is the SHA-256 of the content.
    """
    contexts = [paragraph.context for paragraph in corpus.paragraphs]
    pairs = list(corpus.questions())
    answers = [(paragraph.context, answer) for paragraph, question in pairs for answer in question.answers]
    titles = {paragraph.title or f"\0{number}" for number, paragraph in enumerate(corpus.paragraphs)}
    return {
        "name": corpus.name,
        "language": corpus.language,
        "metric": corpus.metric,
        "articles": len(titles),
        "paragraphs": len(contexts),
        "questions": len(pairs),
        "answers": len(answers),
        "answers_per_question": round(len(answers) / len(pairs), 3) if pairs else 0.0,
        "impossible": sum(question.impossible for _, question in pairs),
        "context_length": _lengths(contexts),
        "question_length": _lengths([question.text for _, question in pairs]),
        "answer_length": _lengths([answer.text for _, answer in answers]),
        "misplaced": sum(context[max(0, a.start) : max(0, a.end)] != a.text for context, a in answers),
        "duplicate_contexts": len(contexts) - len(set(contexts)),
        "duplicate_ids": len(pairs) - len({question.id for _, question in pairs}),
        "fingerprint": corpus.fingerprint(),
    }


def _lengths(texts: Sequence[str]) -> dict[str, float]:
    if not texts:
        return {"mean": 0.0, "median": 0.0, "max": 0}
    lengths = [len(text) for text in texts]
    return {
        "mean": round(statistics.fmean(lengths), 1),
        "median": float(statistics.median(lengths)),
        "max": max(lengths),
    }
