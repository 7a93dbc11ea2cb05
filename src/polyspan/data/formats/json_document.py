"""JSON: SQuAD's articles, CMRC's contexts, rows or columns of a table, as one document."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from polyspan.data.formats import rows, squad
from polyspan.data.formats.decoding import NOTHING, load_json
from polyspan.data.formats.format import Format, Irregular
from polyspan.data.formats.json_stream import JsonStream
from polyspan.data.formats.parsed import Parsed
from polyspan.data.schema import Corpus


def _parse(text: str, parsed: Parsed) -> None:
    if (document := load_json(text, parsed)) is not NOTHING:
        parse_document(document, parsed)


def parse_document(document: Any, parsed: Parsed) -> None:
    """Parse the value of a JSON text into `parsed`: SQuAD's object, a list of items, or an item by itself."""
    if isinstance(document, Mapping) and "data" not in document and (kind := _kind([document], parsed)):
        table = _rows_of_columns(document) if kind == "rows" else []
        parse_items(table or [document], parsed)  # else one row, context or article by itself
        return
    if parsed.doubled("", document) and "data" in document["doubled"]:
        parsed.set_aside("", document, len(parsed.faults) - len(document["doubled"]))
        return
    items = document.get("data") if isinstance(document, Mapping) else document
    if isinstance(document, Mapping) and not (isinstance(items, list) and _kind(items, parsed) in ("qas", "rows")):
        squad.parse_articles(document, parsed)
    elif isinstance(items, list) and items:
        parse_items(items, parsed)
    else:
        parsed.wrong("", "", document, "an object with 'data', as SQuAD has, or a list of questions")


def parse_items(items: list[Any], parsed: Parsed) -> None:
    """Parse a list of articles, of contexts with their questions, or of rows into `parsed`."""
    kind = _kind(items, parsed)
    if kind == "articles":
        squad.parse_articles({"data": items}, parsed)
    elif kind == "qas":
        squad.parse_paragraphs(items, parsed)
    else:
        rows.parse_rows(items, parsed)


def _rows_of_columns(document: Mapping[str, Any]) -> list[Any]:
    """The rows of a table kept by columns, as pandas' `to_json()` and `to_dict("list")` have it; else none."""
    if type(document) is not dict or len({type(column) for column in document.values()}) > 1:
        return []
    columns = {
        name: column if type(column) is dict else dict(enumerate(column)) if isinstance(column, list) else {}
        for name, column in document.items()
    }
    places = dict.fromkeys(place for column in columns.values() for place in column)
    return [{name: column.get(place) for name, column in columns.items()} for place in places]


def _kind(items: list[Any], parsed: Parsed) -> str | None:
    """What a list is of, by its first object: articles, contexts with their questions, rows, or none of these."""
    first = next((item for item in items if isinstance(item, Mapping)), {})
    if "paragraphs" in first:
        return "articles"
    if "qas" in first or "context_text" in first:
        return "qas"
    return "rows" if {"context", "question"} & parsed.reading.found(first).keys() else None


def _stream(file: TextIO, parsed: Parsed) -> None:
    document = JsonStream(file)
    if document.peek() == "{":
        squad.stream_articles(document, parsed)
    else:
        stream_items((document.value() for _ in document.items()), parsed)
        if document.peek():
            raise Irregular


def stream_items(items: Iterator[Any], parsed: Parsed) -> None:
    """`parse_items` of rows that are not held. Raises Irregular for articles and contexts, and for none or one."""
    first = list(itertools.islice(items, 2))
    if len(first) < 2 or not isinstance(first[0], Mapping) or _kind(first, parsed) != "rows":
        raise Irregular
    rows.stream_rows(itertools.chain(first, items), parsed)


def _as_json(corpus: Corpus) -> Iterator[bytes]:
    yield from (piece.encode() for piece in squad.in_pieces(corpus))
    yield b"\n"


JSON = Format("json", (".json",), _parse, _as_json, holds="both", stream=_stream)
