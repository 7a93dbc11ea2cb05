"""Analysis of variance: the paper's Table 2 to three decimals, and agreement with scipy."""

import sys
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference

from polyspan.errors import PolyspanError, UsageError
from polyspan.paper import factors, printed
from polyspan.stats import analyse, anova, exchange_p, f_ratio, over_seeds, without
from polyspan.stats.anova import permutation_p


@pytest.fixture(scope="module")
def table2():
    result = analyse(printed().rows("table2"), factors())
    return result, {(row["factor"], row["measure"]): row for row in result["rows"]}


@pytest.mark.parametrize(
    ("factor", "measure", "f", "df", "p", "eta2"),
    [
        ("corpus", "exact_match", 6.855, [1, 22], 0.0157, 0.238),
        ("corpus", "f1", 6.979, [1, 22], 0.0149, 0.241),
        ("translated", "exact_match", 0.094, [1, 22], 0.762, 0.004),
        ("translated", "f1", 0.080, [1, 22], 0.780, 0.004),
        ("test language", "exact_match", 5.095, [2, 21], 0.0157, 0.327),
        ("test language", "f1", 7.056, [2, 21], 0.0045, 0.402),
    ],
)
def test_table_2_of_the_paper(table2, factor, measure, f, df, p, eta2):
    row = table2[1][factor, measure]
    assert row["F"] == pytest.approx(f, abs=5e-4)
    assert row["df"] == df
    assert row["p"] == pytest.approx(p, abs=5e-4)
    assert row["eta2"] == pytest.approx(eta2, abs=5e-4)
    assert row["p_permutation"] == pytest.approx(p, abs=0.01)
    assert row["n"] == 24


@pytest.mark.parametrize(
    ("factor", "measure", "f", "p", "additive"),
    [
        ("corpus", "exact_match", 12.00, 0.0022, (10.905, 0.0036)),
        ("corpus", "f1", 14.83, 0.0009, (13.482, 0.0015)),
        ("translated", "exact_match", 0.050, 0.83, (0.047, 0.831)),
        ("translated", "f1", 0.068, 0.80, (0.063, 0.804)),
    ],
)
def test_table_2_without_the_test_languages(table2, factor, measure, f, p, additive):
    """Means removed (22 degrees of freedom left), and the additive model, which pays for them (20 left)."""
    row = table2[1][factor, measure]
    assert row["without_test_means"]["F"] == pytest.approx(f, abs=5e-3)
    assert row["without_test_means"]["p"] == pytest.approx(p, abs=6e-3 if p > 0.1 else 5e-5)
    assert row["without_test_means"]["df"] == [1, 22]
    assert row["additive"]["F"] == pytest.approx(additive[0], abs=5e-4)
    assert row["additive"]["p"] == pytest.approx(additive[1], abs=5e-4)
    assert row["additive"]["df"] == [1, 20]
    assert row["additive"]["p_permutation"] == pytest.approx(additive[1], abs=0.06)


def test_table_2_says_what_it_cannot(table2):
    result, rows = table2
    assert result["not_testable"] == [
        {"factor": "size", "why": "needs runs on En-small (now: only the level 'full')"},
    ]
    assert "not independent" in result["warning"]
    assert rows["corpus", "f1"]["p_training_sets"] == 2 / 70  # the smallest that eight training sets can give
    assert rows["translated", "f1"]["p_training_sets"] is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(2, 6))
def test_one_way_as_scipy_has_it(seed, levels, size):
    values = np.random.default_rng(seed).normal(size=(levels, size))
    labels = np.repeat([f"l{index}" for index in range(levels)], size).tolist()
    found, expected = anova(values.ravel(), labels, draws=50), reference.f_oneway(*values)
    assert found.f == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    assert 0 < found.p_permutation <= 1
    assert 0 <= found.eta2 <= 1
    assert f_ratio(np.stack([values.ravel()] * 2), labels) == pytest.approx([found.f] * 2)


def test_permutations_are_counted_where_few():
    values, labels = [1.0, 5.0, 2.0, 9.0, 7.0], ["a", "a", "a", "b", "b"]
    observed = f_ratio(np.array(values), labels)
    every = [f_ratio(np.array(order), labels) for order in permutations(values)]
    assert permutation_p(values, labels) == pytest.approx(np.mean([each >= observed - 1e-9 for each in every]))
    within = [[*values[:3], *values[3:]], ["a", "b", "a", "a", "b"], [["x", "x", "x", "y", "y"]]]
    ours = permutation_p(within[0], within[1], within[2])
    one = f_ratio(np.array(values), within[1], within[2])
    every = [
        f_ratio(np.array([*first, *second]), within[1], within[2])
        for first in permutations(values[:3])
        for second in permutations(values[3:])
    ]
    assert ours == pytest.approx(np.mean([each >= one - 1e-9 for each in every]))


def test_drawn_permutations_agree_with_counted_ones(monkeypatch):
    labels, blocks = ["a", "b"] * 8, [["x"] * 8 + ["y"] * 8]
    values = np.random.default_rng(0).normal(size=16) + np.array([0.8 * (label == "b") for label in labels])
    counted = permutation_p(values, labels, blocks)  # 70 x 70 ways
    assert counted * 4900 == pytest.approx(round(counted * 4900))
    monkeypatch.setattr(sys.modules["polyspan.stats.anova"], "_EXACT", 0)
    assert permutation_p(values, labels, blocks) == pytest.approx(counted, abs=0.015)


def test_whole_training_sets():
    values = [1.0, 2.0, 1.5, 2.5, 8.0, 9.0, 7.5, 8.5]
    units = ["p", "p", "q", "q", "r", "r", "s", "s"]
    levels = ["low"] * 4 + ["high"] * 4
    assert exchange_p(values, levels, units) == pytest.approx(2 / 6)
    assert exchange_p(values, ["low", "high"] * 4, units) is None


def test_means_removed():
    left = without([1.0, 2.0, 10.0, 12.0], ["x", "x", "y", "y"])
    assert left.tolist() == [5.75, 6.75, 5.25, 7.25]


def test_mistakes():
    with pytest.raises(UsageError, match="do not go together"):
        anova([1.0, 2.0], ["a", "b", "c"])
    with pytest.raises(PolyspanError, match="no values"):
        anova([], [])
    with pytest.raises(PolyspanError, match="value 2 is not a number"):
        anova([1.0, float("nan"), 3.0], ["a", "b", "a"])
    with pytest.raises(PolyspanError, match="two levels") as error:
        anova([1.0, 2.0], ["a", "a"])
    assert "'a'" in str(error.value)
    with pytest.raises(PolyspanError, match="too few cells"):
        anova([1.0, 2.0], ["a", "b"])
    with pytest.raises(PolyspanError, match="blocks determine"):
        anova([1.0, 2.0, 3.0, 4.0], ["a", "a", "b", "b"], [["x", "x", "y", "y"]])
    with pytest.raises(PolyspanError, match="nothing varies"):
        anova([1.0, 1.0, 2.0, 2.0], ["a", "a", "b", "b"])


def test_seeds():
    found = over_seeds([60.0, 62.0, 64.0])
    low, high = reference.t.interval(0.95, 2, 62, 2 / 3**0.5)
    assert (found.mean, found.sd, found.n) == (62, 2, 3)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert str(found) == "62.0 ± 2.0 (3 seeds, 95 % interval 57.0 to 67.0)"
    with pytest.raises(PolyspanError, match="two runs at least") as error:
        over_seeds([60.0])
    assert "1 run" in str(error.value)
    with pytest.raises(PolyspanError, match="run 2 is not a number"):
        over_seeds([1.0, float("inf")])
