"""Ranks and rank correlations are scipy's."""

import numpy as np
import pytest
from scipy import stats

from polyspan.stats.ranks import ranks, spearman


@pytest.mark.parametrize("values", [2, 5, 1000])
def test_ranks_are_scipy_s(values):
    drawn = np.random.default_rng(values).integers(values, size=(4, 50, 9)).astype(float)
    assert np.array_equal(ranks(drawn), stats.rankdata(drawn, axis=-1))
    assert np.array_equal(ranks(drawn[0, 0].tolist()), stats.rankdata(drawn[0, 0]))


def test_correlations_are_scipy_s():
    x, y = np.random.default_rng(0).integers(6, size=(2, 30, 12)).astype(float)
    expected = [stats.spearmanr(one, other).statistic for one, other in zip(x, y, strict=True)]
    assert spearman(x, y) == pytest.approx(expected)
    assert spearman(x[0], y) == pytest.approx([stats.spearmanr(x[0], other).statistic for other in y])
    assert np.isnan(spearman(np.ones(5), np.arange(5)))
