"""Whether an exported Reader answers as before: logits, scores and equal answers, data set by data set."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.data.schema import Corpus
from polyspan.model.answers import AnswerOptions, answer_corpus
from polyspan.model.batch import Batch, on_host
from polyspan.model.reader import Reader
from polyspan.score import score

SAME = 95.0
"""Per cent of the answers that must be equal."""

LOGITS = 1e-4
"""How far a logit in float32 may be from torch's."""

_PIECES = 2048  # of a batch: both Readers must have the same ones

Logits = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class GateRow:
    """A data set, answered by a Reader and by what was exported of it; all but `n` in per cent."""

    data: str
    language: str | None
    n: int
    em: float
    f1: float
    em_exported: float
    f1_exported: float
    same: float
    """Of the answers, with those of "" among them."""

    def passes(self, tolerance: float) -> bool:
        """Whether F1 falls by no more than the tolerance and nearly all answers are equal."""
        return self.f1 - self.f1_exported <= tolerance and self.same >= SAME


@dataclass(frozen=True, slots=True)
class ExportGate:
    """What was measured, and whether it is good enough."""

    rows: tuple[GateRow, ...]
    max_logit_difference: float
    """From torch's in float32, over all pieces of all windows."""
    passed: bool

    def as_json(self) -> dict[str, Any]:
        """As `export.json` has it."""
        rows = [asdict(row) for row in self.rows]
        return {"max_logit_difference": self.max_logit_difference, "gate": rows, "passed": self.passed}


@dataclass(frozen=True, slots=True)
class GateAnswers:
    """What a Reader gives to a corpus: texts by the ids of questions, and the logits of each batch."""

    texts: dict[str, str]
    logits: list[Logits]


def measure(reader: Reader, exported: Reader, corpora: Sequence[Corpus], tolerance: float) -> ExportGate:
    """Answer corpora with a Reader and with what was exported of it, as `predict` does, and `compare`."""
    before = answered(reader, corpora)
    return compare(corpora, before, answered(exported, corpora, " with the exported Reader"), exported, tolerance)


def answered(reader: Reader, corpora: Sequence[Corpus], by: str = "") -> list[GateAnswers]:
    """What a Reader gives to each corpus; `by` tells in its progress whose answers they are."""
    found = []
    for corpus in corpora:
        heard = _Overheard(reader)
        found.append(GateAnswers(_texts(heard, corpus, f"answering {corpus.name}{by}"), heard.heard))
    return found


def compare(
    corpora: Sequence[Corpus],
    before: Sequence[GateAnswers],
    after: Sequence[GateAnswers],
    exported: Reader,
    tolerance: float,
) -> ExportGate:
    """What a Reader gave against what was given by it as it was exported.

    It is passed where F1 falls by `tolerance` or less and `SAME` per cent of the answers are equal, in every
    corpus, and where in float32 no logit differs by more than `LOGITS`.
    """
    rows, largest = [], 0.0
    for corpus, one, other in zip(corpora, before, after, strict=True):
        largest = max(largest, *map(_difference, one.logits, other.logits))
        scored, again = score(corpus, one.texts), score(corpus, other.texts)
        equal = sum(other.texts[key] == text for key, text in one.texts.items())
        figures = scored.exact_match, scored.f1, again.exact_match, again.f1, 100 * equal / len(one.texts)
        rows.append(GateRow(corpus.name, corpus.language, len(corpus), *figures))
    close = exported.dtype != "fp32" or largest <= LOGITS
    return ExportGate(tuple(rows), largest, close and all(row.passes(tolerance) for row in rows))


class _Overheard:
    """A Reader whose logits are kept, a batch after another."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self.heard = reader, list[Logits]()

    def logits(self, batch: Batch, *, pack: bool = False) -> tuple[Any, Any]:
        start, end = self._reader.logits(batch, pack=pack)
        self.heard.append((on_host(start), on_host(end)))
        return start, end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


def _texts(reader: Any, corpus: Corpus, doing: str) -> dict[str, str]:
    answers = answer_corpus(reader, corpus, AnswerOptions(), token_budget=_PIECES, doing=doing)
    ids = (question.id for _, question in corpus.questions())
    return {key: found[0].text for key, found in zip(ids, answers, strict=True)}


def _difference(one: Logits, other: Logits) -> float:
    """Between logits of one batch, but at its padding."""
    inside = np.isfinite(one[0])
    return float(max(np.abs(a[inside] - b[inside]).max(initial=0) for a, b in zip(one, other, strict=True)))
