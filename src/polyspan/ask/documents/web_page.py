"""HTML: what a browser shows of a page, each character with its place in the source.

The parser is Python's own: unlike the faster ones it tells where in the source a text stands. What a style sheet
hides is taken for visible, but for `hidden` and `display: none` at an element itself.
"""

import html
import re
from html.parser import HTMLParser

from polyspan.ask.documents.charset import charset
from polyspan.ask.documents.document import Document, Heading
from polyspan.ask.documents.document_format import DocumentFormat
from polyspan.ask.documents.file_text import file_text
from polyspan.ask.documents.seen import Seen

_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:(?><!--.*?-->)\s*+)*+<(?:!doctype\s+html|html[\s>])", re.I | re.S
)


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_UNSEEN = _tags("script style template title noscript svg math object iframe canvas audio video select datalist")
_VOID = _tags("area base br col embed hr img input link meta source track wbr")
_END_LEFT_OUT = _tags("p li dt dd tr td th")  # HTML, "optional tags"
_BLOCKS = _tags(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td textarea tfoot"
    " th thead tr ul"
)
_GAPS = (
    dict.fromkeys(_BLOCKS, "\n\n") | dict.fromkeys(("br", "li", "tr", "dt", "dd"), "\n") | {"td": "\t", "th": "\t"}
)
_STRENGTH = ("", "\t", "\n", "\n\n")
_AS_WRITTEN = ("pre", "textarea")
_NOT_SHOWN = re.compile(r"display\s*:\s*none", re.I)
_HEADING = re.compile("h[1-6]")
_REFERENCE = re.compile(r"&[#\w]*;?")
_BLANK = " \t\n\r\f"
_SPACE = re.compile(rf"[{_BLANK}]+")
_LINE_END = re.compile(r"\r\n?|\n")


class _Browser(HTMLParser):
    """Goes through a page and notes what is seen, and its headings."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.seen = Seen(source)
        self.headings: list[Heading] = []
        self._lines = [0, *(match.end() for match in re.finditer("\n", source))]
        self._gap = ""  # what parts the last text from the next one
        self._trailing: tuple[str, int] | None = None  # white space behind the last text, and its place
        self._unseen: list[str] = []  # open elements from the outermost unseen one on
        self._as_written = 0
        self._level = 0  # of the open heading
        self._begin: int | None = None  # where its text begins
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """An element begins: it may be unseen, and it may part texts."""
        if tag in _BLOCKS and self._unseen in (["p"], [tag] if tag in _END_LEFT_OUT else None):
            self._unseen.clear()
        given = dict(attributes)
        hidden = tag in _UNSEEN or "hidden" in given or _NOT_SHOWN.search(given.get("style") or "")
        if self._unseen or hidden:
            if tag not in _VOID:
                self._unseen.append(tag)
            return
        self._part(tag)
        self._as_written += tag in _AS_WRITTEN
        if _HEADING.fullmatch(tag):
            self._level, self._begin = int(tag[1]), None

    def handle_endtag(self, tag: str) -> None:
        """An element ends, and with it those inside it that have not ended."""
        if tag in self._unseen:
            del self._unseen[len(self._unseen) - 1 - self._unseen[::-1].index(tag) :]
        elif self._unseen and self._unseen[0] in _END_LEFT_OUT and tag in _GAPS:  # of an element around it
            self._unseen.clear()
        if self._unseen:
            return
        if _HEADING.fullmatch(tag):
            if self._begin is not None:
                self.headings.append(Heading(self._begin, self.seen.size, self._level))
            self._level, self._begin = 0, None
        self._as_written = max(0, self._as_written - (tag in _AS_WRITTEN))
        self._part(tag)

    def handle_data(self, data: str) -> None:
        """A text: its white space is kept as it is, but for that at a gap and for empty lines within it."""
        if self._unseen:
            return
        at = self._at()
        inner = data.strip(_BLANK)
        if not inner:
            self._trailing = self._trailing or (data, at)
            return
        lead = data.index(inner)
        self._trailing = self._trailing or (data[:lead], at)
        self._begin_text(at)
        if self._as_written:
            self.seen.put(inner, at + lead, len(inner))
        else:
            self._put(inner, at + lead)
        behind = lead + len(inner)
        self._trailing = (data[behind:], at + behind) if behind < len(data) else None

    def handle_entityref(self, name: str) -> None:
        """A named reference such as `&amp;`, which stands for a character."""
        self._put_reference()

    def handle_charref(self, name: str) -> None:
        """A numeric one such as `&#8217;`."""
        self._put_reference()

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _part(self, tag: str) -> None:
        self._gap = max(self._gap, _GAPS.get(tag, ""), key=_STRENGTH.index)

    def _put_reference(self) -> None:
        at = self._at()
        written = _REFERENCE.match(self.seen.source, at)
        if not self._unseen and written is not None:
            self._begin_text(at)
            self.seen.put(html.unescape(written[0]), at, len(written[0]))
            self._trailing = None

    def _begin_text(self, at: int) -> None:
        """The gap before a text, or the white space before it where there is none."""
        if self._gap and self.seen.size:
            self.seen.put(self._gap, at, 0)
        elif self._trailing is not None and self.seen.size:
            self._put(*self._trailing)
        self._gap = ""
        if self._level and self._begin is None:
            self._begin = self.seen.size

    def _put(self, text: str, at: int) -> None:
        done = 0
        for space in _SPACE.finditer(text):
            if len(_LINE_END.findall(space[0])) > 1:  # an empty line, which parts nothing here
                self.seen.put(text[done : space.start()], at + done, space.start() - done)
                self.seen.put(" ", at + space.start(), len(space[0]))
                done = space.end()
        self.seen.put(text[done:], at + done, len(text) - done)


def _read(data: bytes, path: str, encoding: str | None) -> Document:
    source, encoding = file_text(data, path, encoding or charset(data))
    page = _Browser(source)
    return Document(path, page.seen.text, encoding, tuple(page.headings), page.seen)


WEB_PAGE = DocumentFormat("html", (".html", ".htm", ".xhtml"), _read, lambda data: _PAGE.match(data) is not None)
