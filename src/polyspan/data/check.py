"""Checking a data set: every fault with its place, what was found, what was expected, and the remedy.

| rule | what is wrong | `--fix` |
| --- | --- | --- |
| `offset` | the answer's text is not at `answer_start`, but elsewhere in the context | where certain (1) |
| `answer-missing` | the answer's text is nowhere in the context | set aside |
| `answer-empty` | the answer is empty or blank, as where the paper's translation lost it | set aside |
| `no-answer` | a question without answers that is not marked `is_impossible` | set aside |
| `question-empty`, `context-empty` | a blank text | set aside |
| `duplicate-id` | an id that another question has | identical ones dropped, others set aside |
| `control-character` | U+0001–U+001F but tab and line ends, U+007F–U+009F | a space instead, C1 set aside |
| `nfd-hangul` | Hangul in decomposed letters, which tokenizers and scores take for other text | composed |
| `mojibake` | UTF-8 that was read as Windows-1252 and saved again | set aside |
| `bom` | a byte order mark at the start of a file other than CSV or TSV | yes |
| `leak` | with `against`: a context that the other data set holds too | no |
| `encoding` (2) | bytes that are not UTF-8, half a surrogate pair | UTF-16, UTF-32, Windows-1252 |
| `nul` (2) | a NUL byte, or U+0000 in a text | set aside |
| `truncated-json` (2) | the file ends inside the JSON | no |
| `invalid-json` (2) | not JSON | lines of JSON Lines set aside |
| `duplicate-key` (2) | a key that stands twice in one JSON object | set aside |
| `missing-key` (2) | a key that must be there | set aside; `answer_start` where certain (1) |
| `wrong-type` (2) | text where a number belongs, a list where an object does, … | set aside |
| `no-questions` (2) | no question at all | no |

(1) The offset counts UTF-16 units or bytes, and the text is at the code point that this means; or every answer
of the file is off by the same number; or the text occurs once in the context; or it occurs at the one shift that
all misplaced answers of this context that occur once have in common. (2) A fault of structure: `read` raises on
it; the others are about content.

Warnings leave `ok` alone, and come one a rule and file, with a count and the first place: `utf16-offset` (wrong
offsets count UTF-16 units, so that an emoji or a rare ideograph before the answer shifts it: all 21 of CMRC 2018's
training set), `byte-offset` (they count bytes), `constant-shift` (all are off by the same number),
`answer-start-type` (a whole number written as text in JSON, as in the paper's released files), `answer-ambiguous`
(CMRC's first release gives no places, nor does an answer that is mere text: one that occurs more than once was
placed at the first), `answer-space` (an answer that begins or ends with a space), `duplicate-paragraph` (a context
twice in one data set), `hidden-character` (U+200B, U+FEFF, a direction mark or the like in a
text: left as it is; labels and answers begin and end with a visible character), `replacement-character` (U+FFFD),
`no-answer` (in a row format, which has no version: read as impossible).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polyspan.data.parse import parse
from polyspan.data.parsed import Fault, Parsed
from polyspan.data.read import is_name, resolve
from polyspan.data.reading import Reading
from polyspan.data.rules import judge, leaks
from polyspan.data.schema import Corpus
from polyspan.files import Source
from polyspan.languages import language_tag


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found. `questions` counts those that could be read."""

    data: str
    questions: int
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no fault; warnings do not count."""
        return not self.faults

    def counts(self) -> dict[str, int]:
        """How many faults each rule has, most frequent first."""
        return dict(Counter(fault.rule for fault in self.faults).most_common())

    def as_json(self) -> dict[str, Any]:
        """What `check --json` prints."""
        return {
            "ok": self.ok,
            "questions": self.questions,
            "faults": [fault.as_json() for fault in self.faults],
            "warnings": [fault.as_json() for fault in self.warnings],
        }


def check(
    data: Source | Corpus,
    language: str | None = None,
    against: Source | Corpus | None = None,
    *,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Report:
    """Find every fault of a data set: a path, a quoted pattern, a name, or a corpus.

    `against` is another data set that must share no context with it, as training data with test data.
    `language` takes the place of the file's own; `encoding` and `columns` are as in `read`, and of files alone.
    Raises PolyspanError where there is nothing to read: no such file, a folder, an empty file, a damaged archive,
    an unknown name.
    """
    reading = Reading(encoding, columns or {})
    parts = parts_of(data, language, reading)
    faults, warnings = judge(parts)
    if against is not None:
        faults += leaks(parts, parts_of(against, language, reading))
    questions = sum(len(paragraph.questions) for part in parts for paragraph in part.paragraphs)
    name = data.source or data.name if isinstance(data, Corpus) else str(data)
    return Report(name, questions, tuple(faults), tuple(warnings))


def parts_of(data: Source | Corpus, language: str | None = None, reading: Reading | None = None) -> list[Parsed]:
    """Whatever a data argument may be, parsed."""
    language = language_tag(language)
    if not isinstance(data, Corpus):
        if not is_name(data):
            parts = parse(data, reading)
            for part in parts:
                part.overrule_language(language)
            return parts
        data = resolve(str(data), language)
    places = [f"paragraph {number}" for number in range(1, len(data.paragraphs) + 1)]
    impossible = any(question.impossible for _, question in data.questions())
    name = data.source or data.name
    about: dict[str, Any] = {"version": "corpus", "language": language or data.language}
    return [Parsed(name, list(data.paragraphs), places, **about, has_impossible=impossible)]
