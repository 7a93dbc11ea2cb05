"""Code-switching: the words of a text that a bilingual dictionary knows become their translations.

Hsu, Liu & Lee (2019) §3.3; drawn by token or sentence as CoSDA-ML (Qin et al. 2020) does for training.
A word is a run of letters, digits and marks, with the apostrophes and hyphens within it, and is looked up in lower
case, however its apostrophe is typed (don't, don’t); a word whose translation is the word itself stays, and does
not count as replaced. The gold answer is the switched text of its span, exact. The corpus keeps the language of
its source; its name says what was mixed in.
"""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from polyspan.data.languages import target_tag
from polyspan.data.schema import Answer, Corpus, Paragraph, require_corpus
from polyspan.errors import PolyspanError, UsageError, choose, shorten
from polyspan.files import Source
from polyspan.make.dictionary import JOINING, Dictionary, fold, read_dictionary
from polyspan.make.made import Made, made, tally
from polyspan.make.maker import Maker
from polyspan.make.rewrite import (
    ANSWER_COUNTS,
    Alphabet,
    Rewritten,
    Span,
    move_answers,
    overlapping,
    rewrite,
    texts,
    unspaced,
)
from polyspan.progress import progress
from polyspan.text import is_punctuation

FIELDS = ("context", "question", "answer")
"""What can be switched: the context outside of answers, the questions, the answers within the context."""

_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")
_SENTENCE_END = re.compile(r"[.!?][^\w\s]*\s|[。！？\n]")


@dataclass(frozen=True, slots=True)
class Switching:
    """How words are replaced. Raises UsageError for values that are none of those named."""

    choice: str = "first"
    """`first`: the first translation that the dictionary has; `random`: any, drawn anew at each place."""
    rate: float = 1.0
    """The chance that a word of the dictionary is replaced."""
    per: str = "token"
    """What the chance is drawn for: each `token`, or each `sentence` with all its words."""
    fields: tuple[str, ...] = FIELDS
    """Which of `FIELDS` are switched."""
    join: str = "script"
    """`space`: spaces stay as they are; `script`: they go between two translations in scripts that have none (Han,
    kana, …); `none`: they go on both sides of every translation that is not in Latin script."""
    keep_original: bool = False
    """Keep the answer's original text as a further gold where it is still found in the context."""

    def __post_init__(self) -> None:
        choose("choice", self.choice, ("first", "random"))
        choose("unit of the rate", self.per, ("token", "sentence"))
        choose("join", self.join, ("script", "space", "none"))
        for each in self.fields:
            choose("field", each, FIELDS)
        if not self.fields:
            raise UsageError("no field to switch", fix="one or more of: " + ", ".join(FIELDS))
        if not 0 <= self.rate <= 1:
            raise UsageError("the rate is not between 0 and 1", found=str(self.rate))


def codeswitch(
    corpus: Corpus,
    dictionary: Dictionary | Source,
    target: str,
    *,
    choice: str = "first",
    rate: float = 1.0,
    per: str = "token",
    fields: Iterable[str] = FIELDS,
    join: str = "script",
    keep_original: bool = False,
    seed: int = 0,
    doing: str = "",
) -> Made:
    """Replace words by their translations into the language `target` (BCP 47); options as in `Switching`.

    Predictions on the switched corpus can be scored against the original answers too: its source has the same
    ids. `keep_original` puts them into the corpus, as a further gold where the context still has them elsewhere
    (`originals_kept`); where it has not (`originals_gone`) they would be no span of it.

    The counts have `switched`: words, words replaced and their percentage in contexts, questions and answers; and
    `ratio`: how much of contexts and questions the dictionary covers, in percent, by five definitions. `doing`
    names the work in a progress bar. Raises what `read_dictionary` raises, UsageError for unknown options, and
    PolyspanError where the dictionary has a translation for no word at all.
    """
    require_corpus(corpus, "make.codeswitch")
    how = Switching(choice, rate, per, tuple(fields), join, keep_original)
    target = target_tag(target, "target")
    if not isinstance(dictionary, Dictionary):
        dictionary = read_dictionary(dictionary)
    switched, counts = _Switcher(dictionary, how, seed, _word(corpus)).corpus(corpus, doing)
    about = {"name": dictionary.name, "sha256": dictionary.sha256, "words": len(dictionary.entries),
             "pairs": dictionary.pairs, "broken_lines": dictionary.broken}  # fmt: skip
    chosen = {**asdict(how), "fields": list(how.fields)}
    more = [
        f"{key}={'+'.join(value) if isinstance(value, list) else str(value).lower()}"
        for key, value in chosen.items()
        if getattr(how, key) != getattr(Switching(), key)
    ]
    name = f"make:codeswitch({', '.join([corpus.name, f'target={target}', f'seed={seed}', *more])})"
    options = {"target": target, "seed": seed, **chosen, "dictionary": about}
    counts = {"ratio": coverage(corpus, dictionary), **counts}
    parts = [counts["switched"][field] for field in ("context", "question")]  # those of answers are in contexts
    words, replaced = (sum(part[key] for part in parts) for key in ("words", "replaced"))
    if not replaced and not counts["ratio"]["words"]:
        raise _nothing_known(corpus, dictionary, target)
    said = f"{replaced:,} of {words:,} words replaced by their translations ({_percent(replaced, words):.1f} %)"
    return made(replace(switched, name=name), corpus, "codeswitch", options, counts, said=said)


CODESWITCH = Maker(
    "codeswitch",
    codeswitch,
    "make:codeswitch(mini:en/test, dictionary=mini:ko, target=ko)",
    files=("dictionary",),
    lists=("fields",),
    deviation="Words are mixed in from {}; the paper used MUSE’s dictionaries.",
    usual=r"[a-z]{2}-[a-z]{2}(\.[0-9-]+)?\.txt",
)


def _nothing_known(corpus: Corpus, dictionary: Dictionary, target: str) -> PolyspanError:
    words = dict.fromkeys(word for text in texts(corpus) for word in _word(corpus).findall(text))
    there = {fold(option) for options in dictionary.entries.values() for option in options}
    turned = any(fold(word) in there and not dictionary.translations(word) for word in words)
    listed, written = (", ".join(map(shorten, list(some)[:3])) for some in (dictionary.entries, words))
    return PolyspanError(
        "the dictionary has a translation for no word of the corpus",
        where=f"{dictionary.name}, corpus {corpus.name}",
        found=f"words such as {listed}; in the corpus {written or 'no word at all'}",
        expected=f"a word of the corpus and its translation into {target} a line",
        fix="it goes the other way: give the words of the corpus first" if turned else "give another dictionary",
    )


def switcher(dictionary: Dictionary, **options: Any) -> Callable[[Corpus, int], Corpus]:
    """A function from a corpus and a seed to the switched corpus, without card and counts: for training data that
    are switched anew in each epoch. `options` are those of `Switching`."""
    how = Switching(**options)
    return lambda corpus, seed: _Switcher(dictionary, how, seed, _word(corpus)).corpus(corpus)[0]


def coverage(corpus: Corpus, dictionary: Dictionary) -> dict[str, float]:
    """How much of contexts and questions a dictionary covers, in percent, by five definitions.

    `words`, the one to use: words whose first translation is another word, of all words. The others count pairs
    of equal words too: tokens between white space as they are, in lower case, and in lower case with the
    punctuation around them taken off; words and punctuation marks in lower case.
    """
    between_spaces: Counter[str] = Counter()
    words: Counter[str] = Counter()
    marks: Counter[str] = Counter()
    word = _word(corpus)
    for text in texts(corpus):
        between_spaces.update(text.split())
        words.update(word.findall(text))
        marks.update(_WORD_OR_MARK.findall(text))
    stripped: Counter[str] = Counter()
    for token, number in between_spaces.items():
        stripped[_stripped(token)] += number
    del stripped[""]

    def percent(tokens: Counter[str], known: Callable[[str], object]) -> float:
        return _percent(sum(number for token, number in tokens.items() if known(token)), tokens.total())

    entries = dictionary.entries
    return {
        "words": percent(words, lambda token: _options(token, dictionary, "first")),
        "whitespace_cased": percent(between_spaces, lambda token: token in entries),
        "whitespace_lower": percent(between_spaces, lambda token: token.lower() in entries),
        "stripped_lower": percent(stripped, lambda token: token.lower() in entries),
        "words_and_punctuation_lower": percent(marks, lambda token: token.lower() in entries),
    }


def _word(corpus: Corpus) -> re.Pattern[str]:
    run = rf"\w+(?:{Alphabet.of(texts(corpus)).mark}+\w*)*"
    return re.compile(rf"{run}(?:{JOINING}{run})*")


def _stripped(token: str) -> str:
    start, end = 0, len(token)
    while start < end and is_punctuation(token[start]):
        start += 1
    while start < end and is_punctuation(token[end - 1]):
        end -= 1
    return token[start:end]


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


class _Switcher:
    """One pass over a corpus, with one stream of random numbers."""

    def __init__(self, dictionary: Dictionary, how: Switching, seed: int, word: re.Pattern[str]) -> None:
        self._how = how
        self._word = word
        self._draw = random.Random(seed)
        self._options = cache(lambda written: _options(written, dictionary, how.choice))
        said = ANSWER_COUNTS + (("originals_kept", "originals_gone") if how.keep_original else ())
        self._counts = Counter(dict.fromkeys(said, 0))

    def corpus(self, corpus: Corpus, doing: str = "") -> tuple[Corpus, dict[str, Any]]:
        with progress(doing, len(corpus.paragraphs), "paragraphs") as advance:
            paragraphs = []
            for paragraph in corpus.paragraphs:
                paragraphs.append(self._paragraph(paragraph))
                advance(1, "")
        counts = self._counts
        switched = {}
        for field in FIELDS:
            words, replaced = counts.pop(f"{field} words", 0), counts.pop(f"{field} replaced", 0)
            switched[field] = {"words": words, "replaced": replaced, "percent": _percent(replaced, words)}
        return replace(corpus, paragraphs=tuple(paragraphs)), {"switched": switched, **tally(counts)}

    def _paragraph(self, paragraph: Paragraph) -> Paragraph:
        words = [match.span() for match in self._word.finditer(paragraph.context)]
        answers = [
            overlapping(words, answer.start, answer.end)
            for question in paragraph.questions
            for answer in question.answers
        ]
        within = {number for among in answers for number in among}
        of_answers, others = ("answer" in self._how.fields), ("context" in self._how.fields)
        wanted = [of_answers if number in within else others for number in range(len(words))]
        context, replaced = self._text(paragraph.context, words, wanted)
        self._count("context", len(words), len(replaced))
        for among in answers:
            self._count("answer", len(among), sum(number in replaced for number in among))
        questions = [self._question(question.text) for question in paragraph.questions]
        moved = move_answers(paragraph, context, questions, self._counts)
        return self._with_originals(paragraph, moved) if self._how.keep_original else moved

    def _question(self, text: str) -> str:
        words = [match.span() for match in self._word.finditer(text)]
        result, replaced = self._text(text, words, ["question" in self._how.fields] * len(words))
        self._count("question", len(words), len(replaced))
        return result.text

    def _count(self, field: str, words: int, replaced: int) -> None:
        self._counts[f"{field} words"] += words
        self._counts[f"{field} replaced"] += replaced

    def _text(self, text: str, words: Sequence[Span], wanted: Sequence[bool]) -> tuple[Rewritten, set[int]]:
        """The text switched, and which of its words were."""
        replacements, replaced = [], set()
        drawn = self._drawn(text, words)
        for number, (start, end) in enumerate(words):
            written = text[start:end]
            options = self._options(written)
            if not (options and wanted[number] and drawn[number]):
                continue
            new = options[0] if len(options) == 1 else self._draw.choice(options)
            if new != written:
                replacements.append((start, end, new))
                replaced.add(number)
        return rewrite(text, _joined(text, replacements, self._how.join)), replaced

    def _drawn(self, text: str, words: Sequence[Span]) -> Sequence[bool]:
        rate, draw = self._how.rate, self._draw
        if rate == 1:
            return [True] * len(words)
        drawn: list[bool] = []
        for number, (start, _) in enumerate(words):
            gap = text[words[number - 1][1] : start] if number else ""
            anew = not number or self._how.per == "token" or _SENTENCE_END.search(gap)
            drawn.append(draw.random() < rate if anew else drawn[-1])
        return drawn

    def _with_originals(self, paragraph: Paragraph, moved: Paragraph) -> Paragraph:
        questions = []
        for old, new in zip(paragraph.questions, moved.questions, strict=True):
            kept = list(new.answers)
            for before, after in zip(old.answers, new.answers, strict=True):
                if before.text != after.text:
                    again = _found(moved.context, before.text, after.start)
                    self._counts["originals_kept" if again else "originals_gone"] += 1
                    kept += [again] if again and again not in kept else []
            questions.append(replace(new, answers=tuple(kept)))
        return replace(moved, questions=tuple(questions))


def _options(written: str, dictionary: Dictionary, choice: str) -> tuple[str, ...]:
    """What a word may become, in its case; nothing where that could only be the word itself."""
    translations = dictionary.translations(written)
    options = translations[:1] if choice == "first" else translations
    word = fold(written)
    cased = tuple(written if fold(option) == word else _cased(option, written) for option in options)
    return cased if set(cased) - {written} else ()


def _cased(translation: str, written: str) -> str:
    if len(written) > 1 and written.isupper():
        return translation.upper()
    return translation[:1].upper() + translation[1:] if written[:1].isupper() else translation


def _joined(text: str, replacements: Sequence[tuple[int, int, str]], join: str) -> list[tuple[int, int, str]]:
    """The replacements, and between them those that take spaces away."""
    if join == "space":
        return list(replacements)
    result: list[tuple[int, int, str]] = []
    done, before = 0, ""
    for start, end, new in replacements:
        gap = text[done:start]
        glued = join == "none" and not _latin(new)
        if glued or (join == "script" and not gap.strip(" ") and _unspaced_between(before, new)):
            spaces = len(gap) - len(gap.rstrip(" "))
            result += [(start - spaces, start, "")] if spaces else []
        result.append((start, end, new))
        done, before = end, new
        while glued and text[done : done + 1] == " ":
            done += 1
        result += [(end, done, "")] if done > end else []
    return result


def _unspaced_between(before: str, after: str) -> bool:
    return before != "" and unspaced(before[-1]) and unspaced(after[0])


@cache
def _latin(word: str) -> bool:
    return all(unicodedata.name(char, "LATIN").startswith("LATIN") for char in word if char.isalpha())


def _found(context: str, text: str, near: int) -> Answer | None:
    """The whole words of an answer in another place of the context, the nearest one."""
    starts = [match.start() for match in re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", context)]
    return Answer(text, min(starts, key=lambda start: abs(start - near))) if starts else None
