"""The encoding that a web page says it is in."""

import codecs
import re

_HEAD = 1024  # bytes in which a page says it
_SAID = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_OF_PAGES = re.compile(r"ascii|big5|cp\d+|euc_\w+|gb\w+|iso2022_jp|iso8859-\d+|koi8-\w|mac-\w+|shift_jis|tis-620")
# What browsers take these names for: WHATWG, "Encoding", 4.2.
_MEANT = {
    "ascii": "windows-1252",
    "iso8859-1": "windows-1252",
    "iso8859-9": "windows-1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
}


def charset(data: bytes) -> str | None:
    """The encoding that a page names, where it is another than UTF-8 and its bytes are in it; else None.

    Bytes beyond ASCII that are UTF-8 are hardly ever anything else, whatever the page says.
    """
    said = _SAID.search(data, 0, _HEAD)
    try:
        name = codecs.lookup(said[1].decode("ascii")).name if said else "utf-8"
        if not _OF_PAGES.fullmatch(name):
            return None
        encoding = _MEANT.get(name, name)
        data.decode(encoding)
    except (LookupError, UnicodeError):
        return None
    return None if not data.isascii() and _is_utf8(data) else encoding


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
