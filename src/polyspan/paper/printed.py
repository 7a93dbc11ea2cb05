"""The paper's own results, and its factors."""

from functools import cache
from pathlib import Path

from polyspan.paper.places import numbers
from polyspan.paper.results import Cell, Results
from polyspan.stats.factors import read_factors


def printed() -> Results:
    """The paper's own results: one run a cell, no seeds."""
    return Results({place: (Cell(em, f1),) for place, em, f1 in numbers()}, "the printed tables")


@cache
def factors() -> dict[str, dict[str, str | dict[str, str]]]:
    """The three factors of §2.3.2 over the training sets of Table 2."""
    return read_factors(Path(__file__).parent / "factors.yaml")
