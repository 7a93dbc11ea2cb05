"""Two systems on the same questions: intervals, p, and what may not be compared."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.score import QuestionScore, Scores
from polyspan.stats import compare, intervals, standings, units
from polyspan.stats.resampling import bootstrap_sums, sign_flip_p


def scores(f1: dict[str, float], metric: str = "squad.v1") -> Scores:
    """Scores with the given F1 of each question (0 to 1), exact where that is 1."""
    each = {name: QuestionScore(value == 1, value) for name, value in f1.items()}
    n = len(each)
    exact = 100 * sum(one.exact_match for one in each.values()) / n
    return Scores(metric, exact, 100 * sum(f1.values()) / n, n, 0, 0, each)


def numbered(values) -> Scores:
    return scores({f"q{index:04}": float(value) for index, value in enumerate(values)})


F1 = st.lists(st.tuples(*[st.sampled_from([0.0, 0.25, 0.5, 1.0])] * 2), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(F1, st.randoms(use_true_random=False))
def test_swapping_and_shuffling(pairs, random):
    """Swapping A and B changes signs, another order of the questions changes nothing; p is in (0, 1]."""
    a, b = (numbered(column) for column in zip(*pairs, strict=True))
    there, back = compare(a, b, draws=200), compare(b, a, draws=200)
    ids = list(a.questions)
    random.shuffle(ids)
    moved = compare(*(scores({name: one.questions[name].f1 for name in ids}) for one in (a, b)), draws=200)
    for name in ("f1", "exact_match"):
        one, other = getattr(there, name), getattr(back, name)
        assert one.delta == -other.delta
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
        assert one.p == other.p
        assert 0 < one.p <= 1
        assert (one.better, one.worse, one.ties) == (other.worse, other.better, other.ties)
        assert one.better + one.worse + one.ties == there.n == len(pairs)
        assert one.delta == pytest.approx(getattr(b, name) - getattr(a, name), abs=1e-9)
    assert moved.f1 == there.f1
    assert moved.exact_match == there.exact_match


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_the_interval_holds_the_difference(seed):
    rng = np.random.default_rng(seed)
    found = compare(numbered(rng.random(100)), numbered(rng.random(100)), draws=500, seed=seed).f1
    assert found.low < found.delta < found.high


def test_the_same_system_twice():
    a = numbered(np.linspace(0, 1, 50))
    found = compare(a, a)
    for one in (found.f1, found.exact_match):
        assert (one.delta, one.low, one.high, one.p) == (0, 0, 0, 1)
        assert (one.better, one.worse, one.ties) == (0, 0, 50)


def test_a_clear_difference():
    rng = np.random.default_rng(1)
    base = rng.random(400) * 0.6
    found = compare(numbered(base), numbered(base + rng.random(400) * 0.2))
    assert found.f1.p == pytest.approx(1 / 10_001)
    assert found.f1.low > 0
    assert found.f1.better == 400


def test_bootstrap_against_theory():
    """The standard deviation of the draws is that of the mean; the draws centre on the sum."""
    column = np.random.default_rng(0).normal(size=(300, 1))
    drawn = bootstrap_sums(np.hstack([column, np.ones((300, 1))]), 4000, 1)
    assert (drawn[:, 1] == 300).all()
    assert drawn[:, 0].std() == pytest.approx(np.sqrt(300) * column.std(), rel=0.05)
    assert drawn[:, 0].mean() == pytest.approx(column.sum(), abs=4 * column.std() * np.sqrt(300 / 4000))
    assert (bootstrap_sums(column, 50, 7) == bootstrap_sums(column, 50, 7)).all()


def test_sign_flips_are_exact_where_few():
    differences = np.array([[3.0], [1.0], [2.0], [0.0]])
    assert sign_flip_p(differences, 10_000, 0)[0] == 2 / 8
    drawn = sign_flip_p(np.tile(differences, (1, 1)), 7, 0)[0]  # too few draws for 8 ways: seeded ones
    assert 1 / 8 <= drawn <= 1
    rng = np.random.default_rng(3)
    normal = rng.normal(0.2, 1, size=(200, 1))
    z = abs(normal.sum()) / np.sqrt(np.square(normal).sum())
    from scipy.stats import norm

    assert sign_flip_p(normal, 10_000, 0)[0] == pytest.approx(2 * norm.sf(z), abs=0.01)


def test_clusters_widen_the_interval():
    """Twenty copies of each question in one paragraph know no more than one."""
    rng = np.random.default_rng(5)
    first, second = np.repeat(rng.random(40), 20), np.repeat(rng.random(40), 20)
    a, b = numbered(first), numbered(second)
    of = {name: f"c{index // 20:02}" for index, name in enumerate(a.questions)}
    alone, together = compare(a, b, draws=2000).f1, compare(a, b, of=of, draws=2000)
    assert together.units == 40
    assert (together.f1.high - together.f1.low) / (alone.high - alone.low) == pytest.approx(20**0.5, rel=0.1)
    one_each = compare(numbered(rng.random(1)), numbered(rng.random(1)))
    assert "Only 1 units" in " ".join(one_each.warnings)


def test_several_runs():
    """Runs are drawn too, and exchanged: few runs leave much open, however many questions there are."""
    rng = np.random.default_rng(2)
    base = rng.random(200) * 0.7
    a = [numbered(base + shift) for shift in (0.0, 0.1, 0.2)]
    b = [numbered(base + shift) for shift in (0.1, 0.2, 0.3)]
    found = compare(a, b, draws=2000).f1
    assert found.delta == pytest.approx(10)
    assert found.p < 0.001
    assert found.p_runs == pytest.approx(10 / 20)  # of the 20 ways to choose three runs, counted by hand
    assert found.high - found.low > 5
    assert compare(a[0], b).f1.p_runs is None
    back = compare(b, a, draws=2000).f1
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_units_of_a_corpus():
    def paragraph(context, ids, title):
        return Paragraph(context, tuple(Question(name, "?", (Answer("a", 0),)) for name in ids), title)

    corpus = Corpus((paragraph("a one", "12", "x"), paragraph("a two", "3", "x")))
    assert units(corpus, "question") == {"1": "1", "2": "2", "3": "3"}
    assert units(corpus, "paragraph") == {"1": "a one", "2": "a one", "3": "a two"}
    assert set(units(corpus, "article").values()) == {"x"}
    with pytest.raises(UsageError, match="unknown unit"):
        units(corpus, "sentence")
    with pytest.raises(PolyspanError, match="no title"):
        units(Corpus((paragraph("a", "1", ""),)), "article")


def test_what_cannot_be_compared():
    a = numbered([0, 1, 0.5])
    with pytest.raises(PolyspanError, match="not scored on the same questions") as error:
        compare(a, scores({"q0000": 1.0, "other": 0.0}))
    assert "2 questions only in the first (3), 1 only in the second (2), such as 'other'" in str(error.value)
    with pytest.raises(UsageError, match="different metrics"):
        compare(a, scores(dict.fromkeys(a.questions, 1.0), "drcd.v1"))
    with pytest.raises(PolyspanError, match="unit of 2 of 3 questions"):
        compare(a, a, of={"q0000": "x"})
    with pytest.raises(PolyspanError, match="score of question 'q0001' is not a number"):
        compare(a, numbered([0, np.nan, 0.5]))
    with pytest.raises(UsageError, match="without a run"):
        compare([], a)
    with pytest.raises(UsageError, match="must be draws"):
        compare(a, a, draws=0)


def test_many_runs_are_exchanged_by_draws_and_seed():
    """Nine runs against nine are too many ways to count: p_runs has the smallest value that the draws allow."""
    rng = np.random.default_rng(5)
    a, b = ([numbered(rng.random(20) / 9 + shift) for _ in range(9)] for shift in (0.0, 0.5))
    assert compare(a, b, draws=99).f1.p_runs == pytest.approx(1 / 100)
    assert compare(a, b, draws=199).f1.p_runs == pytest.approx(1 / 200)
    c = [numbered(rng.random(20) / 9) for _ in range(9)]
    found = {compare(a, c, draws=99, seed=seed).f1.p_runs for seed in range(4)}
    assert len(found) > 1, "another seed draws other exchanges"
    assert compare(a, c, draws=99).f1.p_runs == compare(c, a, draws=99).f1.p_runs


@pytest.mark.slow
@pytest.mark.parametrize("shared", [0.0, 0.4], ids=["independent questions", "questions alike in a paragraph"])
def test_coverage_and_false_alarms(shared):
    """Over 300 worlds without a difference, 60 paragraphs of 3 questions: the interval misses 0, and p is below
    .05, in about 5 % of them; where a paragraph's questions are alike, only if paragraphs are drawn."""
    rng = np.random.default_rng(11)
    counts = np.zeros((2, 2))
    for world in range(300):
        sides = [rng.beta(2, 2, size=(60, 3)) + shared * rng.normal(size=(60, 1)) for _ in "ab"]
        a, b = (numbered(side.ravel()) for side in sides)
        by_paragraph = {name: str(index // 3) for index, name in enumerate(a.questions)}
        for row, of in enumerate((None, by_paragraph)):
            found = compare(a, b, of=of, draws=600, seed=world).f1
            counts[row] += not found.low <= 0 <= found.high, found.p < 0.05
    shares = counts / 300
    assert ((shares[1] > 0.02) & (shares[1] < 0.09)).all(), shares
    if shared:
        assert (shares[0] > 0.12).all(), shares
    else:
        assert ((shares[0] > 0.02) & (shares[0] < 0.09)).all(), shares


@pytest.mark.slow
def test_ten_thousand_draws_of_ten_thousand_questions():
    rng = np.random.default_rng(0)
    a, b = numbered(rng.random(10_000)), numbered(rng.random(10_000))
    began = time.process_time()
    compare(a, b)
    assert time.process_time() - began < 4  # half of it on a free core


def test_the_interval_of_several_runs_is_that_of_their_mean():
    """Of 400 questions the half-width is 1.96 √(p (1 − p) / n); runs are averaged question by question."""
    rng = np.random.default_rng(1)
    one, other = (numbered(rng.random(400) < 0.6) for _ in range(2))
    low, high = intervals([one])["f1"]
    assert (high - low) / 2 == pytest.approx(1.96 * 100 * (0.24 / 400) ** 0.5, rel=0.1)
    assert low < one.f1 < high
    assert intervals([one])["f1"] == standings({"one": one})[0].f1
    both = intervals([one, other], draws=500)
    mean = numbered((one.questions[name].f1 + other.questions[name].f1) / 2 for name in one.questions)
    assert both["f1"] == pytest.approx(intervals([mean], draws=500)["f1"])
    assert both["f1"][1] - both["f1"][0] < high - low  # two independent runs tell more
    of = {name: f"p{index // 4}" for index, name in enumerate(one.questions)}
    whole = numbered([float(index // 4 % 2) for index in range(400)])  # paragraphs all right or all wrong
    wide, narrow = (intervals([whole], of=given)["f1"] for given in (of, None))
    assert (wide[1] - wide[0]) / (narrow[1] - narrow[0]) == pytest.approx(2, rel=0.15)


def test_the_interval_of_runs_on_other_questions():
    with pytest.raises(PolyspanError, match="same questions"):
        intervals([numbered([1, 0]), scores({"other": 1.0})])
