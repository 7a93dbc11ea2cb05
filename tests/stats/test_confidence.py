"""Calibration and ranking of probabilities, against counting by brute force."""

import itertools
import json
import math

import numpy as np
import pytest

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError
from polyspan.score import score
from polyspan.stats.confidence import (
    aurc,
    auroc,
    brier,
    confidence,
    coverage_at,
    ece,
    reliability,
    risk_coverage,
)
from polyspan.stats.probabilities import confidence_of, read_probabilities


def _random(seed, most=40):
    """Answers with ties among their probabilities."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, most)
    p = rng.choice([rng.random(n), rng.integers(0, 5, n) / 4])
    return p, rng.random(n) < rng.choice([p, 1 - p, np.full(n, rng.choice([0, 0.5, 1]))])


@pytest.mark.parametrize("seed", range(60))
def test_auroc_counts_pairs(seed):
    p, right = _random(seed)
    pairs = [float(a > b) + (a == b) / 2 for a in p[right] for b in p[~right]]
    assert auroc(p, right) == (pytest.approx(np.mean(pairs)) if pairs else None)


@pytest.mark.parametrize("seed", range(20))
def test_aurc_is_the_mean_risk_over_all_orders_of_equals(seed):
    p, right = _random(seed, most=7)
    areas = []
    for order in itertools.permutations(range(len(p))):
        if all(p[a] >= p[b] for a, b in itertools.pairwise(order)):
            wrong = [not right[at] for at in order]
            areas.append(np.mean([sum(wrong[:k]) / k for k in range(1, len(p) + 1)]))
    assert aurc(p, right) == pytest.approx(np.mean(areas))


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("accuracy", [0.5, 0.8, 1.0])
def test_coverage_at_tries_every_threshold(seed, accuracy):
    p, right = _random(seed)
    kept = [p >= threshold for threshold in p]
    reached = [float(each.mean()) for each in kept if right[each].mean() >= accuracy]
    assert coverage_at(p, right, accuracy) == pytest.approx(max(reached, default=0.0))
    curve = risk_coverage(p, right)
    assert curve[-1] == pytest.approx([1, 1 - right.mean()])
    assert max([c for c, risk in curve if 1 - risk >= accuracy - 1e-12], default=0) == pytest.approx(
        max(reached, default=0.0)
    )


@pytest.mark.parametrize("seed", range(20))
def test_brier_and_ece(seed):
    p, right = _random(seed)
    assert brier(p, right) == pytest.approx(np.mean((p - right) ** 2))
    assert ece(p, right, bins=1) == pytest.approx(abs(p.mean() - right.mean()))
    n, step = len(p), 3
    once = np.sort(p)[::-1] + np.arange(n) * -1e-9 + 1e-6  # without ties, every answer three times
    order = np.argsort(-p, kind="stable")
    bins = [np.repeat(each[: n // step * step], 5).reshape(-1, 5 * step) for each in (once, right[order])]
    if n >= step:
        wanted = np.abs(bins[0].mean(1) - bins[1].mean(1)).mean()
        assert ece(bins[0].ravel().clip(0, 1), bins[1].ravel(), len(bins[0])) == pytest.approx(wanted, abs=1e-5)


def test_known_values():
    p, right = [0.9, 0.8, 0.7, 0.6], [True, True, False, True]
    assert auroc(p, right) == pytest.approx(2 / 3)
    assert aurc(p, right) == pytest.approx((1 / 3 + 1 / 4) / 4)
    assert coverage_at(p, right, 0.75) == 1
    assert coverage_at(p, right, 0.8) == 0.5
    assert coverage_at(p, [False] * 4, 0.1) == 0
    assert reliability(p, right, bins=2) == pytest.approx(np.array([[0.85, 1], [0.65, 0.5]]))
    assert ece(p, right, bins=2) == pytest.approx(0.15)
    assert reliability([0.5], [True], bins=3) == pytest.approx(np.array([[0.5, 1]] * 3))


def test_a_perfectly_calibrated_model():
    rng = np.random.default_rng(3)
    p = rng.random(40_000)
    right = rng.random(40_000) < p
    assert ece(p, right) < 0.01
    assert ece(p**2, right) > 0.1


@pytest.mark.parametrize("seed", range(25))
def test_intervals_hold_the_value_and_nothing_depends_on_the_order(seed):
    p, right = _random(seed, most=200)
    found = confidence(p, right, draws=100, seed=seed)
    assert list(found) == ["ece", "brier", "auroc", "aurc", "coverage_at", "intervals"]
    assert confidence(p, right, draws=100, seed=seed) == found
    bounds = found["intervals"]
    for value, interval in [
        *((found[key], bounds[key]) for key in ("ece", "brier", "auroc", "aurc")),
        *((found["coverage_at"][at], bounds["coverage_at"][at]) for at in ("0.8", "0.9")),
    ]:
        assert (interval is None) == (value is None)
        if value is not None:
            assert 0 <= interval[0] <= value <= interval[1] <= 1
    order = np.random.default_rng(seed).permutation(len(p))
    again = confidence(p[order], right[order], draws=1)
    for key in ("ece", "brier", "auroc", "aurc", "coverage_at"):
        assert again[key] == (None if found[key] is None else pytest.approx(found[key]))


def test_units_are_drawn_whole():
    """Ten questions of each unit, all alike: the interval is as wide as that of the units alone."""
    rng = np.random.default_rng(5)
    p = rng.random(50)
    right = rng.random(50) < p
    units = [str(at) for at in range(50)]
    alone = confidence(p, right, of=units, draws=200)["intervals"]["brier"]
    copies = [np.repeat(each, 10) for each in (p, right, units)]
    assert confidence(*copies[:2], of=list(copies[2]), draws=200)["intervals"]["brier"] == pytest.approx(alone)
    low, high = confidence(*copies[:2], draws=200)["intervals"]["brier"]
    assert high - low < 0.6 * (alone[1] - alone[0])


@pytest.mark.parametrize(
    ("p", "right", "message"),
    [
        ([], [], "a probability for every answer"),
        ([0.5], [True, False], "a probability for every answer"),
        ([0.5, 1.5], [True, False], r"1 of 2 probabilities are none[\s\S]*1\.5"),
        ([math.nan, 0.5], [True, False], "1 of 2 probabilities are none"),
    ],
)
def test_what_is_no_probability(p, right, message):
    with pytest.raises(PolyspanError, match=message):
        ece(p, right)


TEXTS = ["Rome", "Bonn", "Oslo", ""]
CORPUS = Corpus(
    (
        Paragraph(
            "Rome Bonn Oslo",
            (
                *(Question(f"q{at}", "?", (Answer(text, 5 * at),)) for at, text in enumerate(TEXTS[:3])),
                Question("q3", "?", impossible=True),
            ),
        ),
    )
)
PREDICTIONS = {"q0": "Rome", "q1": "Rome", "q2": "Oslo", "q3": ""}
P = {"q3": 0.7, "q0": 0.9, "q1": 0.2, "q2": 0.6}


def _nbest(**changes):
    found = {
        name: [{"text": text, "probability": P[name]}, {"text": "?", "probability": 0.01}]
        for name, text in PREDICTIONS.items()
    }
    return found | changes


def test_confidence_of_scores(tmp_path):
    scores = score(CORPUS, PREDICTIONS)
    found = confidence_of(scores, P, language="en", draws=20)
    assert (found["auroc"], found["coverage_at"]["0.9"], found["language"]) == (1, 0.75, "en")
    path = tmp_path / "nbest.json"
    for content in (P, _nbest()):
        path.write_text(json.dumps(content), "utf-8")
        given = read_probabilities(path, PREDICTIONS)
        assert confidence_of(scores, given, language="en", draws=20) == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"q0": 0.5}, r"probabilities are lacking for 3 of 4 questions[\s\S]*'q1'"),
        (P | {"q1": 1.5}, r"probabilities of 1 of 4 questions are no finite numbers from 0 to 1[\s\S]*'q1': 1\.5"),
        (P | {"q1": -3.25}, r"null odds are another file"),
        (P | {"q1": math.nan, "q2": "x", "q3": True}, "probabilities of 3 of 4 questions"),
        ([0.5], "probabilities are given by question id"),
        (_nbest(q1=[]), r"'q1': \[\]"),
        (_nbest(q1=[{"text": "Rome"}]), "'q1': None"),
        (
            _nbest(q1=[{"text": "Bonn", "probability": 1.0}]),
            r"not the prediction to 1 of 4 questions[\s\S]*'Bonn'",
        ),
    ],
)
def test_probabilities_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / "p.json"
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(PolyspanError, match=message):
        confidence_of(score(CORPUS, PREDICTIONS), read_probabilities(path, PREDICTIONS))


def test_an_empty_file_of_probabilities(tmp_path):
    path = tmp_path / "p.json"
    path.write_bytes(b"")
    with pytest.raises(PolyspanError, match="the probabilities file is empty"):
        read_probabilities(path)
