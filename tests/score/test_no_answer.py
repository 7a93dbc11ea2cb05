"""Questions without an answer, against SQuAD 2.0's script told once more, and null odds that are wrong."""

import collections
import json
import math
import random
import re
import string
from dataclasses import replace

import pytest
from score_corpora import corpus

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError
from polyspan.score import METRICS, score
from polyspan.score.no_answer import read_null_odds

WORDS = ["the", "a", "red", "cat", "dog.", "ran", "Red", "..."]
GOLDS = {"a": ["red cat"], "b": ["dog"], "none": []}
ANSWERS = {"a": "cat", "b": "dog", "none": ""}
ODDS = {"a": 1, "b": -2.5, "none": 3}


def plain(text):
    kept = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def plain_f1(gold, given):
    gold, given = plain(gold), plain(given)
    if not gold or not given:
        return float(gold == given)
    same = sum((collections.Counter(gold) & collections.Counter(given)).values())
    precision, recall = same / len(given), same / len(gold)
    return 2 * precision * recall / (precision + recall) if same else 0.0


def plain_average(scores, ids):
    return 100.0 * sum(scores[name] for name in ids) / len(ids)


def plain_best(given, scores, odds, has):
    now = best = sum(1 for name in has if not has[name])
    threshold = 0.0
    for name in sorted(odds, key=lambda one: odds[one]):
        if has[name]:
            now += scores[name]
        elif given[name]:
            now -= 1
        if now > best:
            best, threshold = now, odds[name]
    return 100.0 * best / len(scores), threshold


def plain_area(scores, odds, has):
    names = sorted(odds, key=lambda one: odds[one])
    area, hits, recalls = 0.0, 0.0, [0.0]
    for at, name in enumerate(names):
        hits += scores[name] if has[name] else 0.0
        if at + 1 == len(names) or odds[names[at + 1]] != odds[name]:
            recalls.append(hits / sum(has.values()))
            area += hits / (at + 1) * (recalls[-1] - recalls[-2])
    return 100.0 * area


def official(golds, given, odds):
    """The keys of evaluate-v2.0.py, without its threshold on the main average."""
    has = {name: bool(texts) for name, texts in golds.items()}
    exact, f1 = {}, {}
    for name, texts in golds.items():
        kept = [text for text in texts if plain(text)] or [""]
        exact[name] = max(float(plain(text) == plain(given[name])) for text in kept)
        f1[name] = max(plain_f1(text, given[name]) for text in kept)
    told = {}
    with_answer, without = ([name for name in has if has[name] is kind] for kind in (True, False))
    for prefix, ids in (("", list(has)), ("HasAns_", with_answer), ("NoAns_", without)):
        if ids:
            told[f"{prefix}exact"], told[f"{prefix}f1"] = plain_average(exact, ids), plain_average(f1, ids)
            told[f"{prefix}total"] = len(ids)
    for key, scores in (("exact", exact), ("f1", f1)):
        told[f"best_{key}"], told[f"best_{key}_thresh"] = plain_best(given, scores, odds, has)
    if with_answer:
        truth = {name: float(has[name]) for name in has}
        for key, scores in (("exact", exact), ("f1", f1), ("oracle", truth)):
            told[f"pr_{key}_ap"] = plain_area(scores, odds, has)
    return told


def _text(rng):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 4)))


def test_10000_random_files_have_the_keys_of_the_official_script():
    rng = random.Random(2018)
    for _ in range(10_000):
        names = [f"q{at}" for at in range(rng.randrange(1, 7))]
        golds = {name: [_text(rng) for _ in range(rng.choice((0, 0, 1, 1, 2)))] for name in names}
        given = {name: "" if rng.random() < 0.3 else _text(rng) for name in names}
        for name in names:
            if golds[name] and rng.random() < 0.5:
                given[name] = rng.choice(golds[name])
        order = rng.sample(names, len(names))
        odds = {name: rng.choice((rng.gauss(0, 4), float(rng.randrange(-2, 3)))) for name in order}
        found = score(corpus(golds), given, "squad.v2", null_odds=odds)
        wanted = official(golds, given, odds)
        assert dict(found.official) == pytest.approx(wanted), (golds, given, odds)
        assert (found.exact_match, found.f1, found.n) == pytest.approx(
            (wanted["exact"], wanted["f1"], wanted["total"])
        )


@pytest.mark.parametrize("metric", METRICS)
def test_an_impossible_question_has_one_right_answer_under_every_metric(metric):
    found = score(corpus(GOLDS | {"other": []}, language="en"), ANSWERS | {"other": "cat"}, metric)
    assert (found.questions["none"], found.questions["other"]) == ((True, 1.0), (False, 0.0))
    keys = found.summary()
    assert (keys["NoAns_exact"], keys["NoAns_f1"], keys["NoAns_total"], keys["HasAns_total"]) == (50, 50, 2, 2)
    assert list(keys)[:5] == ["metric", "exact_match", "f1", "n", "missing"]


def test_corpora_without_such_questions_have_the_keys_they_had():
    some = corpus({"a": ["red cat"], "b": ["dog"]})
    assert list(score(some, ANSWERS, "squad.v1").summary()) == ["metric", "exact_match", "f1", "n", "missing"]
    keys = score(some, ANSWERS, "squad.v2").summary()
    assert keys["HasAns_total"] == 2
    assert not any(key.startswith(("NoAns", "best", "pr")) for key in keys)


def test_a_missing_prediction():
    answers = {"a": "cat", "b": "dog"}
    assert score(corpus(GOLDS), answers, "squad.v2").official["total"] == 2
    found = score(corpus(GOLDS), answers, "korquad.v1")
    assert (found.missing, found.official["NoAns_exact"], found.official["NoAns_total"]) == (1, 0, 1)


def test_the_official_rule_looks_at_no_flag():
    """Where a flag and answers contradict each other, squad.v2 goes by the answers, as its script."""
    odd = Corpus((Paragraph("a cat", (Question("q", "?", (Answer("cat", 2),), impossible=True),)),))
    assert score(odd, {"q": "cat"}, "squad.v2").official["HasAns_exact"] == 100
    assert score(odd, {"q": "cat"}, "squad.v1").official["NoAns_exact"] == 0


def test_the_default_metric_of_data_with_impossible_questions():
    for metric, language, wanted in [
        (None, "en", "squad.v2"),
        ("squad.v1", "en", "squad.v2"),
        (None, None, "squad.v2"),
        (None, "ko", "korquad.v1"),
        ("hsu.v1", "en", "hsu.v1"),
    ]:
        given = replace(corpus(GOLDS, language=language), metric=metric)
        assert score(given, ANSWERS).metric == wanted
    assert score(corpus(GOLDS), ANSWERS, "squad.v1").metric == "squad.v1"
    assert score(corpus({"a": ["red cat"]}), ANSWERS).metric == "squad.v1"


def test_the_default_metric_judges_made_negatives_by_characters():
    found = score(corpus({"q": ["東大寺の大仏"], "none": []}, language="ja"), {"q": "大仏", "none": ""})
    assert (found.metric, found.f1) == ("drcd.v1", pytest.approx(75))


def test_null_odds_under_another_metric_and_ids_that_are_not_asked():
    found = score(corpus(GOLDS), ANSWERS, "korquad.v1", null_odds=ODDS | {"other": "?"})
    assert (found.official["best_exact"], found.official["best_exact_thresh"]) == (pytest.approx(200 / 3), -2.5)
    alone = score(corpus({"none": []}), {"none": ""}, "squad.v2", null_odds={"none": 0.0})
    assert (alone.official["best_f1"], alone.official["best_f1_thresh"]) == (100, 0)
    assert "pr_f1_ap" not in alone.official


@pytest.mark.parametrize(
    ("odds", "message"),
    [
        ({"a": 1.0}, r"null odds are lacking for 2 of 3 questions[\s\S]*'b'"),
        ({}, "null odds are lacking for 3 of 3 questions"),
        (ODDS | {"a": math.nan}, r"null odds of 1 of 3 questions are no finite numbers\n[\s\S]*'a': nan"),
        (ODDS | {"b": math.inf, "a": -math.inf}, r"2 of 3 questions[\s\S]*'a': -inf"),
        (ODDS | {"b": "-2.5"}, "'b': '-2.5'"),
        (ODDS | {"b": True}, "'b': True"),
        (ODDS | {"b": None}, "'b': None"),
        (ODDS | {"b": 10**400}, "1 of 3 questions are no finite numbers"),
        ([1.0], "null odds are given by question id"),
        (None, "null odds are given by question id"),
        ({key: [{"text": "x", "null_odds": 1.0}] for key in GOLDS}, "give that of predict --null-odds"),
    ],
)
def test_null_odds_that_cannot_be_used(odds, message):
    if odds is None:
        odds = "text"
    with pytest.raises(PolyspanError, match=message):
        score(corpus(GOLDS), ANSWERS, "squad.v2", null_odds=odds)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the null odds file is empty"),
        (b'{"a": 1', "the null odds file is not valid JSON"),
        (b'{"a": "\xff"}', "the null odds file is not UTF-8"),
        (b'{"a": 1, "a": 2}', "the id 'a' has two null odds"),
        (b'{"a": 1, "b": NaN}', "null odds of 1 of 2 questions are no finite numbers"),
        (b"[1]", "null odds are given by question id"),
        (b'{"a": [{"text": "x", "score": 1}]}', "give that of predict --null-odds"),
    ],
)
def test_a_broken_file_of_null_odds(tmp_path, content, message):
    path = tmp_path / "odds.json"
    path.write_bytes(content)
    with pytest.raises(PolyspanError, match=message) as error:
        read_null_odds(path)
    assert str(path) in str(error.value)


def test_a_file_of_null_odds(tmp_path):
    path = tmp_path / "odds.json"
    path.write_text(json.dumps(ODDS), "utf-8")
    assert read_null_odds(path) == ODDS
