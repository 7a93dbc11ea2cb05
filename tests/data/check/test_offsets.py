"""What a wrong offset was counting."""

from hypothesis import given
from hypothesis import strategies as st

from polyspan.data.check.offsets import Misplaced, explain, fits, from_bytes, from_utf16, occurrences
from polyspan.data.schema import Answer

TEXT = "😀 한국 é 2024, again 2024"


@given(st.text(max_size=40), st.data())
def test_units_are_inverted(context: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(context)))
    assert from_utf16(context, len(context[:start].encode("utf-16-le")) // 2) == start
    assert from_bytes(context, len(context[:start].encode())) == start


def test_inside_a_character() -> None:
    assert from_utf16("😀", 1) is None
    assert from_bytes("é", 1) is None
    assert from_bytes("é", 9) is None
    assert from_utf16("é", -1) is None


def test_occurrences_overlap() -> None:
    assert list(occurrences("aaaa", "aa")) == [0, 1, 2]
    assert not fits("abc", "c", -1)


def at(text: str, start: int, paragraph: int = 0, context: str = TEXT) -> Misplaced:
    return Misplaced(paragraph, context, Answer(text, start))


def test_utf16_and_bytes_settle_what_occurs_twice() -> None:
    right = TEXT.rindex("2024")
    assert explain([at("2024", right + 1)], 5) == [("utf16-offset", right)]
    assert explain([at("2024", len(TEXT[:right].encode()))], 5) == [("byte-offset", right)]


def test_constant_shift_needs_the_whole_file() -> None:
    items = [at("2024", 9), at("again", 15)]
    assert explain(items, 0) == [("constant-shift", 7), ("constant-shift", 13)]
    assert {reason for reason, _ in explain(items, 1)} == {"offset"}


def test_certain_by_occurrence() -> None:
    first = TEXT.index("2024")
    assert explain([at("again", 20)], 1) == [("offset", TEXT.index("again"))]
    assert explain([at("2024", first + 3)], 1) == [("offset", None)]
    shifted = [at("2024", first + 3), at("again", TEXT.index("again") + 3)]
    assert explain(shifted, 1) == [("offset", first), ("offset", TEXT.index("again"))]
    elsewhere = [shifted[0], at("again", TEXT.index("again") + 3, paragraph=1)]
    assert explain(elsewhere, 1)[0] == ("offset", None)
    torn = [*shifted, at("한국", 9)]
    assert explain(torn, 1)[0] == ("offset", None)


def test_nothing_misplaced() -> None:
    assert explain([], 0) == []
