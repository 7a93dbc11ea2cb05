"""What parsing a file yields: paragraphs, and faults whose items are set aside, each with its reason."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from polyspan.data.doubles import Doubled
from polyspan.data.schema import Answer, Paragraph, Question
from polyspan.errors import PolyspanError, shorten

STRUCTURE = frozenset(
    {
        "encoding",
        "nul",
        "invalid-json",
        "truncated-json",
        "duplicate-key",
        "missing-key",
        "wrong-type",
        "no-questions",
    }
)
"""Rules that strict reading raises on; the other rules are about content and leave a data set readable."""

FIX = "polyspan check DATA --fix OUT"
"""The remedy that mends what is certain."""

NO_START = -1
"""The start of an answer whose place nobody knows, as in CMRC 2018's own files."""

_MAX_START = 2**31
_UNTEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `id` is the question's id, or the place in the file where there is none; all are text."""

    file: str
    id: str
    field: str
    rule: str
    found: str
    expected: str
    fix: str

    def as_json(self) -> dict[str, str]:
        """The fault as a JSON object."""
        return asdict(self)

    def error(self) -> PolyspanError:
        """The fault as the error that strict reading raises."""
        where = " ".join(part for part in (self.file, self.id, self.field) if part)
        return PolyspanError(
            f"cannot read the data: {self.rule}",
            where=where,
            found=self.found,
            expected=self.expected,
            fix=f"{self.fix} (every fault at once: polyspan check {self.file})" if self.id else self.fix,
        )


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item that could not be taken into the corpus: as it stood in the file, with the reasons."""

    place: str
    item: Any
    faults: tuple[Fault, ...]
    title: str = ""
    context: str | None = None


@dataclass(slots=True)
class Parsed:
    """One file, parsed. `places[i]` says where `paragraphs[i]` stands in the file."""

    file: str
    paragraphs: list[Paragraph] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    quarantine: list[Quarantined] = field(default_factory=list)
    version: str = ""
    has_impossible: bool = False
    """Whether any question says `is_impossible`: the set is of SQuAD 2.0's kind."""
    odd_starts: list[str] = field(default_factory=list)
    """Ids of questions with an `answer_start` that is a whole number, but written as text or with a point."""
    ambiguous: list[str] = field(default_factory=list)
    """Ids of questions with an answer that came without a place and occurs more than once."""
    plain: bool = False
    """Whether the file is plain text: contexts alone, and no fault that there are no questions."""
    suspicious: bool = True
    """Whether texts may hold NUL or half a surrogate pair, so that each must be looked at."""

    def fault(self, id: str, field: str, rule: str, found: str, expected: str, fix: str) -> None:
        """Note a fault of this file."""
        self.faults.append(Fault(self.file, id, field, rule, found, expected, fix))

    def missing(self, id: str, key: str, holder: Mapping[Any, Any]) -> None:
        """Note that `holder` lacks `key`, or has nothing under it."""
        last = key.rpartition(".")[2]
        if last in holder:
            self.fault(id, key, "missing-key", f"{last}: null", f"a value for {last!r}", f"give {last!r} a value")
            return
        # As text in quotes is shown, but without them: a key may hold a line break.
        keys = ", ".join(shorten(str(name), 40)[1:-1] for name in list(holder)[:12]) or "no keys at all"
        self.fault(id, key, "missing-key", keys, f"the key {last!r}", f"add {last!r}")

    def wrong(self, id: str, field: str, value: object, expected: str) -> None:
        """Note that a value is of another type than `expected`."""
        found = f"{type(value).__name__} {shorten(value)}"
        self.fault(id, field, "wrong-type", found, expected, f"make it {expected}")

    def doubled(self, id: str, raw: object, prefix: str = "") -> bool:
        """Note each key that stands twice in a JSON object, and say whether there is one."""
        if not isinstance(raw, Doubled):
            return False
        for key, earlier in raw["doubled"].items():
            values = ", ".join(shorten(value, 40) for value in (*earlier[:3], raw[key]))
            found = f"{shorten(key, 40)} {len(earlier) + 1} times: {values}"
            self.fault(id, prefix + key, "duplicate-key", found, "each key once in an object", "take one out")
        return True

    def set_aside(self, place: str, item: Any, since: int, title: str = "", context: str | None = None) -> None:
        """Quarantine an item for the faults noted from number `since` on."""
        self.quarantine.append(Quarantined(place, item, tuple(self.faults[since:]), title, context))


def text_at(parsed: Parsed, id: str, holder: Mapping[Any, Any], key: str, prefix: str = "") -> str | None:
    """The text under `key`, or None after noting what is wrong with it."""
    value = holder.get(key)
    if value is None:
        parsed.missing(id, prefix + key, holder)
        return None
    if not isinstance(value, str):
        parsed.wrong(id, prefix + key, value, "text")
        return None
    if parsed.suspicious and (bad := _UNTEXT.search(value)):
        around = shorten(value[max(0, bad.start() - 10) : bad.end() + 10])
        if bad.group() == "\0":
            parsed.fault(id, prefix + key, "nul", f"U+0000 in {around}", "text without NUL", "take it out")
        else:
            fix = "save the file as UTF-8 from its source again"
            parsed.fault(id, prefix + key, "encoding", f"undecodable {around}", "UTF-8 text", fix)
        return None
    return value


def title_at(parsed: Parsed, id: str, holder: Mapping[Any, Any]) -> str | None:
    """The article's title, empty where there is none, or None after noting what is wrong with it."""
    title = holder.get("title")
    if title is None:
        return ""
    return str(title) if type(title) is int else text_at(parsed, id, holder, "title")


def question_from(
    parsed: Parsed, raw: Any, context: str, place: str, keys: tuple[str, str] = ("id", "question")
) -> Question | None:
    """A question on `context`, or None after noting what is wrong. `keys` names the id and the question."""
    if not isinstance(raw, Mapping):
        parsed.wrong(place, "", raw, "a question object")
        return None
    id_key, text_key = keys
    id = raw.get(id_key)
    if type(id) is int:
        id = str(id)
    elif type(id) is not str or parsed.suspicious:
        id = text_at(parsed, place, raw, id_key)
    name = id or place
    doubled = parsed.doubled(place if isinstance(raw, Doubled) and id_key in raw["doubled"] else name, raw)
    text = text_at(parsed, name, raw, text_key)
    impossible = _flag(parsed, name, raw)
    answers = answers_from(parsed, name, raw.get("answers"), context)
    if doubled or id is None or text is None or impossible is None or answers is None:
        return None
    return Question(id, text, answers, impossible)


def answers_from(parsed: Parsed, id: str, raw: Any, context: str) -> tuple[Answer, ...] | None:
    """Answers from any of the shapes in use, or None after noting what is wrong.

    SQuAD's list of objects, the hub's object of two lists, and texts without places: CMRC's list, or one alone.
    """
    if raw is None:
        return ()
    if isinstance(raw, str) and (raw in context or not raw.lstrip().startswith(("[", "{"))):
        raw = [raw]
    if isinstance(raw, Mapping):
        raw = _columns(parsed, id, raw)
    elif not isinstance(raw, list):
        parsed.wrong(id, "answers", raw, "a list of answers")
        return None
    if raw is None:
        return None
    answers: list[Answer] = []
    good = True
    for index, item in enumerate(raw):
        if not parsed.suspicious and type(item) is dict:
            text, start = item.get("text"), item.get("answer_start")
            if type(text) is str and type(start) is int and -_MAX_START < start < _MAX_START:
                answers.append(Answer(text, start))
                continue
        answer = _answer(parsed, id, index, item, context)
        if answer is None:
            good = False
        else:
            answers.append(answer)
    return tuple(answers) if good else None


def _answer(parsed: Parsed, id: str, index: int, item: Any, context: str) -> Answer | None:
    prefix = f"answers[{index}]"
    if isinstance(item, str):
        text = text_at(parsed, id, {prefix: item}, prefix)
        return None if text is None else _placed(parsed, id, text, context)
    if not isinstance(item, Mapping):
        parsed.wrong(id, prefix, item, "an answer object with 'text' and 'answer_start'")
        return None
    if parsed.doubled(id, item, f"{prefix}."):
        return None
    text = text_at(parsed, id, item, "text", f"{prefix}.")
    if text is None:
        return None
    value = item.get("answer_start")
    if value is None:
        # Kept without a place, so that `check --fix` can place it where that is certain.
        parsed.missing(id, f"{prefix}.answer_start", item)
        return Answer(text, NO_START)
    start = _start(value)
    if start is None:
        parsed.wrong(id, f"{prefix}.answer_start", value, "a whole number of characters")
        return None
    if type(value) is not int:
        parsed.odd_starts.append(id)
    return Answer(text, start)


def _placed(parsed: Parsed, id: str, text: str, context: str) -> Answer:
    # There is no offset to trust or to contradict: the first occurrence is the only thing to go by.
    start = context.find(text) if text else NO_START
    if start >= 0 and context.find(text, start + 1) >= 0:
        parsed.ambiguous.append(id)
    return Answer(text, start)


def _start(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,10}(\.0+)?\s*", value):
        value = int(value.split(".")[0])
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -_MAX_START < value < _MAX_START:
        return None
    return value


def _columns(parsed: Parsed, id: str, raw: Mapping[Any, Any]) -> list[Any] | None:
    if parsed.doubled(id, raw, "answers."):
        return None
    texts, starts = raw.get("text"), raw.get("answer_start")
    if isinstance(texts, str):
        return [raw]
    for key, values in (("text", texts), ("answer_start", starts)):
        if values is None:
            parsed.missing(id, f"answers.{key}", raw)
            return None
        if not isinstance(values, list):
            parsed.wrong(id, f"answers.{key}", values, "a list")
            return None
    if len(texts or ()) != len(starts or ()):
        parsed.wrong(id, "answers", raw, "as many places as texts")
        return None
    return [{"text": text, "answer_start": start} for text, start in zip(texts or (), starts or (), strict=True)]


def _flag(parsed: Parsed, id: str, raw: Mapping[Any, Any]) -> bool | None:
    value = raw.get("is_impossible")
    if value is None:
        return False
    if isinstance(value, str) and value.strip().lower() in ("true", "false", "1", "0"):
        value = value.strip().lower() in ("true", "1")
    if not isinstance(value, bool):
        parsed.wrong(id, "is_impossible", value, "true or false")
        return None
    parsed.has_impossible = True
    return value
