"""CSV and TSV: tables as spreadsheets and pandas write them."""

import csv
import io
import json
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from polyspan.data.formats.format import Format
from polyspan.data.formats.parsed import Parsed
from polyspan.data.formats.rows import as_rows, parse_rows
from polyspan.data.schema import Corpus
from polyspan.errors import shorten
from polyspan.files import csv_text

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
    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        mark = _separator(text, parsed, delimiter)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        try:
            lines = list(reader)
        except csv.Error as error:
            found, expected = f"{error} (line {reader.line_num:,})", "CSV with quoted fields"
            fix = "quote every field that holds a comma, a quote or a line break"
            parsed.fault("", "", "wrong-type", found, expected, fix)
            return
    finally:
        csv.field_size_limit(limit)
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    header = lines[0] if lines else []
    if header and not parsed.reading.found(header) and _is_data(header):
        found = f"the first line is {', '.join(shorten(cell, 30) for cell in header[:6])}"
        fix = "put a line above it that names the columns in their order"
        parsed.fault("", "header", "missing-key", found, "a header such as id,context,question,answer_text", fix)
        parsed.set_aside("rows", lines, len(parsed.faults) - 1)
        return
    width = len(header)
    rows = (line if len(line) > width else dict(zip(header, line, strict=False)) for line in lines[1:])
    parse_rows(rows, parsed, width)
    # Every number of a CSV is text.
    parsed.odd_starts.clear()


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


def _csv(corpus: Corpus, delimiter: str = ",") -> bytes:
    rows = [row | {"answers": json.dumps(row["answers"], ensure_ascii=False)} for row in as_rows(corpus)]
    columns = list(rows[0]) if rows else ["id", "title", "context", "question", "answers"]
    return csv_text(rows, columns, delimiter=delimiter, quoting=csv.QUOTE_ALL).encode()


def _sheet(corpus: Corpus, delimiter: str = ",") -> bytes:
    style: dict[str, Any] = {"delimiter": delimiter, "lineterminator": "\r\n"}
    if not len(corpus):  # plain sentences, or contexts alone
        lines = [{"context": paragraph.context} for paragraph in corpus.paragraphs]
        return csv_text(lines, ["context"], **style).encode("utf-8-sig")
    rows = as_rows(corpus)
    several = any(len(row["answers"]["text"]) > 1 for row in rows)
    others = [name for name in (rows[0] if rows else ()) if name not in ("question", "context", "answers")]
    columns = ["question", "context", "answer", "answer_start", *(others or ["id", "title"])]
    for row in rows:
        answers = row["answers"]
        first = {"answer": answers["text"][:1], "answer_start": answers["answer_start"][:1]}
        row |= {name: value[0] if value else "" for name, value in first.items()}
        row["answers"] = json.dumps(answers, ensure_ascii=False)
    columns += ["answers"] * several
    return csv_text(rows, columns, **style).encode("utf-8-sig")


CSV = Format("csv", (".csv",), parse_delimited, _csv, _sheet, marked=True)
TSV = Format(
    "tsv",
    (".tsv",),
    partial(parse_delimited, delimiter="\t"),
    partial(_csv, delimiter="\t"),
    partial(_sheet, delimiter="\t"),
    marked=True,
)
