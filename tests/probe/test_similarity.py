"""Cosine of right and wrong pairs, and rank correlation with its interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from polyspan.errors import PolyspanError
from polyspan.probe.similarity import cosine, rank_correlation


def test_the_baseline_is_the_mean_over_all_wrong_pairs():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, 7, 5)) + 1
    table = (x / np.linalg.norm(x, axis=1)[:, None]) @ (y / np.linalg.norm(y, axis=1)[:, None]).T
    found = cosine(x, y)
    assert found.mean == pytest.approx(np.diag(table).mean())
    assert found.baseline == pytest.approx(table[~np.eye(7, dtype=bool)].mean())


def test_a_common_direction_raises_everything_but_what_is_centred():
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(2, 500, 16))
    found = cosine(x + 10, y + 10)
    assert min(found.mean, found.baseline) > 0.95
    assert max(abs(found.centred), abs(found.centred_baseline)) < 0.05
    same = cosine(x + 10, x - 10)
    assert same.mean < 0
    assert same.centred == pytest.approx(1)


def test_vectors_without_direction():
    x = np.ones((3, 2))
    with pytest.raises(PolyspanError, match="no direction"):
        cosine(x * 0, x)
    with pytest.raises(PolyspanError, match="no direction"):
        cosine(x, x)  # nothing is left when the mean is taken away
    with pytest.raises(PolyspanError, match="no direction"):
        cosine(x * np.nan, x)
    with pytest.raises(PolyspanError, match="no pairs"):
        cosine(x[:1], x[:1])
    with pytest.raises(PolyspanError, match="no pairs"):
        cosine(x, x[:2])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9999), st.integers(4, 12))
def test_rho_is_scipys(seed, points):
    values, scores = np.random.default_rng(seed).integers(0, 8, size=(2, points)).astype(float)
    if np.ptp(values) == 0 or np.ptp(scores) == 0:
        return
    found = rank_correlation(values, scores, seed, samples=200)
    assert found.rho == pytest.approx(spearmanr(values, scores).statistic)
    low, high = found.interval
    assert -1 <= low <= high <= 1
    assert found == rank_correlation(values, scores, seed, samples=200)


def test_few_points_have_no_interval_and_fewer_no_rho():
    assert rank_correlation([1, 2, 3], [3, 5, 9]).interval is None
    with pytest.raises(PolyspanError, match="no rank correlation"):
        rank_correlation([1, 2], [3, 4])
    with pytest.raises(PolyspanError, match="no rank correlation"):
        rank_correlation([1, 1, 1], [3, 4, 5])
