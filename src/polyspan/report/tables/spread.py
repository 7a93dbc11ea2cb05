"""A number over seeds."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from polyspan.report.notation import mean_and_deviation


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean over seeds, and the sample standard deviation where there are several."""

    mean: float
    deviation: float | None = None

    def __str__(self) -> str:
        return mean_and_deviation(self.mean, self.deviation)


def spread(values: Iterable[float | None]) -> Spread | None:
    """The spread of the values that are known; None where none is."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Spread(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None)


def of_constant(values: Iterable[float | None]) -> Spread | None:
    """The same, of a number that seeds need not change: without a deviation where they did not."""
    known = [value for value in values if value is not None]
    return spread(known[:1] if len(set(known)) == 1 else known)
