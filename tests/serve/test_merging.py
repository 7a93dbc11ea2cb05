"""Candidates of several documents become one answer."""

import pytest

from polyspan.model.answers import Candidate
from polyspan.serve.merging import of_documents, of_hub


def _span(text: str, probability: float, start: int = 3) -> Candidate:
    return Candidate(text, start, start + len(text), 1.0, probability, -1.0)


def _none(probability: float) -> Candidate:
    return Candidate("", 0, 0, 0.0, probability, -1.0)


def test_the_surest_document_answers():
    found = [[_span("a", 0.4), _none(0.5), _span("b", 0.1)], [_span("c", 0.6), _span("d", 0.3), _none(0.1)]]
    answer = of_documents("who", ["one", "two"], found, 3)
    assert (answer["text"], answer["document"], answer["probability"]) == ("c", "two", 0.6)
    assert [(one["text"], one["document"]) for one in answer["alternatives"]] == [("d", "two"), ("a", "one")]
    assert answer["no_answer"] == 0.1


def test_a_document_that_has_none_does_not_silence_another():
    found = [[_none(0.9), _span("a", 0.1)], [_span("c", 0.05), _none(0.02)]]
    answer = of_documents("who", ["one", "two"], found, 2)
    assert (answer["text"], answer["document"]) == ("c", "two")
    assert [one["text"] for one in answer["alternatives"]] == ["a"]


def test_no_answer_where_none_has_one():
    found = [[_none(0.9), _span("a", 0.1)], [_none(0.7), _span("b", 0.2)]]
    answer = of_documents("who", ["one", "two"], found, 2)
    assert (answer["text"], answer["document"], answer["start"], answer["end"]) == ("", None, 0, 0)
    assert answer["probability"] == answer["no_answer"] == 0.7
    assert [(one["text"], one["document"]) for one in answer["alternatives"]] == [("b", "two")]


def test_alternatives_of_one_context_stay_in_the_order_of_their_scores():
    found = [[_span("a", 0.2), _span("b", 0.1), _none(0.3), _span("c", 0.4)]]
    answer = of_documents("who", [None], found, 3)
    assert [one["text"] for one in (answer, *answer["alternatives"])] == ["a", "b", "c"]


@pytest.mark.parametrize(("silent", "texts"), [(False, ["a"]), (True, ["", "a"])])
def test_the_hub_s_answers_hold_nothing_only_where_it_is_asked_for(silent, texts):
    assert [one["answer"] for one in of_hub([_none(0.9), _span("a", 0.1)], silent)] == texts
    assert [one["answer"] for one in of_hub([_none(1.0)], silent)] == [""]
