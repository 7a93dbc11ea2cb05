"""Batches: nothing lost, little padding, the same logits as one by one."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.model.batch import bucketed, by_tokens, collate, input_lengths
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows

LENGTHS = st.lists(st.integers(1, 400), min_size=1, max_size=300).map(lambda found: np.array(found, np.int32))


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 40), st.integers(0, 99))
def test_bucketed_takes_every_row_once(lengths, size, seed):
    batches = bucketed(lengths, size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in batches)


def test_bucketing_leaves_little_padding():
    lengths = np.random.default_rng(0).integers(40, 384, 3000).astype(np.int32)
    batches = bucketed(lengths, 16, np.random.default_rng(1))
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded / lengths.sum() < 1.05


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 5000))
def test_by_tokens_keeps_the_budget(lengths, budget):
    batches = by_tokens(lengths, budget)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(batch) == 1 or len(batch) * lengths[batch].max() <= budget for batch in batches)


def test_padding_does_not_change_the_logits(tiny, corpus):
    reader = Reader.load(tiny, WindowOptions(max_length=64, stride=16))
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    lengths = input_lengths(windows, reader.layout)
    together = collate(windows, reader.layout, np.arange(len(windows), dtype=np.int32))
    assert together.attention_mask is not None
    with torch.inference_mode():
        start, end = reader.logits(together)
        for row, length in enumerate(lengths):
            alone = reader.logits(collate(windows, reader.layout, np.array([row], np.int32)))
            for padded, single in zip((start, end), alone, strict=True):
                torch.testing.assert_close(padded[row, :length], single[0], atol=1e-5, rtol=1e-4)
                assert torch.isinf(padded[row, length:]).all()
