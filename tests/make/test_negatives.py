"""Unanswerable questions: no paragraph that one is asked of holds its answer, in any script."""

import json

import pytest

import polyspan as ps
from polyspan.cli.main import app
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.make import unanswerable
from polyspan.make.likeness import Likeness, terms


def corpus(*paragraphs, titles=None, language="en"):
    """A corpus of (context, question, answer)s; titles are one for all where none are given."""
    made = []
    for place, (context, question, *answers) in enumerate(paragraphs):
        golds = tuple(Answer(answer, context.index(answer)) for answer in answers)
        title = "t" if titles is None else titles[place]
        made.append(Paragraph(context, (Question(str(place), question, golds),), title))
    return Corpus(tuple(made), "tiny", language)


def added(made):
    """What was added: (id of the question it was made of, place of the paragraph)."""
    return {
        (made.origins[question.id], place)
        for place, paragraph in enumerate(made.corpus.paragraphs)
        for question in paragraph.questions
        if question.id in made.origins
    }


@pytest.mark.parametrize("language", ["en", "zh", "ko", "ja", "fr"])
@pytest.mark.parametrize("options", [{}, {"near": "random"}, {"of": "corpus", "share": 0.7}], ids=str)
def test_no_paragraph_holds_an_answer_and_nothing_else_changes(language, options):
    before = ps.read(f"mini:{language}/test")
    made = unanswerable(before, seed=3, **options)
    share = options.get("share", 0.5)
    gold = {question.id: question for _, question in before.questions()}
    assert made.counts["added"] == round(96 * share / (1 - share)) == len(made.corpus) - 96 == len(made.origins)
    assert (made.kept, made.dropped, made.counts["missing"]) == (96, 0, 0)
    for paragraph, question in made.corpus.questions():
        if question.id in made.origins:
            old = gold[made.origins[question.id]]
            assert (question.text, question.answers, question.impossible) == (old.text, (), True)
            assert not any(answer.text.casefold() in paragraph.context.casefold() for answer in old.answers)
    assert [
        (p.context, tuple(q for q in p.questions if q.id not in made.origins)) for p in made.corpus.paragraphs
    ] == [(p.context, p.questions) for p in before.paragraphs]
    assert len({question.id for _, question in made.corpus.questions()}) == len(made.corpus)
    again = unanswerable(before, seed=3, **options)
    assert again.corpus == made.corpus
    assert unanswerable(before, seed=4, **options).corpus != made.corpus


@pytest.mark.parametrize(
    ("answer", "other", "holds"),
    [
        ("mill", "Windmills ground rye.", True),  # any occurrence
        ("3", "It was built in 1934.", True),
        ("3", "It was built in 1944.", False),
        ("Café Roos", "The CAFE\u0301 ROOS is shut.", True),  # case, decomposed
        ("１８４０", "It burnt in 1840.", True),  # full width
        ("1,000 men", "There were 1000 men.", True),
        ("New York", "He left NewYork\u00a0soon.", True),
        ("Tchaikovsky", "It is by Chaikovsky.", True),  # nearly
        ("1840", "It burnt in 1841.", False),  # another number is no spelling
        ("Denver Broncos", "The Broncos lost.", True),  # half of it
        ("the mill at Arnfeld", "The sea is at the door.", False),  # words that are everywhere weigh little
        ("$", "Not one dollar.", False),
    ],
)
def test_what_counts_as_holding_an_answer(answer, other, holds):
    filler = [(f"The cat {number} is at the pond.", f"Who {number}?") for number in "ABCDEF"]
    made = unanswerable(
        corpus(
            (f"This is {answer}.", "What is this?", answer),
            (other, "Where?"),
            *filler,
            titles=["t", "t", *"abcdef"],
        ),
        share=1 / 9,
    )
    ((_, place),) = added(made)
    assert (place != 1) == holds


@pytest.mark.parametrize(
    ("answer", "other"),
    [("约翰·史密斯", "史密斯先生来了。"), ("بناء", "البناء قديم"), ("덴버 브롱코스", "덴버브롱코스는 졌다.")],
)
def test_other_scripts(answer, other):
    with pytest.raises(PolyspanError, match="no question can be asked"):
        unanswerable(corpus((f"x {answer}", "?", answer), (other, "!")))


def test_the_nearest_in_words_of_the_article_first():
    data = corpus(
        ("The mill was built by Roos.", "Who built the old mill?", "Roos"),
        ("Rye was ground there.", "What was ground?"),
        ("An old mill needs wind.", "What does it need?"),
        ("Who built the old mill is not known.", "?"),
        titles=["a", "a", "a", "b"],
    )
    assert added(unanswerable(data, 0.2)) == {("0", 2)}
    assert added(unanswerable(data, 0.2, of="corpus")) == {("0", 3)}
    places = {place for seed in range(20) for _, place in added(unanswerable(data, 0.2, near="random", seed=seed))}
    assert places == {1, 2}


def test_a_question_that_the_paragraph_is_asked_too_is_not_asked_of_it():
    data = corpus(
        ("Built in 1840.", "When was it built?", "1840"), ("Built in 1841.", "When was it  built", "1841")
    )
    with pytest.raises(PolyspanError, match="no question can be asked"):
        unanswerable(data)


def test_each_question_once_before_one_is_asked_twice():
    before = ps.read("mini:en/test")
    for share, most in ((0.4, 1), (0.5, 1), (0.6, 2)):
        asked = list(unanswerable(before, share).origins.values())
        assert max(map(asked.count, asked)) == most
    pairs = added(unanswerable(before, 0.9))
    assert len(pairs) == 96 * 9


def test_unanswerable_questions_that_are_there_count():
    before = ps.read("mini:en/test")
    half = unanswerable(before, 0.5).corpus
    nothing = unanswerable(half, 0.3)
    assert nothing.corpus.paragraphs == half.paragraphs
    assert (nothing.counts["unanswerable"], nothing.counts["added"]) == (96, 0)
    more = unanswerable(half, 0.6, seed=9)
    assert more.counts["added"] == 48
    ids = [question.id for _, question in more.corpus.questions()]
    assert len(set(ids)) == len(ids)
    for paragraph in more.corpus.paragraphs:
        texts = [question.text for question in paragraph.questions]
        assert len(set(texts)) == len(texts)


def test_too_few_paragraphs_are_counted_and_said(tmp_path, capsys):
    data = corpus(("A man.", "Who?", "man"), ("A dog.", "What?", "dog"), ("A man, a dog.", "Whom?", "a dog"))
    made = unanswerable(data, 0.8)
    assert added(made) == {("0", 1), ("1", 0), ("2", 0)}
    assert made.card()["missing"] == 9
    assert "3 unanswerable, 3 of them added (9 fewer than a share of 0.8 needs)" in made.summary()
    write(data, tmp_path / "few.json")
    arguments = ["unanswerable", tmp_path / "few.json", "--share", 0.8, "--out", tmp_path / "out.json", "--json"]
    app(["make", *map(str, arguments), "--language", "en"], standalone_mode=False)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["missing"] == 9
    assert "9 questions too few" in printed.err


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5, float("nan"), "half", True])
def test_a_share_between_nothing_and_all(share):
    with pytest.raises(UsageError, match="impossible share"):
        unanswerable(ps.read("mini:en/test"), share)
    with pytest.raises(UsageError, match="did you mean 'words'"):
        unanswerable(ps.read("mini:en/test"), near="word")
    with pytest.raises(UsageError, match="place to seek in"):
        unanswerable(ps.read("mini:en/test"), of="page")


def test_a_corpus_that_has_none():
    one = corpus(("Built in 1840.", "When?", "1840"))
    contexts = Corpus((Paragraph("A.", ()), Paragraph("B.", ())))
    for nothing in (one, Corpus(()), contexts, corpus(("A.", "?"), ("B.", "!"))):
        with pytest.raises(PolyspanError, match=r"(?s)no question can be asked.*make mix"):
            unanswerable(nothing)


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".parquet"])
def test_written_and_read_again(tmp_path, suffix):
    made = unanswerable(ps.read("mini:ko/test"), 0.4)
    path = tmp_path / f"ko{suffix}"
    made.write(path)
    assert ps.read(path).fingerprint() == made.corpus.fingerprint()
    assert ps.check(path, language="ko").ok
    if suffix == ".json":
        asked = [q for a in json.loads(path.read_text())["data"] for p in a["paragraphs"] for q in p["qas"]]
        assert sum(q.get("is_impossible", False) and q["answers"] == [] for q in asked) == made.counts["added"]


def test_an_answer_that_is_not_at_its_place_is_the_fault_of_the_source():
    wrong = Paragraph("Built in 1840.", (Question("q", "When?", (Answer("1840", -1),)),))
    data = Corpus((wrong, Paragraph("It is old.", ())), "tiny", "en")
    for make in (unanswerable, lambda data: ps.make.sample(data, 5)):
        with pytest.raises(PolyspanError, match=r"(?s)not at its place.*question q, .*check with --fix"):
            make(data)


def test_examples_are_those_added():
    made = unanswerable(ps.read("mini:en/test"), 0.1)
    for example in made.examples(3):
        assert example["before"]["answer"]
        assert example["before"]["question"] == example["after"]["question"]
        assert example["after"]["answer"] == ""
        assert len(example["after"]["sentence"]) > 300  # all that could have answered it


def test_squad_v1_becomes_v2_and_others_stay():
    assert [unanswerable(ps.read(f"mini:{x}/test")).corpus.metric for x in ("en", "ko")] == [
        "squad.v2",
        "korquad.v1",
    ]


def test_terms_of_any_script():
    assert terms("The Mill, 1840!") == ["the", "mill", "1840"]
    assert terms("約翰·史密 x") == ["約翰", "史密", "x"]
    assert terms("덴버는 A") == ["덴버", "버는", "a"]
    assert terms("") == terms("…") == []


def test_likeness_prefers_rare_words():
    texts = Likeness(["the old mill", "the old inn", "the old sea", "the sea"])
    scores = texts.scores("the mill")
    assert scores.argmax() == 0
    assert scores[3] > scores[1] > 0  # shorter
    assert not texts.scores("of nothing").any()
    assert texts.weight("unheard") > texts.weight("mill") > texts.weight("the") > 0
