"""A paragraph cut into what an engine translates, and its context put together again in the other language."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from polyspan.data.languages import sentence_space
from polyspan.data.schema import Answer, Paragraph
from polyspan.make.sentences import sentences

BRACKETS = (("[", "]"), ("(", ")"))
"""Marks around an answer, tried in this order for a pair that the sentence has nothing of; EasyProject too found
square ones best. The engine must know them as signs that go with their words. Apertium brings `{}`, `<>`, `«»`,
`⟦⟧` and the like over with the rest unchanged more often (98.8 % of 400 SQuAD sentences, against 67 % for `[]`),
but leaves them in place while the words move: answers of XQuAD-en then have 65.9 F1 with XQuAD-es, not 68.1."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence of the context, without the white space around it: `context[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NewContext:
    """A translated context; `starts[i]` is where the translation of unit i begins."""

    text: str
    starts: tuple[int, ...]


@dataclass(slots=True)
class Passage:
    """A paragraph and the units of its context: sentences, or the whole."""

    paragraph: Paragraph
    whole: bool = False
    units: tuple[Unit, ...] = field(init=False)

    def __post_init__(self) -> None:
        context, start, units = self.paragraph.context, 0, []
        for piece in [context] if self.whole else sentences(context):
            if piece.strip():
                first = start + len(piece) - len(piece.lstrip())
                units.append(Unit(first, start + len(piece.rstrip())))
            start += len(piece)
        self.units = tuple(units)

    def texts(self, marked: bool) -> Iterator[str]:
        """All that is to be translated: units, questions and answers, and with `marked` units with an answer in
        brackets. A text may come several times, or be blank."""
        for unit in self.units:
            yield self.text(unit)
        for question in self.paragraph.questions:
            yield question.text
            for answer in question.answers:
                yield answer.text
                if marked and (bracketed := self.bracketed(answer)):
                    yield bracketed[0]

    def text(self, unit: Unit) -> str:
        """What the unit says."""
        return self.paragraph.context[unit.start : unit.end]

    def unit_of(self, answer: Answer) -> int | None:
        """The number of the unit that has the whole answer."""
        return next(
            (n for n, unit in enumerate(self.units) if unit.start <= answer.start and answer.end <= unit.end), None
        )

    def bracketed(self, answer: Answer) -> tuple[str, tuple[str, str]] | None:
        """The answer's unit with the answer in brackets, and which; None where it has brackets of all kinds, or
        the answer goes over a unit's end."""
        number = self.unit_of(answer)
        if number is None or not answer.text.strip():
            return None
        unit = self.units[number]
        text, start, end = self.text(unit), answer.start - unit.start, answer.end - unit.start
        for opening, closing in BRACKETS:
            if opening not in text and closing not in text:
                return f"{text[:start]}{opening}{text[start:end]}{closing}{text[end:]}", (opening, closing)
        return None

    def context(self, translations: Mapping[str, str], language: str) -> NewContext | None:
        """The translated context; None where a unit has no translation.

        Line breaks stay; other gaps become a space, or nothing in Chinese and Japanese.
        """
        space = sentence_space(language)
        text, starts, last = "", [], 0
        for unit in self.units:
            translation = translations.get(self.text(unit))
            if translation is None:
                return None
            gap = self.paragraph.context[last : unit.start]
            text += gap if "\n" in gap or not last else space
            starts.append(len(text))
            text += translation.strip()
            last = unit.end
        return NewContext(text, tuple(starts))


def unbracketed(text: str, brackets: tuple[str, str]) -> tuple[str, int, int] | None:
    """The text without its brackets, and the span that was in them; None where they are not there once each, in
    order and around something."""
    opening, closing = brackets
    if text.count(opening) != 1 or text.count(closing) != 1:
        return None
    before, _, rest = text.partition(opening)
    inside, found, after = rest.partition(closing)
    if not found or not inside.strip():
        return None
    start = len(before) + len(inside) - len(inside.lstrip())
    return before + inside + after, start, len(before) + len(inside.rstrip())
