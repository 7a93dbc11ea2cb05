"""What a solver is given: checked, ordered by frequency; and what its matrix means for raw vectors."""

import numpy as np
import pytest
import torch

from polyspan.align import METHODS
from polyspan.align.space import given
from polyspan.errors import PolyspanError, UsageError

X = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
ROTATING = [name for name in METHODS if name != "mean"]


def spoiled(row: int, value: float) -> np.ndarray:
    bad = X.copy()
    bad[row, 2] = value
    return bad


@pytest.mark.parametrize("method", METHODS)
def test_values_that_cannot_be(method):
    for value in (np.nan, np.inf):
        with pytest.raises(PolyspanError, match="source vectors hold NaN") as caught:
            METHODS[method]().fit(spoiled(7, value), X)
        assert "row 7" in str(caught.value)
        with pytest.raises(PolyspanError, match="target vectors hold NaN"):
            METHODS[method]().fit(X, spoiled(7, value))
    with pytest.raises(PolyspanError, match="unequal widths"):
        METHODS[method]().fit(X, X[:, :5])
    for shape in ((50,), (0, 6), (2, 5, 6)):
        with pytest.raises(UsageError, match="no source vectors"):
            METHODS[method]().fit(np.zeros(shape, np.float32), X, pairs=[[0, 0]])


@pytest.mark.parametrize("method", ROTATING)
def test_too_little_to_rotate_by(method):
    with pytest.raises(PolyspanError, match="fewer source vectors than dimensions"):
        METHODS[method]().fit(X[:5], X[:5])
    constant = X.copy()
    constant[:, 3] = 4.0
    with pytest.raises(PolyspanError, match="never changes") as caught:
        METHODS[method]().fit(X, constant)
    assert "dimension 3" in str(caught.value)


def test_pairs_and_ranks_are_checked():
    for pairs in ([], [[0, 1, 2]], [0, 1], [[0.5, 1.0]]):
        with pytest.raises(UsageError, match="no seed pairs"):
            given(X, X, pairs)
    for pairs in ([[0, 50]], [[-1, 0]]):
        with pytest.raises(UsageError, match="not there"):
            given(X, X, pairs)
    for ranks in (np.arange(3), np.arange(50), np.full(50, np.nan)):
        with pytest.raises(UsageError, match="ranks"):
            given(X, X, None, (ranks, np.arange(1, 51)))


def test_ranks_order_the_rows_and_their_pairs():
    generator = np.random.default_rng(1)
    ranks = generator.permutation(50) + 1, generator.permutation(50) + 1
    both = given(X, -X, [[3, 4], [10, 20]], ranks)
    assert both.pairs is not None
    for (row, other), (a, b) in zip(both.pairs.tolist(), ((3, 4), (10, 20)), strict=True):
        assert torch.equal(both.x.raw[row], torch.from_numpy(X[a]))
        assert torch.equal(both.y.raw[other], torch.from_numpy(-X[b]))
        assert both.x.ranks[row] == ranks[0][a]


def test_the_map_has_the_targets_mean_and_size():
    generator = np.random.default_rng(2)
    y = (7 * generator.normal(size=(80, 6)) + 30).astype(np.float32)
    mapped = given(X, y).affine(torch.randn(6, 6, generator=torch.Generator().manual_seed(0)), {}).apply(X)
    np.testing.assert_allclose(mapped.mean(0), y.mean(0), rtol=1e-4)
    spread = [np.sqrt(((side - side.mean(0)) ** 2).sum(1).mean()) for side in (mapped, y)]
    assert spread[0] == pytest.approx(spread[1], rel=1e-4)
