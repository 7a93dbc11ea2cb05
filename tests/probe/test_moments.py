"""Moments gathered part by part are those of the whole, however far from zero; files come back as they were."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.errors import PolyspanError
from polyspan.probe.moments import Moments


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9999), st.lists(st.integers(0, 9), min_size=1, max_size=5), st.sampled_from([0.0, 1e6]))
def test_parts_give_what_the_whole_gives(seed, sizes, shift):
    generator = np.random.default_rng(seed)
    x, y = (generator.normal(size=(sum(sizes) + 2, width)) + shift for width in (3, 2))
    bounds = np.cumsum([0, *sizes, 2])
    merged = Moments.empty(3, 2)
    added = Moments.empty(3, 2)
    for first, last in itertools.pairwise(bounds):
        added.add(x[first:last], y[first:last])
        merged.merge(Moments.of(x[first:last], y[first:last]))
    expected = np.cov(np.concatenate([x, y], 1).T)
    for moments in (added, merged):
        assert moments.points == len(x)
        assert moments.mean == pytest.approx(np.concatenate([x, y], 1).mean(0))
        assert moments.covariance == pytest.approx(expected, abs=1e-8)
    assert added.x().covariance == pytest.approx(expected[:3, :3], abs=1e-8)
    assert added.y().covariance == pytest.approx(expected[3:, 3:], abs=1e-8)


def test_more_points_than_a_part_holds():
    x = np.random.default_rng(0).normal(size=(20_000, 3)).astype(np.float32)
    assert Moments.of(x).covariance == pytest.approx(np.cov(x.T.astype(np.float64)), abs=1e-12)


def test_a_file_comes_back(tmp_path):
    x = np.random.default_rng(1).normal(size=(20, 4))
    moments = Moments.of(x[:, :3], x[:, 3:])
    moments.save(tmp_path / "m.npz")
    again = Moments.load(tmp_path / "m.npz")
    assert (again.points, again.split) == (20, 3)
    assert (again.scatter == moments.scatter).all()
    assert (again.add(x[:, :3], x[:, 3:]).covariance == moments.add(x[:, :3], x[:, 3:]).covariance).all()


def test_mistakes(tmp_path):
    with pytest.raises(PolyspanError, match="cannot read"):
        Moments.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    with pytest.raises(PolyspanError, match="no moments"):
        Moments.load(tmp_path / "bad.npz")
    np.savez(tmp_path / "pickled.npz", counts=np.array([object()]))
    with pytest.raises(PolyspanError, match="no moments"):
        Moments.load(tmp_path / "pickled.npz")
    with pytest.raises(PolyspanError, match="do not fit"):
        Moments.empty(3).add(np.ones((2, 4)))
    with pytest.raises(PolyspanError, match="other widths"):
        Moments.empty(3).merge(Moments.empty(2, 1))
    with pytest.raises(PolyspanError, match="point 1, dimension 2"):
        Moments.of([[1, 2, 3], [1, 2, float("nan")]])
