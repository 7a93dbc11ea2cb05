"""Corpora cut down to the questions that all of them have."""

from dataclasses import replace

import pytest

import polyspan as ps
from polyspan.data.sample import keep_questions, sample
from polyspan.errors import PolyspanError
from polyspan.lab.plan.data_facts import resolved
from polyspan.make.intersection import common
from polyspan.make.translation.placing import LOST


def test_what_one_has_lost_is_taken_out_of_all():
    english, korean = ps.read("mini:en/test"), ps.read("mini:ko/test")
    some, others = sample(korean, 60, 1), sample(ps.read("mini:fr/test"), 60, 2)
    left = [common(one, [english, some, others]).corpus for one in (english, korean, some, others)]
    ids = [[question.id for _, question in one.questions()] for one in left]
    assert all(one == ids[0] for one in ids)
    assert 20 < len(ids[0]) < 60
    made = common(english, [some, others])
    assert (made.kept, made.dropped) == (len(ids[0]), 96 - len(ids[0]))
    assert list(made.counts["questions_of_others"].values()) == [60, 60]
    named = ps.read("make:common(mini:en/test, others=make:sample(mini:ko/test, size=60, seed=1)+mini:fr/test)")
    assert [question.id for _, question in named.questions()] == [question.id for _, question in some.questions()]


def test_a_question_kept_without_its_answer_is_lost():
    """`keep_lost` leaves the answer "" at 0; it is no question to compare by."""
    english = ps.read("mini:en/test")
    first, *rest = english.paragraphs
    lost = replace(first.questions[0], answers=LOST)
    kept = replace(english, paragraphs=(replace(first, questions=(lost, *first.questions[1:])), *rest))
    dropped = keep_questions(english, set(range(1, 96)))
    assert common(english, [kept]).corpus.paragraphs == common(kept, [english]).corpus.paragraphs
    assert common(english, [kept]).corpus.paragraphs == dropped.paragraphs


def test_nothing_in_common_is_a_mistake():
    english = ps.read("mini:en/test")
    with pytest.raises(PolyspanError, match="no question of mini:en/test has an id that all of the others have"):
        common(keep_questions(english, {0, 1}), [keep_questions(english, {1, 2}), keep_questions(english, {0})])


def test_each_of_several_names_is_resolved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("a.json", "b.json"):
        (tmp_path / file).write_text("{}", "utf-8")
    name = "make:common(a.json, others=make:sample(b.json, size=2)+a.json)"
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    assert resolved(name) == f"make:common({a}, others=make:sample({b}, size=2)+{a})"
