"""Procrustes: the oracle of the contract, and that no other rotation is nearer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from polyspan.align import METHODS
from polyspan.errors import PolyspanError, UsageError


def rotation(width: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(width, width)))[0]


@pytest.mark.parametrize("options", [{}, {"center": False}, {"renorm": True}, {"center": False, "renorm": True}])
def test_a_rotation_is_recovered(options):
    generator = np.random.default_rng(5)
    x = (generator.normal(size=(40, 64)) * 2)[generator.integers(0, 40, 3000)] + generator.normal(size=(3000, 64))
    y = x @ rotation(64, 6)
    mapped = METHODS["procrustes"](**options).fit(x[:500], y[:500]).apply(x)
    assert np.linalg.norm(mapped - y) / np.linalg.norm(y) < 1e-3


def test_a_moved_and_scaled_rotation_is_recovered():
    generator = np.random.default_rng(7)
    x = generator.normal(size=(300, 10)) + 20
    y = 4 * x @ rotation(10, 8) - 50 * generator.normal(size=10)
    order = generator.permutation(300)
    pairs = np.stack([np.argsort(order)[:40], np.arange(300)[:40]], 1)
    mapped = METHODS["procrustes"]().fit(x[order], y, pairs=pairs)
    np.testing.assert_allclose(mapped.apply(x), y, atol=0.02)
    assert mapped.record["pairs"] == 40


@given(arrays(np.float64, (2, 12, 3), elements=st.floats(-10, 10)), st.integers(0, 1000))
def test_no_rotation_is_nearer(sides, seed):
    x, y = sides + np.random.default_rng(9).normal(size=sides.shape)
    mapped = METHODS["procrustes"](center=False).fit(x, y)
    scale = np.cbrt(abs(np.linalg.det(mapped.matrix.astype(float))))
    best = mapped.matrix / scale
    np.testing.assert_allclose(best @ best.T, np.eye(3), atol=1e-4)
    error = np.linalg.norm(x @ best - y)
    assert error <= np.linalg.norm(x @ rotation(3, seed) - y) * (1 + 1e-5)


def test_mistakes():
    x = np.random.default_rng(0).normal(size=(30, 8))
    with pytest.raises(UsageError, match="needs pairs"):
        METHODS["procrustes"]().fit(x, x[:20])
    with pytest.raises(PolyspanError, match="fewer pairs than dimensions"):
        METHODS["procrustes"]().fit(x, x, pairs=[[0, 0], [1, 1]])
