"""Numbers that carry their uncertainty, so that a hypothesis can be written as the inequality that it is.

`look("table2", "Kr", "Zh") > look("table2", "En", "Zh")` is a Check: whether it holds on the estimates, and in
which share of the draws. A Value's draws have the estimate in front; a number that the table lacks has no draws
but says what is missing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from polyspan.stats.resampling import Floats

_TIE = 1e-9  # printed ties are ties: 49.2 - 44.2 is not quite 5.0


@dataclass(frozen=True)
class Value:
    """A number with its name, the estimate and the draws of it (None where something is missing: see `needs`)."""

    label: str
    draws: Floats | None = field(repr=False)
    needs: tuple[str, ...] = ()
    digits: int = 1

    @property
    def estimate(self) -> float | None:
        """The number itself, None where it is missing."""
        return None if self.draws is None else float(self.draws[0])

    def __gt__(self, other: "Value") -> "Check":
        return _check(self, ">", other)

    def __lt__(self, other: "Value") -> "Check":
        return _check(self, "<", other)

    def __truediv__(self, other: "Value | float") -> "Value":
        if isinstance(other, Value):
            return combine(f"{self.label} / {other.label}", _share, [self, other])
        return combine(f"{self.label} / {other:g}", lambda mine: mine / other, [self])

    def __sub__(self, other: "Value | float") -> "Value":
        if isinstance(other, Value):
            return combine(f"{self.label} - {other.label}", np.subtract, [self, other])
        return combine(f"{self.label} - {other:g}", lambda mine: mine - other, [self])

    def named(self, label: str, digits: int = 1) -> "Value":
        """The same number under another name."""
        return replace(self, label=label, digits=digits)

    def __str__(self) -> str:
        number = "?" if self.estimate is None else format(self.estimate, f".{self.digits}f")
        return f"{self.label} {number}".strip()


@dataclass(frozen=True)
class Check:
    """One inequality. `true` says for the estimate and every draw whether it holds, None where it cannot be told.

    `text` shows how the two numbers do stand: with > or < where the inequality holds, with ≤ or ≥ where not.
    An `aside` is shown beside a hypothesis but is no part of it.
    """

    text: str
    left: float | None
    right: float | None
    true: npt.NDArray[np.bool_] | None = field(repr=False)
    needs: tuple[str, ...] = ()
    aside: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether it holds on the estimates."""
        return None if self.true is None else bool(self.true[0])

    @property
    def share(self) -> float | None:
        """The share of the draws in which it holds; None without draws."""
        return None if self.true is None or len(self.true) < 2 else float(self.true[1:].mean())


def aside(check: Check) -> Check:
    """A check that is shown but not counted."""
    return replace(check, aside=True)


def constant(number: float, label: str = "") -> Value:
    """A number that is sure: a threshold."""
    return Value(label, np.array([number]), digits=1)


def combine(label: str, function: Callable[..., Floats], values: Sequence[Value], digits: int = 1) -> Value:
    """A function of several values, draw by draw; missing where one of them is."""
    needs = tuple(dict.fromkeys(need for value in values for need in value.needs))
    draws = [value.draws for value in values]
    known = [each for each in draws if each is not None]
    if len(known) < len(draws):
        return Value(label, None, needs, digits)
    return Value(label, function(*np.broadcast_arrays(*known)), (), digits)


def highest(label: str, values: Sequence[Value]) -> Value:
    """The largest of several values in each draw."""
    return combine(label, lambda *each: np.max(each, axis=0), values)


def lowest(label: str, values: Sequence[Value]) -> Value:
    """The smallest of several values in each draw."""
    return combine(label, lambda *each: np.min(each, axis=0), values)


def _share(one: Floats, other: Floats) -> Floats:
    """One divided by the other; 0 of nothing."""
    return np.divide(one, other, out=np.zeros(one.shape), where=other != 0)


def _check(left: Value, sign: str, right: Value) -> Check:
    margin = combine("", np.subtract, [left, right] if sign == ">" else [right, left])
    true = None if margin.draws is None else margin.draws > _TIE
    against = {">": "≤", "<": "≥"}[sign]
    shown = f"{left} {sign if true is None or true[0] else against} {right}"
    return Check(shown, left.estimate, right.estimate, true, margin.needs)
