"""Files as parsed items and faults, whatever format they come in."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.data import archive, lines, rows, squad
from polyspan.data.decode import NOTHING, decode, load_json
from polyspan.data.parsed import Parsed
from polyspan.errors import PolyspanError
from polyspan.files import Source, explained


def parse(data: Source) -> list[Parsed]:
    """Parse every file of a path or pattern, faults and all.

    Raises PolyspanError where there is nothing to parse: no such file, a folder, an empty file, a bad archive.
    """
    parts = [_parse_file(path) for path in _paths(data)]
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
        _refuse_bare_name(path)
        raise PolyspanError(
            "there is no such file", where=path, fix="check the path; `polyspan data list` has names"
        )
    return [path]


def _refuse_bare_name(path: str) -> None:
    from polyspan.data import cards

    if path in cards.cards():
        cards.find(path)  # raises: which split?


def _parse_file(path: str) -> Parsed:
    with explained(path, "read"):
        data = Path(path).read_bytes()
    data, name = archive.unpack(data, path)
    if not data.strip():
        raise PolyspanError("the file is empty", where=path, fix="copy or download it again")
    parsed = Parsed(path)
    kind = Path(name).suffix.lower()
    if data.startswith(b"PAR1") or kind == ".parquet":
        rows.parse_parquet(data, parsed)
        return parsed
    text = decode(data, parsed)
    if kind in (".csv", ".tsv"):
        rows.parse_csv(text, parsed, "," if kind == ".csv" else "\t")
    elif lines.is_plain(kind, text):
        lines.parse_plain(text, parsed)
    elif kind in (".jsonl", ".ndjson") or _has_lines(text):
        rows.parse_lines(text, parsed)
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


def _parse_document(document: Any, parsed: Parsed) -> None:
    if parsed.doubled("", document) and "data" in document["doubled"]:
        parsed.set_aside("", document, len(parsed.faults) - len(document["doubled"]))
        return
    items = document.get("data") if isinstance(document, Mapping) else document
    first = items[0] if isinstance(items, list) and items else None
    if isinstance(document, list) and isinstance(first, Mapping) and ("context_text" in first or "qas" in first):
        squad.parse_cmrc(document, parsed)
    elif isinstance(first, Mapping) and "paragraphs" not in first and "question" in first:
        rows.parse_rows(items or [], parsed)
    elif isinstance(document, Mapping):
        squad.parse_articles(document, parsed)
    elif isinstance(document, list) and document:
        rows.parse_rows(document, parsed)
    else:
        parsed.wrong("", "", document, "an object with 'data', as SQuAD has, or a list of questions")
