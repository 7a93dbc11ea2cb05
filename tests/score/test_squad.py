import pytest
from score_corpora import corpus

from polyspan.score import score
from polyspan.score.squad import V1, V2, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Cat's, hat!", "cats hat"),
        ("An apple a day", "apple day"),
        ("theatre", "theatre"),
        ("a.m.", "am"),
        ("a-team", "ateam"),
        ("e\u0301 a\u3000b", "e\u0301 b"),
        ("《北京》，", "《北京》，"),
        ("the", ""),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize("rule", [V1, V2])
def test_f1_counts_words_as_often_as_both_have_them(rule):
    assert rule.f1("the big big dog", "big dog dog") == pytest.approx(2 / 3)
    assert rule.f1("dog", "Dog!") == 1
    assert rule.f1("dog", "cat") == 0
    assert rule.f1("北京市", "北京") == 0


def test_two_empty_texts_match_with_f1_of_0_in_v1_and_1_in_v2():
    for prediction, gold in [("", ""), ("the", ""), ("...", "a")]:
        assert V1.exact(prediction, gold)
        assert V1.f1(prediction, gold) == 0
        assert V2.f1(prediction, gold) == 1
    assert V2.f1("", "cat") == V2.f1("cat", "") == 0


def test_exact_match_and_f1_take_their_best_gold_each_for_itself():
    result = score(corpus({"q": ["", "a b c"]}), {"q": ""}, "squad.v1")
    assert (result.exact_match, result.f1) == (100, 0)


def test_v2_scores_unanswerable_questions_against_the_empty_answer():
    golds = {"none": [], "wrong": [], "some": ["cat"]}
    result = score(corpus(golds), {"none": "", "wrong": "cat", "some": "cat"}, "squad.v2")
    assert [each.f1 for each in result.questions.values()] == [1, 0, 1]


def test_v2_ignores_golds_that_are_empty_after_normalising_where_there_are_others():
    assert score(corpus({"q": ["the", "cat"]}), {"q": ""}, "squad.v2").f1 == 0
    assert score(corpus({"q": ["the", "..."]}), {"q": ""}, "squad.v2").f1 == 100
