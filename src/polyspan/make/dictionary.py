"""Bilingual dictionaries in the format of MUSE: a pair a line, the word and its translation."""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polyspan.data import mini
from polyspan.errors import PolyspanError, shorten
from polyspan.files import Source, explained

_FORM = "two words a line, the word and its translation, white space between them"
_APOSTROPHES = "'’‘\u02bc\u2032\uff07´`"
_HYPHENS = "-\u2010\u2011\uff0d"
_UNSEEN = "\u00ad\u200c\u200d\u2060"  # soft hyphen, joiners and non-joiners
_PLAIN = str.maketrans(
    dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_HYPHENS, "-") | dict.fromkeys(_UNSEEN, "")
)
JOINING = f"[{_APOSTROPHES}{_HYPHENS[1:]}{_UNSEEN}-]"
"""Marks that join two runs of letters to one word, as a class of a regular expression."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Translations of words, the usual one first. The words are lower-case; translations are as the file has them.

    `broken` is how many lines of the file were skipped because they are no pair; `sha256` is of the file's bytes.
    """

    entries: Mapping[str, tuple[str, ...]] = field(repr=False)
    name: str = "dictionary"
    broken: int = 0
    sha256: str = ""
    _plain: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plain: dict[str, tuple[str, ...]] = {}
        for word, translations in self.entries.items():
            plain.setdefault(fold(word), translations)
        object.__setattr__(self, "_plain", plain)

    def translations(self, word: str) -> tuple[str, ...]:
        """The translations of a word as it stands in a text; none where it is not in the dictionary.

        In lower case, or else by `fold`: "Don’t" is found as "don't".
        """
        return self.entries.get(word.lower()) or self._plain.get(fold(word), ())

    @property
    def pairs(self) -> int:
        """Word and translation, each pair once."""
        return sum(map(len, self.entries.values()))


def fold(word: str) -> str:
    """A word as it is looked up: lower case, NFKC (full width, composed or not), one apostrophe, one hyphen."""
    if word.isascii():
        return word.lower().replace("`", "'")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word.translate(_PLAIN)).lower())


def read_dictionary(path: Source) -> Dictionary:
    """Read a dictionary: UTF-8, any white space between word and translation, a line a translation.

    Empty lines mean nothing. Up to ten broken lines, or one in a hundred, are skipped and counted. Raises
    PolyspanError where there are more, where no pair is left, and where the file cannot be read or is not UTF-8.
    """
    if str(path).startswith("mini:"):
        path = mini.dictionary(str(path).removeprefix("mini:"))
    with explained(path, "read"):
        data = Path(path).read_bytes()
    entries: dict[str, dict[str, None]] = {}
    broken: list[tuple[int, str]] = []
    lines = _decoded(data, path).split("\n")
    for number, line in enumerate(lines, 1):
        words = line.split()
        if len(words) == 2:
            entries.setdefault(words[0].lower(), {})[words[1]] = None
        elif words:
            broken.append((number, line))
    if len(broken) > max(10, len(lines) // 100) or not entries:
        number, line = broken[0] if broken else (1, "")
        raise PolyspanError(
            f"{len(broken):,} of {len(lines):,} lines are no pair of words"
            if broken
            else "the dictionary is empty",
            where=f"{path}, line {number:,}",
            found=shorten(line),
            expected=_FORM,
            fix="mend or delete these lines" if entries else "give a dictionary in the format of MUSE",
        )
    translations = {word: tuple(those) for word, those in entries.items()}
    return Dictionary(translations, Path(path).name, len(broken), hashlib.sha256(data).hexdigest())


def _decoded(data: bytes, path: Source) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        start = data.rfind(b"\n", 0, error.start) + 1
        raise PolyspanError(
            "the dictionary is not UTF-8",
            where=f"{path}, line {line:,}",
            found=shorten(data[start : start + 60].split(b"\n")[0]),
            expected=_FORM,
            fix="convert the file with iconv from the encoding it was saved in",
        ) from None
