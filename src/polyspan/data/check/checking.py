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
| `leak` (3) | a context that the other data set holds too | no |
| `leak-passage` (3) | a context that shares at least a fifth of its wording with one of the other data set | no |
| `leak-id` (3) | an id of the other data set's, as translations have it (of six characters or more) | no |
| `leak-question` (3) | a question of the other data set's, with one of its answers | no |
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
it; the others are about content. (3) With `against` alone; what is shared is told once, by the first of these
rules that finds it. Wording is shared stretch by stretch: of all stretches of 48 bytes of UTF-8 (some ten English
words, sixteen Chinese characters) of the shorter text at least a fifth stand in the other one.

Warnings leave `ok` alone, and come one a rule and file, with a count and the first place: `utf16-offset` (wrong
offsets count UTF-16 units, so that an emoji or a rare ideograph before the answer shifts it: all 21 of CMRC 2018's
training set), `byte-offset` (they count bytes), `constant-shift` (all are off by the same number),
`answer-start-type` (a whole number written as text in JSON, as in the paper's released files), `answer-ambiguous`
(CMRC's first release gives no places, nor does an answer that is mere text: one that occurs more than once was
placed at the first), `answer-space` (an answer that begins or ends with a space), `duplicate-paragraph` (a context
twice in one data set), `hidden-character` (U+200B, U+FEFF, a direction mark or the like in a
text: left as it is; labels and answers begin and end with a visible character), `replacement-character` (U+FFFD),
`no-answer` (in a row format, which has no version: read as impossible), `question-again` (with `against`: a
question that the other data set asks too, and answers otherwise).
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from polyspan.data.check.rules import judge
from polyspan.data.formats.parsed import Fault, Parsed


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


def find_faults(name: str, parts: list[Parsed], against: list[Parsed] | None = None) -> Report:
    """Every fault of parsed files; `against` are files of other data sets, which must share nothing with them."""
    faults, warnings = judge(parts)
    if against is not None:
        from polyspan.data.check.leaks import leaks  # numpy, which nothing else here needs

        leaked, again = leaks(parts, against)
        faults, warnings = faults + leaked, warnings + again
    questions = sum(len(paragraph.questions) for part in parts for paragraph in part.paragraphs)
    return Report(name, questions, tuple(faults), tuple(warnings))
