"""How a report writes numbers, measures and lists in its sentences and tables."""

from collections.abc import Sequence

NOTHING = "–"
"""What stands where there is no number."""
SHORT = {"exact_match": "EM", "f1": "F1", "exact_match / f1": "EM/F1"}
"""Measures as columns are headed."""


def mean_and_deviation(mean: float | None, deviation: float | None = None) -> str:
    """ "55.8 ± 0.4", "55.8" where there is no deviation, or a dash."""
    if mean is None:
        return NOTHING
    return f"{mean:.1f}" + ("" if deviation is None else f" ± {deviation:.1f}")


def over_many_seeds(count: int) -> str:
    """What a caption adds where numbers are means; "" for a single seed."""
    return f"; mean ± standard deviation over {count} seeds" if count > 1 else ""


def signed(value: float | None) -> str:
    """A difference with its sign, a real minus; a dash where there is none."""
    if value is None:
        return NOTHING
    return f"{value:+.1f}".replace("-", "−").replace("+0.0", "±0.0").replace("−0.0", "±0.0")


def p_value(value: float | None) -> str:
    """ "< .001", ".034", or a dash."""
    if value is None:
        return NOTHING
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def stars(p: float | None) -> str:
    """`*` for a p below .05, `**` below .01, `***` below .001; "" where it is no surprise, or not known."""
    return "" if p is None else "*" * sum(p < bound for bound in (0.05, 0.01, 0.001))


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def few(words: Sequence[str], most: int) -> list[str]:
    """At most so many words; of a longer list the first ones, and how many more there are."""
    return list(words) if len(words) <= most else [*words[: most - 1], f"{len(words) - most + 1} more"]
