"""Which of several passages answers a question, and with which span, or that none does: the one rule for this.

A probability is a passage's own: it says which of its spans answers, and not that no other passage does better; of
twenty passages several have a span at 0.9. What compares are odds, of a span against "" in its passage: they have
no ceiling, and "" means the same in each. Where passages were ranked before, odds are divided by the rank: one
further down answers less often. So the reader is mixed with the retriever, as in BERTserini (Yang et al. 2019),
but by ranks, which mean the same whatever the retriever.

There is no answer where the passage with the best span has none by the Reader's own decision.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from polyspan.model.answers import Candidate

_LEAST = 1e-300  # of a probability, whose logarithm is wanted


class BestPassage(NamedTuple):
    """What several passages together answer."""

    spans: "list[tuple[int, Candidate]]"
    """Every span with the number of its passage, the best first."""
    null: "Candidate | None"
    """That there is no answer, as the passage of the best span has it; None without any passage."""
    given: bool
    """Whether the best span is the answer, rather than that there is none."""


def best_passage(found: "Sequence[Sequence[Candidate]]", *, ranked: bool = False) -> BestPassage:
    """The spans of several passages in one order, and whether the first is the answer.

    `found` are the candidates of a question in each passage, the given answer first and "" among them. With
    `ranked` the passages stand in the order of a ranking, the likeliest first; without it they are equals. Equal
    spans come in the order of their passages, and those of one passage always in the order of their scores.
    """
    best: list[tuple[float, int, Candidate]] = []
    for number, candidates in enumerate(found):
        odds = math.inf
        for one in sorted(filter(_is_span, candidates), key=lambda one: -one.score):
            odds = min(odds, _log(one) - _log(_null(candidates)))  # an order by score is not turned round
            best.append((odds - (math.log(number + 1) if ranked else 0.0), number, one))
    best.sort(key=lambda each: -each[0])
    spans = [(number, one) for _, number, one in best]
    first = found[spans[0][0] if spans else 0] if found else []
    return BestPassage(spans, _null(first) if first else None, bool(spans) and _is_span(first[0]))


def _is_span(candidate: "Candidate") -> bool:
    return candidate.end > candidate.start


def _null(candidates: "Sequence[Candidate]") -> "Candidate":
    return next(one for one in candidates if not _is_span(one))


def _log(candidate: "Candidate") -> float:
    return math.log(max(candidate.probability, _LEAST))
