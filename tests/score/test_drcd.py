import pytest

from polyspan.score.drcd import V1, normalise


def test_eight_full_width_marks_are_deleted_and_no_others():
    assert normalise("《八篇書》？，。、；：") == "八篇書"
    assert normalise("「八篇書」！（）·") == "「八篇書」！（）·"
    assert V1.exact("《八篇書》", "八篇書")


def test_f1_counts_characters():
    assert V1.f1("德國學者陸特", "陸特") == pytest.approx(0.5)
    assert V1.f1("京北", "北京") == 1, "order does not matter"


def test_a_space_inside_counts_as_a_character():
    assert V1.f1("New York", "NewYork") == pytest.approx(14 / 15)


def test_articles_are_dropped_as_words_only():
    assert normalise("The Beatles樂團") == "beatles樂團"
    assert normalise("a型") == "a型"


def test_two_empty_texts_have_an_f1_of_0():
    assert V1.exact("。", "")
    assert V1.f1("。", "") == 0
