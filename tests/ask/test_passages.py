"""Documents as passages: nothing is lost, none is much longer than a window, headings stay with their text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.ask.documents.document import Document, Heading
from polyspan.ask.passages import SIZE, passages
from polyspan.text import is_visible


def texts(document, size=SIZE):
    return [one.text for one in passages([document], size)]


def with_headings(text, *words):
    found = [Heading(text.index(word), text.index(word) + len(word), 1) for word in words]
    return Document("a.md", text, headings=tuple(found))


def test_short_paragraphs_are_one_passage():
    assert texts(Document("a.txt", "\ufeffone\n\n \n two\r\n\r\nthree \n")) == ["one\n\n \n two\r\n\r\nthree"]


def test_paragraphs_are_taken_together_while_they_fit():
    assert texts(Document("a.txt", "one\n\ntwo\n\nthree"), 8) == ["one\n\ntwo", "three"]


def test_pages_stay_apart():
    assert texts(Document("a.txt", "one\n\f\ntwo")) == ["one", "two"]


def test_a_long_paragraph_is_cut_at_sentences_and_the_last_is_read_again():
    text = "The mill stands here. It was built in 1840. It is a museum."
    assert texts(Document("a.txt", text), 45) == [
        "The mill stands here. It was built in 1840.",
        "It was built in 1840. It is a museum.",
    ]


def test_a_heading_stays_with_what_follows_and_stands_before_what_is_read_later():
    document = with_headings("# Mill\n\naaaa aaaa\n\nbbbb bbbb bbb\n\n# Tank\n\ncccc", "Mill", "Tank")
    assert texts(document, 20) == ["# Mill\n\naaaa aaaa", "Mill\nbbbb bbbb bbb", "# Tank\n\ncccc"]
    second = passages([document], 20)[1]
    for start, end, words in ((0, 4, "Mill"), (5, 9, "bbbb"), (5, 14, "bbbb bbbb")):
        place = second.in_document(start, end)
        assert document.text[slice(*place)] == words == second.text[start:end]
    assert second.in_document(2, 7) is None


def test_a_heading_with_nothing_below_it_is_a_passage():
    assert texts(with_headings("# Mill\n\f\n# Tank", "Mill", "Tank")) == ["# Mill", "# Tank"]


def test_passages_know_their_document():
    found = passages([Document("a.txt", "one"), Document("b.txt", "two")])
    assert [(one.document, one.text) for one in found] == [(0, "one"), (1, "two")]


@settings(deadline=None, max_examples=60)
@given(st.text("ab .\n\r\f\u200b。#", max_size=300), st.integers(1, 60), st.lists(st.integers(0, 300), max_size=4))
def test_everything_visible_is_in_a_passage_in_its_place(text, size, places):
    starts = sorted({place for place in places if place < len(text) and is_visible(text[place])})
    document = Document("a.txt", text, headings=tuple(Heading(place, place + 1, 1) for place in starts))
    covered = set()
    for one in passages([document], size):
        lead = len(one.text) - (one.end - one.start)
        assert one.text[lead:] == text[one.start : one.end]
        covered |= set(range(one.start, one.end))
        for place in range(lead, len(one.text)):
            first, last = one.in_document(place, place + 1)
            assert text[first:last] == one.text[place]
    assert all(place in covered for place, char in enumerate(text) if is_visible(char))


@pytest.mark.parametrize(
    "text", ["x" * 600_000, "word " * 100_000, "a.\n" * 50_000, "\n\n" * 100_000, "." * 100_000]
)
def test_text_of_many_characters_is_cut_soon(text):
    found = passages([Document("a.txt", text)])
    assert all(len(one.text) < 3 * SIZE for one in found)
