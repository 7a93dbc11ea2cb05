"""One answer out of what several passages have: what is compared, and when there is none."""

import pytest

from polyspan.ask.best_passage import best_passage
from polyspan.model.answers import Candidate


def span(text, probability, score=1.0, start=3):
    return Candidate(text, start, start + len(text), score, probability, -1.0)


def none(probability):
    return Candidate("", 0, 0, 0.0, probability, -1.0)


def texts(best):
    return [(number, one.text) for number, one in best.spans]


def test_odds_against_nothing_decide_and_not_how_sure_a_passage_is_of_its_own_span():
    sure_of_where = [span("a", 0.9), none(0.1)]
    sure_that_it_answers = [span("b", 0.6), span("bb", 0.39, 0.9), none(0.01)]
    best = best_passage([sure_of_where, sure_that_it_answers])
    assert texts(best) == [(1, "b"), (1, "bb"), (0, "a")]
    assert best.given
    assert best.null.probability == 0.01


def test_the_passage_of_the_best_span_says_whether_there_is_an_answer():
    gives_none = [none(0.3), span("a", 0.7)]
    gives_one = [span("b", 0.5), none(0.5)]
    best = best_passage([gives_one, gives_none])
    assert (texts(best), best.given, best.null.probability) == ([(1, "a"), (0, "b")], False, 0.3)
    assert best_passage([gives_one, [none(0.9), span("a", 0.1)]]).given


def test_what_was_ranked_first_is_trusted_more_but_not_blindly():
    found = [[span("a", 0.5), none(0.5)], [span("b", 0.6), none(0.4)], [span("c", 0.7), none(0.3)]]
    assert texts(best_passage(found)) == [(2, "c"), (1, "b"), (0, "a")]
    assert texts(best_passage(found, ranked=True)) == [(0, "a"), (2, "c"), (1, "b")]  # odds 1, 2.3 / 3 and 1.5 / 2
    found[2] = [span("c", 0.8), none(0.2)]
    assert texts(best_passage(found, ranked=True))[0] == (2, "c")


def test_spans_of_a_passage_stay_in_the_order_of_their_scores():
    found = [
        [span("a", 0.2, 3.0), none(0.3), span("b", 0.4, 2.0), span("c", 0.1, 1.0)],
        [span("d", 0.5), none(0.5)],
    ]
    assert texts(best_passage(found[:1])) == [(0, "a"), (0, "b"), (0, "c")]
    assert texts(best_passage(found)) == [(1, "d"), (0, "a"), (0, "b"), (0, "c")]


def test_equal_spans_come_in_the_order_of_their_passages():
    found = [[span(text, 0.5), none(0.5)] for text in "xyz"]
    assert [text for _, text in texts(best_passage(found))] == ["x", "y", "z"]


@pytest.mark.parametrize("probability", [0.0, 5e-324, 1.0])
def test_probabilities_at_their_limits(probability):
    best = best_passage([[span("a", 1.0), none(probability)], [span("b", 0.0), none(1.0)]])
    assert texts(best) == [(0, "a"), (1, "b")]


def test_without_a_span_or_a_passage_there_is_no_answer():
    best = best_passage([[none(1.0)], [none(1.0)]], ranked=True)
    assert (best.spans, best.given, best.null.probability) == ([], False, 1.0)
    assert best_passage([]) == ([], None, False)
