"""Files as parsed items and faults, whatever format they come in."""

import os
from pathlib import Path

from polyspan.data.formats import archive
from polyspan.data.formats.decoding import decode, glance, told_mark
from polyspan.data.formats.documents import refuse_document
from polyspan.data.formats.format import FORMATS, Irregular, format_of
from polyspan.data.formats.json_document import JSON
from polyspan.data.formats.options import Reading
from polyspan.data.formats.parsed import Parsed
from polyspan.errors import PolyspanError
from polyspan.files import Source, explained


def parse(data: Source, reading: Reading | None = None) -> list[Parsed]:
    """Parse every file of a path or pattern, faults and all.

    Raises PolyspanError where there is nothing to parse: no such file, a folder, an empty file, a bad archive.
    """
    reading = reading or Reading()
    parts = [_streamed(path, reading) or _parse_file(path, reading) for path in _paths(data)]
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


def _streamed(path: str, reading: Reading) -> Parsed | None:
    """A file of plain UTF-8 in a usual shape, read piece by piece; None where it must be read whole."""
    with explained(path, "read"):
        seen = glance(path) if reading.encoding is None else None
        if seen is None or not seen.head.strip() or archive.is_packed(seen.head):
            return None
        if format_of("", seen.head, binary=True) is not None:
            return None
        refuse_document(seen.head, path)
        head = seen.head.decode("utf-8", "ignore")
        format = format_of(Path(path).suffix.lower(), head, binary=False) or JSON
        if format.stream is None:
            return None
        parsed = Parsed(path, reading=reading, suspicious=seen.suspicious)
        if seen.marked and not format.marked:
            told_mark(parsed)
        with open(path, encoding="utf-8-sig", newline="") as file:
            try:
                format.stream(file, parsed)
            except Irregular:
                return None
    return parsed


def _parse_file(path: str, reading: Reading) -> Parsed:
    with explained(path, "read"):
        data = Path(path).read_bytes()
    name, format = path, format_of("", data, binary=True)
    if format is None:  # a format may be a zip itself
        data, name = archive.unpack(data, path)
    if not data.strip():
        raise PolyspanError("the file is empty", where=path, fix="copy or download it again")
    parsed = Parsed(path, reading=reading)
    suffix = Path(name).suffix.lower()
    content: bytes | str = data
    if (format := format or format_of(suffix, data, binary=True)) is None:
        named = (each for each in FORMATS.values() if suffix in each.suffixes)
        content = decode(data, parsed, marked=any(each.marked for each in named))
        format = format_of(suffix, content, binary=False) or JSON
    format.parse(content, parsed)
    return parsed
