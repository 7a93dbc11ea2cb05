"""Flat data: one question a row, as in JSON Lines, CSV, TSV, Parquet and the sets on the Hugging Face hub."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from polyspan.data.formats.cells import is_blank, is_empty, whole_number, yes_or_no
from polyspan.data.formats.doubles import Doubled
from polyspan.data.formats.format import Irregular
from polyspan.data.formats.options import REQUIRED
from polyspan.data.formats.parsed import Parsed, question_from, text_at, title_at
from polyspan.data.formats.printed import from_printed
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import shorten

_ANSWERS = ("answers", "answer_text", "answer", "answers.text")


def corpus_from_rows(
    rows: Iterable[Mapping[str, Any]],
    *,
    name: str = "corpus",
    language: str | None = None,
    metric: str | None = None,
    source: str = "",
) -> Corpus:
    """A corpus from rows with the columns id, context, question, answers (and title), as the hub has them.

    `answers` is `{"text": [...], "answer_start": [...]}` or a list of SQuAD's answer objects.
    Raises PolyspanError at the first row that is not like that.
    """
    parsed = Parsed(source or name)
    parse_rows(rows, parsed)
    if parsed.faults:
        raise parsed.faults[0].error()
    return Corpus(tuple(parsed.paragraphs), name, language, metric, source)


def parse_rows(rows: Iterable[Any], parsed: Parsed, width: int = 0) -> None:
    """Parse rows into `parsed`. Neighbouring rows of one context (and title) make one paragraph.

    A row format has no version, so a row whose cells for answers are blank counts as impossible unless a column
    says otherwise: that is how the hub keeps SQuAD 2.0. One without any such cell is merely without an answer. A
    list is no row, and of a CSV one with more than `width` fields.
    """
    rows = list(rows)
    objects = [row for row in rows if isinstance(row, Mapping)]
    columns = parsed.reading.found(dict.fromkeys(key for row in objects for key in row))
    since = len(parsed.faults)
    if objects and _without_columns(parsed, objects[0], columns):
        parsed.set_aside("rows", rows, since)
        return
    languages = {str(row.get(columns.get("language")) or "").strip() for row in objects} - {""}
    if len(languages) == 1:
        parsed.say_language(languages.pop())
    table = _Table(parsed, columns, width)
    for number, raw in enumerate(rows, 1):
        table.add(number, raw)
    table.close()


def stream_rows(rows: Iterable[Any], parsed: Parsed, width: int = 0) -> None:
    """`parse_rows` of rows that are not held.

    Raises Irregular where a later row has a column that means something and the first one lacks, where the rows
    name no language but something else, and for a fault of the table as a whole.
    """
    table: _Table | None = None
    keys: dict[str, None] = {}
    languages: set[str] = set()
    for number, raw in enumerate(rows, 1):
        if isinstance(raw, Mapping):
            if not raw.keys() <= keys.keys():
                keys |= dict.fromkeys(raw)
                columns = parsed.reading.found(keys)
                if table is None and not _without_columns(parsed, raw, columns):
                    table = _Table(parsed, columns, width)
            if table is None or columns != table.columns:
                raise Irregular
            if "language" in columns:
                languages.add(str(raw.get(columns["language"]) or "").strip())
        elif table is None:
            raise Irregular
        table.add(number, raw)
    if table is None:
        raise Irregular
    table.close()
    since = len(parsed.faults)
    if len(languages := languages - {""}) == 1:
        parsed.say_language(languages.pop())
    if len(parsed.faults) > since:
        raise Irregular


class _Table:
    """Takes rows one by one, and makes a paragraph of neighbouring ones with the same context and title."""

    def __init__(self, parsed: Parsed, columns: Mapping[str, str], width: int) -> None:
        self.parsed, self.columns, self.width = parsed, columns, width
        self._plain = all(known == name for known, name in columns.items())
        self._key: tuple[str, str, Any] | None = None  # of the paragraph at hand: context, title, `paragraph`
        self._questions: list[Question] = []

    def add(self, number: int, raw: Any) -> None:
        """Take a row, or set it aside with what is wrong with it."""
        parsed, place, since = self.parsed, f"row {number}", len(self.parsed.faults)
        row = _renamed(raw, self.columns) if isinstance(raw, Mapping) and not self._plain else raw
        context = text_at(parsed, place, row, "context") if isinstance(row, Mapping) else None
        title = None if context is None else title_at(parsed, place, row)
        question = None if context is None else _question(parsed, row, context, place)
        if context is None or title is None or question is None:
            if self.width and isinstance(row, list):
                found, expected = f"{len(row)} fields", f"{self.width} fields, as the header has"
                fix = "quote a field that holds the separator"
                parsed.fault(place, "", "wrong-type", found, expected, fix)
            elif len(parsed.faults) == since:
                parsed.wrong(place, "", row, "an object with id, context, question and answers")
            parsed.set_aside(place, raw, since, context=context)
            return
        key = (context, title, row.get("paragraph"))
        if key != self._key:
            self.close()
            self._key = key
            parsed.places.append(place)
        self._questions.append(question)

    def close(self) -> None:
        """Finish the paragraph at hand."""
        if self._key is not None:
            context, title, _ = self._key
            self.parsed.paragraphs.append(Paragraph(context, tuple(self._questions), title))
        self._key, self._questions = None, []


def _without_columns(parsed: Parsed, row: Mapping[Any, Any], columns: Mapping[str, str]) -> bool:
    """Note the columns that must be there and those that were named, and are not; say whether there are any."""
    absent = parsed.reading.not_found(columns)
    for known, given in absent.items():
        keys = ", ".join(shorten(str(name), 40)[1:-1] for name in list(row)[:12])
        expected = f"the column {given!r}, which is to be {known!r}"
        parsed.fault("row 1", known, "missing-key", keys, expected, "mind how the column is spelled")
    others = [str(name) for name in row if name not in columns.values()]
    needed = [known for known in REQUIRED if known not in columns and known not in absent]
    likely = {known: next((name for name in others if name.lower().endswith(known)), "NAME") for known in needed}
    fix = "add it, or say what it is called: --columns " + ",".join(f"{known}={likely[known]}" for known in needed)
    for known in needed:
        parsed.missing("row 1", known, row, fix)
    return bool(absent or needed)


def _renamed(row: Mapping[Any, Any], columns: Mapping[str, str]) -> Mapping[Any, Any]:
    """A row with its columns under the names that mean something here."""
    doubled = row["doubled"] if isinstance(row, Doubled) else {}
    given = set(columns.values())
    rest = {key: value for key, value in row.items() if key not in given and key not in columns}
    found = rest | {known: row[name] for known, name in columns.items() if name in row}
    if not isinstance(row, Doubled):
        return found
    names = {name: known for known, name in columns.items()}
    return Doubled(found | {"doubled": {names.get(key, key): earlier for key, earlier in doubled.items()}})


def as_rows(corpus: Corpus) -> Iterator[dict[str, Any]]:
    """A corpus as rows in the hub's shape: id, title, context, question, answers.

    `is_impossible` is added where a question is impossible or has no answers, `paragraph` (a number) where two
    neighbouring paragraphs could not be told apart, `language` where it is known. A context without questions has
    no place among rows.
    """
    flagged = any(question.impossible or not question.answers for _, question in corpus.questions())
    asked = (paragraph for paragraph in corpus.paragraphs if paragraph.questions)
    pairs = itertools.pairwise(asked)
    numbered = any((one.context, one.title) == (two.context, two.title) for one, two in pairs)
    for number, paragraph in enumerate(corpus.paragraphs):
        for question in paragraph.questions:
            yield {
                "id": question.id,
                "title": paragraph.title,
                "context": paragraph.context,
                "question": question.text,
                "answers": {
                    "text": [answer.text for answer in question.answers],
                    "answer_start": [answer.start for answer in question.answers],
                },
                **({"is_impossible": question.impossible} if flagged else {}),
                **({"paragraph": number} if numbered else {}),
                **({"language": corpus.language} if corpus.language else {}),
            }


def _question(parsed: Parsed, row: Mapping[str, Any], context: str, place: str) -> Question | None:
    answers = _answers(row, context)
    raw = {**row, "answers": answers}
    question = question_from(parsed, Doubled(raw) if isinstance(row, Doubled) else raw, context, place)
    if question is None or question.answers or answers is None or not is_blank(row.get("is_impossible")):
        return question
    return replace(question, impossible=True)


def _answers(row: Mapping[str, Any], context: str) -> Any:
    """A row's answers in any shape: none where its cells for them are blank, None where it has no such cell."""
    key = next((key for key in _ANSWERS if key in row and not _is_nothing(row[key], context)), None)
    if key is None:
        lost = whole_number(row.get("answer_start"))  # a place without a text
        if lost is not None and lost >= 0 and not yes_or_no(row.get("is_impossible")):
            return [{"text": "", "answer_start": lost}]
        return [] if any(key in row for key in _ANSWERS) else None
    if key == "answers.text":
        return {"text": _literal(row[key]), "answer_start": _literal(row.get("answers.answer_start"))}
    if key == "answers" or (key == "answer" and is_blank(row.get("answer_start"))):
        return _literal(row[key])
    return [{"text": row[key], **({"answer_start": row["answer_start"]} if "answer_start" in row else {})}]


def _is_nothing(value: Any, context: str) -> bool:
    """Whether a cell for answers is blank. A word for nothing is an answer where the context has it."""
    return is_empty(value) or value == [] or (is_blank(value) and value.strip() not in context)


def _literal(value: Any) -> Any:
    # JSON, or what Python prints for a dict, which is what pandas leaves in a CSV. Else it is the answer itself,
    # as is a number.
    if not isinstance(value, str):
        return value
    for parse in (json.loads, from_printed):
        try:
            found = parse(value)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, Mapping | list) else value
    return value
