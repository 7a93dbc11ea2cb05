"""Files as parsed items and faults, whatever format they come in."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.data.formats import archive, delimited, lines, rows, squad
from polyspan.data.formats.decoding import NOTHING, decode, load_json
from polyspan.data.formats.doubles import load
from polyspan.data.formats.options import Reading
from polyspan.data.formats.parsed import Parsed
from polyspan.errors import PolyspanError
from polyspan.files import Source, explained

_TABLES = {".csv": ",", ".tsv": "\t"}


def parse(data: Source, reading: Reading | None = None) -> list[Parsed]:
    """Parse every file of a path or pattern, faults and all.

    Raises PolyspanError where there is nothing to parse: no such file, a folder, an empty file, a bad archive.
    """
    parts = [_parse_file(path, reading or Reading()) for path in _paths(data)]
    if not any(part.faults or any(paragraph.questions for paragraph in part.paragraphs) for part in parts):
        found, fix = "no question at all", "check that this is the file you mean"
        if parts[0].plain:
            found, fix = "plain text", "give SQuAD JSON or rows; `polyspan make` takes plain text, too"
        parts[0].fault("", "", "no-questions", found, "at least one question", fix)
    return parts


def _paths(data: Source) -> list[str]:
    path = os.fspath(data)
    if not os.path.exists(path):
        path = os.path.expanduser(path)
    if "\0" in path or not path:
        raise PolyspanError("that is not a path", found=repr(path))
    if not os.path.exists(path) and any(char in path for char in "*?["):
        import glob

        paths = sorted(found for found in glob.glob(path) if os.path.isfile(found))
        if not paths:
            raise PolyspanError("no file matches the pattern", where=path, fix="check the folder and the pattern")
        return paths
    if os.path.isdir(path):
        inside = sorted(entry.name for entry in os.scandir(path) if entry.is_file())[:6]
        raise PolyspanError(
            "a data set is a file, and this is a folder",
            where=path,
            found=", ".join(inside) or "no files in it",
            fix="give one file, or a quoted pattern such as 'FOLDER/train_*.json'",
        )
    if not os.path.exists(path):
        raise PolyspanError(
            "there is no such file", where=path, fix="check the path; `polyspan data list` has names"
        )
    return [path]


def _parse_file(path: str, reading: Reading) -> Parsed:
    with explained(path, "read"):
        data = Path(path).read_bytes()
    data, name = archive.unpack(data, path)
    if not data.strip():
        raise PolyspanError("the file is empty", where=path, fix="copy or download it again")
    parsed = Parsed(path, reading=reading)
    kind = Path(name).suffix.lower()
    if data.startswith(b"PAR1") or kind == ".parquet":
        rows.parse_parquet(data, parsed)
        return parsed
    text = decode(data, parsed, marked=kind in (*_TABLES, ".txt"))
    if kind in _TABLES:
        delimited.parse_delimited(text, parsed, _TABLES[kind])
    elif lines.is_plain(kind, text):
        lines.parse_plain(text, parsed)
    elif kind in (".jsonl", ".ndjson") or _has_lines(text):
        _parse_lines(text, parsed)
    elif (document := load_json(text, parsed)) is not NOTHING:
        _parse_document(document, parsed)
    return parsed


def _has_lines(text: str) -> bool:
    # JSON Lines is often called .json: its first line is a whole object, and more follow.
    first, _, rest = text.partition("\n")
    if not first.startswith("{") or not rest.lstrip().startswith("{"):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def _parse_lines(text: str, parsed: Parsed) -> None:
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
        _parse_document(items[0], parsed)
    else:
        _parse_items(items, parsed)


def _parse_document(document: Any, parsed: Parsed) -> None:
    if isinstance(document, Mapping) and "data" not in document and (kind := _kind([document], parsed)):
        table = _rows_of_columns(document) if kind == "rows" else []
        _parse_items(table or [document], parsed)  # else one row, context or article by itself
        return
    if parsed.doubled("", document) and "data" in document["doubled"]:
        parsed.set_aside("", document, len(parsed.faults) - len(document["doubled"]))
        return
    items = document.get("data") if isinstance(document, Mapping) else document
    if isinstance(document, Mapping) and not (isinstance(items, list) and _kind(items, parsed) in ("qas", "rows")):
        squad.parse_articles(document, parsed)
    elif isinstance(items, list) and items:
        _parse_items(items, parsed)
    else:
        parsed.wrong("", "", document, "an object with 'data', as SQuAD has, or a list of questions")


def _parse_items(items: list[Any], parsed: Parsed) -> None:
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
