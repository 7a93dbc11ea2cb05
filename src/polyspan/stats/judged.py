"""A reader's evidence on a development set, judged by the metric: what would be right, and what must stay open."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError
from polyspan.score import default_metric, find, score
from polyspan.stats.evidence import Evidence

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judged:
    """Of n questions: the reader's evidence, and what its best spans are worth; arrays of shape (n,).

    `right` is whether the best span matches a gold answer exactly, `f1` its F1 from 0 to 1, `impossible` whether
    the question has no answer: there "" is right, and no span is.
    """

    evidence: Evidence
    right: Flags
    f1: NDArray[np.float64]
    impossible: Flags

    def __len__(self) -> int:
        return len(self.right)


def judge(corpus: Corpus, evidence: Evidence) -> Judged:
    """Judge the best spans of a corpus's questions, as `worth` does. Raises PolyspanError for other questions."""
    if [question.id for _, question in corpus.questions()] != list(evidence.ids):
        raise PolyspanError("the evidence is on other questions", where=corpus.name)
    return Judged(evidence, *worth(corpus, evidence.texts))


def worth(corpus: Corpus, texts: Sequence[str]) -> tuple[Flags, NDArray[np.float64], Flags]:
    """What spans given in answer to a corpus's questions are worth: `right`, `f1` and `impossible` of `Judged`.

    The metric is the corpus's, or else its language's. Raises PolyspanError for one that means nothing in that
    language, for two questions with one id, and for a question without a gold answer that is not said to be
    unanswerable, where the metric knows none.
    """
    questions = [question for _, question in corpus.questions()]
    metric = find(corpus.metric or default_metric(corpus.language), corpus.language)
    if not metric.suits(corpus.language):
        raise PolyspanError(
            f"the metric {metric.name} cannot judge {corpus.name}",
            found=f"its language is {corpus.language or 'not known'}",
            expected=metric.meant_for,
            fix="give the language of the data, or take out the metric that the file names",
        )
    impossible = np.array([one.impossible or (metric.no_answer and not one.answers) for one in questions], bool)
    given = {question.id: text for question, text in zip(questions, texts, strict=True)}
    found = score(corpus, given, metric).questions if questions else {}
    scores = np.array([found[question.id] for question in questions], float).reshape(-1, 2)
    return (scores[:, 0] > 0) & ~impossible, np.where(impossible, 0.0, scores[:, 1]), impossible
