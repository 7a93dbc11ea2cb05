"""A Map: applied to any shape, the same after a round trip, and clear about what it cannot take."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.map import Map


@pytest.fixture
def affine() -> Map:
    generator = np.random.default_rng(0)
    matrix, bias = generator.normal(size=(4, 3)), generator.normal(size=3)
    return Map(matrix, bias, {"method": "procrustes", "layer": 4, "source": "英文"})  # type: ignore[arg-type]


def test_apply_takes_any_leading_shape(affine):
    x = np.random.default_rng(1).normal(size=(2, 5, 4)).astype(np.float32)
    mapped = affine.apply(x)
    assert mapped.shape == (2, 5, 3)
    assert mapped.dtype == np.float32
    np.testing.assert_allclose(mapped[1, 2], x[1, 2] @ affine.matrix + affine.bias, rtol=1e-6)


def test_round_trip(affine, tmp_path):
    path = tmp_path / "new" / "map.safetensors"
    affine.save(path)
    again = Map.load(path)
    assert np.array_equal(again.matrix, affine.matrix)
    assert np.array_equal(again.bias, affine.bias)
    assert again.record == affine.record
    first = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("shape", [(5,), (2, 3), ()])
def test_wrong_width(affine, shape):
    with pytest.raises(UsageError, match="does not fit") as caught:
        affine.apply(np.zeros(shape))
    assert "(…, 4)" in str(caught.value)


@pytest.mark.parametrize(("matrix", "bias"), [((4,), 4), ((4, 3), 4), ((0, 3), 3)])
def test_wrong_shapes(matrix, bias):
    with pytest.raises(UsageError, match="no map"):
        Map(np.zeros(matrix, np.float32), np.zeros(bias, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(value):
    with pytest.raises(UsageError, match="NaN"):
        Map(np.eye(2, dtype=np.float32), np.array([0, value], np.float32))


def test_files_that_are_no_map(tmp_path):
    eye, zero = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
    text, other, nan, wide, bare = (tmp_path / name for name in ("text", "other", "nan", "wide", "bare"))
    text.write_text("not a map")
    save_file({"weights": eye}, other, metadata={"polyspan.map": "{}"})
    save_file({"matrix": eye * np.float32("nan"), "bias": zero}, nan, metadata={"polyspan.map": "{}"})
    save_file({"matrix": eye, "bias": np.zeros(3, np.float32)}, wide, metadata={"polyspan.map": "{}"})
    save_file({"matrix": eye, "bias": zero}, bare)
    for path in (text, other, nan, wide, bare):
        with pytest.raises(PolyspanError, match="not a map") as caught:
            Map.load(path)
        assert str(path) in str(caught.value)
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(PolyspanError, match="cannot read"):
            Map.load(path)
