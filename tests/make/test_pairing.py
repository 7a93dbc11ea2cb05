"""Questions of one language on texts of another: by id, all counted, the metric that of the texts."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

import polyspan as ps
from polyspan.data.sample import keep_questions
from polyspan.errors import PolyspanError
from polyspan.make.maker import MAKERS, Shape
from polyspan.make.pairing import pair

LANGUAGES = ("en", "zh", "ko", "ja", "fr")


@pytest.mark.parametrize(("asked", "read"), [*itertools.permutations(LANGUAGES, 2)])
def test_all_pairs_of_mini(asked, read):
    questions, contexts = ps.read(f"mini:{asked}/test"), ps.read(f"mini:{read}/test")
    made = pair(questions, contexts)
    assert (made.kept, made.dropped) == (96, 0)
    assert (made.corpus.language, made.corpus.metric) == (contexts.language, contexts.metric)
    texts = {question.id: question.text for _, question in questions.questions()}
    found = list(made.corpus.questions())
    for (paragraph, question), (own, original) in zip(found, contexts.questions(), strict=True):
        assert (paragraph.context, paragraph.title) == (own.context, own.title)
        assert (question.id, question.answers) == (original.id, original.answers)
        assert question.text == texts[question.id]


def test_a_corpus_with_itself_is_itself():
    corpus = ps.read("mini:ko/test")
    assert pair(corpus, corpus).corpus.fingerprint() == corpus.fingerprint()


def test_what_only_one_has_is_counted():
    questions = keep_questions(ps.read("mini:ko/test"), set(range(0, 20)))
    contexts = keep_questions(ps.read("mini:en/test"), set(range(10, 96)))
    made = pair(questions, contexts)
    assert (made.kept, made.dropped) == (10, 10)
    counts = made.card()
    assert counts["questions_without_context"] == 10
    assert counts["answers_without_question"] == 76
    assert counts["contexts_without_question"] == len(contexts.paragraphs) - len(made.corpus.paragraphs)
    assert counts["languages"] == {"questions": "ko", "contexts": "en"}
    assert all(paragraph.questions for paragraph in made.corpus.paragraphs)
    assert "76 of the latter left out" in made.summary()


def test_mistakes():
    english, other = ps.read("mini:en/test"), ps.read("mini:en/train")
    with pytest.raises(PolyspanError, match="no question of mini:en/test has an id that one of"):
        pair(english, other)
    twice = replace(english, paragraphs=english.paragraphs * 2)
    for one, two in ((twice, english), (english, twice)):
        with pytest.raises(PolyspanError, match="have the same id"):
            pair(one, two)


def test_what_a_plan_knows_of_it():
    expected = MAKERS["pair"].expected(Shape("ko", "korquad.v1", 90), {"contexts": Shape("en", "squad.v1", 96)})
    assert expected == Shape("en", "squad.v1", 90)
    name = "make:pair(mini:ko/test, contexts=mini:en/test)"
    assert ps.read(name).name == name


def test_the_verb(run, tmp_path):
    out = tmp_path / "pair.json"
    code, stdout, _ = run("make", "pair", "mini:fr/test", "mini:zh/test", "--out", out, "--show", 1)
    assert code == 0
    assert "96 questions; asked as in mini:fr/test on the texts of mini:zh/test" in stdout
    assert ps.read(out).language == "zh-Hant"
    code, _, stderr = run("make", "pair", "mini:fr/test", "mini:zh/train", "--out", out)
    assert (code, "no question of mini:fr/test" in stderr) == (1, True)


@pytest.mark.realdata
@pytest.mark.parametrize(("asked", "read"), [*itertools.permutations(("en", "zh", "es", "ar"), 2)])
def test_xquad(data: Path, asked: str, read: str):
    made = pair(*(ps.read(data / "xquad" / f"xquad.{language}.json") for language in (asked, read)))
    assert (made.kept, made.dropped) == (1190, 0)
    assert all(question.answers for _, question in made.corpus.questions())
