"""Several systems on the same questions: how sure each score is, and how each differs from the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyspan.errors import PolyspanError, UsageError
from polyspan.score import Scores
from polyspan.stats.comparison import Comparison, compare
from polyspan.stats.resampling import DRAWS, bootstrap_sums, interval
from polyspan.stats.units import MEASURES, question_table, unit_sums

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """One system: its scores, the 95 % intervals of both measures in percent, and how it differs from the first.

    `against` is None for the first system, and where the two cannot be compared; `why` says why then.
    """

    name: str
    scores: Scores
    exact_match: Interval
    f1: Interval
    against: Comparison | None = None
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """As `polyspan score --json` prints it for several systems; intervals are [low, high]."""
        told: dict[str, Any] = {"name": self.name, **self.scores.summary(), "ci95": list(self.f1)}
        told["ci95_exact_match"] = list(self.exact_match)
        if self.against is not None:
            told["against"] = self.against.as_json()
        return told | ({"why": self.why} if self.why else {})


def standings(
    systems: Mapping[str, Scores], *, of: Mapping[str, str] | None = None, draws: int = DRAWS, seed: int = 42
) -> list[Standing]:
    """The systems in their order, with bootstrap intervals, each compared with the first (`stats.compare`).

    `of` gives each question's unit (`units(corpus, "paragraph")`). Raises UsageError for no systems or no draws.
    """
    if not systems or draws < 1:
        raise UsageError("there is nothing to draw", found=f"{len(systems)} systems, {draws} draws")
    first = next(iter(systems.values()))
    found = []
    for name, scores in systems.items():
        bounds = intervals([scores], of=of, draws=draws, seed=seed)
        against, why = None, ""
        if scores is not first:
            try:
                against = compare(first, scores, of=of, draws=draws, seed=seed)
            except PolyspanError as error:
                why = error.brief
        found.append(Standing(name, scores, bounds["exact_match"], bounds["f1"], against, why))
    return found


def intervals(
    runs: Sequence[Scores], *, of: Mapping[str, str] | None = None, draws: int = DRAWS, seed: int = 42
) -> dict[str, Interval]:
    """The 95 % percentile interval of each measure, in percent: of one system, or of the mean of several runs.

    Questions are drawn, or the units `of` them; the runs are those there are, so that what other seeds would give
    is not in it. Raises PolyspanError where the runs were not scored on the same questions.
    """
    keys, table = question_table(runs, of)
    columns = [table.mean(axis=1), np.ones((len(keys), 1))]  # the last one is the number of questions
    drawn = bootstrap_sums(unit_sums(keys, np.concatenate(columns, axis=1)), draws, (seed, 0))
    found = [interval(100 * drawn[:, index] / drawn[:, -1]) for index in range(len(MEASURES))]
    return dict(zip(MEASURES, found, strict=True))
