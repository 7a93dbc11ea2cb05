"""Answers that were read in a translation, brought back to the text that was translated (translate-test).

The sentence that an answer stands in is found among those of the original by length (Gale & Church 1993), the
words of the answer there by alignment (SimAlign, Jalili Sabet et al. 2020). Where no word is aligned, what is the
same in both languages is looked for, as names and numbers are.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from polyspan.data.sample import keep_ids
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError
from polyspan.make.recover.recover import find_span
from polyspan.make.translation.sentence_pairs import SentencePair, sentence_pairs


@dataclass(slots=True)
class Originals:
    """The texts that a corpus was translated from, by the ids of its questions.

    Raises PolyspanError for a question that the original does not have.
    """

    translated: Corpus
    original: Corpus
    ways: Counter[str] = field(default_factory=Counter)
    """How many answers were `aligned`, `found` as they are, or `lost`."""
    _contexts: dict[str, tuple[str, str]] = field(init=False)
    _aligner: Any = None

    def __post_init__(self) -> None:
        of = {question.id: paragraph.context for paragraph, question in self.original.questions()}
        self._contexts = {}
        for paragraph, question in self.translated.questions():
            if question.id not in of:
                raise PolyspanError(
                    f"a question of {self.translated.name} is not in {self.original.name}",
                    where=self.original.source,
                    found=question.id,
                    fix="give the corpus that was translated; its questions keep their ids",
                )
            self._contexts[question.id] = paragraph.context, of[question.id]

    def span(self, id: str, start: int, end: int) -> tuple[int, int] | None:
        """Where in its original stands `context[start:end]` of the translation; None where nothing does."""
        read, original = self._contexts[id]
        (a, b), (c, d) = _stretch(read, original, start, end)
        found = self._words().project(read[a:b], start - a, end - a, original[c:d])
        if found is not None:
            self.ways["aligned"] += 1
            return c + found[0], c + found[1]
        there = find_span(original[c:d], read[start:end], "copied", language=self.original.language)
        self.ways["lost" if there is None else "found"] += 1
        return None if there is None else (c + there.start, c + there.end)

    def text(self, id: str, span: tuple[int, int]) -> str:
        """What stands in the original of a question."""
        return self._contexts[id][1][slice(*span)]

    def asked(self) -> Corpus:
        """The original with the questions that the translation has, for the score."""
        return keep_ids(self.original, self._contexts)

    def _words(self) -> Any:
        if self._aligner is None:
            from polyspan.make.translation.word_alignment import WordAligner

            self._aligner = WordAligner()
        return self._aligner


def _stretch(read: str, original: str, start: int, end: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The sentences around a span, and those of the original that they stand for; where none do, both texts."""
    around = [pair for pair in _pairs(read, original) if pair.source[0] < end and start < pair.source[1]]
    source = around[0].source[0], around[-1].source[1]
    target = around[0].target[0], around[-1].target[1]
    return (source, target) if target[0] < target[1] else ((0, len(read)), (0, len(original)))


@lru_cache(maxsize=256)
def _pairs(read: str, original: str) -> list[SentencePair]:
    return sentence_pairs(read, original)
