"""Evidence as a file, and its grid of temperatures."""

import numpy as np
import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.stats.evidence import TEMPERATURES, Evidence


@pytest.fixture
def some():
    best, null = np.random.default_rng(0).normal(size=(2, 3, len(TEMPERATURES)))
    best[1] = -np.inf
    return Evidence(["a", "b", "c"], ["點字", "", "\ud83d"], np.array([1.5, 1e6, -2.0]), best, null)


def test_what_is_saved_is_read_again_byte_for_byte(some, tmp_path):
    some.save(tmp_path / "one.npz")
    again = Evidence.load(tmp_path / "one.npz")
    assert (again.ids, again.texts) == (some.ids, some.texts)
    for name in ("null_odds", "best", "null"):
        assert getattr(again, name).tobytes() == getattr(some, name).tobytes()
    again.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_the_grid_runs_from_a_quarter_to_sixteen(some):
    assert (TEMPERATURES[0], TEMPERATURES[16], TEMPERATURES[-1]) == (0.25, 1.0, 16.0)
    for place, temperature in enumerate(TEMPERATURES):
        assert some.at(temperature) == some.at(round(temperature, 6)) == place


@pytest.mark.parametrize("off", [0.2, 1.04, 17.0, float("nan")])
def test_a_temperature_off_the_grid_is_refused(some, off):
    with pytest.raises(UsageError, match="no evidence at this temperature"):
        some.at(off)


@pytest.mark.parametrize("damage", [lambda content: content[:200], lambda content: b"{}", lambda content: b""])
def test_a_damaged_file_is_one_message(some, damage, tmp_path):
    file = tmp_path / "evidence.npz"
    some.save(file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(PolyspanError, match="cannot be read"):
        Evidence.load(file)


def test_parts_of_unlike_length_are_refused(some, tmp_path):
    Evidence(["a"], some.texts, some.null_odds, some.best, some.null).save(tmp_path / "evidence.npz")
    with pytest.raises(PolyspanError, match="not of one length"):
        Evidence.load(tmp_path / "evidence.npz")
