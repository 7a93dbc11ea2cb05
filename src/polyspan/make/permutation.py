"""An unseen language: every word of a corpus becomes another word of the same corpus, everywhere the same one.

Hsu, Liu & Lee (2019) §3.1. One derangement of the vocabulary of contexts and questions serves
contexts, questions and answers alike, so which tokens are equal, and how often each occurs, stays as it was. A
word is a run of letters with their combining marks: apostrophes, hyphens and digits are no part of it, so that few
answers cut a word. In scripts without spaces between words (Han, kana, Thai, …), it is a character with its marks.

The derangement is drawn from the sorted vocabulary alone and maps it onto itself: the permuted corpus has the
same vocabulary, so that the seed is all that the inverse needs.
"""

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from polyspan.data.schema import Corpus, require_corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.make.made import Made, made, tally
from polyspan.make.maker import Maker
from polyspan.make.rewrite import (
    ANSWER_COUNTS,
    Alphabet,
    Rewritten,
    kind,
    move_answers,
    overlapping,
    rewrite,
    texts,
    unspaced,
)
from polyspan.progress import progress

UNITS = ("word", "char", "piece")
"""What can be permuted: words, letters, or the pieces of a tokenizer."""

Label = tuple[str, str]
"""A token as it is written, and for a piece whether it `begins` a word or `goes on` with one."""

Split = Callable[[str], list[tuple[int, int, Label]]]
"""From a text to its tokens: start, end, label."""


class Form(NamedTuple):
    """What of a token is permuted: its `key`, among the keys of the same `kind`. Its `case` is put back after."""

    kind: str
    key: str
    case: str


def permute(
    corpus: Corpus,
    *,
    unit: str = "word",
    seed: int = 0,
    invert: bool = False,
    keep_digits: bool = True,
    bins: int | None = None,
    tokenizer: Any = None,
    doing: str = "",
) -> Made:
    """Replace every token of a corpus by another one of the same corpus.

    With `invert` a corpus that was permuted with the same options becomes what it was: contexts and questions to
    the byte, answers but for those that cut a word (counted as `answers_extended`). `keep_digits` leaves numbers
    and punctuation alone; else numbers are permuted among themselves, and so are punctuation marks. With `bins`
    words become words of similar rank: that many bins, equally wide in the logarithm of the rank. For the unit
    `piece`, `tokenizer` is a tokenizer of `transformers` or `tokenizers`, that of `bundled:e5-small` where none is
    given; pieces are permuted among those that begin, or go on with, a word in the same case, and this unit has no
    inverse, as the new text may fall into other pieces. `doing` names the work in a progress bar.

    Raises PolyspanError for a corpus in which nothing can be permuted, and UsageError for options that do not go
    together.
    """
    require_corpus(corpus, "make.permute")
    choose("unit", unit, UNITS)
    _check(unit, invert, bins, tokenizer)
    if unit == "piece" and tokenizer is None:
        tokenizer, pieces = _bundled(), "bundled:e5-small"
    else:
        pieces = str(getattr(tokenizer, "name_or_path", type(tokenizer).__name__))
    split = _pieces(corpus, tokenizer, keep_digits) if unit == "piece" else _tokens(corpus, unit, keep_digits)
    vocabulary = Counter(label for text in texts(corpus) for _, _, label in split(text))
    forms = {label: _form(*label) for label in sorted(vocabulary)}
    images = _images(forms, vocabulary, seed, bins or 1)
    unchanged = sum(key == image for (_, key), image in images.items())
    if unchanged == len(images):
        raise PolyspanError(
            "there is nothing to permute",
            where=f"corpus {corpus.name}",
            found=f"different words: {unchanged}, each the only one of its kind" if images else "no words",
            expected="two words or more",
            fix="permute a larger corpus, or try the unit char",
        )
    if invert:
        images = {(among, image): key for (among, key), image in images.items()}
    table = {label: _CASES[form.case](images[form.kind, form.key]) for label, form in forms.items()}
    permuted, counts = _apply(corpus, split, table, doing)
    counts["types"] = {"permuted": len(images) - unchanged, "unchanged": unchanged}
    options = {"seed": seed, "unit": unit, "keep_digits": keep_digits, "bins": bins, "invert": invert}
    name = _name(corpus.name, options)
    if tokenizer is not None:
        options["tokenizer"] = pieces
    said = f"{sum(counts['tokens'][each] for each in ('context', 'question')):,} {unit}s exchanged"
    return made(replace(permuted, name=name), corpus, "permute", options, counts, said=said)


PERMUTE = Maker("permute", permute, "make:permute(mini:en/test, seed=1)")


def _name(source: str, options: Mapping[str, Any]) -> str:
    usual = {"unit": "word", "keep_digits": True, "bins": None, "invert": False}
    said = [f"{key}={str(value).lower()}" for key, value in options.items() if value != usual.get(key)]
    return f"make:permute({', '.join([source, *said])})"


def _check(unit: str, invert: bool, bins: int | None, tokenizer: Any) -> None:
    if bins is not None and bins < 1:
        raise UsageError("there must be at least one frequency bin", found=str(bins))
    if unit != "piece" and tokenizer is not None:
        raise UsageError(f"the unit {unit} takes no tokenizer", fix="leave it out, or permute by piece")
    if unit == "piece" and invert:
        fix = "permute by word or char, or keep the original"
        raise UsageError("a permutation by piece has no inverse", fix=fix)


def _bundled() -> Any:
    from polyspan.model.encoders.bundled import unpack_bundled

    return unpack_bundled("e5-small").tokenizer.backend_tokenizer


def _tokens(corpus: Corpus, unit: str, keep_digits: bool) -> Split:
    abc = Alphabet.of(texts(corpus))
    letter, marks = abc.letter, abc.mark
    word = f"{letter}+(?:{marks}+{letter}*)*" if unit == "word" else f"{letter}{marks}*"
    number = rf"\d{'+' if unit == 'word' else ''}"
    others = [] if keep_digits else [number, abc.punctuation]
    finditer = re.compile("|".join([word, f"{abc.character}{marks}*", *others])).finditer

    def split(text: str) -> list[tuple[int, int, Label]]:
        return [(*match.span(), (match.group(), "")) for match in finditer(text)]

    return split


def _pieces(corpus: Corpus, tokenizer: Any, keep_digits: bool) -> Split:
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if getattr(backend, "truncation", None):
        backend = type(backend).from_str(backend.to_str())  # the caller's goes on cutting texts
        backend.no_truncation()
    abc = Alphabet.of(texts(corpus))
    letters = f"(?:{abc.letter}|{abc.character})(?:{abc.letter}|{abc.character}|{abc.mark})*"
    whole = re.compile(letters if keep_digits else rf"{letters}|\d+|{abc.punctuation}").fullmatch
    goes_on = re.compile(rf"{abc.letter}|{abc.mark}|\d").match

    def split(text: str) -> list[tuple[int, int, Label]]:
        found, last = [], 0
        for start, end in backend.encode(text).offsets:
            while start < end and text[start].isspace():
                start += 1
            # Special tokens are empty; the bytes of one character have it all, each.
            if start < max(last, 0) or start == end or not whole(text, start, end):
                continue
            inside = start > 0 and goes_on(text, start - 1) is not None and not unspaced(text[start])
            found.append((start, end, (text[start:end], "goes on" if inside else "begins")))
            last = end
        return found

    return split


def _form(written: str, role: str) -> Form:
    among = kind(written[0])
    key = written.lower()
    capital, upper = _capital(key), key.upper()
    case = {key: "lower", upper: "upper", capital: "capital"}.get(written, "mixed")
    if role:  # in another case a piece would be other pieces
        return Form(f"{among} that {role} in {case} case", written, "as it is")
    # Case is put back where that loses nothing; else, as with iPhone, straße and scripts without case, the token
    # is its own key. One letter has two cases, more have three: each is permuted among its like.
    lossless = {key.lower(), capital.lower(), upper.lower()} == {key} and capital != key
    if case == "mixed" or not lossless:
        return Form(among, written, "as it is")
    return Form(f"{among} in three cases" if capital != upper else f"{among} in two cases", key, case)


def _capital(key: str) -> str:
    return key[:1].upper() + key[1:]


_CASES: Mapping[str, Callable[[str], str]] = {
    "as it is": str, "lower": str, "capital": _capital, "upper": str.upper,
}  # fmt: skip


def _images(
    forms: Mapping[Label, Form], vocabulary: Mapping[Label, int], seed: int, bins: int
) -> dict[tuple[str, str], str]:
    """From kind and key to the key that takes its place: in each bin of each kind one cycle through all keys."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for label, form in forms.items():
        counts[form.kind][form.key] += vocabulary[label]
    draw = random.Random(seed)
    images: dict[tuple[str, str], str] = {}
    for among in sorted(counts):
        for keys in _binned(counts[among], bins):
            cycle = sorted(keys)
            draw.shuffle(cycle)
            images |= {(among, key): cycle[at - 1] for at, key in enumerate(cycle)}
    return images


def _binned(counts: Mapping[str, int], bins: int) -> list[list[str]]:
    """The keys in bins by rank, those that are equally frequent always together, and no bin of one key.

    Such bins depend on the counts only: a permutation within them leaves every bin with the keys that it had,
    and the inverse finds the same bins.
    """
    levels: dict[int, list[str]] = defaultdict(list)
    for key, count in counts.items():
        levels[count].append(key)
    binned: list[list[str]] = [[]]
    rank = last = 0
    for count in sorted(levels, reverse=True):
        number = int(bins * math.log(rank + 1, len(counts) + 1))
        if number > last and len(binned[-1]) > 1:
            binned.append([])
        binned[-1] += levels[count]
        rank += len(levels[count])
        last = number
    if len(binned) > 1 and len(binned[-1]) == 1:
        alone = binned.pop()
        binned[-1] += alone
    return binned


def _apply(corpus: Corpus, split: Split, table: Mapping[Label, str], doing: str) -> tuple[Corpus, dict[str, Any]]:
    counts = Counter(dict.fromkeys((*ANSWER_COUNTS, "contexts", "contexts_unchanged", "questions_unchanged"), 0))
    tokens = {"context": 0, "question": 0, "answer": 0}

    def permuted(text: str, where: str) -> Rewritten:
        result = rewrite(text, [(start, end, table[label]) for start, end, label in split(text)])
        tokens[where] += len(result.old)
        counts[f"{where}s"] += 1
        counts[f"{where}s_unchanged"] += text == result.text
        return result

    paragraphs = []
    with progress(doing, len(corpus.paragraphs), "paragraphs") as advance:
        for paragraph in corpus.paragraphs:
            context = permuted(paragraph.context, "context")
            questions = [permuted(question.text, "question").text for question in paragraph.questions]
            paragraphs.append(move_answers(paragraph, context, questions, counts))
            for question in paragraph.questions:
                tokens["answer"] += sum(len(overlapping(context.old, a.start, a.end)) for a in question.answers)
            advance(1, "")
    del counts["questions"]  # the card has it already
    return replace(corpus, paragraphs=tuple(paragraphs)), {"tokens": tokens, **tally(counts)}
