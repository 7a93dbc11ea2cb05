"""CSV and TSV: tables as spreadsheets and pandas write them."""

import codecs
import contextlib
import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TextIO

from polyspan.data.formats.format import Format, Irregular
from polyspan.data.formats.parsed import Parsed
from polyspan.data.formats.rows import as_rows, parse_rows, stream_rows
from polyspan.data.schema import Corpus
from polyspan.errors import shorten
from polyspan.files import csv_pieces, csv_text

_SEPARATORS = (",", ";", "\t")
_LONGEST_FIELD = 2**30
_LONGEST_NAME = 60
_DIRECTIVE = re.compile(r"\s*sep=([^\w\s\x22]|\t)[,;\t]*\r?\n", re.IGNORECASE)


def parse_delimited(text: str, parsed: Parsed, delimiter: str = ",") -> None:
    """Parse CSV or TSV with a header into `parsed`.

    Answers are JSON or printed values in a column `answers`, or one answer in the columns `answer_text` and
    `answer_start`; an answer as mere text in `answers` or `answer` has no place, and is taken as
    `parse_paragraphs` does. Another of comma, semicolon and tab than `delimiter` is taken where it is the one that
    divides the header, as Excel writes it in Europe; a line `sep=;`, which tells Excel, is passed over.
    """
    if directive := _DIRECTIVE.match(text):
        text, delimiter = text[directive.end() :], directive[1]
    with _long_fields():
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=_separator(text, parsed, delimiter), strict=True
        )
        try:
            lines = list(reader)
        except csv.Error as error:
            found, expected = f"{error} (line {reader.line_num:,})", "CSV with quoted fields"
            fix = "quote every field that holds a comma, a quote or a line break"
            parsed.fault("", "", "wrong-type", found, expected, fix)
            return
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    header = lines[0] if lines else []
    if _is_headless(header, parsed):
        found = f"the first line is {', '.join(shorten(cell, 30) for cell in header[:6])}"
        fix = "put a line above it that names the columns in their order"
        parsed.fault("", "header", "missing-key", found, "a header such as id,context,question,answer_text", fix)
        parsed.set_aside("rows", lines, len(parsed.faults) - 1)
        return
    parse_rows(_rows(header, lines[1:]), parsed, len(header))
    # Every number of a CSV is text.
    parsed.odd_starts.clear()


def stream_delimited(file: TextIO, parsed: Parsed, delimiter: str = ",") -> None:
    """`parse_delimited` of an open file. Raises Irregular for one without a header, and with a fault of CSV."""
    first = next((line for line in file if line.strip("\r\n")), "")
    if not first or _DIRECTIVE.match(first):
        raise Irregular
    mark = _separator(first, parsed, delimiter)
    with _long_fields():
        reader = csv.reader(itertools.chain([first], file), delimiter=mark, strict=True)
        lines = (line for line in reader if any(cell.strip() for cell in line))
        try:
            header = next(lines, [])
            if not header or _is_headless(header, parsed):
                raise Irregular
            stream_rows(_rows(header, lines), parsed, len(header))
        except csv.Error:
            raise Irregular from None
    parsed.odd_starts.clear()


@contextlib.contextmanager
def _long_fields() -> Iterator[None]:
    """Let a field be as long as a context may be."""
    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _rows(header: Sequence[str], lines: Iterable[list[str]]) -> Iterator[Any]:
    """Each line by the names of its columns; one with more fields than there are names as it is."""
    return (line if len(line) > len(header) else dict(zip(header, line, strict=False)) for line in lines)


def _is_headless(first: Sequence[str], parsed: Parsed) -> bool:
    return bool(first) and not parsed.reading.found(first) and _is_data(first)


def _separator(text: str, parsed: Parsed, usual: str) -> str:
    """The mark that divides the header into most columns that mean something, or else into most columns."""
    first = re.split("[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]

    def merit(mark: str) -> tuple[int, bool, int, bool]:
        # Not strict: with the wrong separator a quote comes in the middle of a name, or a name goes on behind it.
        header = next(csv.reader([first], delimiter=mark), [])
        quoted = any('"' in name for name in header)
        return len(parsed.reading.found(header)), not quoted, len(header), mark == usual

    return max((usual, *_SEPARATORS), key=merit)


def _is_data(line: Sequence[str]) -> bool:
    """Whether a first line looks like a question with its context rather than like names of columns."""
    cells = [cell.strip() for cell in line if cell.strip()]
    return any(
        len(cell) > _LONGEST_NAME
        or cell.endswith(("?", "\uff1f", "\u061f", "."))
        or re.fullmatch(r"-?[0-9]+([.,][0-9]+)?", cell) is not None
        or any(len(cell) > 1 and cell in other for other in cells if other is not cell and len(other) > 30)
        for cell in cells
    )


def _csv(corpus: Corpus, delimiter: str = ",") -> Iterator[bytes]:
    rows = (row | {"answers": json.dumps(row["answers"], ensure_ascii=False)} for row in as_rows(corpus))
    first = list(itertools.islice(rows, 1))
    columns = list(first[0]) if first else ["id", "title", "context", "question", "answers"]
    pieces = csv_pieces(itertools.chain(first, rows), columns, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    return (piece.encode() for piece in pieces)


def _sheet(corpus: Corpus, delimiter: str = ",") -> Iterator[bytes]:
    style: dict[str, Any] = {"delimiter": delimiter, "lineterminator": "\r\n"}
    yield codecs.BOM_UTF8
    if not len(corpus):  # plain sentences, or contexts alone
        lines = [{"context": paragraph.context} for paragraph in corpus.paragraphs]
        yield csv_text(lines, ["context"], **style).encode()
        return
    several = any(len(question.answers) > 1 for _, question in corpus.questions())
    rows = as_rows(corpus)
    first = next(rows)
    others = [name for name in first if name not in ("question", "context", "answers")]
    columns = ["question", "context", "answer", "answer_start", *others, *["answers"] * several]
    for piece in csv_pieces(map(_on_sheet, itertools.chain([first], rows)), columns, **style):
        yield piece.encode()


def _on_sheet(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its first answer in columns of its own."""
    answers = row["answers"]
    first = {"answer": answers["text"][:1], "answer_start": answers["answer_start"][:1]}
    row |= {name: value[0] if value else "" for name, value in first.items()}
    return row | {"answers": json.dumps(answers, ensure_ascii=False)}


CSV = Format("csv", (".csv",), parse_delimited, _csv, _sheet, marked=True, stream=stream_delimited)
TSV = Format(
    "tsv",
    (".tsv",),
    partial(parse_delimited, delimiter="\t"),
    partial(_csv, delimiter="\t"),
    partial(_sheet, delimiter="\t"),
    marked=True,
    stream=partial(stream_delimited, delimiter="\t"),
)
