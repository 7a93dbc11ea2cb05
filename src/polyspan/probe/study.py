"""What a kind of probe is: its options, its names in figures and reports, and the study that it makes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from polyspan.data.schema import Corpus

Points = NDArray[np.floating[Any]]
"""Vectors, or what a kind has made of them: a row for each point."""
Found = tuple[dict[str, Any], list[dict[str, Any]]]
"""The numbers of a study as plain JSON, and its rows or points."""


@dataclass(frozen=True)
class Study(ABC):
    """A frozen dataclass of a kind's options, all with defaults, and its `run`.

    A file of `polyspan.probe.kinds` is all there is to a kind: recipes, plans and reports read the rest from here.
    So the file loads torch inside `run`, not at its top.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """Above its figure in a report."""
    likeness: ClassVar[str] = ""
    """What its values are called on an axis; "" for a kind without any, which cannot be set against scores."""

    @classmethod
    def options(cls) -> dict[str, Any]:
        """The names of the options, with their types."""
        hints = get_type_hints(cls)
        return {field.name: hints[field.name] for field in fields(cls)}

    def settings(self) -> dict[str, Any]:
        """The options as the study tells them."""
        return asdict(self)

    @abstractmethod
    def run(
        self,
        model: str,
        corpora: Sequence[Corpus],
        *,
        before: str | None = None,
        layers: Sequence[int] = (),
        limit: int | None = None,
        seed: int = 0,
    ) -> Found:
        """Study a model, or its states `before` and after fine-tuning, over corpora, at some `layers`.

        `limit` questions are drawn by the seed.
        """


class AnswerStudy(Study):
    """A kind that compares the answers of parallel corpora, each side prepared once.

    `prepare` turns vectors (points, width) into an array of as many points; `compare` gives two such a value.
    Rows of one side in another order give the baseline.
    """

    maps: ClassVar[bool] = True
    """Whether the first pair has a heat map of layers × layers."""
    centred: ClassVar[str] = ""
    """What the values `centred` by language are called on an axis, where rows have such."""

    @abstractmethod
    def prepare(self, x: Points) -> Points:
        """One side at one layer."""

    @abstractmethod
    def compare(self, x: Points, y: Points) -> float:
        """The likeness of two sides."""

    def row(self, x: Points, y: Points, other: NDArray[np.int64]) -> dict[str, Any]:
        """What is said of one layer of a pair: `value`, and the `baseline` of `y` in another order."""
        a, b = self.prepare(x), self.prepare(y)
        return {"value": self.compare(a, b), "baseline": self.compare(a, b[other])}

    def run(
        self,
        model: str,
        corpora: Sequence[Corpus],
        *,
        before: str | None = None,
        layers: Sequence[int] = (),
        limit: int | None = None,
        seed: int = 0,
    ) -> Found:
        """`polyspan.probe.studies.study_answers`, with its rows; all layers where none are named."""
        from polyspan.probe.studies import study_answers

        study = study_answers(self, model, corpora, before=before, layers=layers, limit=limit, seed=seed)
        return study, study["rows"]
