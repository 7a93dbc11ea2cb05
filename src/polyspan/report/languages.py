"""Languages in a report: their names in words, the direction of their text, lists of them."""

from polyspan.data.languages import language_name as language_name
from polyspan.data.languages import primary as primary
from polyspan.data.languages import script
from polyspan.errors import UsageError

_RIGHT_TO_LEFT = frozenset({"Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"})


def direction(tag: str | None) -> str:
    """HTML's `dir` for text in a language: "rtl" where it is written from the right, else "auto"."""
    try:
        return "rtl" if script(tag) in _RIGHT_TO_LEFT else "auto"
    except UsageError:
        return "auto"


def listed(words: list[str]) -> str:
    """Words as a list in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
