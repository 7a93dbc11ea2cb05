"""Engines that look up: tables of translations made elsewhere, and dictionaries word by word."""

import codecs
import hashlib
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from polyspan.data import mini
from polyspan.data.languages import language_tag, primary
from polyspan.errors import PolyspanError, UsageError, choose, shorten
from polyspan.files import Source, explained
from polyspan.make.dictionary import JOINING, read_dictionary

_WORD = re.compile(rf"[^\W\d_]+(?:{JOINING}[^\W\d_]+)*")
_FORM = {
    ".tsv": "two columns a line, text and translation, a tab between them",
    ".jsonl": 'one object a line, with a text under the code of each language: {"en": …, "es": …}',
    ".tmx": "TMX, with a <tuv> in each of the two languages",
}
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_CODES = frozenset({"bpt", "ept", "it", "ph", "ut"})
"""Elements of TMX that hold another format's marks, such as a tag of HTML; those of `<hi>` are words."""

Pairs = Iterable[tuple[str, str]]


class TranslationTable:
    """Texts with their translations; of several for one text the first holds. White space does not count.

    What is not in the table comes out as "": a hole, which is counted where it is met.
    """

    def __init__(self, name: str, pairs: Pairs) -> None:
        digest = hashlib.sha256()
        self._known: dict[str, str] = {}
        for text, translation in pairs:
            digest.update(json.dumps([text, translation]).encode())
            self._known.setdefault(_plain(text), translation)
        self.name, self.version = name, digest.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self._known)

    def translate(self, texts: list[str], source: str, target: str) -> list[str]:
        """What the table has."""
        return [self._known.get(_plain(text), "") for text in texts]


class WordByWord:
    """The first translation of each word that the dictionary has, in lower case; the rest stays as it is."""

    def __init__(self, path: Source) -> None:
        self._dictionary = read_dictionary(path)
        self.name = f"dictionary:{self._dictionary.name}"
        self.version = f"2:{self._dictionary.sha256[:16]}"  # 2: looks through typographic variants

    def translate(self, texts: list[str], source: str, target: str) -> list[str]:
        """Each text with its words replaced; spaces stay, whatever the target's script."""
        return [_WORD.sub(lambda match: self._first(match[0]), text) for text in texts]

    def _first(self, word: str) -> str:
        return (*self._dictionary.translations(word), word)[0]


def _mini_table(source: str, target: str) -> TranslationTable:
    codes = [language.split("-")[0] for language in (source, target)]
    for code in codes:
        choose("language of the mini corpus", code, mini.LANGUAGES)
    return TranslationTable("file:mini", _mini(*codes))


def _mini(source: str, target: str) -> Iterator[tuple[str, str]]:
    for split in mini.SPLITS:
        for row in mini.sentences(split):
            yield row[source], row[target]
        for row in mini.rows(split):
            for question in row["questions"]:
                yield question["question"][source], question["question"][target]
                yield question["answer"][source]["text"], question["answer"][target]["text"]


def read_table(path: Source, source: str, target: str) -> TranslationTable:
    """A table from a file, its format told by its suffix: `.tsv`, `.jsonl`, or `.tmx`; `mini` is the mini corpus'
    own: sentences, questions and answers of both splits.

    In JSON Lines and TMX the languages are found by their codes, `zh-Hant` also under `zh` and the other way
    round. Lines without both texts are holes. UTF-8, UTF-16 with a byte order mark, or what a TMX declares. A TMX
    that declares entities is refused: they can grow without bounds. Raises PolyspanError where the file cannot be
    read, is of another form, or has nothing from `source` to `target`, UsageError for a language that the mini
    corpus does not have.
    """
    if path == "mini":
        return _mini_table(source, target)
    readers = {".tsv": _tsv, ".jsonl": _jsonl, ".tmx": _tmx}
    suffix = Path(path).suffix.lower()
    if suffix not in readers:
        raise PolyspanError("not a table of translations", where=str(path), expected=", ".join(readers))
    with explained(path, "read"):
        data = Path(path).read_bytes()
    try:
        text = data.decode(_encoding(data))
        pairs = [pair for pair in readers[suffix](text, source, target) if all(pair)]
    except (ValueError, ElementTree.ParseError) as error:  # UnicodeDecodeError is a ValueError
        raise PolyspanError(
            "the table of translations cannot be read", where=str(path), found=str(error), expected=_FORM[suffix]
        ) from None
    if not pairs:
        raise PolyspanError(
            f"the table has nothing from {source} to {target}", where=str(path), expected=_FORM[suffix]
        )
    return TranslationTable(f"file:{Path(path).name}", pairs)


def _encoding(data: bytes) -> str:
    """What a table was saved in: as its byte order mark says, or the XML declaration of a TMX; else UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    declared = _DECLARED.match(data)
    name = declared[1].decode("ascii") if declared else "utf-8"
    try:
        known = codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"it declares the encoding {name!r}, which nobody knows") from None
    return "utf-8-sig" if known == "utf-8" else known


def _tsv(text: str, source: str, target: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        columns = line.rstrip("\r").split("\t")
        if len(columns) != 2:
            raise ValueError(f"line {number:,}: {shorten(line, 60)}, {len(columns)} columns")
        text, translation = map(_unquoted, columns)
        yield text, translation


def _unquoted(cell: str) -> str:
    """A cell as it was typed: a spreadsheet puts one with quotation marks in quotation marks, and doubles them."""
    cell = cell.strip()
    inside = cell[1:-1]
    if '""' in inside and cell[0] == cell[-1] == '"' and '"' not in inside.replace('""', ""):
        return inside.replace('""', '"')
    return cell


def _jsonl(text: str, source: str, target: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number:,}: {error}") from None
        if not isinstance(row, dict):
            raise ValueError(f"line {number:,}: {shorten(line, 60)}")
        yield _of(row, source), _of(row, target)


def _tmx(text: str, source: str, target: str) -> Iterator[tuple[str, str]]:
    if "<!ENTITY" in text:
        raise ValueError("it declares entities, which a translation memory has no use for")
    for unit in _within(ElementTree.fromstring(text), "tu"):
        row: dict[str, object] = {}
        for variant in _within(unit, "tuv"):
            code = variant.get(_XML_LANG) or variant.get("lang") or ""
            row[code] = next(map(_words, _within(variant, "seg")), "")
        yield _of(row, source), _of(row, target)


def _within(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (one for one in element.iter() if _local(one) == name)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]  # without the namespace that some tools write


def _words(segment: ElementTree.Element) -> str:
    """A segment's text on one line without the codes in it; a code for a line break is a space."""
    for code in [*segment.iter()]:
        if _local(code) in _CODES:
            del code[:]
            code.text = " " if code.get("type") == "lb" else ""
    return _plain("".join(segment.itertext()))


def _of(row: dict[str, object], language: str) -> str:
    """The row's text in a language: under its tag, however written, or else under one with the same first part."""
    codes = [code for code in row if _tag(code) == language]
    codes += [code for code in row if primary(_tag(code)) == primary(language)]
    text = row[codes[0]] if codes else ""
    return text.strip() if isinstance(text, str) else ""


@lru_cache(maxsize=256)
def _tag(code: str) -> str:
    """A column's tag in its normal form; the name of a column that is no language stays."""
    try:
        return language_tag(code) or code
    except UsageError:
        return code


def _plain(text: str) -> str:
    return " ".join(text.split())
