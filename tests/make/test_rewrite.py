from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.data.schema import Answer, Paragraph, Question
from polyspan.errors import PolyspanError
from polyspan.make.rewrite import Alphabet, kind, move_answers, overlapping, rewrite, unspaced

CHARS = st.sampled_from("ab é京の\u0301👩‍🔬. 한")


@st.composite
def rewrites(draw):
    """A text, replacements of some of its spans, and a span of it."""
    text = draw(st.text(CHARS, max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [(start, end) for start, end in pairwise(cuts) if draw(st.booleans())]
    replacements = [(start, end, draw(st.text(CHARS, max_size=4))) for start, end in spans]
    start = draw(st.integers(0, len(text)))
    return text, replacements, start, draw(st.integers(start, len(text)))


def slowly(text, replacements):
    """The same, by one slice after the other from the end."""
    for start, end, new in reversed(replacements):
        text = text[:start] + new + text[end:]
    return text


@given(rewrites())
def test_what_is_not_replaced_stays_and_every_span_goes_along(case):
    text, replacements, start, end = case
    result = rewrite(text, replacements)
    assert result.text == slowly(text, replacements)
    assert [text[a:b] for a, b in result.old] == [text[a:b] for a, b, _ in replacements]
    assert [result.text[a:b] for a, b in result.new] == [new for *_, new in replacements]
    new_start, new_end, extended = result.carry(start, end)
    if start == end:
        assert (new_start, extended) == (new_end, False)
        return
    reach = [(a, b) for a, b in result.old if a < start < b or a < end < b] + [(start, end)]
    first, last = min(a for a, _ in reach), max(b for _, b in reach)
    assert extended == (len(reach) > 1)
    assert new_start == len(slowly(text[:first], [r for r in replacements if r[1] <= first]))
    assert new_end == len(slowly(text[:last], [r for r in replacements if r[1] <= last]))


@given(rewrites())
def test_overlapping_names_the_spans_that_share_a_character(case):
    _, replacements, start, end = case
    spans = [(a, b) for a, b, _ in replacements]
    shared = [number for number, (a, b) in enumerate(spans) if max(a, start) < min(b, end)]
    if start < end:
        assert list(overlapping(spans, start, end)) == shared
    else:
        assert list(overlapping(spans, start, end)) == [n for n, (a, b) in enumerate(spans) if a < start < b]


def test_a_span_that_cuts_a_replaced_one_takes_in_the_whole():
    result = rewrite("the Normans came", [(4, 11, "Romans"), (12, 16, "went")])
    assert result.text == "the Romans went"
    assert result.carry(4, 10) == (4, 10, True)
    assert result.carry(0, 6) == (0, 10, True)
    assert result.carry(6, 14) == (4, 15, True)
    assert result.carry(4, 16) == (4, 15, False)
    assert result.carry(6, 6) == (4, 4, False)


def test_a_wrong_answer_of_the_source_is_refused():
    paragraph = Paragraph("a cup", (Question("q7", "what?", (Answer("cap", 2),)),))
    with pytest.raises(PolyspanError) as error:
        move_answers(paragraph, rewrite("a cup", []), ["what?"], Counter())
    assert "question q7" in str(error.value)
    assert "'cup'" in str(error.value)
    assert "--fix" in str(error.value)


def test_kinds_of_characters():
    kinds = {
        "é": "letter",
        "한": "letter",
        "京": "character",
        "ー": "character",
        "〇": "character",
        "ก": "character",
    }
    kinds |= {"\u0301": "mark", "\u0e31": "mark", "\u3099": "mark", "7": "number", "½": "number", "๑": "number"}
    kinds |= {"・": "punctuation", "'": "punctuation", "👩": "", "\u200d": "", " ": "", "+": ""}
    assert {char: kind(char) for char in kinds} == kinds
    assert unspaced("の")
    assert not unspaced("한")


def test_the_alphabet_of_texts_holds_what_they_have():
    abc = Alphabet.of(["a]京", "^-\u0301"])
    assert abc == Alphabet("[a]", "[京]", "[\u0301]", r"[\-\]]")
    assert Alphabet.of([]).letter == "(?!)"
