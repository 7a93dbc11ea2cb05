"""Answers brought back to the text that was translated: the sentence by length, the words by alignment."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import polyspan as ps
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError
from polyspan.make.translation.carrying_back import Originals, _stretch
from polyspan.make.translation.sentence_pairs import sentence_pairs
from polyspan.model.answers import Candidate
from polyspan.prediction import Predictions, carry_back

READ = "The mill was built in 1840. It ground rye until 1951, when the river was dammed. Today it is a museum."
ORIGINAL = "O moinho foi construído em 1840. Moeu centeio até 1951. Então o rio foi represado. Hoje é um museu."
TEXTS = st.text("ab. \n。", max_size=80)


def corpus(context, *ids, name="c", answers=()):
    questions = tuple(Question(id, "When?", answers) for id in ids)
    return Corpus((Paragraph(context, questions),), name=name, language="pt")


class Words:
    """In the place of the encoder: a number stands for itself, and nothing else for anything."""

    def project(self, source, start, end, target):
        at = target.find(source[start:end]) if source[start:end].isdigit() else -1
        return None if at < 0 else (at, at + end - start)


def originals(*ids):
    found = Originals(corpus(READ, *ids), corpus(ORIGINAL, "a", "b"))
    found._aligner = Words()
    return found


@given(TEXTS, TEXTS)
def test_both_texts_are_cut_whole_and_in_order(source, target):
    pairs = sentence_pairs(source, target)
    for side, text in (("source", source), ("target", target)):
        assert "".join(text[slice(*getattr(pair, side))] for pair in pairs) == text


def test_one_sentence_that_became_two():
    pairs = sentence_pairs(READ, ORIGINAL)
    assert [ORIGINAL[slice(*pair.target)].strip() for pair in pairs] == [
        "O moinho foi construído em 1840.",
        "Moeu centeio até 1951. Então o rio foi represado.",
        "Hoje é um museu.",
    ]


@pytest.mark.parametrize("language", ["fr", "ko", "zh", "ja"])
def test_the_stretch_of_the_mini_corpus_holds_the_answer(language):
    """Its texts say the same in all languages, sentence by sentence."""
    there = {q.id: (p.context, q.answers[0]) for p, q in ps.read(f"mini:{language}/test").questions()}
    held = [
        end - start >= len(answer.text) and start <= answer.start and answer.end <= end
        for paragraph, question in ps.read("mini:en/test").questions()
        for context, answer in [there[question.id]]
        for gold in [question.answers[0]]
        for _, (start, end) in [_stretch(paragraph.context, context, gold.start, gold.end)]
    ]
    assert sum(held) >= 0.95 * len(held)


def test_a_span_over_two_sentences_has_those_of_both():
    start, end = READ.index("1840"), READ.index("until")
    (a, b), (c, d) = _stretch(READ, ORIGINAL, start, end)
    assert READ[a:b] == READ[: READ.index("Today")]
    assert ORIGINAL[c:d] == ORIGINAL[: ORIGINAL.index("Hoje")]


def test_what_is_aligned_what_is_the_same_and_what_is_lost():
    found = originals("a")
    start = READ.index("1951")
    span = found.span("a", start, start + 4)
    assert found.text("a", span) == "1951"
    assert found.span("a", start - 6, start) is None  # "until"
    found = Originals(corpus("Bente Roos built it.", "a"), corpus("Foi Bente Roos.", "a"))
    found._aligner = Words()
    assert found.text("a", found.span("a", 0, 10)) == "Bente Roos"
    assert dict(found.ways) == {"found": 1}


def test_a_question_that_the_original_does_not_have():
    with pytest.raises(PolyspanError, match="a question of c is not in c"):
        originals("a", "other")


def test_candidates_are_brought_back_and_the_lost_ones_left_out():
    found = originals("a", "b")
    year, until = READ.index("1840"), READ.index("until")
    one = Candidate("1840", year, year + 4, 3.0, 0.6, -1.0)
    none = Candidate("", 0, 0, 2.0, 0.2, -1.0)
    lost = Candidate("until", until, until + 5, 1.0, 0.1, -1.0)
    back = carry_back(Predictions({"a": "1840", "b": "until"}, {"a": [one, none, lost], "b": [lost, none]}), found)
    at = ORIGINAL.index("1840")
    assert back.texts == {"a": "1840", "b": ""}
    assert back.candidates["a"] == [replace(one, start=at, end=at + 4), none]
    assert back.candidates["b"] == [replace(lost, text="", start=0, end=0), none]
    assert dict(found.ways) == {"aligned": 1, "lost": 2}
    asked = Originals(corpus(READ, "a"), corpus(ORIGINAL, "a", "b")).asked()
    assert [question.id for _, question in asked.questions()] == ["a"]


@pytest.mark.bundled
def test_gold_answers_of_english_are_found_in_french():
    english, french = ps.read("mini:en/test"), ps.read("mini:fr/test")
    found = Originals(english, french)
    texts = {}
    for _, question in english.questions():
        gold: Answer = question.answers[0]
        span = found.span(question.id, gold.start, gold.end)
        texts[question.id] = found.text(question.id, span) if span else ""
    assert ps.score(found.asked(), texts).f1 > 90
