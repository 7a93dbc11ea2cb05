"""The near match that fuzzysearch lists first, beside fuzzysearch itself where it is installed."""

import random

import pytest

from polyspan.make.recover.nearby import first_match
from polyspan.make.recover.recover import Span, find_span


def test_a_short_search_ends_where_no_less_distance_can_come():
    """At 9 "abaabaa" would be reached at the same distance by one symbol more, and join the group before."""
    text = "baabbbbbabaabaaaaaabbabaabbabbabbbaaaaababaabbb"
    assert find_span(text, "baaabaa", "paper_first_match", 1) == Span(12, 19, 1, True)
    assert first_match("baaabaa", text, 1) == (12, 19, 1)


def drawn(seed: int, turns: int):
    """Patterns, texts over few symbols, and bounds under which both kinds of search stay quick."""
    draw = random.Random(seed)
    for turn in range(turns):
        alphabet = ("ab", "abc ", "abcd")[turn % 3]
        pattern = "".join(draw.choices(alphabet, k=draw.randint(2, 60 if turn % 7 == 0 else 26)))
        text = "".join(draw.choices(alphabet, k=draw.randint(0, 70)))
        if draw.random() < 0.3:
            half, at = len(pattern) // 2, draw.randint(0, len(text))
            text = text[:at] + pattern[:half] + draw.choice(alphabet) + pattern[half:] + text[at:]
        by_automaton = draw.randint(0, min(3, len(pattern) - 1)) if len(pattern) <= 8 else 1
        yield pattern, text, draw.choice((by_automaton, max(1, len(pattern) // 3 - 1)))


@pytest.mark.parametrize("turns", [400, pytest.param(20_000, marks=pytest.mark.slow)])
def test_the_first_match_is_the_one_of_fuzzysearch(turns):
    fuzzysearch = pytest.importorskip("fuzzysearch")
    search = pytest.importorskip("fuzzysearch.levenshtein").find_near_matches_levenshtein
    group_matches = pytest.importorskip("fuzzysearch.common").group_matches
    for pattern, text, bound in drawn(1, turns):
        found = fuzzysearch.find_near_matches(pattern, text, max_l_dist=bound)
        ours = first_match(pattern, text, bound)
        if not found:
            assert ours is None
            continue
        first = (found[0].start, found[0].end, found[0].dist)
        if ours != first and bound:  # a set decides there between equals, here the leftmost is taken
            group = min(
                group_matches(list(search(pattern, text, bound))), key=lambda one: min(m.start for m in one)
            )
            rank = {(m.start, m.end, m.dist): (m.dist, m.start - m.end) for m in group}
            first = min(one for one in rank if rank[one] == rank[first])
        assert ours == first, (pattern, text, bound)
