"""CCA, SVCCA, PWCCA and CKA: published oracles, direct computations, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.errors import PolyspanError, UsageError
from polyspan.probe import KINDS
from polyspan.probe.cca import cca, cka, pwcca, svcca
from polyspan.probe.moments import Moments


@pytest.fixture(scope="module")
def noise():
    generator = np.random.default_rng(3)
    return generator.normal(size=(10_000, 500)), generator.normal(size=(10_000, 500))


def linked(seed: int, points: int, x_width: int, y_width: int):
    """Two sides with a common part, dimensions of unlike scale."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=(points, 4))
    sides = []
    for width in (x_width, y_width):
        mixed = common @ generator.normal(size=(4, width)) + generator.normal(size=(points, width))
        sides.append(mixed * np.exp(generator.normal(size=width)) + generator.normal(size=width) * 5)
    return sides


def direct(x, y, variance):
    """SVCCA by singular values of the tall matrices."""
    sides = []
    for side in (x, y):
        left, values, _ = np.linalg.svd(side - side.mean(0), full_matrices=False)
        shares = np.cumsum(values**2) / (values**2).sum()
        sides.append(left[:, : int(np.searchsorted(shares, variance)) + 1])
    return np.linalg.svd(sides[0].T @ sides[1], compute_uv=False)


def by_qr(x, y):
    """CCA without a covariance (Björck and Golub 1973)."""
    one, two = (np.linalg.qr(side - side.mean(0))[0] for side in (x, y))
    return np.linalg.svd(one.T @ two, compute_uv=False)


def test_noise_of_100_and_50_dimensions():
    generator = np.random.default_rng(0)
    found = cca(generator.normal(size=(2000, 100)), generator.normal(size=(2000, 50)))
    assert found.mean == pytest.approx(0.207, abs=0.01)
    assert found.directions == (100, 50)


def test_an_invertible_map_gives_one():
    generator = np.random.default_rng(1)
    x = generator.normal(size=(2000, 100))
    assert cca(x, x @ generator.normal(size=(100, 100))).mean == pytest.approx(1, abs=1e-4)
    assert pwcca(x, x @ generator.normal(size=(100, 100)) + 3) == pytest.approx(1, abs=1e-4)


def test_noise_of_500_dimensions(noise):
    assert cca(*noise).mean == pytest.approx(0.1906, abs=0.002)
    assert pwcca(*noise) == pytest.approx(0.1906, abs=0.002)
    assert svcca(*noise, k=20).mean == pytest.approx(0.035, abs=0.006)


@pytest.mark.parametrize("variance", [0.5, 0.99, 1.0])
def test_svcca_is_that_of_the_tall_matrices(variance):
    x, y = linked(2, 3000, 40, 30)
    found = svcca(x, y, variance)
    assert found.coefficients == pytest.approx(direct(x, y, variance), abs=1e-6)
    assert found.mean == pytest.approx(
        KINDS["svcca"](variance=variance).compare(*prepared(x, y, variance)), abs=1e-9
    )


def prepared(x, y, variance):
    one = KINDS["svcca"](variance=variance)
    return one.prepare(x), one.prepare(y)


def test_cca_is_that_of_qr():
    x, y = linked(3, 3000, 40, 30)
    assert cca(x, y).coefficients == pytest.approx(by_qr(x, y), abs=1e-6)
    assert cca(x.astype(np.float32), y).coefficients == pytest.approx(by_qr(x.astype(np.float32), y), abs=1e-6)


def test_moments_give_the_same():
    x, y = linked(4, 500, 12, 9)
    moments = Moments.of(x, y)
    for measured in (cca, svcca):
        assert measured(moments).coefficients == pytest.approx(measured(x, y).coefficients, abs=1e-12)
    assert (pwcca(moments), cka(moments)) == pytest.approx((pwcca(x, y), cka(x, y)))


def test_cka_is_that_of_gram_matrices():
    x, y = linked(5, 200, 12, 9)
    one, two = ((side - side.mean(0)) @ (side - side.mean(0)).T for side in (x, y))
    expected = (one * two).sum() / np.sqrt((one * one).sum() * (two * two).sum())
    assert cka(x, y) == pytest.approx(expected)
    kept = KINDS["cka"]()
    assert kept.compare(kept.prepare(x), kept.prepare(y)) == pytest.approx(expected)


def test_pwcca_weighs_by_the_first_side():
    generator = np.random.default_rng(6)
    x = generator.normal(size=(5000, 3)) * (10, 1, 1)
    y = np.stack([x[:, 0] / 10, *generator.normal(size=(2, 5000)) * 10], 1)
    assert cca(x, y).mean == pytest.approx(1 / 3, abs=0.05)
    assert pwcca(x, y) > 0.75  # what they share is most of x
    assert pwcca(y, x) < 0.25  # and little of y


def test_the_prefix_mean_leaves_the_small_ones_out():
    generator = np.random.default_rng(7)
    x = generator.normal(size=(4000, 6))
    found = cca(x, np.concatenate([x[:, :3], generator.normal(size=(4000, 3))], 1))
    assert found.prefix_mean == pytest.approx(1, abs=1e-3)
    assert found.mean == pytest.approx(0.5, abs=0.05)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 8))
def test_shift_and_invertible_maps_do_not_change_cca(seed, x_width, y_width):
    x, y = linked(seed, 80, x_width, y_width)
    generator = np.random.default_rng(seed + 1)
    turned, _ = np.linalg.qr(generator.normal(size=(x_width, x_width)))
    moved = x @ (turned * np.exp(generator.normal(size=x_width))) + generator.normal(size=x_width) * 100
    assert cca(moved, y).coefficients == pytest.approx(cca(x, y).coefficients, abs=1e-6)
    rigid = 7 * x @ turned - 4
    assert svcca(rigid, y, 0.9).coefficients == pytest.approx(svcca(x, y, 0.9).coefficients, abs=1e-6)
    assert cka(rigid, y) == pytest.approx(cka(x, y), abs=1e-9)
    assert cca(y, x).coefficients == pytest.approx(cca(x, y).coefficients, abs=1e-8)
    assert 0 <= cka(x, y) <= 1 + 1e-12
    assert 0 <= pwcca(x, y) <= 1


def test_constant_and_dependent_dimensions_are_left_out():
    x, y = linked(8, 400, 6, 5)
    wide = np.concatenate([x, np.full((400, 1), 0.1), x[:, :2] * 3, x.sum(1, keepdims=True)], 1)
    found = cca(wide, y)
    assert found.directions == (6, 5)
    assert found.coefficients == pytest.approx(cca(x, y).coefficients, abs=1e-6)
    assert svcca(wide, y, 1.0).directions == (6, 5)
    assert svcca(x, y, k=50).directions == (6, 5)


def test_mistakes():
    x, y = linked(9, 50, 40, 30)
    with pytest.raises(PolyspanError, match="too few points"):
        cca(x, y)
    assert svcca(x, y, k=5).directions == (5, 5)
    with pytest.raises(PolyspanError, match="y does not vary"):
        cca(x[:, :3], np.ones((50, 2)))
    for bad, what in ((np.nan, "no number"), (np.inf, "no number"), (1e200, "too large")):
        broken = x.copy()
        broken[7, 3] = bad
        with pytest.raises(PolyspanError, match=what):
            svcca(broken, y, k=5)
    with pytest.raises(PolyspanError, match="do not fit"):
        cca(x, y[:40])
    with pytest.raises(PolyspanError, match="x is not an array"):
        cca(x[0], y)
    with pytest.raises(UsageError, match="share"):
        svcca(x, y, 1.5)
    with pytest.raises(UsageError, match="at least one"):
        svcca(x, y, k=0)
    with pytest.raises(UsageError, match="nothing to compare"):
        cca(x)
    with pytest.raises(PolyspanError, match="at least two points"):
        cca(x[:1], y[:1])
