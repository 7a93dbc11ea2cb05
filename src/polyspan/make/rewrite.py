"""Texts with some of their spans replaced by other strings, and where everything else went."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from polyspan.data.schema import Answer, Corpus, Paragraph
from polyspan.errors import PolyspanError, shorten

Span = tuple[int, int]
"""Start and end in code points, end exclusive."""

# Han, kana, Thai, Lao, Myanmar, Khmer: a word is no run of letters there. Not Tibetan: marks divide its syllables.
_UNSPACED = re.compile(
    "[\u3005-\u3007\u303b\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003347f\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f]"
)


def unspaced(char: str) -> bool:
    """Whether the character is of a script that is written without spaces between words."""
    return _UNSPACED.match(char) is not None


def texts(corpus: Corpus) -> Iterator[str]:
    """Every context and every question, in file order."""
    for paragraph in corpus.paragraphs:
        yield paragraph.context
        for question in paragraph.questions:
            yield question.text


def kind(char: str) -> str:
    """What a character is in a word: `letter`, `character` (a letter of a script without spaces between words),
    `mark` (combining), `number`, `punctuation`, or nothing of these."""
    category = (
        "L" if char == "\u3007" else unicodedata.category(char)[0]
    )  # a zero that is an ideograph, not a letter
    if category == "L":
        return "character" if unspaced(char) else "letter"
    return {"M": "mark", "N": "number", "P": "punctuation"}.get(category, "")


@dataclass(frozen=True, slots=True)
class Alphabet:
    r"""The characters of some texts, by their kind, as regular expression classes.

    Python's own `\w` has fractions among its letters, and lacks the vowel signs of Indic scripts.
    """

    letter: str
    character: str
    mark: str
    punctuation: str

    @staticmethod
    def of(some: Iterable[str]) -> "Alphabet":
        """The alphabet of all the texts together. A class that would be empty matches nothing."""
        classes: dict[str, list[str]] = {}
        for char in sorted(set().union(*some)):
            classes.setdefault(kind(char), []).append(char)
        names = ("letter", "character", "mark", "punctuation")
        return Alphabet(*(_class(classes.get(name, [])) for name in names))


def _class(chars: Sequence[str]) -> str:
    return f"[{''.join(map(re.escape, chars))}]" if chars else "(?!)"


ANSWER_COUNTS = ("answers", "answers_extended", "answers_empty")
"""What `move_answers` counts: all answers, those that cut a replaced token, those without text."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text of which `old` spans were replaced; in the new `text` they are the `new` spans, in the same order."""

    text: str
    old: Sequence[Span]
    new: Sequence[Span]

    def carry(self, start: int, end: int) -> tuple[int, int, bool]:
        """Where the span of the old text is in the new one, and whether it was extended.

        A span that cuts a replaced one takes in the whole of it. An empty span stays empty: within a replaced
        one, it goes to its start.
        """
        among = overlapping(self.old, start, end)
        first, last = among.start, among.stop
        if among and self.old[first][0] < start:
            new_start, cut = self.new[first][0], True
        else:
            new_start, cut = start + self._shift(first), False
        if start == end:
            return new_start, new_start, False
        if among and self.old[last - 1][1] > end:
            return new_start, self.new[last - 1][1], True
        return new_start, end + self._shift(last), cut

    def _shift(self, number: int) -> int:
        return self.new[number - 1][1] - self.old[number - 1][1] if number else 0


def rewrite(text: str, replacements: Sequence[tuple[int, int, str]]) -> Rewritten:
    """The text with every (start, end, new string) replaced. They are in order and do not overlap; none is empty
    in the old text. Linear in the length of the text."""
    parts: list[str] = []
    old: list[Span] = []
    new: list[Span] = []
    done = length = 0
    for start, end, string in replacements:
        parts += (text[done:start], string)
        length += start - done
        old.append((start, end))
        new.append((length, length + len(string)))
        length += len(string)
        done = end
    parts.append(text[done:])
    return Rewritten("".join(parts), old, new)


def overlapping(spans: Sequence[Span], start: int, end: int) -> range:
    """Which of some ordered, disjoint spans share a character with start to end; for an empty span, which one it
    is within. An empty range starts at the number of spans that end before."""
    first = bisect_right(spans, start, key=itemgetter(1))
    last = bisect_left(spans, end, lo=first, key=itemgetter(0))
    return range(first, last)


def require_in_place(paragraph: Paragraph, id: str, answer: Answer) -> None:
    """Raise PolyspanError where an answer to the question `id` is not what stands at its place."""
    found = paragraph.context[max(answer.start, 0) : max(answer.end, 0)]
    if answer.start < 0 or found != answer.text:
        raise PolyspanError(
            "an answer is not at its place",
            where=f"question {id}, character {answer.start:,} of its context",
            found=shorten(found),
            expected=shorten(answer.text),
            fix="mend the data first: polyspan check with --fix finds and moves such answers",
        )


def move_answers(
    paragraph: Paragraph, context: Rewritten, questions: Iterable[str], counts: Counter[str]
) -> Paragraph:
    """The paragraph with the new context, the new questions, and the answers where they are now.

    Counts `ANSWER_COUNTS`. Raises PolyspanError where an answer of the paragraph is not at its place.
    """
    moved = []
    for question, text in zip(paragraph.questions, questions, strict=True):
        answers = []
        for answer in question.answers:
            require_in_place(paragraph, question.id, answer)
            start, end, extended = context.carry(answer.start, answer.end)
            answers.append(Answer(context.text[start:end], start))
            counts["answers"] += 1
            counts["answers_extended"] += extended
            counts["answers_empty"] += start == end
        moved.append(replace(question, text=text, answers=tuple(answers)))
    return replace(paragraph, context=context.text, questions=tuple(moved))
