"""Checkpoints by three rules."""

import pytest

from polyspan.errors import PolyspanError
from polyspan.stats import select

CURVES = {"en": [50, 70, 68], "zh": [45, 40, 42], "ko": [30, 35, 41]}


def table(seed=None):
    return [
        {"checkpoint": 100 * (at + 1), "test": test, "f1": score} | ({} if seed is None else {"seed": seed})
        for test, curve in CURVES.items()
        for at, score in enumerate(curve)
    ]


def test_three_rules():
    found = {(one.test, one.rule): (one.checkpoint, one.score) for one in select(table(), "en")}
    assert found == {
        ("zh", "last"): (300, 42),
        ("zh", "source-dev"): (200, 40),
        ("zh", "oracle"): (100, 45),
        ("ko", "last"): (300, 41),
        ("ko", "source-dev"): (200, 35),
        ("ko", "oracle"): (300, 41),
    }


def test_seeds_choose_for_themselves_and_text_is_read():
    rows = [row | {"f1": str(row["f1"])} for seed in (1, 2) for row in table(seed)]
    rows[4]["f1"] = "99"
    found = {(one.seed, one.test, one.rule): one.checkpoint for one in select(rows, "en")}
    assert found[1, "zh", "oracle"] == 200
    assert found[2, "zh", "oracle"] == 100


@pytest.mark.parametrize(
    ("rows", "source", "message"),
    [
        ([], "en", "is empty"),
        (table(), "e", "no scores on 'e'"),
        ([{"checkpoint": 1, "test": "en"}], "en", "lacks 'f1'"),
        ([{"checkpoint": 1, "test": "en", "f1": "nan"}], "en", "not a number"),
        ([{"checkpoint": "one", "test": "en", "f1": 1}], "en", "not a number"),
        ([*table(), table()[0]], "en", "scored twice"),
        (table()[1:], "en", "not scored at the same checkpoints"),
    ],
)
def test_mistakes(rows, source, message):
    with pytest.raises(PolyspanError, match=message):
        select(rows, source)
