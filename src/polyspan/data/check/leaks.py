"""Leaks: what a data set shares with others that it must be apart from, such as training data with test data.

Texts are compared without regard to case, width and spaces. What is shared is told once, by the first of these
rules that finds it: the same context; a context with much of another one's wording; a question's id, by which
translations are found; the same question with the same answer.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyspan.data.formats.parsed import Fault, Parsed
from polyspan.data.schema import Paragraph, Question
from polyspan.errors import shorten

WINDOW = 48
"""Bytes of UTF-8 in a stretch that two texts share: some ten English words, sixteen Chinese characters."""
SHARE = 0.2
"""Two contexts leak where at least so much of the shorter one stands in the other, stretch by stretch."""
_USUAL = 10  # a stretch that more contexts of the other data set have is a phrase of theirs, and does not count
_NUMBER = 6  # ids shorter than this are running numbers, which mean nothing from one data set to another

_FIX = "take the paragraph out of one of the two"
_BASE = 0x9E3779B97F4A7C15 | 1  # of the hash; arithmetic is that of 64 bits

Hashes = NDArray[np.uint64]


def leaks(parts: Sequence[Parsed], against: Sequence[Parsed]) -> tuple[list[Fault], list[Fault]]:
    """What files share with other files: faults, and warnings, one a file.

    Rules: `leak` (the same context), `leak-passage` (`SHARE` of a context), `leak-id`, `leak-question`; and as a
    warning `question-again`: a question that has another answer there.
    """
    known = _Known(against)
    faults: list[Fault] = []
    warnings: list[Fault] = []
    for part in parts:
        again: list[str] = []
        near = known.nearest([paragraph.context for paragraph in part.paragraphs])
        for paragraph, place, like in zip(part.paragraphs, part.places, near, strict=True):
            faults += _context(part, paragraph, place, known, like) or list(
                _questions(part, paragraph, known, again)
            )
        if again:
            found = f"{len(again):,} questions that the other data ask too, with another answer"
            fix = "none needed, unless they ask for the same"
            warnings.append(Fault(part.file, again[0], "", "question-again", found, "questions of their own", fix))
    return faults, warnings


@dataclass(frozen=True, slots=True)
class _Near:
    """The other context that has most of one: where it stands, and how much of the shorter they share."""

    place: str
    share: float


class _Known:
    """The other data set, as it is asked for."""

    def __init__(self, parts: Sequence[Parsed]) -> None:
        self.contexts: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.questions: dict[str, tuple[str, set[str]]] = {}
        for part in parts:
            for paragraph, place in zip(part.paragraphs, part.places, strict=True):
                self.contexts.setdefault(bare(paragraph.context), f"{part.file} {place}")
                for question in paragraph.questions:
                    where = f"{part.file} {question.id}"
                    self.ids.setdefault(question.id, where)
                    self.questions.setdefault(bare(question.text), (where, set()))[1].update(_answers(question))
        self.contexts.pop("", None)
        self.questions.pop("", None)
        self._places = list(self.contexts.values())
        self._stretches, self._owners, self._sizes = _indexed([_stretches(text) for text in self.contexts])

    def nearest(self, contexts: Sequence[str]) -> list[_Near | None]:
        """For each context the other one that shares most with it; None where that is less than `SHARE`."""
        return [self._nearest(_stretches(bare(context))) for context in contexts]

    def _nearest(self, own: Hashes) -> _Near | None:
        first = np.searchsorted(self._stretches, own)
        count = np.searchsorted(self._stretches, own, "right") - first
        shared = (count > 0) & (count <= _USUAL)
        if not shared.any():
            return None
        first, count = first[shared], count[shared]
        rows = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        others, common = np.unique(self._owners[rows], return_counts=True)
        shares = common / np.minimum(self._sizes[others], len(own))
        best = int(shares.argmax())
        return _Near(self._places[others[best]], float(shares[best])) if shares[best] >= SHARE else None


def _context(part: Parsed, paragraph: Paragraph, place: str, known: _Known, near: _Near | None) -> list[Fault]:
    """The fault of a context that is in the other data set, all of it or much of it."""
    asked = f"{len(paragraph.questions)} questions on {shorten(paragraph.context, 60)}"
    if other := known.contexts.get(bare(paragraph.context)):
        return [Fault(part.file, place, "context", "leak", asked, f"no context of {other}", _FIX)]
    if near is None:
        return []
    found = f"{asked}, which shares {near.share:.0%} with {near.place}"
    expected = f"less than {SHARE:.0%} of the shorter text"
    return [Fault(part.file, place, "context", "leak-passage", found, expected, _FIX)]


def _questions(part: Parsed, paragraph: Paragraph, known: _Known, again: list[str]) -> Iterator[Fault]:
    """The faults of questions that the other data set has too, on contexts that it has not."""
    for question in paragraph.questions:
        asked, fix = shorten(question.text, 60), "take the question out of one of the two"
        where, answers = known.questions.get(bare(question.text), ("", set()))
        if len(question.id) >= _NUMBER and (other := known.ids.get(question.id)):
            expected = f"an id that is not in {other.removesuffix(question.id).strip()}: translations share ids"
            yield Fault(part.file, question.id, "id", "leak-id", asked, expected, fix)
        elif answers & _answers(question):
            expected = f"no question of {where}, which has the same answer"
            yield Fault(part.file, question.id, "question", "leak-question", asked, expected, fix)
        elif where:
            again.append(question.id)


def bare(text: str) -> str:
    """The text as it is compared: NFKC, without case and spaces."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _answers(question: Question) -> set[str]:
    return {text for answer in question.answers if (text := bare(answer.text))}


def _stretches(text: str) -> Hashes:
    """The hashes of all stretches of `WINDOW` bytes of a bare text, each once; none where it is shorter."""
    codes = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    if len(codes) < WINDOW:
        return np.zeros(0, np.uint64)
    done, total = 0, np.zeros(len(codes), np.uint64)
    size, power, hashes = 1, _BASE, codes.astype(np.uint64) + np.uint64(1)
    while True:  # a stretch is put together of stretches of 1, 2, 4, … bytes
        if WINDOW & size:
            total = total[: len(hashes) - done] * np.uint64(power) + hashes[done:]
            done += size
        if 2 * size > WINDOW:
            return np.unique(total[: len(codes) - WINDOW + 1])
        hashes = hashes[:-size] * np.uint64(power) + hashes[size:]
        size, power = 2 * size, power * power % 2**64


def _indexed(texts: Sequence[Hashes]) -> tuple[Hashes, NDArray[np.int64], NDArray[np.int64]]:
    """All hashes in order, the text that has each, and how many each text has."""
    sizes = np.array([len(one) for one in texts], np.int64)
    hashes = np.concatenate(texts) if texts else np.zeros(0, np.uint64)
    order = np.argsort(hashes, kind="stable")
    return hashes[order], np.repeat(np.arange(len(texts)), sizes)[order], sizes
