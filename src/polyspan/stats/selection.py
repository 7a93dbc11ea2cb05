"""Which checkpoint to report: the last, the best on the source's development set, or the best on the test itself.

Keung et al. 2020 ("Don't Use English Dev", arXiv 2004.15001): the choice moves zero-shot scores by many points,
and the last of the three, the oracle, uses test answers that a zero-shot setting does not have. So all three
are given.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polyspan.errors import PolyspanError, nearest

RULES = ("last", "source-dev", "oracle")


@dataclass(frozen=True, slots=True)
class Choice:
    """The checkpoint that a rule picks for one test and seed, and its score there in `measure`."""

    test: str
    seed: int | None
    rule: str
    checkpoint: float
    measure: str
    score: float


def select(rows: Sequence[Mapping[str, Any]], source: str, measure: str = "f1") -> list[Choice]:
    """Report every test under the three rules, from a table of scores by checkpoint.

    A row has `checkpoint` (a number that grows with training), `test`, the measure, and `seed` where there are
    several runs. `source` is the test that stands for the source language's development set; it is no target of
    its own. Of equal scores the earliest checkpoint is taken. Raises PolyspanError for a missing key, a score or
    checkpoint that is not a number, a test without some checkpoint, and a source that is not in the table.
    """
    table = _table(rows, measure)
    tests = list(dict.fromkeys(test for _, test in table))
    if source not in tests:
        raise PolyspanError(f"the table has no scores on {source!r}", fix=nearest(source, tests))
    choices = []
    for (seed, test), scores in table.items():
        if test == source:
            continue
        dev = table.get((seed, source), {})
        if dev.keys() != scores.keys():
            raise PolyspanError(
                f"{test!r} and {source!r} were not scored at the same checkpoints",
                found=f"{sorted(scores)} and {sorted(dev)}" + ("" if seed is None else f", seed {seed}"),
            )
        picked = {"last": max(scores), "source-dev": _best(dev), "oracle": _best(scores)}
        choices += [Choice(test, seed, rule, at, measure, scores[at]) for rule, at in picked.items()]
    return choices


def _table(rows: Sequence[Mapping[str, Any]], measure: str) -> dict[tuple[int | None, str], dict[float, float]]:
    table: dict[tuple[int | None, str], dict[float, float]] = {}
    for number, row in enumerate(rows, 1):
        if lacking := [key for key in ("checkpoint", "test", measure) if row.get(key) in (None, "")]:
            raise PolyspanError(
                f"row {number} of the table of checkpoints lacks {lacking[0]!r}", found=", ".join(row) or "nothing"
            )
        at, score = (_number(row, key, number) for key in ("checkpoint", measure))
        seed = None if row.get("seed") in (None, "") else int(_number(row, "seed", number))
        scores = table.setdefault((seed, str(row["test"])), {})
        if at in scores:
            raise PolyspanError(f"checkpoint {at:g} was scored twice on {row['test']!r}", where=f"row {number}")
        scores[at] = score
    if not table:
        raise PolyspanError("the table of checkpoints is empty")
    return table


def _number(row: Mapping[str, Any], key: str, number: int) -> float:
    try:
        value = float(row[key])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise PolyspanError(f"{key!r} is not a number", where=f"row {number}", found=repr(row[key]))
    return value


def _best(scores: Mapping[float, float]) -> float:
    return max(sorted(scores), key=lambda at: scores[at])
