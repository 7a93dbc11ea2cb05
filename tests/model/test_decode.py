"""Exact decoding against brute force."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from polyspan.model.decode import best_spans

FLOATS = st.floats(-20, 20, width=32)


def brute_force(start, end, reach, k):
    sums = [
        (float(np.float32(start[s]) + np.float32(end[e])), s, e)
        for s in range(len(start))
        for e in range(s, min(s + reach, len(start)))
    ]
    return sorted(sums, key=lambda item: -item[0])[:k]


@settings(max_examples=200, deadline=None)
@given(
    logits=st.integers(1, 40).flatmap(
        lambda length: st.tuples(
            arrays(np.float32, length, elements=FLOATS), arrays(np.float32, length, elements=FLOATS)
        )
    ),
    reach=st.integers(1, 50),
    k=st.integers(1, 20),
)
def test_best_spans_are_the_best(logits, reach, k):
    start, end = logits
    found = best_spans(start, end, reach, k)
    expected = brute_force(start, end, reach, k)
    assert found.score[: len(expected)].tolist() == [score for score, _, _ in expected]
    for s, e, score in zip(*found, strict=True):
        if score != -np.inf:
            assert s <= e < s + reach
            assert start[s] + end[e] == score
    spans = {(int(s), int(e)) for s, e, score in zip(*found, strict=True) if score != -np.inf}
    assert len(spans) == sum(score != -np.inf for score in found.score)


def test_forbidden_positions_never_win():
    start, end = torch.full((2, 9), -np.inf), torch.full((2, 9), -np.inf)
    start[0, 4], end[0, 6] = 1.0, 2.0
    found = best_spans(start, end, 3, 5)
    assert (found.start[0, 0], found.end[0, 0], found.score[0, 0]) == (4, 6, 3.0)
    assert torch.isinf(found.score[0, 1:]).all()
    assert torch.isinf(found.score[1]).all()


def test_numpy_and_torch_agree_and_keep_their_kind():
    generator = np.random.default_rng(0)
    start, end = generator.normal(size=(2, 3, 50)).astype(np.float32)
    plain, tensors = best_spans(start, end), best_spans(torch.tensor(start), torch.tensor(end))
    assert isinstance(plain.score, np.ndarray)
    assert plain.start.shape == (3, 20)
    assert plain.score.tolist() == tensors.score.tolist()
