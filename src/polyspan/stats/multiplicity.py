"""Several tests at once: p-values that hold for all of them together."""

from collections.abc import Sequence


def holm(ps: Sequence[float]) -> list[float]:
    """The p-values adjusted by Holm's step-down rule (1979), in their own order.

    Below a level α they are those that Holm's rule rejects, with a chance of α at most that any of them is wrong,
    however the tests depend on each other.
    """
    adjusted, least = [0.0] * len(ps), 0.0
    for number, at in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        least = max(least, min(1.0, (len(ps) - number) * ps[at]))
        adjusted[at] = least
    return adjusted
