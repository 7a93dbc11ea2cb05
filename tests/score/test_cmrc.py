import pytest

from polyspan.score.cmrc import V1, normalise, segments


def test_the_listed_marks_are_deleted_and_ascii_sentence_marks_are_not():
    assert normalise("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』") == ""
    assert normalise(" A.b,c!d?(e)'f\"g…… ") == "a.b,c!d?(e)'f\"g……"
    assert normalise("‘甲’") == "‘甲", "the list has the closing quotation mark alone"


def test_the_ends_are_stripped_before_the_marks_go():
    assert normalise("《 甲》") == " 甲"


def test_chinese_characters_are_units_and_other_text_is_cut_at_white_space():
    assert segments("1945年8月") == ["1945", "年", "8", "月"]
    assert segments("ω-force 公司") == ["ωforce", "公", "司"]
    assert segments("\u9fa5\u9fa6\u3400") == ["\u9fa5", "\u9fa6\u3400"], "beyond U+9FA5 nothing is set apart"


def test_f1_counts_the_longest_common_run_not_the_bag():
    assert V1.f1("甲乙丙丁", "甲乙戊丙丁己") == pytest.approx(2 * (2 / 4) * (2 / 6) / (2 / 4 + 2 / 6))
    assert V1.f1("乙甲", "甲乙") == pytest.approx(0.5)
    assert V1.f1("甲", "乙") == 0
    assert V1.f1("光荣和ω-force", "光荣和ωforce") == 1


def test_two_empty_texts_have_an_f1_of_0():
    assert V1.exact("。", "")
    assert V1.f1("。", "") == 0
