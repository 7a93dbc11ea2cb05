"""CSLS against its definition, and the search for the largest cosines against a full sort."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from polyspan.align import csls
from polyspan.errors import UsageError
from polyspan.model.map import Map


def units(rows: int, width: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return csls.unit(torch.randn(rows, width, generator=generator))


def brute(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """2 cos(x, y) − r(x) − r(y) for all pairs, straight from the paper."""
    cosines = x @ y.T
    r_x = np.sort(cosines, axis=1)[:, -10:].mean(1)
    r_y = np.sort(cosines, axis=0)[-10:].mean(0)
    return 2 * cosines - r_x[:, None] - r_y


@pytest.fixture(params=[2**25, 500], ids=["one block", "many blocks"])
def _blocks(request, monkeypatch):
    monkeypatch.setattr(csls, "_CELLS", request.param)


@given(st.integers(1, 5), st.integers(1, 400), st.integers(1, 12), st.integers(0, 3))
def test_largest_is_topk(rows, width, k, seed):
    block = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))
    k = min(k, width)
    values, indices = csls.largest(block, k)
    assert torch.equal(values, block.topk(k, dim=1).values)
    assert torch.equal(block.gather(1, indices), values)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize(("sources", "targets"), [(130, 90), (7, 300), (300, 7)])
def test_csls_is_its_definition(sources, targets):
    x, y = units(sources, 8, 1), units(targets, 8, 2)
    scores = brute(x.numpy(), y.numpy())
    found, order = csls.nearest(x, y, csls.density(y, x), 3)
    np.testing.assert_allclose(found - csls.density(x, y)[:, None], np.sort(scores, 1)[:, :-4:-1], atol=1e-5)
    assert np.array_equal(order[:, 0], scores.argmax(1))


@pytest.mark.usefixtures("_blocks")
def test_dictionaries():
    x, y = units(150, 6, 3), units(120, 6, 4)
    scores = brute(x.numpy(), y.numpy())
    forward = {(row, int(best)) for row, best in enumerate(scores.argmax(1))}
    backward = {(int(best), row) for row, best in enumerate(scores.argmax(0))}
    for name, expected in (("forward", forward), ("backward", backward), ("mutual", forward & backward)):
        assert {tuple(pair) for pair in csls.dictionary(x, y, name).tolist()} == expected
    with pytest.raises(UsageError, match="direction"):
        csls.dictionary(x, y, "sideways")


@pytest.mark.usefixtures("_blocks")
def test_rare_words_are_left_out_as_in_muse():
    """A word of the `most` frequent looks for its partner, which may be the one at the very rank `most`."""
    x, y = units(150, 6, 3), units(120, 6, 4)
    scores = brute(x.numpy(), y.numpy())
    at_the_limit = 0
    for most in range(1, 119):
        forward = {(row, int(best)) for row, best in enumerate(scores[:most].argmax(1)) if best <= most}
        backward = {(int(best), row) for row, best in enumerate(scores[:, :most].argmax(0)) if best <= most}
        for name, expected in (("forward", forward), ("backward", backward), ("mutual", forward & backward)):
            assert {tuple(pair) for pair in csls.dictionary(x, y, name, most).tolist()} == expected
        at_the_limit += sum(target == most for _, target in forward)
        mean = np.mean([float(x[row] @ y[best]) for row, best in forward]) if forward else -1
        assert csls.criterion(x, y, most) == pytest.approx(mean, abs=1e-6)
    assert at_the_limit


def test_csls_mends_hubs():
    """A target near to everything is nobody's translation under CSLS."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 20)) + 1.5
    y = np.vstack([x + 0.9 * generator.normal(size=x.shape), x.mean(0)]).astype(np.float32)
    x, y = (csls.unit(torch.from_numpy(side.astype(np.float32))) for side in (x, y))
    plain = csls.nearest(x, y, torch.zeros(len(y)))[1][:, 0]
    mended = csls.nearest(x, y, csls.density(y, x))[1][:, 0]
    assert int((plain == 200).sum()) >= 4 * int((mended == 200).sum())


def test_precision_counts_any_translation():
    x = np.eye(6, dtype=np.float32)
    identity = Map(np.eye(6, dtype=np.float32), np.zeros(6, np.float32))
    pairs = np.array([[0, 0], [1, 5], [1, 1], [2, 3]])
    assert csls.precision(identity, x, x, pairs, k=(1, 6)) == {1: pytest.approx(200 / 3), 6: 100.0}
    assert csls.precision(identity, x, x, pairs, k=(1,), csls=False) == {1: pytest.approx(200 / 3)}
    with pytest.raises(UsageError, match="needs pairs"):
        csls.precision(identity, x, x, np.zeros((0, 2), int))
