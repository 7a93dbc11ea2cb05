"""The text of a file as it is on disk: nothing is taken off it, so that offsets count what is there."""

from polyspan.data.formats.decoding import told_byte, western_text, wide_text
from polyspan.errors import PolyspanError

_KEPT = "\t\n\v\f\r\b\x1b"
_CONTROLS = dict.fromkeys(code for code in (*range(32), 127) if chr(code) not in _KEPT)
_BINARY = 0.02  # share of control characters: text of a terminal has a few
_AS_TEXT = {b"{\\rtf": "Rich Text Format", b"%!PS": "PostScript"}
_READ = "text, Markdown, HTML, PDF or .docx"


def file_text(data: bytes, path: str, encoding: str | None = None) -> tuple[str, str]:
    """The text of bytes and the encoding they are in: the one named, or as `polyspan check` tells it.

    That is UTF-8, or UTF-16, UTF-32 and Windows-1252 where a mark announces them or their letters tell them.
    `data.decode(encoding)` is the text: a byte order mark that the encoding leaves in it stays, and so do line
    ends. Raises PolyspanError for bytes that are no text.
    """
    for head, what in _AS_TEXT.items():
        if data.startswith(head):
            raise _no_text(path, what)
    if encoding is not None:
        return _as_named(data, path, encoding), encoding
    text, encoding = _told(data, path)
    if "\0" in text or len(text) - len(text.translate(_CONTROLS)) > _BINARY * len(text):
        raise _no_text(path, "bytes that no text has")
    return text, encoding


def _told(data: bytes, path: str) -> tuple[str, str]:
    if (wide := wide_text(data)) is not None:
        return wide[0], wide[1]
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if (text := western_text(data)) is not None:
            return text, "windows-1252"
        if b"\0" in data:
            raise _no_text(path, "bytes that no text has") from error
        raise PolyspanError(
            "the text is in an unknown encoding",
            where=path,
            found=told_byte(data, error.start),
            expected="UTF-8",
            fix="name the encoding it was saved in, such as --encoding big5",
        ) from error


def _as_named(data: bytes, path: str, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        byte = getattr(error, "start", 0)
        raise PolyspanError(
            f"the text is not in {encoding}",
            where=path,
            found=f"byte 0x{data[byte]:02x} at offset {byte:,}",
            fix="name another encoding, or none if it is UTF-8",
        ) from error


def _no_text(path: str, found: str) -> PolyspanError:
    return PolyspanError("this is no text", where=path, found=found, expected=_READ, fix="save it as one of these")
