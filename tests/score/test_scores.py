from dataclasses import FrozenInstanceError, replace

import pytest
from score_corpora import corpus

import polyspan.score
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.score import METRICS, QuestionScore, default_metric, score

GOLDS = {"a": ["red cat", "cat"], "b": ["dog"], "c": ["bird"]}


def test_the_average_is_over_all_questions_and_missing_ones_count_0():
    result = score(corpus(GOLDS), {"a": "the cat", "b": "big dog", "z": "?"}, "squad.v1")
    assert result.summary() == {
        "metric": "squad.v1",
        "exact_match": pytest.approx(100 / 3),
        "f1": pytest.approx(100 * (1 + 2 / 3) / 3),
        "n": 3,
        "missing": 1,
    }
    assert result.unknown == 1
    assert list(result.questions) == ["a", "b", "c"]
    assert result.questions["a"] == QuestionScore(True, 1.0)
    assert result.questions["c"] == QuestionScore(False, 0.0)


def test_squad_v2_leaves_missing_predictions_out():
    result = score(corpus(GOLDS), {"a": "cat"}, "squad.v2")
    assert (result.f1, result.n, result.missing, list(result.questions)) == (100, 1, 2, ["a"])


def test_scores_cannot_be_changed():
    result = score(corpus(GOLDS), {}, "squad.v1")
    assert (result.f1, result.missing) == (0, 3)
    with pytest.raises(FrozenInstanceError):
        result.f1 = 100.0


def test_the_function_is_found_under_the_contract_name():
    assert polyspan.score.score is score


@pytest.mark.parametrize("metric", METRICS)
def test_empty_golds_of_unrecovered_answers_are_scored(metric):
    noisy = corpus({"a": ["cat"], "b": [""]}, language="en")
    result = score(noisy, {"a": "cat", "b": "dog"}, metric)
    assert (result.exact_match, result.f1, result.n) == (50, 50, 2)


@pytest.mark.parametrize("metric", sorted(set(METRICS) - {"squad.v2", "hsu.v1"}))
def test_a_question_without_answers_needs_a_flag_or_squad_v2(metric):
    unflagged = Corpus(
        (Paragraph("", (Question("a", "?", (Answer("cat", 0),)), Question("b", "?"))),), language="en"
    )
    with pytest.raises(PolyspanError, match=r"'b' has no gold answer[\s\S]*squad\.v2"):
        score(unflagged, {"a": "cat", "b": ""}, metric)


@pytest.mark.parametrize("value", [None, 3, ["cat"], {"text": "cat"}])
def test_a_prediction_that_is_not_text_names_the_id(value):
    with pytest.raises(PolyspanError, match="prediction for 'b' is not text"):
        score(corpus(GOLDS), {"a": "cat", "b": value}, "squad.v1")


def test_predictions_that_are_no_mapping():
    with pytest.raises(PolyspanError, match="must map question ids to answers"):
        score(corpus(GOLDS), [("a", "cat")], "squad.v1")


def test_an_empty_corpus():
    with pytest.raises(PolyspanError, match="no questions"):
        score(Corpus(()), {"a": "cat"}, "squad.v1")


def test_squad_v2_without_any_prediction():
    with pytest.raises(PolyspanError, match="no question has a prediction"):
        score(corpus(GOLDS), {"z": "cat"}, "squad.v2")


def test_an_id_twice():
    once = corpus(GOLDS)
    with pytest.raises(PolyspanError, match="two questions have the id 'a'"):
        score(replace(once, paragraphs=once.paragraphs * 2), {"a": "cat"}, "squad.v1")


def test_an_unknown_metric_offers_the_nearest():
    with pytest.raises(UsageError, match=r"'squad\.v3'[\s\S]*did you mean 'squad\.v"):
        score(corpus(GOLDS), {}, "squad.v3")


@pytest.mark.parametrize(
    ("language", "metric"),
    [
        ("en", "squad.v1"),
        ("zh-Hant", "drcd.v1"),
        ("zh", "drcd.v1"),
        ("ko", "korquad.v1"),
        ("ja", "drcd.v1"),
        ("es", "mlqa.v1"),
        ("ar", "mlqa.v1"),
        ("fr", "squad.v1"),
        ("zh_TW", "drcd.v1"),
        ("cmn", "drcd.v1"),
        ("yue", "drcd.v1"),
        ("kor", "korquad.v1"),
        ("arb", "mlqa.v1"),
        ("th", "drcd.v1"),
        ("lo", "drcd.v1"),
        ("km", "drcd.v1"),
        ("my", "drcd.v1"),
        ("ja-Latn", "squad.v1"),
        ("x-mine", "squad.v1"),
        (None, "squad.v1"),
    ],
)
def test_default_metric(language, metric):
    assert default_metric(language) == metric


def test_the_default_counts_thai_characters():
    """Written without spaces, an answer is one word: by words it is right whole or not at all."""
    gold, answer = corpus({"q": ["ที่กรุงเทพ"]}, language="th"), {"q": "กรุงเทพ"}
    assert score(gold, answer, default_metric("th")).f1 == pytest.approx(1400 / 17)  # 7 of 7 in 10 code points
    assert score(gold, answer, "squad.v1").f1 == 0


def test_no_language_is_refused():
    for refusing in (default_metric, lambda language: score(corpus(GOLDS), {}, "squad.v1", language)):
        with pytest.raises(UsageError, match=r"'French'[\s\S]*'fr'"):
            refusing("French")


def test_the_default_counts_japanese_characters():
    result = score(corpus({"q": ["東大寺の大仏"]}), {"q": "大仏、"}, default_metric("ja"))
    assert result.f1 == pytest.approx(50)
