"""Heat maps: every layer of one corpus with every layer of another, or every corpus with every other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polyspan.probe.answer_vectors import Paired
from polyspan.probe.moments import Floats

if TYPE_CHECKING:
    from polyspan.probe.study import AnswerStudy


@dataclass(frozen=True, slots=True)
class Heat:
    """`values[i, j]` compares `rows[i]` with `columns[j]`; `baseline` is the same for shuffled pairs."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Floats
    baseline: Floats

    @property
    def gain(self) -> Floats:
        """What is above the baseline: what likeness of the pairs, not of the spaces, accounts for."""
        return self.values - self.baseline

    def as_json(self) -> dict[str, Any]:
        """Nested lists; NaN, where nothing was compared, becomes null."""
        lists = {
            name: [[None if np.isnan(value) else float(value) for value in row] for row in getattr(self, name)]
            for name in ("values", "baseline")
        }
        return {"rows": list(self.rows), "columns": list(self.columns)} | lists


def layer_heat(pair: Paired, measure: "AnswerStudy", seed: int = 0) -> Heat:
    """Every layer of the first corpus with every layer of the second, for one pair of corpora."""
    sides = [{layer: measure.prepare(x) for layer, x in side.items()} for side in (pair.a, pair.b)]
    other = np.random.default_rng(seed).permutation(len(pair.ids))
    values, baseline = np.empty((2, len(sides[0]), len(sides[1])))
    for row, x in enumerate(sides[0].values()):
        for column, y in enumerate(sides[1].values()):
            values[row, column] = measure.compare(x, y)
            baseline[row, column] = measure.compare(x, y[other])
    return Heat(tuple(map(str, sides[0])), tuple(map(str, sides[1])), values, baseline)


def corpus_heat(names: Sequence[str], pairs: Mapping[tuple[str, str], tuple[float, float]]) -> Heat:
    """Every corpus with every other, from (value, baseline) of each pair; a corpus is not compared with itself."""
    values, baseline = np.full((2, len(names), len(names)), np.nan)
    for (a, b), (value, shuffled) in pairs.items():
        for i, j in ((names.index(a), names.index(b)), (names.index(b), names.index(a))):
            values[i, j], baseline[i, j] = value, shuffled
    return Heat(tuple(names), tuple(names), values, baseline)
