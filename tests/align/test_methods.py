"""Every method recovers a random rotation of a clustered, Zipf-ranked space with a shuffled vocabulary."""

import numpy as np
import pytest

from polyspan.align import METHODS, precision
from polyspan.errors import UsageError

# What makes the defaults quick enough for a test; the methods stay what they are.
QUICK = {
    "vecmap": {"vocabulary": 800, "start": 800, "patience": 5},
    "dema": {"steps": 600, "components": 500, "batch_size": 128, "learning_rate": 0.005},
}


def accuracy(mapped, spaces) -> float:
    return precision(mapped, spaces.x, spaces.y, spaces.pairs, k=(1,))[1]


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_vecmap_needs_no_pair(languages, noise):
    spaces = languages(words=1000, width=24, topics=40, noise=noise, shift=10, scale=3)
    mapped = METHODS["vecmap"](**QUICK["vecmap"]).fit(spaces.x, spaces.y, seed=1)
    assert accuracy(mapped, spaces) > 95
    there = spaces.y[spaces.truth]
    assert np.linalg.norm(mapped.apply(spaces.x) - there) < 0.3 * np.linalg.norm(there - there.mean(0))


def test_vecmaps_matrix_of_the_source_alone_leads_elsewhere(languages):
    spaces = languages(words=1000, width=24, topics=40, shift=10, scale=3)
    options = QUICK["vecmap"] | {"reweight": 1.0}
    to, between = (
        METHODS["vecmap"](**options, lands=lands).fit(spaces.x, spaces.y, seed=1)
        for lands in ("target", "between")
    )
    assert accuracy(to, spaces) > 95
    assert accuracy(between, spaces) < 20
    with pytest.raises(UsageError, match="place to land"):
        METHODS["vecmap"](lands="nowhere")


def test_dema_needs_fewer_pairs_than_dimensions(languages):
    spaces = languages(words=1000, width=24, topics=40, shift=10, scale=3)
    mapped = METHODS["dema"](**QUICK["dema"]).fit(spaces.x, spaces.y, pairs=spaces.pairs[:20], seed=1)
    assert mapped.record["pairs"] == 20
    assert accuracy(mapped, spaces) > 95


@pytest.mark.parametrize("method", ["muse", "vecmap"])
def test_a_few_pairs_grow(languages, method):
    spaces = languages(words=1000, width=24, topics=40, shift=10, scale=3)
    mapped = METHODS[method](**QUICK.get(method, {})).fit(spaces.x, spaces.y, pairs=spaces.pairs[:16], seed=1)
    assert accuracy(mapped, spaces) > 95


def test_mean_moves_and_nothing_else(languages):
    spaces = languages(words=300, width=12, shift=10)
    mapped = METHODS["mean"]().fit(spaces.x, spaces.y[:5])
    assert np.array_equal(mapped.matrix, np.eye(12, dtype=np.float32))
    np.testing.assert_allclose(mapped.apply(spaces.x).mean(0), spaces.y[:5].mean(0), atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides(languages, method):
    spaces = languages(words=200, width=8)
    options = {
        "muse": {"games": 2, "epochs": 1, "steps": 5},
        "dema": {"steps": 20},
        "vecmap": {"patience": 1},
    }.get(method, {})
    first, again, other = (METHODS[method](**options).fit(spaces.x, spaces.y, seed=seed) for seed in (1, 1, 2))
    assert first.matrix.tobytes() == again.matrix.tobytes()
    assert first.record == again.record
    if method in ("muse", "dema"):
        assert first.matrix.tobytes() != other.matrix.tobytes()


def test_rows_in_any_order_with_their_ranks(languages):
    spaces = languages(words=400, width=12)
    order = np.random.default_rng(0).permutation(400)
    whole = METHODS["vecmap"](patience=1).fit(spaces.x, spaces.y)
    mixed = METHODS["vecmap"](patience=1).fit(spaces.x[order], spaces.y, ranks=(order + 1, np.arange(1, 401)))
    np.testing.assert_allclose(whole.matrix, mixed.matrix, atol=1e-4)
