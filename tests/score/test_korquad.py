import pytest

from polyspan.score.korquad import V1, characters, normalise


def test_quotation_marks_and_brackets_become_spaces_and_other_punctuation_goes():
    assert normalise("《국경의 남쪽》(2006)") == "국경의 남쪽 2006"
    assert normalise("a'b\"c<d>e〈f〉g‘h’i(j)") == "a b c d e f g h i j"
    assert normalise("a.b-c,d") == "abcd"
    assert normalise("the A") == "the a", "no articles are dropped"
    assert normalise("，。“”「」") == "，。“”「」", "other full-width marks stay"


def test_f1_counts_characters_without_spaces_and_exact_match_keeps_spaces():
    assert characters("1989년 2월") == "1989년2월"
    assert not V1.exact("서울지방 경찰청", "서울지방경찰청")
    assert V1.f1("서울지방 경찰청", "서울지방경찰청") == 1
    assert V1.f1("임종석이", "임종석") == pytest.approx(2 * 0.75 / 1.75)


def test_two_empty_texts_have_an_f1_of_0():
    assert V1.exact("", "( )")
    assert V1.f1("", "( )") == 0


def test_marks_become_spaces_before_lower_casing():
    """A capital sigma is another letter at a word's end, and an apostrophe ends no word."""
    assert normalise("ΟΔΟΣ'Α") == "οδος α"
    for mark in "'\"《》<>〈〉()‘’":
        assert V1.exact(f"ΟΔΟΣ{mark}Α", "ΟΔΟΣ Α")
        assert V1.f1(f"ΟΔΟΣ{mark}Α", "ΟΔΟΣ Α") == 1
    assert normalise("ΟΔΟΣ.Α") == "οδοσα", "other marks are deleted after it"
