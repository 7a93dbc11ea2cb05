"""A reader's evidence on a development set, judged by the metric: what would be right, and what must stay open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from polyspan.data.schema import Corpus, Question
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
    right, f1 = np.zeros(len(questions), bool), np.zeros(len(questions))
    if not impossible.all():
        given = {question.id: text for question, text in zip(questions, texts, strict=True)}
        found = score(_without(corpus, questions, impossible), given, metric).questions
        for at in np.flatnonzero(~impossible):
            right[at], f1[at] = found[questions[at].id]
    return right, f1, impossible


def _without(corpus: Corpus, questions: Sequence[Question], left_out: Flags) -> Corpus:
    """The corpus without some of its questions."""
    out = {id(question) for question, leaves in zip(questions, left_out, strict=True) if leaves}
    kept = (
        replace(one, questions=tuple(question for question in one.questions if id(question) not in out))
        for one in corpus.paragraphs
    )
    return replace(corpus, paragraphs=tuple(kept))
