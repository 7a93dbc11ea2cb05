"""Answers put back into a translated context by a policy, and the account of what became of each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from polyspan.data.schema import Answer, Paragraph, Question
from polyspan.make import recover
from polyspan.make.made import tally
from polyspan.make.recover.recover import Span, find_span
from polyspan.make.rewrite import kind, require_in_place
from polyspan.make.translation.passage import NewContext, Passage, unbracketed

POLICIES = (*recover.POLICIES, "marker", "aligned")

LOST = (Answer("", 0),)
"""What a question that is kept without an answer has, as in the paper's released files."""

Translated = Mapping[str, str]
"""Texts with their translations."""


@dataclass(slots=True)
class Placer:
    """Builds paragraphs of the new corpus, one after the other, and counts."""

    policy: str
    language: str
    keep_lost: bool = False
    answers: Counter[str] = field(default_factory=Counter)
    distances: Counter[int] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    """Of `marker` and `aligned`: how each answer was placed, or why `boundary` had to."""
    units: int = 0
    holes: int = 0
    """Contexts with a sentence that has no translation."""
    ids: dict[str, list[str]] = field(default_factory=lambda: {"untranslated": [], "lost": [], "ambiguous": []})
    _aligner: Any = None

    def paragraph(self, passage: Passage, translated: Translated) -> Paragraph | None:
        """The paragraph in the other language, or None where its context has a hole or no question is left."""
        old = passage.paragraph
        self.units += len(passage.units)
        context = passage.context(translated, self.language)
        if context is None:
            self.holes += 1
            self.ids["untranslated"] += [question.id for question in old.questions]
            return None
        questions = [
            new for question in old.questions if (new := self._question(passage, question, context, translated))
        ]
        if old.questions and not questions:
            return None
        return replace(old, context=context.text, questions=tuple(questions))

    def _question(
        self, passage: Passage, old: Question, context: NewContext, translated: Translated
    ) -> Question | None:
        text = translated.get(old.text) if old.text.strip() else old.text
        if text is None:
            self.ids["untranslated"].append(old.id)
            return None
        found = [self._answer(passage, old.id, answer, context, translated) for answer in old.answers]
        answers = tuple(answer for answer in found if answer is not None)
        if old.answers and not answers:
            self.ids["lost"].append(old.id)
            if not self.keep_lost:
                return None
            answers = LOST
        return replace(old, text=text, answers=answers)

    def _answer(
        self, passage: Passage, id: str, old: Answer, context: NewContext, translated: Translated
    ) -> Answer | None:
        require_in_place(passage.paragraph, id, old)
        self.answers["all"] += 1
        if not old.text.strip():
            self.answers["empty"] += 1
            return None
        span = self._span(passage, old, context, translated)
        if span is None or span.start == span.end:
            self.answers["lost" if translated.get(old.text) else "untranslated"] += 1
            return None
        self.answers["recovered"] += 1
        self.distances[span.distance] += 1
        if span.ambiguous:
            self.answers["ambiguous"] += 1
            self.ids["ambiguous"].append(id)
        particles = self.language.split("-")[0] == "ko"
        places = (span.start,) if particles else (span.start, span.end)
        self.answers["mid_word"] += any(mid_word(context.text, at) for at in places)
        return Answer(context.text[span.start : span.end], span.start)

    def _span(self, passage: Passage, answer: Answer, context: NewContext, translated: Translated) -> Span | None:
        if self.policy in ("marker", "aligned"):
            find = self._marked if self.policy == "marker" else self._aligned
            span = find(passage, answer, context, translated)
            if span is not None:
                return span
        wanted = translated.get(answer.text)
        if wanted is None:
            return None
        policy = "boundary" if self.policy in ("marker", "aligned") else self.policy
        position = _expected(passage, answer, context, translated)
        return find_span(context.text, wanted.strip(), policy, position=position, language=self.language)

    def _marked(
        self, passage: Passage, answer: Answer, context: NewContext, translated: Translated
    ) -> Span | None:
        bracketed, number = passage.bracketed(answer), passage.unit_of(answer)
        if bracketed is None or number is None:
            self.ways["no_room_for_brackets" if number is not None else "over_the_end_of_a_sentence"] += 1
            return None
        text, brackets = bracketed
        marked = unbracketed(translated.get(text, ""), brackets)
        if marked is None:
            self.ways["brackets_lost"] += 1
            return None
        whole, start, end = marked
        sentence = translated[passage.text(passage.units[number])].strip()
        if whole == sentence:
            self.ways["read_back"] += 1
            span: Span | None = Span(start, end, 0, False)
        else:
            # The brackets changed the translation: what was in them is looked for in the sentence without.
            span = find_span(sentence, whole[start:end], position=start / len(whole), language=self.language)
            self.ways["found_in_sentence" if span else "not_in_sentence"] += 1
        return _moved(span, context.starts[number])

    def _aligned(
        self, passage: Passage, answer: Answer, context: NewContext, translated: Translated
    ) -> Span | None:
        number = passage.unit_of(answer)
        if number is None:
            self.ways["over_the_end_of_a_sentence"] += 1
            return None
        if self._aligner is None:
            from polyspan.make.translation.word_alignment import WordAligner

            self._aligner = WordAligner()
        unit = passage.units[number]
        text = passage.text(unit)
        found = self._aligner.project(
            text, answer.start - unit.start, answer.end - unit.start, translated[text].strip()
        )
        self.ways["aligned" if found else "not_aligned"] += 1
        return _moved(Span(found[0], found[1], 0, False) if found else None, context.starts[number])

    @property
    def ambiguous(self) -> int:
        """Answers that could have gone elsewhere."""
        return self.answers["ambiguous"]

    def said(self) -> str:
        """What became of sentences and answers, in a few words."""
        said = f"{self.units:,} sentences given to the engine"
        if self.answers["all"]:
            said += f"; {self.answers['recovered']:,} of {self.answers['all']:,} answers found again"
        return said + (f"; contexts without a translation: {self.holes:,}" if self.holes else "")

    def counts(self) -> dict[str, Any]:
        """What became of sentences and answers, for the card."""
        of = self.answers
        answers = {
            key: of[key] for key in ("all", "recovered", "lost", "untranslated", "empty", "ambiguous", "mid_word")
        }
        percent = round(100 * of["mid_word"] / of["recovered"], 2) if of["recovered"] else 0.0
        distances = {str(distance): self.distances[distance] for distance in sorted(self.distances)}
        ways = {self.policy: tally(self.ways)} if self.ways else {}
        return {
            "sentences": self.units,
            "contexts_untranslated": self.holes,
            "answers": {**answers, "mid_word_pct": percent},
            "distances": distances,
            **ways,
            "ids": {why: list(dict.fromkeys(ids)) for why, ids in self.ids.items()},
        }


def mid_word(text: str, at: int) -> bool:
    """Whether a place is within a word, in a script with spaces between words."""
    return 0 < at < len(text) and all(kind(text[i]) in ("letter", "mark", "number") for i in (at - 1, at))


def _moved(span: Span | None, by: int) -> Span | None:
    return span and replace(span, start=span.start + by, end=span.end + by)


def _expected(passage: Passage, answer: Answer, context: NewContext, translated: Translated) -> float | None:
    """Where in the new context, from 0 to 1, the answer is to be expected: as far into its own sentence's
    translation as it was into the sentence."""
    number = passage.unit_of(answer)
    if number is None or not context.text:
        return None
    unit = passage.units[number]
    text = passage.text(unit)
    share = (answer.start - unit.start) / len(text)
    return min(1.0, (context.starts[number] + share * len(translated[text].strip())) / len(context.text))
