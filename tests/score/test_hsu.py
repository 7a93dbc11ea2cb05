import pytest
from score_corpora import corpus

from polyspan.score import score
from polyspan.score.hsu import V1, words_or_characters


def test_ascii_is_words_and_anything_else_characters():
    assert words_or_characters("The New York") == ["new", "york"]
    assert words_or_characters("北京 a b") == ["北", "京", " ", "b"]
    assert words_or_characters("café") == ["c", "a", "f", "é"]


def test_units_are_chosen_for_prediction_and_gold_apart():
    assert V1.f1("1945", "1945年") == 0
    assert V1.f1("1945年", "1945") == 0
    assert V1.f1("1945年8月", "1945年") == pytest.approx(2 * 5 / 12)
    assert V1.f1("5", "5年") == pytest.approx(2 / 3), "one digit is a word and a character"


def test_the_text_before_normalising_decides():
    assert V1.exact("10\u00a0km", "10 km")
    assert V1.f1("10\u00a0km", "10 km") == 0


def test_full_width_punctuation_stays():
    assert not V1.exact("《八篇書》", "八篇書")
    assert V1.f1("《八篇書》", "八篇書") == pytest.approx(0.75)


def test_two_empty_texts_have_an_f1_of_1_and_missing_predictions_leave_the_average():
    assert V1.f1("the", "") == 1
    result = score(corpus({"none": [], "q": ["x"], "r": ["x"]}), {"none": "", "q": "y"}, "hsu.v1")
    assert (result.f1, result.n, result.missing) == (50, 2, 1)
