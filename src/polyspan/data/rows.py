"""Flat data: one question a row, as in JSON Lines, CSV, TSV, Parquet and the sets on the Hugging Face hub."""

import io
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from polyspan.data.doubles import Doubled, load
from polyspan.data.parsed import Parsed, question_from, text_at, title_at
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import PolyspanError

_REQUIRED = ("id", "context", "question")
_COLUMNS = (*_REQUIRED, "title", "answers", "answer", "answer_text", "answer_start", "is_impossible", "paragraph")
_SEPARATORS = (",", ";", "\t")
_LONGEST_FIELD = 2**30


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

    A row format has no version, so a row without answers counts as impossible unless a column says otherwise:
    that is how the hub keeps SQuAD 2.0. A list is no row, and of a CSV one with more than `width` fields.
    """
    rows = list(rows)
    objects = [row for row in rows if isinstance(row, Mapping)]
    absent = [key for key in _REQUIRED if objects and not any(key in row for row in objects)]
    for column in absent:
        parsed.missing("row 1", column, objects[0])
    if absent:
        parsed.set_aside("rows", rows, len(parsed.faults) - len(absent))
        return
    key: tuple[str, str, Any] | None = None
    questions: list[Question] = []
    for number, row in enumerate(rows, 1):
        place, since = f"row {number}", len(parsed.faults)
        context = text_at(parsed, place, row, "context") if isinstance(row, Mapping) else None
        title = None if context is None else title_at(parsed, place, row)
        question = None if context is None else _question(parsed, row, context, place)
        if context is None or title is None or question is None:
            if width and isinstance(row, list):
                found, expected = f"{len(row)} fields", f"{width} fields, as the header has"
                fix = "quote a field that holds the separator"
                parsed.fault(place, "", "wrong-type", found, expected, fix)
            elif len(parsed.faults) == since:
                parsed.wrong(place, "", row, "an object with id, context, question and answers")
            parsed.set_aside(place, row, since, context=context)
            continue
        if key != (context, title, row.get("paragraph")):
            key = (context, title, row.get("paragraph"))
            questions = []
            parsed.places.append(place)
            parsed.paragraphs.append(Paragraph(context, (), title))
        questions.append(question)
        parsed.paragraphs[-1] = Paragraph(context, tuple(questions), title)


def parse_lines(text: str, parsed: Parsed) -> None:
    """Parse JSON Lines into `parsed`."""
    rows: list[Any] = []
    # Not splitlines(): texts may hold U+2028 and other line breaks that JSON leaves as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(load(line))
        except (ValueError, RecursionError) as error:
            since, found = len(parsed.faults), getattr(error, "msg", "JSON nested too deep")
            fix = "mend the line or take it out"
            parsed.fault(f"line {number}", "", "invalid-json", found, "one JSON object a line", fix)
            parsed.set_aside(f"line {number}", line, since)
    parse_rows(rows, parsed)


def parse_csv(text: str, parsed: Parsed, delimiter: str = ",") -> None:
    """Parse CSV or TSV with a header into `parsed`. Names of columns count without case.

    Answers are JSON text in a column `answers`, or one answer in the columns `answer_text` and `answer_start`; an
    answer as mere text in `answers` or `answer` has no place, and is taken as `parse_cmrc` does. Where `delimiter`
    does not divide the header, another of comma, semicolon and tab is taken, as Excel writes it in Europe.
    """
    import csv

    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        delimiter = _separator(text, delimiter)
        lines = [
            line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if line
        ]
    except csv.Error as error:
        fix = "quote every field that holds a comma, a quote or a line break"
        parsed.fault("", "", "wrong-type", str(error), "CSV with quoted fields", fix)
        return
    finally:
        csv.field_size_limit(limit)
    header = _columns(lines[0]) if lines else []
    width = len(header)
    rows = (line if len(line) > width else dict(zip(header, line, strict=False)) for line in lines[1:])
    parse_rows(rows, parsed, width)
    # Every number of a CSV is text.
    parsed.odd_starts.clear()


def _separator(text: str, usual: str) -> str:
    import csv

    # Not strict: with the wrong separator a quoted name goes on behind its quote.
    first = re.split("[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    width = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in (usual, *_SEPARATORS)}
    return usual if width[usual] > 1 else max(width, key=lambda mark: width[mark])


def _columns(header: list[str]) -> list[str]:
    def known(name: str) -> str:
        plain = name.strip().lower()
        return plain if plain in _COLUMNS and plain not in header else name

    return [known(name) for name in header]


def parse_parquet(data: bytes, parsed: Parsed) -> None:
    """Parse a Parquet file into `parsed`. Needs pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise PolyspanError(
            "reading Parquet needs pyarrow", where=parsed.file, fix="pip install pyarrow"
        ) from error
    try:
        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        found = str(error).splitlines()[0] if str(error) else type(error).__name__
        parsed.fault("", "", "wrong-type", found, "a whole Parquet file", "copy or download the file again")
        return
    parse_rows(rows, parsed)


def as_rows(corpus: Corpus) -> list[dict[str, Any]]:
    """A corpus as rows in the hub's shape: id, title, context, question, answers.

    `is_impossible` is added where a question is impossible or has no answers, `paragraph` (a number) where two
    neighbouring paragraphs could not be told apart. A context without questions has no place among rows.
    """
    flagged = any(question.impossible or not question.answers for _, question in corpus.questions())
    keys = [(paragraph.context, paragraph.title) for paragraph in corpus.paragraphs if paragraph.questions]
    numbered = any(one == two for one, two in itertools.pairwise(keys))
    return [
        {
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
        }
        for number, paragraph in enumerate(corpus.paragraphs)
        for question in paragraph.questions
    ]


def _question(parsed: Parsed, row: Mapping[str, Any], context: str, place: str) -> Question | None:
    answers = row.get("answers")
    if answers is None and (text := _text_column(row)):
        start = {"answer_start": row["answer_start"]} if "answer_start" in row else {}
        answers = [{"text": row[text], **start}]
        if answers[0] == {"text": "", "answer_start": ""}:
            answers = []
    elif answers is None and isinstance(row.get("answer"), str):
        answers = _literal(row["answer"])
    elif isinstance(answers, str):
        answers = _literal(answers)
    raw = {**row, "answers": answers}
    question = question_from(parsed, Doubled(raw) if isinstance(row, Doubled) else raw, context, place)
    if question is None or question.answers or row.get("is_impossible") is not None:
        return question
    return Question(question.id, question.text, (), answers is not None)


def _text_column(row: Mapping[str, Any]) -> str | None:
    """The column whose text has its place in the column `answer_start`."""
    if isinstance(row.get("answer_text"), str):
        return "answer_text"
    return "answer" if isinstance(row.get("answer"), str) and row.get("answer_start") is not None else None


def _literal(text: str) -> Any:
    # JSON, or what Python prints for a dict, which is what pandas leaves in a CSV. Else it is the answer itself,
    # as is a number.
    if not text.strip():
        return []
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        import ast

        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return text
    return value if value is None or isinstance(value, Mapping | list) else text
