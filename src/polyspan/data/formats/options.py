"""How a file is to be read where it does not say so itself: its encoding, the names of its columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from polyspan.errors import UsageError, choose, nearest

REQUIRED = ("id", "context", "question")
"""The columns that every row has."""

COLUMNS = (*REQUIRED, "title", "answers", "answer", "answer_text", "answer_start",
           "answers.text", "answers.answer_start", "is_impossible", "paragraph", "language")  # fmt: skip
"""The columns that mean something; others are passed over."""

_COMMON = ("utf-8", "utf-16", "utf-16-le", "utf-32", "windows-1252", "windows-1251", "latin-1", "mac-roman",
           "big5", "gb18030", "shift_jis", "euc-jp", "euc-kr", "cp949")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """Options of reading: `encoding` is one of Python's; `columns` maps names of `COLUMNS` to those of the file.

    Raises UsageError for an encoding that nobody knows and for a column that means nothing.
    """

    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for known, given in self.columns.items():
            if known not in COLUMNS and given in COLUMNS:
                raise UsageError(
                    "columns has the names the wrong way round", found=f"{known}={given}", fix=f"{given}={known}"
                )
            choose("column", known, COLUMNS)
        try:
            "a".encode(self.encoding or "utf-8")  # refuses, unlike a look-up, what is no encoding of text: zip
        except (LookupError, UnicodeError, ValueError) as error:
            hint = nearest(str(self.encoding).lower(), _COMMON)
            raise UsageError(f"unknown encoding {self.encoding!r}", fix=hint) from error

    def found(self, names: Iterable[str]) -> dict[str, str]:
        """The columns that mean something, each with its name among those of a file.

        `columns` comes first, then the names themselves, whatever their case; a question's and an answer's own
        names in SQuAD's kin, `question_id` and `text` beside `answer_start`, last.
        """
        rest = list(names)
        found: dict[str, str] = {}
        for known, given in self.columns.items():
            if (name := _named(given, rest)) is not None:
                found[known] = name
        rest = [name for name in rest if name not in found.values()]
        for known in COLUMNS:
            if known not in found and (name := _named(known, rest)) is not None:
                found[known] = name
        rest = [name for name in rest if name not in found.values()]
        if "id" not in found and (name := _named("question_id", rest)) is not None:
            found["id"] = name
        flat = {"context", "answer_start"} <= found.keys() and not found.keys() & {
            "answers",
            "answer",
            "answer_text",
        }
        if flat and (name := _named("text", rest)) is not None:
            found["answer_text"] = name
        return found

    def not_found(self, found: Mapping[str, str]) -> dict[str, str]:
        """The columns that `columns` names and a file has neither under that name nor under its usual one."""
        return {known: given for known, given in self.columns.items() if known not in found}


def _named(wanted: str, names: Iterable[str]) -> str | None:
    names = list(names)
    plain = wanted.strip().casefold()
    alike = [name for name in names if isinstance(name, str) and name.strip().casefold() == plain]
    return wanted if wanted in names else next(iter(alike), None)
