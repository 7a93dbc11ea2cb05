"""Samples and mixtures: the size asked for, articles whole or spread, nothing drawn twice."""

import pytest

import polyspan as ps
from polyspan.errors import UsageError
from polyspan.make.sampling import mix, part, sample


@pytest.fixture(scope="module")
def mini():
    return ps.read("mini:en/train")


def ids(corpus):
    return [question.id for _, question in corpus.questions()]


@pytest.mark.parametrize("by", ["question", "spread"])
def test_exactly_as_many_questions_in_file_order(mini, by):
    made = sample(mini, 50, by=by, seed=3)
    kept = ids(made.corpus)
    assert len(kept) == made.kept == 50
    assert made.dropped == len(mini) - 50
    assert kept == [key for key in ids(mini) if key in set(kept)]
    assert ids(sample(mini, 50, by=by, seed=3).corpus) == kept != ids(sample(mini, 50, by=by, seed=4).corpus)


def test_by_article_no_article_is_torn(mini):
    made = sample(mini, 50, by="article", seed=1)
    whole = {
        p.title: sum(len(q.questions) for q in mini.paragraphs if q.title == p.title) for p in mini.paragraphs
    }
    kept = {
        p.title: sum(len(q.questions) for q in made.corpus.paragraphs if q.title == p.title)
        for p in made.corpus.paragraphs
    }
    assert 40 < made.kept <= 50
    assert all(whole[title] == count for title, count in kept.items())


def test_spread_takes_one_of_each_article_first(mini):
    assert sample(mini, 10, by="spread").counts["articles"] == 10


def test_like_another_corpus(mini):
    assert sample(mini, like=ps.read("mini:en/test")).kept == 96
    assert sample(mini, 10_000).corpus.paragraphs == mini.paragraphs


@pytest.mark.parametrize("wrong", [{}, {"size": 0}, {"size": 3, "by": "colour"}, {"size": 1, "by": "article"}])
def test_mistakes(mini, wrong):
    with pytest.raises(UsageError):
        sample(mini, **wrong)


def test_a_mixture_keeps_everything_and_ids_apart(mini):
    french = ps.read("mini:fr/train")
    made = mix([mini, french])
    assert len(made.corpus) == len(mini) + len(french)
    assert len(set(ids(made.corpus))) == len(made.corpus)
    assert made.corpus.language is None
    assert made.counts["ids_renamed"] == len(mini)
    with pytest.raises(UsageError, match="at least two"):
        mix([mini])


def test_the_two_sides_of_a_part_share_no_article_and_lose_nothing(mini):
    rest, held = (part(mini, side, fraction=0.3, seed=5) for side in ("rest", "held"))
    assert {p.title for p in rest.corpus.paragraphs}.isdisjoint(p.title for p in held.corpus.paragraphs)
    assert sorted(ids(rest.corpus) + ids(held.corpus)) == sorted(ids(mini))
    assert rest.kept == held.dropped
    assert part(mini, "held", size=12).kept == 12
    with pytest.raises(UsageError, match="side"):
        part(mini, "left")


def test_a_part_is_named():
    made = ps.read("make:part(mini:fr/train, side=held, fraction=0.25, seed=1)")
    assert ids(made) == ids(part(ps.read("mini:fr/train"), "held", fraction=0.25, seed=1).corpus)
