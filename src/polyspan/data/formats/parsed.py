"""What parsing a file yields: paragraphs, and faults whose items are set aside, each with its reason."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from polyspan.data.formats.cells import is_blank, is_empty, whole_number, yes_or_no
from polyspan.data.formats.doubles import Doubled
from polyspan.data.formats.format import written
from polyspan.data.formats.options import Reading
from polyspan.data.languages import language_said
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError, shorten

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
"""The remedy that mends what is certain; a Fault puts the names of its file in (`remedy`)."""


def remedy(file: str) -> str:
    """The command that mends a file, or a data set of a name, into a new file in this folder."""
    if not file:
        return "polyspan check FILE --fix FIXED.json"
    path = Path(file)
    format = written().get(path.suffix)
    same = format is not None and format.holds != "contexts"
    stem, ending = (path.stem, path.suffix) if same else (file, ".json")
    stem = re.sub(r"[^\w.-]", "-", stem)
    return f"polyspan check {shlex.quote(file)} --fix {stem}-fixed{ending}"


NO_START = -1
"""The start of an answer whose place nobody knows, as in CMRC 2018's own files."""

_MAX_START = 2**31
_KEYS = (("id", "query_id"), ("question", "query_text"))
_OTHER_KEYS = {cmrc for _, cmrc in _KEYS}
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "fix", self.fix.replace(FIX, remedy(self.file)))

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
    language: str | None = None
    """The language that the file names itself, in the normal form of its tag."""
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
    reading: Reading = field(default_factory=Reading)
    """How its owner says that it is to be read."""

    @staticmethod
    def of(corpus: Corpus) -> "Parsed":
        """A corpus that was made or read before; the places are the numbers of its paragraphs, from 0."""
        places = [str(place) for place in range(len(corpus.paragraphs))]
        impossible = any(question.impossible for _, question in corpus.questions())
        return Parsed(corpus.name, list(corpus.paragraphs), places, has_impossible=impossible)

    def fault(self, id: str, field: str, rule: str, found: str, expected: str, fix: str) -> None:
        """Note a fault of this file."""
        self.faults.append(Fault(self.file, id, field, rule, found, expected, fix))

    def say_language(self, said: object) -> None:
        """Take the language that the file names under `language`, or note a fault where it is none."""
        if said is None or (isinstance(said, str) and not said.strip()):
            return
        if not isinstance(said, str):
            self.wrong("", "language", said, "a language tag such as en or zh-Hant")
            return
        try:
            self.language = language_said(said)
        except UsageError as error:
            self.fault("", "language", "wrong-type", shorten(said), error.expected, f"{error.fix} (or --language)")

    def overrule_language(self, tag: str | None) -> None:
        """Put the reader's word on the language, where there is one, in place of the file's."""
        if tag is not None:
            self.language = tag
            mine = ("", "language", "wrong-type")
            self.faults = [fault for fault in self.faults if (fault.id, fault.field, fault.rule) != mine]

    def missing(self, id: str, key: str, holder: Mapping[Any, Any], fix: str = "") -> None:
        """Note that `holder` lacks `key`, or has nothing under it."""
        last = key.rpartition(".")[2]
        if last in holder:
            found = f"{last}: {'null' if holder[last] is None else shorten(holder[last])}"
            self.fault(id, key, "missing-key", found, f"a value for {last!r}", fix or f"give {last!r} a value")
            return
        # As text in quotes is shown, but without them: a key may hold a line break.
        keys = ", ".join(shorten(str(name), 40)[1:-1] for name in list(holder)[:12]) or "no keys at all"
        self.fault(id, key, "missing-key", keys, f"the key {last!r}", fix or f"add {last!r}")

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
    if not isinstance(value, str) and is_empty(value):
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
    if not isinstance(title, str) and is_empty(title):
        return ""
    return str(title) if type(title) is int else text_at(parsed, id, holder, "title")


def question_from(parsed: Parsed, raw: Any, context: str, place: str) -> Question | None:
    """A question on `context`, or None after noting what is wrong; CMRC 2018 has other names for its keys."""
    if not isinstance(raw, Mapping):
        parsed.wrong(place, "", raw, "a question object")
        return None
    if type(raw) is dict and not parsed.suspicious and _OTHER_KEYS.isdisjoint(raw):  # as nearly all are
        id, text, impossible = raw.get("id"), raw.get("question"), raw.get("is_impossible", False)
        if type(id) is str and id.strip() and type(text) is str and type(impossible) is bool:
            parsed.has_impossible |= "is_impossible" in raw
            answers = answers_from(parsed, id, raw.get("answers"), context)
            return None if answers is None else Question(id, text, answers, impossible)
    id_key, text_key = (cmrc if cmrc in raw else key for key, cmrc in _KEYS)
    id = raw.get(id_key)
    if type(id) is int:
        id = str(id)
    elif is_empty(id):
        parsed.missing(place, id_key, raw)
        id = None
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
    if isinstance(raw, str):
        if raw not in context and raw.lstrip().startswith(("[", "{")):
            found, fix = f"text {shorten(raw)}", "write the table with to_json(orient='records') or to_parquet"
            parsed.fault(id, "answers", "wrong-type", found, "a whole list of answers", fix)
            return None
        raw = [raw]
    if type(raw) is dict and not parsed.suspicious and (plain := _plain_columns(raw)) is not None:
        return plain
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
    if is_blank(value):
        # Kept without a place, so that `check --fix` can place it where that is certain.
        parsed.missing(id, f"{prefix}.answer_start", item, f"add it; {FIX} places it where that is certain")
        return Answer(text, NO_START)
    start = whole_number(value)
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


def _plain_columns(raw: dict[str, Any]) -> tuple[Answer, ...] | None:
    """The answers of two lists with nothing to mend; None for all others, which `_columns` looks at."""
    texts, starts = raw.get("text"), raw.get("answer_start")
    if type(texts) is not list or type(starts) is not list or not 0 < len(texts) == len(starts):
        return None
    for text, start in zip(texts, starts, strict=True):
        if type(text) is not str or not text.strip() or type(start) is not int or abs(start) >= _MAX_START:
            return None
    return tuple(map(Answer, texts, starts))


def _columns(parsed: Parsed, id: str, raw: Mapping[Any, Any]) -> list[Any] | None:
    if parsed.doubled(id, raw, "answers."):
        return None
    texts, starts = raw.get("text"), raw.get("answer_start")
    if isinstance(texts, str):
        return [raw]
    if "text" in raw and is_blank(texts) and (starts == [] or is_blank(starts)):
        return []
    if is_empty(texts):
        parsed.missing(id, "answers.text", raw)
        return None
    if not isinstance(texts, list):
        parsed.wrong(id, "answers.text", texts, "a list")
        return None
    if is_blank(starts):  # each answer without its place
        return [{"text": text, **({"answer_start": None} if "answer_start" in raw else {})} for text in texts]
    if not isinstance(starts, list):
        parsed.wrong(id, "answers.answer_start", starts, "a list")
        return None
    if len(texts) != len(starts):
        parsed.wrong(id, "answers", raw, "as many places as texts")
        return None
    return [{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)]


def _flag(parsed: Parsed, id: str, raw: Mapping[Any, Any]) -> bool | None:
    value = raw.get("is_impossible")
    if is_blank(value):
        return False
    flag = yes_or_no(value)
    if flag is None:
        parsed.wrong(id, "is_impossible", value, "true or false")
        return None
    parsed.has_impossible = True
    return flag
