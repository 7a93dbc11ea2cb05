"""What holds for every rule and any two texts."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.score import METRICS, find
from polyspan.score.mlqa import V1

RULES = [find(name, "en") for name in METRICS if name != "mlqa.v1"] + [
    find("mlqa.v1", each) for each in V1.languages
]

# Characters that some rule treats in a way of its own, so that short texts meet its corners.
pieces = st.sampled_from(
    [
        *" \t\u3000\u00a0.,'\"-()$《》，。“”「」·…aABb1年北京\u9fa5\u9fa6かな임",
        "the ",
        "an",
        "ال",
        "der ",
        "İ",
        "K",
    ]
)
texts = st.lists(pieces, max_size=10).map("".join) | st.text(max_size=20)
rules = st.sampled_from(RULES)


@given(rules, texts, texts)
def test_f1_is_a_fraction_and_symmetric(rule, prediction, gold):
    f1 = rule.f1(prediction, gold)
    assert 0 <= f1 <= 1
    assert f1 == pytest.approx(rule.f1(gold, prediction))


@given(rules, texts)
def test_a_text_against_itself(rule, text):
    assert rule.exact(text, text)
    assert rule.f1(text, text) == float(bool(rule.units(text)) or rule.name in ("squad.v2", "hsu.v1"))


@given(rules.filter(lambda rule: rule.name != "hsu.v1"), texts, texts)
def test_an_exact_match_has_an_f1_of_1_unless_nothing_is_left(rule, prediction, gold):
    """Not in hsu.v1: "10 km" with a no-break space is characters, with a plain one words."""
    if rule.exact(prediction, gold) and rule.units(gold):
        assert rule.f1(prediction, gold) == 1


def test_scoring_imports_nothing_heavy():
    code = "import sys, polyspan.score; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "transformers", "numpy", "yaml"} & set(loaded)
