"""From bytes to text to JSON, with a fault for each thing that is not as it should be."""

import json
import re
from typing import Any

from polyspan.data.doubles import load
from polyspan.data.parsed import FIX, Parsed
from polyspan.errors import shorten

NOTHING = object()
"""What `load_json` returns where there is nothing to go on with."""

_UTF8_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def decode(data: bytes, parsed: Parsed) -> str:
    """The text of UTF-8 bytes, a byte order mark taken off.

    Faults: `bom`; `encoding` for UTF-16 and UTF-32, which are decoded where a mark announces them, and for bytes
    that are not UTF-8, which are kept as lone surrogates so that the texts they stand in can be named.
    """
    if data.startswith(_UTF8_BOM):
        data = data[3:]
        parsed.fault("", "", "bom", "a byte order mark at the start", "UTF-8 without one", FIX)
    parsed.suspicious = b"\0" in data or _ESCAPED.search(data) is not None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = error.start
    parsed.suspicious = True
    wide = next((name for mark, name in _WIDE_BOMS.items() if data.startswith(mark)), None)
    if wide and (text := _decoded(data, wide)) is not None:
        fix = f"iconv -f {wide.upper()} -t UTF-8, or {FIX}"
        parsed.fault("", "", "encoding", f"{wide.upper()}, by its first bytes", "UTF-8", fix)
        return text
    found = f"byte 0x{data[byte]:02x} at offset {byte:,} (line {data.count(10, 0, byte) + 1:,})"
    fix = "convert the file with iconv from the encoding it was saved in"
    parsed.fault("", "", "encoding", found, "UTF-8", fix)
    return data.decode("utf-8", "surrogateescape")


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
