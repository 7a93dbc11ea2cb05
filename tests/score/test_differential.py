"""polyspan's rules against plain transcriptions of the public ones, on seeded pairs of awkward texts."""

from functools import cache

import pytest
from awkward_pairs import pairs
from plain_rules import RULES, Plain
from score_corpora import corpus

from polyspan.score import METRICS, find, score


def differences(name: str, pairs_of: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs that the two make something else of."""
    plain, ours = RULES[name], find(*name.split())
    return [
        (prediction, gold)
        for prediction, gold in pairs_of
        if ours.exact(prediction, gold) != plain.exact(prediction, gold)
        or abs(ours.f1(prediction, gold) - plain.f1(plain.units(prediction), plain.units(gold))) > 1e-12
    ]


def test_every_rule_has_a_transcription():
    assert {name.split()[0] for name in RULES} == set(METRICS)


@pytest.mark.parametrize("name", RULES)
def test_rules_are_the_public_ones(name):
    assert differences(name, list(pairs(2_000, seed=1))) == []


@cache
def _many() -> list[tuple[str, str]]:
    return list(pairs(30_000, seed=2))


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_rules_are_the_public_ones_on_many_pairs(name):
    assert differences(name, _many()) == []


@pytest.mark.parametrize("name", RULES)
def test_whole_corpora_are_averaged_as_the_scripts_do(name):
    """The best gold for exact match and for F1 apart; missing predictions 0, or left out."""
    drawn = list(pairs(300, seed=3))
    golds = {str(at): [gold for _, gold in drawn[at : at + 1 + at % 3]] for at in range(len(drawn))}
    given = {key: drawn[int(key)][0] for key in golds if int(key) % 7}
    metric, *language = name.split()
    result = score(corpus(golds, *language), given, metric)
    assert (result.exact_match, result.f1, result.n) == pytest.approx(averages(RULES[name], golds, given))


def averages(plain: Plain, golds: dict[str, list[str]], given: dict[str, str]) -> tuple[float, float, int]:
    """Exact match and F1 in percent, and the number of questions they are over."""
    exact = f1 = 0.0
    asked = [key for key in golds if key in given] if plain.skips_missing else list(golds)
    for key in asked:
        texts = golds[key]
        if plain.skips_missing:  # SQuAD 2.0: golds of which nothing is left do not count beside others
            texts = [gold for gold in texts if plain.normal(gold)] or [""]
        if key in given:
            exact += max(plain.exact(given[key], gold) for gold in texts)
            f1 += max(plain.f1(plain.units(given[key]), plain.units(gold)) for gold in texts)
    return 100 * exact / len(asked), 100 * f1 / len(asked), len(asked)
