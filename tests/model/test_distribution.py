"""Totals over all spans of a window, and masses of some, against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from polyspan.model.distribution import log_totals
from polyspan.stats.evidence import TEMPERATURES

LOGITS = st.floats(-300, 300, width=32) | st.just(-np.inf)


def log_sum(values):
    top = max(values, default=-np.inf)
    return top if top == -np.inf else top + np.log(sum(np.exp(value - top) for value in values))


@settings(max_examples=200, deadline=None)
@given(
    logits=st.integers(1, 40).flatmap(lambda length: arrays(np.float32, (2, 2, length), elements=LOGITS)),
    reach=st.integers(1, 50),
    temperature=st.sampled_from(TEMPERATURES.tolist()),
)
def test_totals_are_the_sums_over_every_span(logits, reach, temperature):
    """Also where the logits reach so far apart that their exponentials would be 0 or infinite."""
    start, end = logits.astype(float)
    found = log_totals(logits[0], logits[1], reach, np.array([1.0, temperature]))
    for column, divisor in enumerate((1.0, temperature)):
        for row in range(2):
            length = start.shape[1]
            sums = [
                (start[row, s] + end[row, e]) / divisor
                for s in range(length)
                for e in range(s, min(s + reach, length))
            ]
            assert found[row, column] == pytest.approx(log_sum(sums), rel=1e-9, abs=1e-9)
