"""Holm's rule: a worked example, and what is true of all."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.stats.multiplicity import holm


def test_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.999))
def test_they_reject_what_the_rule_rejects(ps, alpha):
    found = holm(ps)
    ordered = sorted(ps)
    rejected = next((at for at, p in enumerate(ordered) if (len(ps) - at) * p > alpha), len(ps))
    assert sum(p <= alpha for p in found) == rejected
    assert all(p <= q <= 1 for p, q in zip(ps, found, strict=True))
    by_p = sorted(zip(ps, found, strict=True))
    assert all(one[1] <= other[1] for one, other in pairwise(by_p))
