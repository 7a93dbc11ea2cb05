"""A reader's evidence on a development set, judged by the metric: what would be right, and what must stay open."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError
from polyspan.score import default_metric, find, score
from polyspan.stats.evidence import Evidence


@dataclass(frozen=True, eq=False)
class Judged:
    """Of n questions: the reader's evidence, and what its best spans are worth; arrays of shape (n,).

    `right` is whether the best span matches a gold answer exactly, `f1` its F1 from 0 to 1, `impossible` whether
    the question has no answer: there "" is right, and no span is.
    """

    evidence: Evidence
    right: NDArray[np.bool_]
    f1: NDArray[np.float64]
    impossible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.right)


def judge(corpus: Corpus, evidence: Evidence) -> Judged:
    """Judge the best spans of a corpus by its metric, as `score` does without one named.

    Raises PolyspanError for evidence on other questions, for a metric that means nothing in the corpus's language,
    and for questions without a gold answer that are not said to be unanswerable, where the metric knows none.
    """
    questions = [question for _, question in corpus.questions()]
    if [question.id for question in questions] != list(evidence.ids):
        raise PolyspanError("the evidence is on other questions", where=corpus.name)
    named = corpus.metric or default_metric(corpus.language)
    metric = find(named, corpus.language)
    if not metric.suits(corpus.language):
        raise PolyspanError(
            f"the metric {metric.name} cannot judge {corpus.name}",
            found=f"its language is {corpus.language or 'not known'}",
            expected=metric.meant_for,
            fix="give the language of the data, or take out the metric that the file names",
        )
    no_answer = metric.no_answer
    impossible = np.array([one.impossible or (no_answer and not one.answers) for one in questions], bool)
    best = dict(zip(evidence.ids, evidence.texts, strict=True))
    right, f1 = np.zeros(len(best), bool), np.zeros(len(best))
    if not impossible.all():
        answerable = _without(corpus, {one.id for one, none in zip(questions, impossible, strict=True) if none})
        found = score(answerable, best, metric).questions
        values = [found.get(one.id, (False, 0.0)) for one in questions]
        right, f1 = np.array([value[0] for value in values], bool), np.array([value[1] for value in values], float)
    return Judged(evidence, right & ~impossible, np.where(impossible, 0.0, f1), impossible)


def _without(corpus: Corpus, ids: set[str]) -> Corpus:
    paragraphs = (
        replace(one, questions=tuple(question for question in one.questions if question.id not in ids))
        for one in corpus.paragraphs
    )
    return replace(corpus, paragraphs=tuple(paragraphs))
