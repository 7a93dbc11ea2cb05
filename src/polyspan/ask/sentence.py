"""The sentence around an answer, as it is shown to a person."""

import re
from typing import NamedTuple

from polyspan.ask.documents.document import PART
from polyspan.make.sentences import sentences
from polyspan.text import ALONE

WIDEST = 400
"""Characters that are shown of a longer sentence."""

_REACH = 2000  # characters on each side in which its ends are looked for
# A line break within a sentence is a space to who reads, but not before an item of a list, a heading or a table.
_WRAP = re.compile(r"\r?\n(?![^\S\n]*(?:[\-*+•#>|]|\d{1,2}[.)]\s|\n|$))")
_NARROW = 30  # columns of a line that is ended on purpose
_WIDE = re.compile(ALONE)
# White space, of which nothing is left where a line ends in scripts without spaces.
_SPACE = re.compile(rf"(?P<none>(?<={ALONE})\s*[\r\n]\s*(?={ALONE}))|\s+")


class AnswerSentence(NamedTuple):
    """A sentence without its line breaks, in which the answer is `text[start:end]`."""

    text: str
    start: int
    end: int


def sentence_around(text: str, start: int, end: int) -> AnswerSentence:
    """The sentence, or the sentences, that `text[start:end]` stands in; of a long one what is next to it."""
    first, last = _paragraph(text, start, end)
    begin = first
    for sentence in sentences(_unwrapped(text[first:last]), longest=last - first):
        behind = begin + len(sentence)
        if behind <= start:
            first = begin = behind
        elif behind >= end:
            last = behind
            break
        else:
            begin = behind
    flat, begin, behind = _flat(text[first:last], start - first, end - first)
    before, inside, after = flat[:begin].lstrip(), flat[begin:behind], flat[behind:].rstrip()
    room = max(WIDEST - len(inside), 0)
    before, after = (
        _end(before, max(room // 2, room - len(after))),
        _begin(after, max(room // 2, room - len(before))),
    )
    return AnswerSentence(before + inside + after, len(before), len(before) + len(inside))


def _flat(text: str, start: int, end: int) -> tuple[str, int, int]:
    """A text on one line, and where in it `text[start:end]` stands."""
    spaces = [(one.end(), len(one[0]) - (one["none"] is None)) for one in _SPACE.finditer(text)]
    start, end = (place - sum(less for at, less in spaces if at <= place) for place in (start, end))
    return _SPACE.sub(lambda one: " " if one["none"] is None else "", text), start, end


def _paragraph(text: str, start: int, end: int) -> tuple[int, int]:
    low, high = max(0, start - _REACH), min(len(text), end + _REACH)
    for part in PART.finditer(text, low, start):
        low = part.end()
    behind = PART.search(text, end, high)
    return low, behind.start() if behind else high


def _unwrapped(text: str) -> str:
    """Line breaks within sentences become spaces, a character each, so that places stay."""

    def space(found: re.Match[str]) -> str:
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        return found[0] if len(line) + len(_WIDE.findall(line)) < _NARROW else " " * len(found[0])

    return _WRAP.sub(space, text)


def _end(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    kept = text[len(text) - room :]
    return "… " + kept.partition(" ")[2] if " " in kept[: room // 2] else "…" + kept


def _begin(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    kept = text[:room]
    return kept.rpartition(" ")[0] + " …" if " " in kept[room // 2 :] else kept + "…"
