"""Predictions against a corpus: what all official scripts share.

A question's score is its best over the gold answers, exact match and F1 each for itself; the result is the
average over questions, times 100.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from polyspan.errors import PolyspanError
from polyspan.score.by_id import QuestionIds, QuestionScore, ScoresById
from polyspan.score.metric import Metric, Own, Rule, as_metric
from polyspan.score.no_answer import Keys, by_kind, by_null_odds
from polyspan.score.predictions import check_predictions
from polyspan.score.registry import default_metric, find, with_no_answer

if TYPE_CHECKING:  # `import polyspan.score` stays light: the readers of polyspan.data are not needed
    import numpy as np
    from numpy.typing import NDArray

    from polyspan.data.schema import Corpus, Question


@dataclass(frozen=True)
class Scores:
    """The result of scoring. `exact_match` and `f1` are percentages over the `n` questions of the average.

    `missing` counts questions without a prediction: 0 points each, but in the metrics that allow unanswerable
    questions (`squad.v2`, `hsu.v1`), whose scripts leave them out of `n`. `unknown` counts predictions whose id is
    not in the corpus. `questions` holds the score of each of the `n` questions by id, in file order. `official`
    holds what SQuAD 2.0's script prints of questions without an answer (`score.no_answer`), if there may be any.
    """

    metric: str
    exact_match: float
    f1: float
    n: int
    missing: int
    unknown: int
    questions: Mapping[str, QuestionScore] = field(repr=False)
    official: Mapping[str, float | int] = field(default_factory=dict, repr=False)

    @cached_property
    def table(self) -> "tuple[list[str], NDArray[np.float64]]":
        """The ids in order, and exact match and F1 of each, (n, 2), whatever the order of the file."""
        questions = ScoresById.of(self.questions)
        ids, places = questions.ids.in_order
        return ids, questions.table[places]

    def summary(self) -> dict[str, str | float | int]:
        """The numbers alone, as `polyspan score --json` prints them."""
        return {
            "metric": self.metric,
            "exact_match": self.exact_match,
            "f1": self.f1,
            "n": self.n,
            "missing": self.missing,
            **self.official,
        }


def score(
    corpus: "Corpus",
    predictions: Mapping[str, str],
    metric: str | Metric | Rule | None = None,
    language: str | None = None,
    null_odds: Mapping[str, float] | None = None,
) -> Scores:
    """Score predictions (question id to answer text) by the official rule that `metric` names.

    Without a metric by that of the corpus's authors, or else by its language's; by squad.v2 in the place of
    squad.v1 where a question is flagged impossible. The one right answer to such a question is "", under every
    metric. A metric of your own is an object with `exact(prediction, gold)` and `f1(prediction, gold)`
    (`polyspan.score.Rule`). `language` (for `mlqa.v1`) is the corpus's own where none is given. `null_odds`
    (question id to number, `predict --null-odds`) adds the best thresholds and the average precision of SQuAD
    2.0's script to `Scores.official`: they are chosen on the very questions that are scored.

    Raises UsageError for an unknown metric or language, TypeError for something else than a corpus or a metric;
    PolyspanError for a prediction that is not text, a corpus without questions or with an id twice, a question
    without any gold answer that is not flagged under a metric that does not allow one, and null odds that lack a
    question or are no finite numbers.
    """
    from polyspan.data.schema import require_corpus

    require_corpus(corpus, "score")
    rule = _rule(corpus, metric, language or corpus.language)
    check_predictions(predictions)
    asked = _ids(corpus)
    scored: list[str] = []
    exact, f1 = bytearray(), array("d")
    unanswerable: set[str] = set()
    for _, question in corpus.questions():
        given = predictions.get(question.id)
        found = _judge(question, given, rule, corpus)
        if given is not None or not rule.no_answer:
            scored.append(question.id)
            exact.append(found.exact_match)
            f1.append(found.f1)
            if _no_answer(question, rule):
                unanswerable.add(question.id)
    if not scored:
        raise PolyspanError(
            "no question has a prediction" if asked else "there are no questions to score",
            where=corpus.source or corpus.name,
            fix="check that the predictions are for this corpus" if asked else "",
        )
    n = len(scored)
    questions = ScoresById(QuestionIds(scored), exact, f1)
    official: Keys = {}
    if rule.no_answer or unanswerable or null_odds is not None:
        official |= by_kind(questions, unanswerable)
    if null_odds is not None:
        answered = {name for name in scored if predictions.get(name)}
        official |= by_null_odds(questions, unanswerable, answered, null_odds)
    known = sum(name in predictions for name in asked)
    return Scores(
        metric=rule.name,
        exact_match=100.0 * sum(exact) / n,
        f1=100.0 * sum(f1) / n,
        n=n,
        missing=len(asked) - known,
        unknown=len(predictions) - known,
        questions=questions,
        official=official,
    )


def _rule(corpus: "Corpus", metric: str | Metric | Rule | None, language: str | None) -> Metric | Own:
    """What to score by: what was asked for, the corpus's own metric, or its language's."""
    named: str | Metric | Rule = metric or corpus.metric or default_metric(language)
    if not metric and isinstance(named, str) and any(question.impossible for _, question in corpus.questions()):
        named = with_no_answer(named)
    return find(named, language) if isinstance(named, str) else as_metric(named)


def _ids(corpus: "Corpus") -> set[str]:
    """The ids of all questions. Raises PolyspanError where two have one id."""
    from polyspan.data.formats.parsed import remedy

    found: set[str] = set()
    for _, question in corpus.questions():
        if question.id in found:
            raise PolyspanError(
                f"two questions have the id {question.id!r}: a prediction cannot be told to be for one of them",
                where=corpus.source or corpus.name,
                fix=f"{remedy(corpus.source or corpus.name)} puts the second one aside",
            )
        found.add(question.id)
    return found


def _no_answer(question: "Question", rule: Metric | Own) -> bool:
    """Whether the right answer is ""; SQuAD 2.0's script looks for answers alone, and at no flag."""
    return not question.answers if rule.no_answer else question.impossible


def _judge(question: "Question", given: str | None, rule: Metric | Own, corpus: "Corpus") -> QuestionScore:
    """The score of an answer, or of none. Where a rule knows no questions without answers, "" alone is right."""
    if not rule.no_answer and question.impossible:
        return QuestionScore(given == "", float(given == ""))
    golds = _golds(question, rule, corpus)
    return QuestionScore(False, 0.0) if given is None else QuestionScore(*rule.best(given, golds))


def _golds(question: "Question", rule: Metric | Own, corpus: "Corpus") -> list[str]:
    """The distinct gold texts. An empty one counts as an answer like any other, but where "" means no answer."""
    texts = list(dict.fromkeys(answer.text for answer in question.answers))
    if rule.no_answer:
        return [text for text in texts if rule.normalise(text)] or [""]
    if not texts:
        raise PolyspanError(
            f"question {question.id!r} has no gold answer, and {rule.name} cannot score it",
            where=corpus.source or corpus.name,
            found="no answers",
            expected="at least one answer to every question, or is_impossible: true",
            fix="use the metric squad.v2 where questions may be unanswerable",
        )
    return texts
