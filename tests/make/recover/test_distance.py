import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.make.recover import distance as module
from polyspan.make.recover.distance import (
    between,
    bit_parallel,
    compiled,
    end_distances,
    nearest,
    prefix_distances,
    within,
)

ALPHABETS = ["ab", "abc?", "aé龍가😀", "a\ud800\x00ÿ"]


def plain(one: str, other: str) -> int:
    """Edit distance by the textbook's table."""
    above = list(range(len(other) + 1))
    for row, x in enumerate(one, 1):
        line = [row]
        for column, y in enumerate(other, 1):
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (x != y)))
        above = line
    return above[-1]


def spans_of(text: str) -> list[tuple[int, int]]:
    return [(start, end) for end in range(1, len(text) + 1) for start in range(end)]


def oracle(pattern: str, text: str, bound: int):
    by_span = {span: plain(pattern, text[slice(*span)]) for span in spans_of(text)}
    least = min(by_span.values(), default=len(pattern))
    if least > min(bound, len(pattern) - 1):
        return None
    return least, [span for span, distance in by_span.items() if distance == least]


@st.composite
def cases(draw):
    letters = st.sampled_from(draw(st.sampled_from(ALPHABETS)))
    pattern = draw(st.text(letters, min_size=1, max_size=7))
    return pattern, draw(st.text(letters, max_size=12)), draw(st.integers(0, 8))


@given(cases())
def test_nearest_gives_every_span_at_the_true_minimum(case):
    expected = oracle(*case)
    assert nearest(*case) == expected
    assert nearest(*case, engine=bit_parallel) == expected
    assert within(*case) == (expected is not None)


@given(cases())
def test_whole_distances_are_those_of_the_textbook(case):
    pattern, text, _ = case
    assert between(pattern, text) == between(text, pattern) == plain(pattern, text)
    assert list(prefix_distances(pattern, text)) == [plain(pattern, text[:end]) for end in range(1, len(text) + 1)]
    best = [min(plain(pattern, text[start:end]) for start in range(end + 1)) for end in range(1, len(text) + 1)]
    assert list(end_distances(pattern, text)) == best


@pytest.mark.parametrize("size", [3, 30, 70, 200])
def test_both_engines_agree_on_longer_texts(size):
    pytest.importorskip("edlib")
    rng = random.Random(size)
    for _ in range(20):
        text = "".join(rng.choices("abcdefgh ", k=600))
        pattern = list(text[100 : 100 + size])
        for _ in range(size // 6):
            pattern[rng.randrange(size)] = rng.choice("abxyz")
        assert nearest("".join(pattern), text, 10, compiled) == nearest("".join(pattern), text, 10, bit_parallel)


@pytest.mark.parametrize("symbols", [255, 256, 257, 300, 900])
def test_more_symbols_than_edlib_takes(symbols):
    text = "".join(chr(0x4E00 + i) for i in range(1000))
    pattern = text[20 : 20 + symbols].replace(text[50], "x").replace(text[150], "")
    assert nearest(pattern, text, 10) == (2, [(20, 20 + symbols)])


def test_a_question_mark_is_not_what_stands_for_unknown_symbols():
    assert nearest("who?ab", "who龍ab", 3) == (1, [(0, 6)])
    assert nearest("who龍ab", "who?ab who\xffab", 3) == (1, [(0, 6), (7, 13)])
    assert nearest("who\xffab", "who龍ab", 3) == (1, [(0, 6)])


def test_no_span_in_an_empty_text_or_for_an_empty_pattern():
    assert nearest("abc", "", 2) is None
    assert nearest("", "abc", 2) is None
    assert not within("", "abc", 2)
    assert between("", "") == 0


def test_the_bound_is_kept_and_never_the_whole_pattern():
    assert nearest("abc", "xxbxx", 1) is None
    assert nearest("abc", "xxbxx", 9) == oracle("abc", "xxbxx", 9) == (2, [(1, 3), (2, 3), (1, 4), (2, 4)])
    assert nearest("abc", "xyz", 9) is None
    assert nearest("a", "bcd", 9) is None


def test_without_edlib_the_pure_engine_serves(monkeypatch):
    monkeypatch.setitem(sys.modules, "edlib", None)
    assert module._installed() is None
    monkeypatch.setattr(module, "_edlib", None)
    assert nearest("kitten", "a sitten", 3) == (1, [(2, 8), (3, 8)])
