"""What one value of a file says, whatever wrote it: nothing, yes or no, a number."""

import re
from typing import Any

_NOTHING = frozenset({"", "nan", "na", "<na>", "n/a", "#n/a", "#na", "nat", "null", "none", "nil"})
_YES = frozenset({"true", "t", "yes", "y", "wahr", "ja", "vrai", "oui", "verdadero", "sí", "vero", "sì", "waar",
                  "verdadeiro", "sim"})  # fmt: skip
_NO = frozenset({"false", "f", "no", "n", "falsch", "nein", "faux", "non", "falso", "onwaar", "nee", "não"})
_WHOLE = re.compile(r"\s*(-?[0-9]{1,10})(\.0*|,0)?\s*")
_MAX_WHOLE = 2**31


def is_empty(value: Any) -> bool:
    """Whether a value holds nothing at all: null, NaN, or text without a visible character."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and value != value)


def is_blank(value: Any) -> bool:
    """Whether a value stands for nothing where it is no text: `is_empty`, or a word such as `NaN` or `#N/A`."""
    return is_empty(value) or (isinstance(value, str) and value.strip().casefold() in _NOTHING)


def yes_or_no(value: Any) -> bool | None:
    """True or False, as a flag, as 0 or 1, or in words, those of Excel in seven languages too; None for others."""
    if isinstance(value, str):
        word = value.strip().casefold()
        if word in _YES or word in _NO:
            return word in _YES
    number = int(value) if isinstance(value, bool) else whole_number(value)
    return bool(number) if number in (0, 1) else None


def whole_number(value: Any) -> int | None:
    """A whole number, also as text or with a point, which pandas gives a column with gaps; None for others."""
    if isinstance(value, str) and (match := _WHOLE.fullmatch(value)):
        value = int(match[1])
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -_MAX_WHOLE < value < _MAX_WHOLE:
        return None
    return value
