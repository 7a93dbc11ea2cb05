"""What stands below a table: F1 of the lexical baseline, and of the encoders while their heads were untrained.

An untrained head belongs to an encoder. Readers of a run may start from several, and then each has its line, under
its name in every table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from polyspan.report.notation import few, listed
from polyspan.report.record.record import Record
from polyspan.report.tables.spread import Spread, of_constant

_NAMED = 3  # readers that a line's name lists


class Beside(NamedTuple):
    """What was known beside one score of a reader."""

    reader: str
    column: str
    seed: int | None
    lexical: float | None
    untrained: float | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """A line below a table, a value a column; `of` says whose untrained head it is, "" where that is all's."""

    name: str
    of: str
    values: tuple[Spread | None, ...]

    @property
    def title(self) -> str:
        """The name in full: "untrained head of e5-small"."""
        return f"{self.name} of {self.of}" if self.of else self.name

    @property
    def known(self) -> bool:
        """Whether it has any value."""
        return any(value is not None for value in self.values)


@dataclass(slots=True)
class _Head:
    """Readers whose encoder scored alike before it was trained: (column, seed) → F1."""

    model: str
    readers: list[str] = field(default_factory=list)
    scores: dict[tuple[str, int | None], float] = field(default_factory=dict)

    def agrees(self, scores: Mapping[tuple[str, int | None], float]) -> bool:
        """Whether no score is another here."""
        return all(self.scores.get(place, score) == score for place, score in scores.items())


def models(record: Record) -> dict[str, str]:
    """The encoder of each Reader, by its last name; one that the recipe makes by its label."""
    return {
        one.name: one.model.rpartition("/")[2].removeprefix("bundled:").removeprefix("encoder ")
        for one in record.training
    }


def baselines(found: Sequence[Beside], columns: Sequence[str], models: Mapping[str, str]) -> list[Baseline]:
    """The lexical baseline, then the untrained head of each encoder; a single line where the run has one, and none
    for what it did not ask.

    `models` are the encoders of all Readers of the run, also of those that are not in this table.
    """
    lexical = {(one.column, one.seed): one.lexical for one in found if one.lexical is not None}
    heads = _heads(found, models)
    lines = [
        Baseline("lexical baseline", "", _values(lexical, columns)),
        *(Baseline("untrained head", _of(head, heads), _values(head.scores, columns)) for head in heads),
    ]
    return [line for line in lines if line.known]


def _heads(found: Sequence[Beside], models: Mapping[str, str]) -> list[_Head]:
    heads: list[_Head] = []
    for reader in dict.fromkeys(one.reader for one in found):
        own = {
            (one.column, one.seed): one.untrained
            for one in found
            if one.reader == reader and one.untrained is not None
        }
        model = models.get(reader, "")
        head = next((head for head in heads if head.model == model and head.agrees(own)), None)
        if head is None:
            heads.append(head := _Head(model))
        head.readers.append(reader)
        head.scores |= own
    every = _Head("")
    for head in heads:
        if len(set(models.values())) > 1 or not every.agrees(head.scores):
            return [head for head in heads if head.scores]
        every.scores |= head.scores
    return [every]


def _of(head: _Head, heads: Sequence[_Head]) -> str:
    if not head.readers:  # every reader's
        return ""
    if head.model and sum(other.model == head.model for other in heads) == 1:
        return head.model
    return listed(few(head.readers, _NAMED + 1))


def _values(scores: Mapping[tuple[str, int | None], float], columns: Sequence[str]) -> tuple[Spread | None, ...]:
    return tuple(of_constant(score for (at, _), score in scores.items() if at == column) for column in columns)
