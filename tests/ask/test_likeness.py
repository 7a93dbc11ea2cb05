"""What the likeness of sentences changes where a question is in other words than the text, and where nothing."""

import numpy as np
import pytest

import polyspan as ps
from polyspan.ask.documents.document import Document
from polyspan.ask.likeness import WEIGHT, by_likeness
from polyspan.errors import PolyspanError, PolyspanWarning
from polyspan.model.answers import Candidate

TEXT = "Replace the cartridge every six months. The tank holds 2.4 litres."
FOREIGN = "¿Cada cuánto hay que cambiar el cartucho?"
MONTHS, TANK = TEXT[:39], TEXT[40:]


def span(text, score, probability):
    start = TEXT.index(text)
    return Candidate(text, start, start + len(text), score, probability, -5.0, True)


NOTHING = Candidate("", 0, 0, -3.0, 0.1, -5.0, True)
READ = [span("2.4 litres", 2.0, 0.7), span("2.4", 1.0, 0.1), span("six months", -1.0, 0.1), NOTHING]


@pytest.fixture
def embedded(monkeypatch):
    """Puts cosines with the question in the place of vectors; gives the texts that were embedded."""
    cosines, seen = {MONTHS: 0.85, TANK: 0.75}, []

    def embed(texts, kind, doing=""):
        seen.extend(texts)
        return np.array([[1.0 if kind == "query" else cosines.get(text, 0.8)] for text in texts])

    monkeypatch.setattr("polyspan.ask.ranking.embeddings.embed", embed)
    return seen


def texts(candidates):
    return [one.text for one in candidates]


def test_the_sentence_that_is_like_the_question_answers(embedded):
    ((found,),) = by_likeness([FOREIGN], [[TEXT]], [[READ]])
    assert texts(found) == ["six months", "2.4 litres", "2.4", ""]
    assert sorted(embedded) == sorted([MONTHS, TANK, FOREIGN])
    best, second, third, nothing = found
    assert nothing == NOTHING
    assert best.probability + second.probability + third.probability == pytest.approx(0.9)
    assert best.probability / second.probability == pytest.approx(0.1 / 0.7 * np.exp(WEIGHT * 0.1))
    assert second.probability / third.probability == pytest.approx(7)  # in one sentence the Reader alone decides
    assert (best.score, second.score) == (-1.0, pytest.approx(2.0 - WEIGHT * 0.1))
    assert best.null_odds == READ[0].null_odds


def test_the_reader_decides_whether_there_is_an_answer(embedded):
    ((found,),) = by_likeness([FOREIGN], [[TEXT]], [[[NOTHING, *READ[:3]]]])
    assert texts(found) == ["", "six months", "2.4 litres", "2.4"]


def test_a_question_in_the_words_of_the_text_is_left_alone(embedded):
    asked = ["How much does the tank hold?", "Cartridge?"]
    assert by_likeness(asked, [[TEXT], [TEXT]], [[READ], [READ]]) == [[READ], [READ]]
    other = "Una página en español."
    assert by_likeness(asked[:1], [[other, TEXT]], [[[NOTHING], READ]]) == [[[NOTHING], READ]]
    assert not embedded


def test_where_one_sentence_answers_or_none_nothing_is_compared(embedded):
    some = [[READ[:2], [NOTHING]], []]
    assert by_likeness([FOREIGN, "?!"], [[TEXT, ""], []], some) == some
    assert not embedded


def test_many_questions_are_compared_together(embedded):
    found = by_likeness([FOREIGN, "How is the tank?", FOREIGN], [[TEXT]] * 3, [[READ], [READ], [READ]])
    assert [texts(one)[0] for (one,) in found] == ["six months", "2.4 litres", "six months"]
    assert embedded.count(MONTHS) == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (PolyspanError("the encoder is not there"), "not there"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), "needs torch"),
    ],
)
def test_without_the_encoder_the_reader_answers_alone(monkeypatch, fault, told):
    def embed(texts, kind, doing=""):
        raise fault

    monkeypatch.setattr("polyspan.ask.ranking.embeddings.embed", embed)
    with pytest.warns(PolyspanWarning, match=f"not compared .* {told}"):
        assert by_likeness([FOREIGN], [[TEXT]], [[READ]]) == [[READ]]


@pytest.mark.bundled
def test_a_spanish_question_is_answered_from_the_right_english_sentence():
    (reply,) = ps.ask(FOREIGN, Document("filter", f"# Filter\n\n{MONTHS} {TANK}"))
    assert "six months" in reply.text
