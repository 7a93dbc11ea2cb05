"""A corpus without what leaks into others: what is taken out is what `check` finds, and then it finds nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

import polyspan as ps
from polyspan.data.sample import keep_questions
from polyspan.errors import PolyspanError
from polyspan.make.sampling import mix
from polyspan.make.separation import apart


def test_what_is_taken_out_is_counted_by_rule():
    train = ps.read("mini:en/train")
    own, other = keep_questions(train, set(range(12))), keep_questions(train, set(range(12, 18)))
    far = replace(other, paragraphs=tuple(replace(p, context=p.context[::-1]) for p in other.paragraphs))
    made = apart(train, [own, far])
    assert (made.kept, made.dropped) == (288 - 18, 18)
    assert made.counts["leaks"] == {"leak": len(own.paragraphs), "leak-id": 6}
    assert ps.check(made.corpus, against=[own, far]).ok
    kept = {question.id for _, question in made.corpus.questions()}
    assert [p for p in train.paragraphs if all(q.id in kept for q in p.questions)] == list(made.corpus.paragraphs)


def test_what_is_apart_stays_as_it_is():
    train = ps.read("mini:en/train")
    made = apart(train, [ps.read("mini:en/test"), ps.read("mini:fr/test")])
    assert made.corpus.paragraphs == train.paragraphs
    assert ps.read("make:apart(mini:en/train, against=mini:en/test+mini:fr/test)").paragraphs == train.paragraphs


def test_nothing_left_is_a_mistake():
    with pytest.raises(PolyspanError, match="no question of mini:en/train is apart from mini:ko/train"):
        apart(ps.read("mini:en/train"), [ps.read("mini:ko/train")])


def test_the_verb_takes_several(run, tmp_path):
    out = tmp_path / "apart.json"
    both = tmp_path / "both.json"
    mix([ps.read("mini:en/train"), ps.read("mini:en/test")]).write(both)
    given = ("--against", "mini:en/test", "--against", "mini:ko/test")
    code, stdout, _ = run("make", "apart", both, *given, "--out", out, "--language", "en")
    assert code == 0
    assert "288 questions; 16 leaks taken out, 16 contexts with them; 96 questions dropped" in stdout


@pytest.mark.realdata
def test_drcd_has_articles_in_both_of_its_parts(data: Path):
    made = apart(ps.read(data / "drcd" / "DRCD_test.json"), [ps.read(data / "drcd" / "DRCD_dev.json")])
    assert (made.dropped, made.counts["leaks"]) == (7, {"leak-passage": 2})
