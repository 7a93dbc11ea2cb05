"""Temperature and threshold: on models that are known, and against brute force."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.stats.calibration import GOALS, Fitted, Goal, answers_ece, fit, fit_probabilities, fit_threshold
from polyspan.stats.confidence import ece
from polyspan.stats.evidence import TEMPERATURES, Evidence
from polyspan.stats.judged import Judged, judge

ONE = int(np.flatnonzero(TEMPERATURES == 1)[0])


def model(n: int, seed: int, sharpened: float = 1.0, answers: int = 6) -> Judged:
    """A model of `answers` spans and ""; its gold answers are drawn from its own distribution at 1/`sharpened`."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, answers + 1))  # the last is ""'s
    gold = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    logits *= sharpened
    scaled = logits[:, :, None] / TEMPERATURES
    logs = scaled - np.logaddexp.reduce(scaled, axis=1)[:, None]
    best = logits[:, :answers].argmax(axis=1)
    rows = np.arange(n)
    odds = logits[:, answers] - logits[rows, best]
    ids = [str(row) for row in range(n)]
    evidence = Evidence(ids, ["a"] * n, odds, logs[rows, best], logs[:, answers])
    return Judged(evidence, gold == best, (gold == best).astype(float), gold == answers)


def judged(p, right, f1=None, impossible=None, odds=None, texts=None) -> Judged:
    """Questions with one probability at all temperatures."""
    p, right = np.asarray(p, float), np.asarray(right, bool)
    n = len(p)
    odds = np.zeros(n) if odds is None else np.asarray(odds, float)
    logs = np.repeat(np.log(np.maximum(p, 1e-12))[:, None], len(TEMPERATURES), axis=1)
    null = np.repeat(np.log(np.maximum((1 - p) / 2, 1e-12))[:, None], len(TEMPERATURES), axis=1)
    evidence = Evidence([str(i) for i in range(n)], texts or ["a"] * n, odds, logs, null)
    f1 = right.astype(float) if f1 is None else np.asarray(f1, float)
    return Judged(evidence, right, f1, np.zeros(n, bool) if impossible is None else np.asarray(impossible, bool))


@pytest.mark.parametrize("seed", range(3))
def test_a_calibrated_model_needs_no_temperature(seed):
    known = model(60_000, seed)
    found = fit_probabilities([known])
    assert found.temperature in TEMPERATURES[ONE - 1 : ONE + 2].round(6)
    assert abs(found.null_bias) < 0.1
    assert found.null_scale == pytest.approx(1, abs=0.05)
    fitted = fit([known])
    given = fitted.answers(known)
    assert answers_ece([given]) < 0.01
    assert answers_ece([Fitted().answers(known)]) < 0.01
    assert 0 < given.answered.mean() < 1


@pytest.mark.parametrize("sharpened", [0.5, 2.0, 4.0])
def test_the_temperature_undoes_what_sharpened_the_logits(sharpened):
    known = model(20_000, 5, sharpened)
    assert fit_probabilities([known]).temperature == pytest.approx(sharpened, rel=0.1)
    assert answers_ece([fit([known]).answers(known)]) < 0.02 < answers_ece([Fitted().answers(known)])


@pytest.mark.parametrize("bias", [-3.0, 2.0])
def test_a_null_bias_gives_no_answer_the_weight_that_it_has(bias):
    """The model's null score is too low or too high by so much: probabilities of both kinds come out right."""
    known = model(40_000, 7)
    total = np.logaddexp(np.log1p(-np.exp(known.evidence.null)), known.evidence.null - bias)
    moved = replace(known.evidence, best=known.evidence.best - total, null=known.evidence.null - bias - total)
    found = fit_probabilities([replace(known, evidence=moved)])
    assert found.null_scale == pytest.approx(1, abs=0.05)
    assert found.temperature in TEMPERATURES[ONE - 1 : ONE + 2].round(6)
    assert found.null_bias == pytest.approx(bias, abs=0.2)
    best, null = found.probabilities(moved)
    assert null.mean() == pytest.approx(known.impossible.mean(), abs=1e-3)
    assert ece(null, known.impossible) < 0.015
    assert ece(best, known.right) < 0.015
    assert (best + null <= 1 + 1e-9).all()


@pytest.mark.parametrize("scale", [0.25, 3.0])
def test_odds_that_say_too_much_are_scaled(scale):
    """ "" is as probable as its odds were before they were stretched; spans keep their shares among themselves."""
    known = model(40_000, 11)
    odds = known.evidence.null - np.log(-np.expm1(known.evidence.null))
    null = -np.logaddexp(0, -odds * scale)
    best = known.evidence.best - np.log(-np.expm1(known.evidence.null)) + np.log(-np.expm1(null))
    moved = replace(known.evidence, best=best, null=null)
    found = fit_probabilities([replace(known, evidence=moved)])
    assert found.temperature in TEMPERATURES[ONE - 1 : ONE + 2].round(6)
    assert found.null_scale == pytest.approx(1 / scale, rel=0.05)
    p_best, p_null = found.probabilities(moved)
    assert ece(p_null, known.impossible) < 0.015
    assert ece(p_best, known.right) < 0.015


@given(st.floats(-800, 800), st.floats(0, 3), st.floats(-20, 20))
def test_probabilities_stay_such_next_to_certainty(odds, scale, bias):
    """Half of the other answers is the best span, however much weight "" has beside them."""
    null = -np.logaddexp(0.0, -odds)[None]
    fitted, shift = Fitted(1.0, scale, bias).null_and_shift(null, null)
    best = -np.log(2) - np.logaddexp(0.0, odds) + shift
    assert 0 <= np.exp(best[0]) <= 0.5 + 1e-9
    if abs(odds) < 700:
        assert np.exp(best[0]) == pytest.approx((1 - np.exp(fitted[0])) / 2, abs=1e-9)


def test_several_sets_are_fitted_as_one():
    whole = model(900, 3, 3.0)
    parts = [
        Judged(
            Evidence(
                *(getattr(whole.evidence, one.name)[rows] for one in fields(Evidence) if one.name != "starts")
            ),
            *(getattr(whole, name)[rows] for name in ("right", "f1", "impossible")),
        )
        for rows in (slice(0, 400), slice(400, 900))
    ]
    for goal in (Goal(), Goal("accuracy", 0.5), Goal("coverage", 0.3)):
        assert fit(parts, goal) == fit([whole], goal)


rows = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from(["right", "near", "wrong", "impossible"])),
    min_size=1,
    max_size=14,
)


def drawn(rows) -> Judged:
    """Few distinct values, so that many questions share one."""
    kinds = [kind for _, kind in rows]
    worth = {"right": 1.0, "near": 0.5}
    values = np.array([value for value, _ in rows])
    right = [kind == "right" for kind in kinds]
    f1 = [worth.get(kind, 0.0) for kind in kinds]
    return judged(0.1 + values / 10, right, f1, [kind == "impossible" for kind in kinds], 0.3 * values - 1)


def reachable(known: Judged, measure: str) -> list[Fitted]:
    """A threshold of every kind: below, between and above all values."""
    values = known.evidence.null_odds if measure == "null_odds" else np.exp(known.evidence.best[:, 0])
    edges = np.unique(values)
    middles = [*(edges[1:] + edges[:-1]) / 2, edges[0] - 1, edges[-1] + 1]
    return [Fitted(1.0, 1.0, 0.0, threshold, measure) for threshold in middles]


@given(rows)
def test_the_best_f1_is_that_of_every_threshold(rows):
    known = drawn([*rows, (4, "impossible")])
    fitted = fit([known])
    assert fitted.measure == "null_odds"
    totals = [one.answers(known).f1.sum() for one in reachable(known, "null_odds")]
    assert fitted.answers(known).f1.sum() == pytest.approx(max(totals))
    fewest = min(
        one.answers(known).answered.sum()
        for one, total in zip(reachable(known, "null_odds"), totals, strict=True)
        if total == pytest.approx(max(totals))
    )
    assert fitted.answers(known).answered.sum() == fewest


@given(rows, st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9, 1.0]))
def test_an_accuracy_is_held_with_the_most_answers(rows, share):
    known = drawn(rows)
    able = []
    for one in reachable(known, "probability"):
        given = one.answers(known)
        if given.answered.any() and given.right[given.answered].mean() >= share - 1e-9:
            able.append(given.answered.sum())
    if not able:
        with pytest.raises(PolyspanError, match="no threshold holds"):
            fit_threshold([known], Fitted(), Goal("accuracy", share))
        return
    fitted = Fitted(1.0, 1.0, 0.0, fit_threshold([known], Fitted(), Goal("accuracy", share)), "probability")
    given = fitted.answers(known)
    assert given.answered.sum() == max(able)
    assert given.right[given.answered].mean() >= share - 1e-9


@given(rows, st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0]))
def test_a_coverage_is_reached_with_the_fewest_answers(rows, share):
    known = drawn(rows)
    fitted = Fitted(1.0, 1.0, 0.0, fit_threshold([known], Fitted(), Goal("coverage", share)), "probability")
    counts = [one.answers(known).answered.sum() for one in reachable(known, "probability")]
    wanted = min(count for count in counts if count >= share * len(known) - 1e-9)
    assert fitted.answers(known).answered.sum() == wanted


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=2, max_size=9), st.integers(1, 9), st.randoms())
def test_a_threshold_of_six_decimals_divides_as_it_was_fitted(values, share, random):
    known = judged(values, [random.random() < 0.5 for _ in values])
    threshold = fit_threshold([known], Fitted(), Goal("coverage", share / 10))
    if threshold is not None:
        assert threshold == round(threshold, 6)
        answered = Fitted(1.0, 1.0, 0.0, threshold, "probability").answers(known).answered
        assert answered.sum() >= share / 10 * len(values) - 1e-9
        assert not answered.all()


def test_where_answering_always_is_best_there_is_no_threshold():
    known = judged([0.9, 0.8, 0.7], [True, True, True], odds=[-3, -2, -1])
    for goal in (Goal(), Goal("accuracy", 1.0), Goal("coverage", 1.0)):
        assert fit_threshold([known], Fitted(), goal) is None
    none = judged([0.9, 0.8], [True, False], odds=[-2, -1])
    assert fit_threshold([none]) is None, "without unanswerable questions nothing speaks for a threshold"


def test_an_empty_context_is_answered_by_nothing():
    known = judged([0.9, 1e-12], [True, False], impossible=[False, True], odds=[-3, np.nan], texts=["a", ""])
    assert fit_threshold([known]) is None
    assert Fitted().answers(known).right.all()


@pytest.mark.parametrize(("goal", "share"), [("accuracy", 0.0), ("coverage", 1.5), ("accuracy", float("nan"))])
def test_a_share_that_is_none(goal, share):
    with pytest.raises(UsageError, match=f"impossible {goal}"):
        Goal(goal, share)


def test_a_percentage_is_told_as_the_share_that_was_meant():
    with pytest.raises(UsageError) as error:
        Goal("accuracy", 80)
    assert error.value.fix == "0.8"
    with pytest.raises(UsageError, match="takes a share"):
        Goal("coverage")
    assert set(GOALS) == {"f1", "accuracy", "coverage"}


def corpus(language="en", metric=None) -> Corpus:
    questions = (
        Question("a", "who", (Answer("Bente Roos", 0),)),
        Question("b", "when", (), impossible=True),
        Question("c", "what", (Answer("rye", 20),)),
    )
    return Corpus((Paragraph("Bente Roos ground a rye.", questions),), "few", language, metric)


def evidence(*texts: str) -> Evidence:
    logs = np.zeros((len(texts), len(TEMPERATURES)))
    return Evidence(["a", "b", "c"][: len(texts)], list(texts), np.zeros(len(texts)), logs, logs)


@pytest.mark.parametrize("metric", [None, "squad.v1", "squad.v2", "korquad.v1"])
def test_questions_are_judged_by_the_metric_and_by_the_flag(metric):
    language = "ko" if metric == "korquad.v1" else "en"
    found = judge(corpus(language, metric), evidence("Bente Roos", "rye", "rye ground"))
    assert found.right.tolist() == [True, False, False]
    assert found.impossible.tolist() == [False, True, False]
    assert found.f1[0] == 1
    assert found.f1[1] == 0 < found.f1[2] < 1


def test_a_metric_that_cannot_judge_is_named():
    with pytest.raises(PolyspanError, match=r"squad\.v1 cannot judge few"):
        judge(corpus("zh", "squad.v1"), evidence("a", "b", "c"))
    unflagged = Corpus((Paragraph("x", (Question("a", "who"),)),), "few", "en", "squad.v1")
    with pytest.raises(PolyspanError, match=r"squad\.v1 cannot score it"):
        judge(unflagged, evidence("x"))
    with pytest.raises(PolyspanError, match="other questions"):
        judge(corpus(), evidence("x"))
