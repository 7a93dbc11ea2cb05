"""From bytes to text to JSON, with a fault for each thing that is not as it should be."""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from polyspan.data.formats.doubles import load
from polyspan.data.formats.parsed import FIX, Parsed
from polyspan.errors import shorten
from polyspan.files import Source

NOTHING = object()
"""What `load_json` returns where there is nothing to go on with."""

_UTF8_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_REMEDY = f"read it with --encoding {{}}, or make it UTF-8: {FIX}"
_HEAD = 2_000
_PIECE = 2**20
_NOT_ASCII = re.compile("[^\0-\x7f]+")
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_WESTERN = frozenset(
    "àáâãäåæçèéêëìíîïñòóôõöøùúûüÿœßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜŒ"
    "\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2022\u2026\u20ac\u2122«»\u2039\u203a¡¿·§°ºª²³½¼¾±\xd7£¥©®\xb4\xa0\xad"
)
_SIGN_IN_WORD = re.compile(r"(?<=[^\W\d_])[\xa1-\xa9\xac\xae-\xb3\xb5\xb6\xb8\xb9\xbb-\xbf](?=[^\W\d_])")
_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE_LENGTH = 6


def decode(data: bytes, parsed: Parsed, marked: bool = False) -> str:
    """The text of bytes, in the encoding that their owner names, or else UTF-8; a byte order mark is taken off.

    Faults: `bom`, unless files of this kind are `marked` by custom, as Excel's CSV is; `encoding` for UTF-16,
    UTF-32 and Windows-1252, which are decoded where a mark announces them or their letters tell them, and for
    bytes that are neither UTF-8 nor what was named, which are kept as lone surrogates so that the texts they stand
    in can be named.
    """
    if parsed.reading.encoding is not None:
        return _as_named(data, parsed, parsed.reading.encoding)
    if data.startswith(_UTF8_BOM):
        data = data[3:]
        if not marked:
            told_mark(parsed)
    if (wide := wide_text(data)) is not None:
        text, encoding, sign = wide
        parsed.fault("", "", "encoding", f"{encoding.upper()}, by {sign}", "UTF-8", _REMEDY.format(encoding))
        return text
    parsed.suspicious = b"\0" in data or _ESCAPED.search(data) is not None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = error.start
    parsed.suspicious = True
    found = told_byte(data, byte)
    if (western := western_text(data)) is not None:
        found = f"Windows-1252, as Excel's CSV in Western Europe, by its letters: {found}"
        parsed.fault("", "", "encoding", found, "UTF-8", _REMEDY.format("windows-1252"))
        return western
    fix = "name the encoding it was saved in, such as --encoding big5, or convert it with iconv"
    parsed.fault("", "", "encoding", found, "UTF-8", fix)
    return data.decode("utf-8", "surrogateescape")


def told_mark(parsed: Parsed) -> None:
    """Note that a file has a byte order mark."""
    parsed.fault("", "", "bom", "a byte order mark at the start", "UTF-8 without one", FIX)


@dataclass(frozen=True, slots=True)
class Glance:
    """What a file of plain UTF-8 is like: its first bytes, and as `Parsed` has it, whether it is `suspicious`."""

    head: bytes
    marked: bool
    suspicious: bool


def glance(path: Source) -> Glance | None:
    """Look through a file a piece at a time; None where it is no plain UTF-8, byte order mark or not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    head, before, suspicious = b"", b"", False
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            head = head or piece
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                return None
            around = before + piece
            suspicious = suspicious or b"\0" in piece or _ESCAPED.search(around) is not None
            before = piece[-_ESCAPE_LENGTH:]
    marked = head.startswith(_UTF8_BOM)
    head = head.removeprefix(_UTF8_BOM)
    wide = next(_wide(head), None) is not None
    return None if decoder.getstate()[0] or wide else Glance(head, marked, suspicious)


def told_byte(data: bytes, at: int) -> str:
    """A byte and its place, as a message tells them."""
    return f"byte 0x{data[at]:02x} at offset {at:,} (line {data.count(10, 0, at) + 1:,})"


def wide_text(data: bytes) -> tuple[str, str, str] | None:
    """The text of bytes in UTF-16 or UTF-32, which of them it is, and by what sign; None where it is neither."""
    for encoding, sign in _wide(data):
        if (text := _decoded(data, encoding)) is not None:
            return text, encoding, sign
    return None


def western_text(data: bytes) -> str | None:
    """The text of bytes that are no UTF-8 where it reads as Windows-1252; None where it does not."""
    text = _decoded(data, "windows-1252")
    return text if text is not None and _is_western(data, text) else None


def _as_named(data: bytes, parsed: Parsed, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        byte = getattr(error, "start", 0)
        found = f"byte 0x{data[byte]:02x} at offset {byte:,}"
        fix = "name another encoding, or none if it is UTF-8"
        parsed.fault("", "", "encoding", found, f"text in {encoding}, as --encoding says", fix)
        try:
            return data.decode(encoding, "surrogateescape").removeprefix("\ufeff")
        except UnicodeError:
            raise parsed.faults[-1].error() from error


def _wide(data: bytes) -> Iterator[tuple[str, str]]:
    """UTF-16 and UTF-32, as the data may be in, each with the sign for it."""
    for mark, encoding in _WIDE_BOMS.items():
        if data.startswith(mark):
            yield encoding, "its first bytes"
    # Without a mark: every second byte of Latin text is NUL.
    even, odd = data[:_HEAD:2], data[1:_HEAD:2]
    for encoding, nul, letters in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if nul.count(0) * 2 > len(nul) and not letters.count(0):
            yield encoding, "the NUL bytes between its letters"


def _is_western(data: bytes, text: str) -> bool:
    """Whether bytes decoded as Windows-1252 read as text of Western Europe, not as that of another encoding.

    Its letters stand alone or in twos among ASCII ones: in Cyrillic or CJK encodings they come in long runs, and
    other bytes too. Letters that Mac Roman and Turkish have for their commonest ones do not count, nor do signs
    inside words, as Polish has them.
    """
    other = sum(map(len, _UTF8.findall(data))) + len(_SIGN_IN_WORD.findall(text))
    for run in _NOT_ASCII.findall(text):
        letters = sum(char.isalpha() for char in run)
        odd = letters > 2 or not _WESTERN.issuperset(run)
        other += len(run) if odd else 0
    return "\0" not in text and other * 20 <= sum(map(len, _NOT_ASCII.findall(text)))


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def load_json(text: str, parsed: Parsed) -> Any:
    """The value of a JSON text, or `NOTHING` after noting one fault that says why there is none."""
    try:
        return load(text)
    except RecursionError:
        message, position = "nested too deep", 0
    except json.JSONDecodeError as error:
        message, position = error.msg, error.pos
    except ValueError as error:
        message, position = str(error), 0
    if any(fault.rule == "encoding" for fault in parsed.faults):
        return NOTHING
    line = text.count("\n", 0, position) + 1
    found = f"{message} at character {position:,} (line {line:,}): {shorten(text[position : position + 40], 60)}"
    if "\0" in text:
        at = text.index("\0")
        parsed.fault("", "", "nul", f"a NUL byte at character {at:,}", "text without NUL", "copy the file again")
    elif not text[position:].strip() or message.startswith("Unterminated string"):
        found = f"the file ends inside the JSON, after {len(text):,} characters"
        parsed.fault("", "", "truncated-json", found, "a whole JSON document", "copy or download the file again")
    else:
        parsed.fault("", "", "invalid-json", found, "JSON", "mend the file at that place")
    return NOTHING
