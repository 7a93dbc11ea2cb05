"""Parts of a corpus that a seed draws."""

from hypothesis import given
from hypothesis import strategies as st

from polyspan.data.sample import fewer_impossible, sample
from polyspan.data.schema import Answer, Corpus, Paragraph, Question


def corpus_of(flags: list[bool]) -> Corpus:
    """A question for each flag, two on a context; those that are True are unanswerable."""
    questions = [
        Question(str(at), "who", () if flag else (Answer("cup", 4),), flag) for at, flag in enumerate(flags)
    ]
    return Corpus(tuple(Paragraph("the cup", tuple(questions[at : at + 2])) for at in range(0, len(questions), 2)))


@given(st.lists(st.booleans(), max_size=40), st.floats(0, 0.95), st.integers(0, 5))
def test_a_share_leaves_out_only_unanswerable_questions_and_no_more_than_it_must(flags, share, seed):
    corpus = corpus_of(flags)
    kept = fewer_impossible(corpus, share, seed)
    possible = flags.count(False)
    impossible = sum(question.impossible for _, question in kept.questions())
    assert len(kept) - impossible == possible
    assert impossible <= share / (1 - share) * possible or impossible == 0
    assert impossible == flags.count(True) or impossible + 1 > share / (1 - share) * possible
    assert kept == fewer_impossible(corpus, share, seed)
    asked = [question for _, question in corpus.questions()]
    assert [question for _, question in kept.questions()] == [
        q for q in asked if q in {*(k for _, k in kept.questions())}
    ]


def test_a_sample_keeps_the_order():
    corpus = corpus_of([False] * 30)
    drawn = [int(question.id) for _, question in sample(corpus, 7, seed=3).questions()]
    assert len(drawn) == 7
    assert drawn == sorted(drawn)
