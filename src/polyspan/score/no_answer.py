"""Questions that have no answer: what SQuAD 2.0's script prints of them, and the best threshold on null odds.

Null odds are a number for each question: the higher, the surer a reader is that there is no answer. The rules are
those of the official script (Rajpurkar et al. 2018), in its keys; docs/metrics.md tells them.
"""

import os
from collections.abc import Collection, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from polyspan.score.by_question import check_numbers, is_nbest, read_object

if TYPE_CHECKING:
    from polyspan.score.by_id import QuestionScore

_EXPECTED = 'one JSON object {"question id": number, …}, as predict --null-odds writes it'
Odds = Mapping[str, float]
Keys = dict[str, float | int]


def read_null_odds(path: str | os.PathLike[str]) -> dict[str, float]:
    """Read {id: number}. Raises PolyspanError if the file cannot be read or is no such JSON."""
    return check_null_odds(read_object(path, "null odds", _EXPECTED), where=str(path))


def by_kind(questions: Mapping[str, "QuestionScore"], unanswerable: Set[str]) -> Keys:
    """Exact match and F1 in percent and their number: of all questions, and of those with and without an answer.

    A kind of which there is no question has no keys.
    """
    kinds = {
        "": list(questions),
        "HasAns_": [name for name in questions if name not in unanswerable],
        "NoAns_": [name for name in questions if name in unanswerable],
    }
    found: Keys = {}
    for prefix, ids in kinds.items():
        if ids:
            found[f"{prefix}exact"] = 100.0 * sum(questions[name].exact_match for name in ids) / len(ids)
            found[f"{prefix}f1"] = 100.0 * sum(questions[name].f1 for name in ids) / len(ids)
            found[f"{prefix}total"] = len(ids)
    return found


def by_null_odds(
    questions: Mapping[str, "QuestionScore"], unanswerable: Set[str], answered: Set[str], null_odds: object
) -> Keys:
    """The best that any threshold on null odds would have given, and average precision, in percent.

    `answered` holds the questions whose prediction is a text and not "". Raises PolyspanError for null odds that
    lack a question or are no finite numbers.
    """
    odds = check_null_odds(null_odds, questions)
    order = sorted(odds, key=odds.__getitem__)  # as the script's: ties in the order of the file
    exact = {name: float(one.exact_match) for name, one in questions.items()}
    f1 = {name: one.f1 for name, one in questions.items()}
    found: Keys = {}
    for key, scores in (("exact", exact), ("f1", f1)):
        found[f"best_{key}"], found[f"best_{key}_thresh"] = _best(order, odds, scores, unanswerable, answered)
    if len(unanswerable) < len(questions):
        oracle = dict.fromkeys(questions, 1.0)
        for key, scores in (("exact", exact), ("f1", f1), ("oracle", oracle)):
            found[f"pr_{key}_ap"] = _average_precision(order, odds, scores, unanswerable)
    return found


def check_null_odds(
    null_odds: object, questions: Collection[str] | None = None, where: str = ""
) -> dict[str, float]:
    """The null odds of the questions, or all, in their own order. Raises PolyspanError as `by_null_odds` does."""
    nbest = isinstance(null_odds, Mapping) and any(map(is_nbest, null_odds.values()))
    fix = "the n-best answers are another file: give that of predict --null-odds" if nbest else ""
    return check_numbers(null_odds, questions, "null odds", where=where, fix=fix)


def _best(
    order: Sequence[str], odds: Odds, scores: Odds, unanswerable: Set[str], answered: Set[str]
) -> tuple[float, float]:
    """The best average in percent, and the null odds up to which questions are answered for it.

    At first none is answered, then one after the other, by rising null odds: a question with an answer brings its
    score, one without costs the point it had, unless its prediction is "" all the same. 0 is the threshold of
    answering none, whatever the odds.
    """
    best = now = float(len(unanswerable))
    threshold = 0.0
    for name in order:
        now += scores[name] if name not in unanswerable else -float(name in answered)
        if now > best:
            best, threshold = now, odds[name]
    return 100.0 * best / len(scores), threshold


def _average_precision(order: Sequence[str], odds: Odds, scores: Odds, unanswerable: Set[str]) -> float:
    """The area below precision over recall, in percent, both at each threshold that the odds allow."""
    total = len(scores) - len(unanswerable)
    right = area = recall = 0.0
    for at, name in enumerate(order, 1):
        if name not in unanswerable:
            right += scores[name]
        if at == len(order) or odds[name] != odds[order[at]]:
            area += right / at * (right / total - recall)
            recall = right / total
    return 100.0 * area
