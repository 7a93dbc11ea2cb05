"""Sentences of a text by their punctuation: Latin, Chinese and Japanese, Arabic, Devanagari,
Burmese, Khmer, Ethiopic, Armenian. Thai and Lao mark no end. Nothing is lost."""

import re

LONGEST = 1000
"""A piece of more characters is cut between words: translation models take no more than some 500 tokens."""

_CLOSING = "\"'”’»›)\\]}」』）】》〉〕］＂＇"
_STOP = re.compile(
    rf"(?<![.!?…])[.!?…]++[{_CLOSING}]*+(?=\s)\s*"  # Latin: only before white space, so not within 3.5 or a.m.
    rf"|[。！？｡؟۔।॥။៕។።፧։][。！？｡؟।॥။៕…]*[{_CLOSING}]*\s*"
    r"|\n\s*"
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“«]+$")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+")
_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        "approx. av. bros. capt. cf. co. col. corp. dept. dr. eds. e.g. esp. est. al. fig. figs. gen. gov. hon."
        " i.e. inc. jr. lt. ltd. messrs. mr. mrs. ms. mt. mme. no. nos. nr. pp. prof. rev. sen. sgt. sr. st."
        " sta. ste. vol. vols. vs. dra. sra. srta. ud. núm. pág. bzw. bspw. usw. vgl. z.b.",
    )
)
_BREAK = re.compile(r".*(?:\s|[，、；：,;:])", re.DOTALL)


def sentences(text: str, longest: int = LONGEST) -> list[str]:
    """The sentences of a text, each with the white space behind it: joined they are the text again.

    A full stop behind an initial or a usual abbreviation, or before a lower-case letter, ends nothing: two
    sentences left together harm a translation less than one torn apart. A line break always ends one.
    """
    pieces, start = [], 0
    for stop in _STOP.finditer(text):
        if _ends(text, stop):
            pieces += _cut(text[start : stop.end()], longest)
            start = stop.end()
    return pieces + _cut(text[start:], longest)


def _ends(text: str, stop: re.Match[str]) -> bool:
    if stop.end() == len(text) or "\n" in stop.group() or stop.group()[0] not in ".!?…":
        return True
    if text[stop.end()].islower():
        return False
    if stop.group().rstrip() != ".":
        return True
    before = _LAST_WORD.search(text, max(0, stop.start() - 20), stop.start())
    word = before.group() + "." if before else "."
    return not (_INITIALS.fullmatch(word) or word.lower() in _ABBREVIATIONS)


def _cut(piece: str, longest: int) -> list[str]:
    parts = []
    while len(piece.rstrip()) > longest:
        place = _BREAK.match(piece, 0, longest)
        end = place.end() if place else longest
        parts.append(piece[:end])
        piece = piece[end:]
    return [*parts, piece] if piece else parts
