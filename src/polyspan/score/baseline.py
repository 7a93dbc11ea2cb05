"""The lexical baseline: a sliding window over the context, no learning.

After the baseline of Richardson, Burges & Renshaw (EMNLP 2013, MCTest, "sliding window + distance"), made to point
at a span: the answer is the stretch without question words that stands closest to many rare question words.
"""

import math
from collections import Counter

from polyspan.data.schema import Corpus
from polyspan.text import stands_alone, units

_REACH = 10  # units on each side of a candidate whose words count
_LONGEST = {True: 5, False: 3}  # units in an answer: characters of a script without spaces, or words


def lexical_baseline(corpus: Corpus) -> dict[str, str]:
    """An answer for every question id by word overlap alone.

    Units are words, or single characters of scripts without spaces (`text.units`). A unit of the question found
    at distance d from a candidate adds its inverse count log(1 + 1/count) / (1 + d) (after MCTest, §4), times the
    candidate's own, so that rare words are preferred. The answer is the best candidate, grown by its best
    neighbours up to 3 words or 5 characters; it holds no word of the question and does not cross punctuation.
    """
    answers: dict[str, str] = {}
    for paragraph in corpus.paragraphs:
        spans = units(paragraph.context)
        words = [paragraph.context[start:end].lower() for start, end in spans]
        weight = {word: math.log(1 + 1 / count) for word, count in Counter(words).items()}
        for question in paragraph.questions:
            asked = {question.text[start:end].lower() for start, end in units(question.text)}
            matches = [weight[word] if word in asked else 0.0 for word in words]
            rarity = [weight[word] for word in words]
            first, last = _best_span(matches, rarity, spans, paragraph.context)
            answers[question.id] = paragraph.context[spans[first][0] : spans[last][1]] if spans else ""
    return answers


def _best_span(
    matches: list[float], rarity: list[float], spans: list[tuple[int, int]], context: str
) -> tuple[int, int]:
    """First and last unit of the best candidate."""
    value = [
        rarity[at]
        * sum(
            matches[other] / (1 + abs(other - at))
            for other in range(max(0, at - _REACH), min(len(matches), at + _REACH + 1))
            if matches[other]
        )
        for at in range(len(matches))
    ]
    free = [at for at, match in enumerate(matches) if not match]
    if not free:
        return 0, max(0, len(matches) - 1)
    best = max(free, key=value.__getitem__)
    start, end = spans[best]
    single = end - start == 1 and not context[start].isascii()
    longest = _LONGEST[single or stands_alone(context[start])]
    first = last = best
    while last - first + 1 < longest:
        grown = [at for at in (first - 1, last + 1) if _joins(at, first, last, matches, spans, context)]
        if not grown:
            break
        nearest = max(grown, key=value.__getitem__)
        first, last = min(first, nearest), max(last, nearest)
    return first, last


def _joins(
    at: int, first: int, last: int, matches: list[float], spans: list[tuple[int, int]], context: str
) -> bool:
    """Whether the unit beside a candidate may be added to it: nothing but a space between, not a question word."""
    if not 0 <= at < len(matches) or matches[at]:
        return False
    left, right = (spans[at], spans[first]) if at < first else (spans[last], spans[at])
    return not context[left[1] : right[0]].strip()
