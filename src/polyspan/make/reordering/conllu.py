"""Dependency trees, and their files: CoNLL-U and CoNLL of ten columns, as sentences whose words stand in a text.

Relations of UD v1, Stanford dependencies and ClearNLP (spaCy's English models) are given UD v2's names, so that
what reads a tree knows one scheme.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from polyspan.errors import PolyspanError, shorten
from polyspan.files import Source, explained

_V2 = {
    "csubjpass": "csubj:pass",
    "nsubjpass": "nsubj:pass",
    "auxpass": "aux:pass",
    "dobj": "obj",
    "dative": "iobj",
    "neg": "advmod",
    "prt": "compound:prt",
    "relcl": "acl:relcl",
    "rcmod": "acl:relcl",
    "infmod": "acl",
    "partmod": "acl",
    "vmod": "acl",
    "poss": "nmod:poss",
    "possessive": "case",
    "num": "nummod",
    "number": "nummod",
    "nn": "compound",
    "mwe": "fixed",
    "name": "flat",
    "foreign": "flat:foreign",
    "npadvmod": "obl:npmod",
    "tmod": "obl:tmod",
    "predet": "det:predet",
    "preconj": "cc:preconj",
    "intj": "discourse",
}
_PREDICATES = frozenset({"acomp", "attr", "oprd"})
_FORMS_OF_BE = "be am is are was were been being 's ’s 're ’re 'm ’m"
_BE = frozenset(_FORMS_OF_BE.split())

# How the Penn treebank, and CoreNLP after it, writes what stands otherwise in the text; the commonest first.
_PENN = {
    "-LRB-": ("(",),
    "-RRB-": (")",),
    "-LSB-": ("[",),
    "-RSB-": ("]",),
    "-LCB-": ("{",),
    "-RCB-": ("}",),
    "``": ('"', "“", "„", "«"),
    "''": ('"', "”", "»"),
    "`": ("'", "‘"),
    "'": ("'", "’", "‘"),
    "...": ("...", "…"),
    "--": ("--", "–", "—"),
    "\\/": ("/",),
    "\\*": ("*",),
}
_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a tree. `head` is a place in the sentence, −1 for a root; `start` and `end` are code points of
    the sentence's text. `relation` is UD v2's; `xpos` the tag of the treebank's own tag set."""

    form: str
    upos: str
    xpos: str
    head: int
    relation: str
    start: int
    end: int
    feats: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A tree over a sentence. `start` is where `text` begins in the paragraph, `where` where the tree was read."""

    text: str
    tokens: tuple[Token, ...]
    start: int = 0
    where: str = ""

    @property
    def end(self) -> int:
        """One past the sentence's last code point in the paragraph."""
        return self.start + len(self.text)


@dataclass(slots=True)
class _Row:
    line: int
    form: str
    upos: str
    xpos: str
    feats: str
    head: int
    relation: str
    glued: bool


@dataclass(slots=True)
class _Range:
    # A word of the text that is several words of the tree (`1-2 du`): rows[first:last].
    first: int
    last: int
    form: str
    glued: bool


def relation_v2(relation: str, head: str) -> str:
    """The UD v2 name of a relation below the word `head`; a name that is none of an older scheme stays.

    ClearNLP has the copula as head of its predicate (acomp, attr, oprd), where UD has it below the predicate and
    `typology` moves the subject alone: so these are an `xcomp`, which is an object there, but not below a form of
    "be", where they stay where they are.
    """
    relation = relation.lower()
    if relation in _PREDICATES:
        return relation if head.lower() in _BE else "xcomp"
    return _V2.get(relation, relation)


def locate(forms: Sequence[str], text: str, start: int = 0) -> list[tuple[int, int]]:
    """Spans of words one after the other in a text from `start` on, with nothing but blanks between them.

    Ends before the first word that does not follow, so that a shorter list than `forms` is a mismatch.
    """
    spans: list[tuple[int, int]] = []
    at = start
    for form in forms:
        while not text.startswith(form, at) and text[at : at + 1].isspace():
            at += 1
        if not text.startswith(form, at):
            form = next((other for other in _PENN.get(form, ()) if text.startswith(other, at)), "")
            if not form:
                break
        spans.append((at, at + len(form)))
        at += len(form)
    return spans


def first_difference(forms: Sequence[str], text: str, start: int = 0) -> tuple[str, str]:
    """What stands in the text, and the words of the tree, from the first place on where the two part."""
    spans = locate(forms, text, start)
    at = spans[-1][1] if spans else start
    return shorten(text[at : at + 60].strip()), shorten(" ".join(forms[len(spans) : len(spans) + 12]))


def read_conllu(path: Source) -> list[Sentence]:
    """The sentences of a CoNLL-U file, or one of CoNLL's ten columns; columns after the eighth may be missing.

    The text of a sentence is its `# text`, or else its words joined as `SpaceAfter` says. Empty nodes (1.1) are
    left out. A word of several syntactic words (1-2) counts as these where they spell it (do|n't), and else as one
    word in the place of the highest of them (du = de + le), as a text cannot be cut there.
    Raises PolyspanError, with the line, for the first fault: columns, numbers, heads, cycles, words not in text.
    """
    with explained(path, "read"):
        data = Path(path).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _fault(path, line, "is not UTF-8", repr(data[error.start : error.start + 8])) from error
    sentences = list(parse_conllu(text, str(path)))
    if not sentences:
        raise PolyspanError("no tree in the file", where=str(path), expected="lines of ten columns (CoNLL-U)")
    return sentences


def parse_conllu(text: str, where: str = "trees") -> Iterator[Sentence]:
    """The sentences of a file's content, see `read_conllu`; `where` names the file in errors."""
    rows: list[_Row] = []
    ranges: list[_Range] = []
    written = ""
    for number, line in enumerate((*text.split("\n"), ""), 1):
        line = line.rstrip("\r")
        if line.startswith("#") and not rows:
            name, _, value = line[1:].partition("=")
            written = value.strip() if name.strip() == "text" else written
        elif line.strip():
            _read_line(line, number, where, rows, ranges)
        elif rows:
            yield _sentence(rows, ranges, written, where)
            rows, ranges, written = [], [], ""


def _fault(where: Source, line: int, message: str, found: str = "", expected: str = "") -> PolyspanError:
    fix = "mend the line, or make the file again with the parser"
    place = f"{where}, line {line}"
    return PolyspanError(f"a line of the tree {message}", where=place, found=found, expected=expected, fix=fix)


def _read_line(line: str, number: int, where: str, rows: list[_Row], ranges: list[_Range]) -> None:
    cells = line.split("\t") if "\t" in line else line.split()
    if len(cells) < _COLUMNS:
        expected = "ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL …, divided by tabs"
        raise _fault(where, number, "has too few columns", f"{len(cells)}: {shorten(line)}", expected)
    identity, form = cells[0], cells[1].strip()
    misc = cells[9].split("|") if len(cells) > 9 else []
    glued = "SpaceAfter=No" in misc
    first, dash, last = identity.partition("-")
    if dash and first.isdecimal() and last.isdecimal() and int(first) == len(rows) + 1 <= int(last):
        ranges.append(_Range(len(rows), int(last), form, glued))
        return
    if "." in identity and identity.replace(".", "", 1).isdecimal():
        return
    if identity != str(len(rows) + 1):
        raise _fault(where, number, "has the wrong number", shorten(identity), str(len(rows) + 1))
    if not form:
        raise _fault(where, number, "has no word", shorten(line))
    if not cells[6].isdecimal():
        raise _fault(where, number, "has no head", shorten(cells[6]), "the number of a word, or 0 for the root")
    upos, xpos, feats = ("" if cell == "_" else cell for cell in cells[3:6])
    rows.append(_Row(number, form, upos, xpos, feats, int(cells[6]) - 1, cells[7], glued))


def _sentence(rows: list[_Row], ranges: list[_Range], written: str, where: str) -> Sentence:
    _check_tree(rows, where)
    for each in reversed(ranges):
        if each.last > len(rows):
            raise _fault(where, rows[-1].line, "ends before its words", str(len(rows)), f"{each.last} words")
        inside = rows[each.first : each.last]
        if "".join(row.form for row in inside) == each.form:
            for row in inside:
                row.glued = True
            inside[-1].glued = each.glued
        else:
            rows = _as_one(rows, each)
    forms = [row.form for row in rows]
    text = written or "".join(_PENN.get(row.form, (row.form,))[0] + " " * (not row.glued) for row in rows).rstrip()
    spans = locate(forms, text)
    if len(spans) < len(rows):
        found, expected = first_difference(forms, text)
        raise _fault(where, rows[len(spans)].line, "does not match the sentence's text", expected, found)
    if rest := text[spans[-1][1] :].strip():
        raise _fault(where, rows[-1].line, "is not the end of the sentence's text", "no more words", shorten(rest))
    tokens = tuple(
        Token(row.form, row.upos, row.xpos, row.head, _relation(rows, row), *span, row.feats)
        for row, span in zip(rows, spans, strict=True)
    )
    return Sentence(text, tokens, where=f"{where}, line {rows[0].line}")


def _relation(rows: list[_Row], row: _Row) -> str:
    return relation_v2(row.relation, rows[row.head].form if row.head >= 0 else "")


def _check_tree(rows: list[_Row], where: str) -> None:
    settled = [False] * len(rows)
    for place, row in enumerate(rows):
        if row.head >= len(rows):
            raise _fault(
                where, row.line, "has a head that is not there", str(row.head + 1), f"at most {len(rows)}"
            )
        path: list[int] = []
        at, on_path = place, set[int]()
        while at >= 0 and not settled[at]:
            if at in on_path:
                cycle = " → ".join(rows[each].form for each in (*path[path.index(at) :], at))
                raise _fault(where, rows[at].line, "is its own ancestor", shorten(cycle), "a tree")
            path.append(at)
            on_path.add(at)
            at = rows[at].head if rows[at].head < len(rows) else -1
        for each in path:
            settled[each] = True


def _as_one(rows: list[_Row], span: _Range) -> list[_Row]:
    # The word whose head is outside stands for all; what hung below any of them now hangs below it.
    inside = range(span.first, span.last)
    top = next(rows[each] for each in inside if rows[each].head not in inside)
    fewer = len(inside) - 1

    def moved(place: int) -> int:
        return span.first if place in inside else place - fewer if place >= span.last else place

    whole = replace(top, form=span.form, glued=span.glued)
    merged = [*rows[: span.first], whole, *rows[span.last :]]
    return [replace(row, head=moved(row.head)) for row in merged]
