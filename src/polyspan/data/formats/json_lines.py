"""JSON Lines: a row, context or article a line."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from polyspan.data.formats.doubles import load
from polyspan.data.formats.format import Format, Irregular
from polyspan.data.formats.json_document import parse_document, parse_items, stream_items
from polyspan.data.formats.parsed import Parsed
from polyspan.data.formats.rows import as_rows
from polyspan.data.schema import Corpus

_OBJECTS = re.compile(r"(\{[^\n]*+)\n\s*+\{")


def parse_lines(text: str, parsed: Parsed) -> None:
    """Parse lines of JSON into `parsed`. One line alone is a document."""
    items: list[Any] = []
    # Not splitlines(): texts may hold U+2028 and other line breaks that JSON leaves as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            items.append(load(line))
        except (ValueError, RecursionError) as error:
            since, found = len(parsed.faults), getattr(error, "msg", "JSON nested too deep")
            fix = "mend the line or take it out"
            parsed.fault(f"line {number}", "", "invalid-json", found, "one JSON object a line", fix)
            parsed.set_aside(f"line {number}", line, since)
    if len(items) == 1 and isinstance(items[0], Mapping) and not parsed.faults:
        parse_document(items[0], parsed)
    else:
        parse_items(items, parsed)


def stream_lines(file: TextIO, parsed: Parsed) -> None:
    """`parse_lines` of an open file. Raises Irregular for lines that are no rows, or no JSON."""
    if isinstance(file, io.TextIOWrapper):
        file.reconfigure(newline="\n")

    def objects() -> Iterator[Any]:
        for line in file:
            if line.strip():
                try:
                    yield load(line)
                except (ValueError, RecursionError):
                    raise Irregular from None

    stream_items(objects(), parsed)


def as_lines(corpus: Corpus) -> Iterator[bytes]:
    """A corpus as rows, one a line."""
    return (json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in as_rows(corpus))


def _has_lines(text: str) -> bool | None:
    # JSON Lines is often called .json: its first line is a whole object, and more follow.
    found = _OBJECTS.match(text)
    if found is None:
        return None
    try:
        json.loads(found[1])
    except (ValueError, RecursionError):
        return None
    return True


JSON_LINES = Format(
    "jsonl", (".jsonl", ".ndjson"), parse_lines, as_lines, recognise=_has_lines, stream=stream_lines
)
