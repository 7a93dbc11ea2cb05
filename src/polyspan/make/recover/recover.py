"""Finding an answer again in a context that was changed around it, such as by translation.

A policy's name never changes its meaning; a rule that differs gets a new name.
`paper_first_match`: the answer's first exact occurrence, else the near match that `fuzzysearch` 0.6.2 lists first,
    which is seldom the nearest: what the paper's released files were made with.
`paper_min`: the span at the least edit distance, the leftmost of several: the paper's rule as printed (§2.1).
`boundary`: the least edit distance between case-folded NFKC texts; of several spans one that cuts no word, then
    the one nearest to the answer's length, then to its place in the source, then the leftmost; trimmed of spaces.
`strict`: as `boundary`, but never more than half of the answer's characters changed.
`copied`: the same, never more than a fifth: for one who should have copied it, and to whom 1920 is not 1931.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from polyspan.data.languages import language_tag, primary
from polyspan.errors import UsageError, choose
from polyspan.make.recover.distance import between, nearest, within
from polyspan.make.recover.nearby import first_match
from polyspan.text import stands_alone

POLICIES = ("paper_first_match", "paper_min", "boundary", "strict", "copied")

MAX_DISTANCE = 10  # the paper's; never all of the answer's characters
MAX_RATIO = {"strict": 0.5, "copied": 0.2}  # of the answer's characters

_JOINER = "\u200d"  # zero-width joiner: binds emoji, and letters of Indic scripts


@dataclass(frozen=True, slots=True)
class Span:
    """`context[start:end]`, in code points, and how far it is from the answer.

    `distance` is the edit distance of the two texts, for `boundary` and its kin of the folded ones. `ambiguous`
    says that another span, clear of this one, is as near.
    """

    start: int
    end: int
    distance: int
    ambiguous: bool


def find_span(
    context: str,
    answer: str,
    policy: str = "boundary",
    bound: int | None = None,
    *,
    position: float | None = None,
    language: str | None = None,
) -> Span | None:
    """The span of the context that stands for the answer under a policy, or None where there is none.

    `bound` is the largest distance allowed: by default 10, and always less than the answer's length, so that an
    answer of one character is found only as it is. An empty or all-space answer is never found.
    `position`, from 0 to 1, is where the answer starts in the source's context, as a share of its length;
    `language` is the context's (Korean: particles follow a word without a space, so that only its start counts as
    a cut). Both serve `boundary` and its kin to choose between spans at the same distance.
    Raises UsageError where the policy is unknown, the bound negative or the position not from 0 to 1.
    """
    choose("recovery policy", policy, POLICIES)
    if bound is not None and bound < 0:
        raise UsageError(f"the largest distance cannot be {bound}", fix="give 0 (exact) or more, or leave it out")
    if position is not None and not 0 <= position <= 1:
        raise UsageError(f"a relative position of {position}", expected="a share of the context, from 0 to 1")
    allowed = min(MAX_DISTANCE if bound is None else bound, len(answer) - 1)
    if not answer.strip():
        return None
    if policy == "paper_first_match":
        return _first_match(context, answer, allowed)
    if policy == "paper_min":
        return _leftmost(context, answer, allowed)
    ratio = MAX_RATIO.get(policy, 1.0)
    particles = primary(language_tag(language)) == "ko"
    return _well_cut(context, answer.strip(), allowed, ratio, position, particles)


def recover_answers(
    context: str,
    texts: Sequence[str],
    policy: str = "boundary",
    bound: int | None = None,
    *,
    positions: Sequence[float | None] | None = None,
    language: str | None = None,
) -> list[Span | None]:
    """`find_span` for all the answers of one context, in order; `positions` has one entry for each of them."""
    if positions is None:
        positions = [None] * len(texts)
    return [
        find_span(context, text, policy, bound, position=position, language=language)
        for text, position in zip(texts, positions, strict=True)
    ]


def _first_match(context: str, answer: str, bound: int) -> Span | None:
    start = context.find(answer)
    if start >= 0:
        end = start + len(answer)
        return Span(start, end, 0, context.find(answer, end) >= 0)
    match = first_match(answer, context, bound)
    if match is None:
        return None
    start, end, _ = match
    distance = between(answer, context[start:end])
    return Span(start, end, distance, any(within(answer, at, distance) for at in (context[:start], context[end:])))


def _leftmost(context: str, answer: str, bound: int) -> Span | None:
    found = nearest(answer, context, bound)
    if found is None:
        return None
    distance, spans = found
    start, end = min(spans, key=lambda span: (span[0], abs(span[1] - span[0] - len(answer))))
    return Span(start, end, distance, _others(spans, start, end))


def _others(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(stop <= start or begin >= end for begin, stop in spans)


def _well_cut(
    context: str, answer: str, bound: int, ratio: float, position: float | None, particles: bool
) -> Span | None:
    page, wanted = _page(context), fold(answer)
    bound = min(bound, len(answer) - 1, int(ratio * len(wanted)))
    found = nearest(wanted, page.text, bound)
    if found is None:
        return None
    distance, matches = found
    spans = [page.original(*match) for match in matches if page.tidy(*match)]
    if spans:
        near = dict.fromkeys(spans, distance)
    else:
        # Every span has a space at an edge, or cuts a character that folding makes several of: mend them all.
        near = _mended(context, wanted, [page.original(*match) for match in matches], bound)
        if not near:
            return None

    def rank(span: tuple[int, int]) -> tuple[int, bool, int, float, int, int]:
        start, end = span
        cut = _cuts(context, start) or (not particles and _cuts(context, end))
        away = 0.0 if position is None else abs(start / len(context) - position)
        return near[span], cut, abs(end - start - len(answer)), away, start, end

    start, end = min(near, key=rank)
    rivals = [span for span, distance in near.items() if distance == near[start, end]]
    return Span(start, end, near[start, end], _others(rivals, start, end))


def _mended(context: str, wanted: str, spans: Sequence[tuple[int, int]], bound: int) -> dict[tuple[int, int], int]:
    near = {}
    for start, end in spans:
        text = context[start:end]
        start, end = end - len(text.lstrip()), start + len(text.rstrip())
        if start < end and (distance := between(wanted, fold(context[start:end]))) <= bound:
            near[start, end] = distance
    return near


def _cuts(text: str, at: int) -> bool:
    """Whether a place in the text is within a word, in a script that puts spaces between words."""
    return 0 < at < len(text) and _in_word(text[at - 1]) and _in_word(text[at])


def _in_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN" and not stands_alone(char) and char not in "々〆〇"


@dataclass(frozen=True, slots=True)
class _Folded:
    """A case-folded NFKC text and where it comes from.

    Folding goes character by character, a character with its combining marks being one. `origins[i]` is where the
    character that folded code point i comes from starts in the original; the last entry is the original's length.
    """

    text: str
    origins: Sequence[int]

    def tidy(self, start: int, end: int) -> bool:
        """Whether a folded span is made of whole characters and has no space at its edges."""
        whole = self._whole(start) and self._whole(end)
        return whole and not self.text[start].isspace() and not self.text[end - 1].isspace()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The original's characters that a folded span has a part of."""
        while not self._whole(end):
            end += 1
        return self.origins[start], self.origins[end]

    def _whole(self, at: int) -> bool:
        return at == 0 or self.origins[at] != self.origins[at - 1]


def _folded(text: str) -> _Folded:
    if text.isascii():
        return _Folded(text.lower(), range(len(text) + 1))
    folds = {ord(char): _fold(char) for char in set(text)}
    if all(len(folded) == 1 for folded in folds.values()) and not any(map(_continues, set(text))):
        return _Folded(text.translate(folds), range(len(text) + 1))
    starts = [i for i, char in enumerate(text) if not i or not (_continues(char) or text[i - 1] == _JOINER)]
    pieces = [_fold(text[start:end]) for start, end in pairwise([*starts, len(text)])]
    origins = [start for start, piece in zip(starts, pieces, strict=True) for _ in piece]
    return _Folded("".join(pieces), [*origins, len(text)])


# A context is folded once for all its questions, which follow one another.
_page = lru_cache(maxsize=8)(_folded)


def fold(text: str) -> str:
    """The text as `boundary` and its kin compare it: in NFKC and without difference of case."""
    return _folded(text).text


@lru_cache(maxsize=1 << 16)
def _fold(character: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())


@lru_cache(maxsize=1 << 16)
def _continues(char: str) -> bool:
    """Whether a code point is part of the character before it: marks, Korean vowels and finals, emoji's parts."""
    first = unicodedata.normalize("NFKD", char)[0]
    return (
        unicodedata.category(first)[0] == "M"
        or "\u1160" <= first <= "\u11ff"
        or char == _JOINER
        or "\U0001f3fb" <= char <= "\U0001f3ff"
    )
