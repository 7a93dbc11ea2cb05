"""Factors from a file over the rows of a report."""

import pytest

from polyspan.errors import PolyspanError
from polyspan.stats import analyse, read_factors


def rows(seeds=(1,), trains="abcd", tests="xyz"):
    """Scores with an effect of the training set's half and of the test."""
    return [
        {
            "train": train,
            "test": test,
            "seed": seed,
            "exact_match": None,
            "f1": 50.0
            + 10 * (train in "ab")
            + 5 * tests.index(test)
            + (trains.index(train) % 2) * (1 + tests.index(test))
            + 0.1 * seed,
        }
        for train in trains
        for test in tests
        for seed in seeds
    ]


HALVES = {"half": {"a": "first", "b": "first", "c": "second", "d": "second"}}


def test_levels_by_training_set_and_test(tmp_path):
    path = tmp_path / "factors.yaml"
    path.write_text("own:\n  a: {x: yes, else: no}\n  b: other\n", "utf-8")
    assert read_factors(path) == {"own": {"a": {"x": "True", "else": "False"}, "b": "other"}}
    result = analyse(rows(), read_factors(path), draws=50)
    levels = result["rows"][0]["levels"]
    assert {level: one["n"] for level, one in levels.items()} == {"False": 2, "True": 1, "other": 3}


def test_seeds_do_not_make_more_cells():
    """Averaged over seeds, a cell is a cell; the model with seeds says so by its own name."""
    single, several = (analyse(rows(seeds), HALVES, draws=50) for seeds in ((1,), (0, 1, 2)))
    one, three = single["rows"][0], several["rows"][0]
    assert one["n"] == three["n"] == 12
    assert one["F"] == pytest.approx(three["F"])
    assert "additive_with_seeds" not in one
    assert three["seeds"] == 3
    assert three["additive_with_seeds"]["df"] == [1, 36 - 1 - 2 - 2 - 1]
    assert one["p_training_sets"] == 2 / 6
    assert single["left_out"] == 12


def test_what_cannot_be_tested_is_named():
    result = analyse(rows(), HALVES, draws=50)
    assert {row["measure"] for row in result["rows"]} == {"f1"}
    assert {"factor": "half", "why": "needs exact_match in at least two levels"} in result["not_testable"]
    lone = analyse(rows(), {"lone": {"a": "here", "nowhere": "there"}}, draws=50)
    assert lone["rows"] == []
    assert lone["not_testable"] == [
        {"factor": "lone", "why": "needs runs on nowhere (now: only the level 'here')"},
    ]
    flat = [row | {"f1": 10.0 * (row["train"] in "ab")} for row in rows()]
    why = "f1: nothing varies within the levels of the factor, so F is not defined"
    assert {"factor": "half", "why": why} in analyse(flat, HALVES)["not_testable"]
    none = analyse(rows(), {"none": {"nowhere": "there"}}, draws=50)
    assert "no cell has a level" in none["not_testable"][0]["why"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no factors"),
        ("- a", "no factors"),
        ("a: {b", "not YAML"),
        ("a: []", "has no levels"),
        ("a: {b: [c]}", "one word"),
        ("a: {b: {x: {y: z}}}", "one word"),
    ],
)
def test_factor_files_that_are_none(tmp_path, text, message):
    path = tmp_path / "f.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(PolyspanError, match=message) as error:
        read_factors(path)
    assert str(path) in str(error.value)
    with pytest.raises(PolyspanError, match="cannot read"):
        read_factors(tmp_path / "none.yaml")
