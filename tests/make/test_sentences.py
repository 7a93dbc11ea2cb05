import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.make.sentences import LONGEST, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two!  Three?", ["One. ", "Two!  ", "Three?"]),
        ('He said "no." Then he left (at 5 p.m. sharp). It was 3.5 km.',
         ['He said "no." ', "Then he left (at 5 p.m. sharp). ", "It was 3.5 km."]),
        ("Dr. A. B. Smith of the U.S. Navy vs. Mr. Lee.", ["Dr. A. B. Smith of the U.S. Navy vs. Mr. Lee."]),
        ("What? yes... and on. 5 more.", ["What? yes... and on. ", "5 more."]),
        ("我是誰？「不知道。」他在東京。3月", ["我是誰？", "「不知道。」", "他在東京。", "3月"]),
        ("真的？！好……吧。", ["真的？！", "好……吧。"]),
        ("나는 간다. 너도 간다.", ["나는 간다. ", "너도 간다."]),
        ("من هو؟ لا أعرف.", ["من هو؟ ", "لا أعرف."]),
        ("သူ သွားသည်။ ကျွန်တော် လာသည်။", ["သူ သွားသည်။ ", "ကျွန်တော် လာသည်။"]),
        ("ខ្ញុំទៅ។ គាត់មក។", ["ខ្ញុំទៅ។ ", "គាត់មក។"]),
        ("ሄደ። መጣ።", ["ሄደ። ", "መጣ።"]),
        ("A title\n\nThe text. ", ["A title\n\n", "The text. "]),
        ("", []),
        ("  \n ", ["  \n "]),
        ("😀! É. e\u0301t", ["😀! ", "É. e\u0301t"]),
    ],
)  # fmt: skip
def test_sentences(text, expected):
    assert sentences(text) == expected


def test_a_text_without_full_stops_is_cut_between_words():
    words = "word " * 25_000 + "x" * 2_500
    pieces = sentences(words)
    assert "".join(pieces) == words
    assert max(len(piece.rstrip()) for piece in pieces) <= LONGEST
    assert all(piece.endswith("word ") for piece in pieces[:100])
    assert sentences("甲，乙，丙，", longest=4) == ["甲，乙，", "丙，"]


@given(st.text(alphabet="aB3. ?!\"'。」！\n…؟\u0301😀[(", max_size=60), st.integers(1, 20))
def test_nothing_is_lost(text, longest):
    pieces = sentences(text, longest)
    assert "".join(pieces) == text
    assert all(pieces)
    assert all(len(piece.rstrip()) <= longest for piece in pieces)
