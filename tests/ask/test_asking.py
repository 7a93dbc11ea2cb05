"""Questions put to documents: the best span of all passages, its place in the file, and no answer."""

import json

import numpy as np
import pytest

from polyspan.ask.asking import ask
from polyspan.ask.documents.document import Document
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.model.answers import AnswerOptions, Candidate
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions
from polyspan.prediction import Predictions

MILL = "The mill was built in 1840.\n\nIt is a museum now."
TANK = "# Tank\n\nThe tank holds 2.4 litres."


@pytest.fixture(autouse=True)
def alike(monkeypatch):
    """All sentences are as like a question: the bundled encoder would take seconds."""
    monkeypatch.setattr("polyspan.ask.ranking.embeddings.embed", lambda texts, *rest: np.ones((len(texts), 1)))


@pytest.fixture
def answers(monkeypatch, tiny):
    """Put words in the place of a Reader's answers: {word: (probability, whether it is given)}.

    A passage has a span for each word in it, and "" for the rest; it gives "" where a word says so.
    """

    def put(words):
        def predict(reader, corpus, options):
            found = {}
            for paragraph, question in corpus.questions():
                context = paragraph.context
                here = [(word, *about) for word, about in words.items() if word in context]
                here.sort(key=lambda one: -one[1])
                rest = max(0.0, 1 - sum(one[1] for one in here))
                null = Candidate("", 0, 0, 0.0, rest, 0.0, True)
                spans = [
                    Candidate(word, context.index(word), context.index(word) + len(word), p, p, 0.0, True)
                    for word, p, _ in here
                ]
                given = bool(here) and here[0][2]
                found[question.id] = [*spans, null] if given else [null, *spans]
            return Predictions({}, found)

        monkeypatch.setattr("polyspan.prediction.predict", predict)

    put({})
    put.reader = Reader.load(tiny, WindowOptions(128, 32))
    return put


@pytest.fixture
def asked(answers):
    def call(question="when", documents=(Document("mill", MILL), Document("tank", TANK)), **options):
        return ask(question, documents, reader=answers.reader, **options)

    return call


def test_the_best_span_of_all_passages_is_the_answer(answers, asked):
    answers({"1840": (0.6, True), "2.4 litres": (0.9, True), "museum": (0.2, True)})
    (reply,) = asked(top=9)
    assert (reply.text, reply.answer.file, reply.answer.line) == ("2.4 litres", "tank", 3)
    assert TANK[reply.answer.start : reply.answer.end] == reply.text
    assert [one.text for one in reply.alternatives] == ["1840", "museum"]
    assert reply.answer.shown.text == "The tank holds 2.4 litres."
    assert asked(top=2)[0].alternatives == reply.alternatives[:1]
    assert asked()[0].alternatives == ()


def test_of_passages_that_were_ranked_the_first_ones_are_trusted_more(answers, asked):
    """The heading of one document has the question's word; the other's odds are better, but not by that much."""
    answers({"1840": (0.8, True), "2.4 litres": (0.7, True)})
    assert asked("tank")[0].text == "1840"
    assert asked("tank", passages=0)[0].text == "1840"
    texts = [Document("mill", MILL), Document("tank", TANK), *(Document(str(n), f"Page {n}.") for n in range(9))]
    assert asked("tank", texts)[0].text == "1840"
    assert asked("tank", texts, passages=2)[0].text == "2.4 litres"


def test_without_a_calibration_there_is_always_an_answer_as_of_predict(tiny, monkeypatch):
    """Also where the evidence for none is the better one: no limit was fitted for it."""
    reader = Reader.load(tiny, WindowOptions(128, 32))
    assert reader.calibration is None
    monkeypatch.setattr("polyspan.model.answers.null_odds", lambda found: np.full(len(found.null), 9.0))
    text = "The mill was built in 1840."
    answer = reader.answer("when", text, AnswerOptions(align_to_words=True))
    (reply,) = ask("when", [Document("mill", text)], reader=reader)
    assert answer.text == reply.text != ""
    assert answer.null_odds == 9.0


@pytest.mark.parametrize("question", ["𐎀𐎁 𐎂𐎃?", "?!"])
def test_a_question_without_a_letter_that_the_model_knows_has_no_answer(answers, asked, question):
    answers({"1840": (0.9, True)})
    with pytest.warns(PolyspanWarning, match="knows no letter of the question"):
        assert asked(question)[0].text == ""
    assert asked("when?")[0].text == "1840"


def test_there_is_no_answer_where_the_best_passage_has_none(answers, asked):
    answers({"1840": (0.6, False), "2.4 litres": (0.3, True)})
    (reply,) = asked(top=2)
    assert (reply.text, reply.answer.file, reply.answer.start, reply.answer.end) == ("", None, 0, 0)
    assert reply.answer.probability == pytest.approx(0.4)
    assert [one.text for one in reply.alternatives] == ["1840"]
    assert asked(always=True)[0].text == "1840"


def test_without_any_span_there_is_no_answer_for_certain(asked):
    for always in (False, True):
        (reply,) = asked(always=always)
        assert (reply.text, reply.answer.probability) == ("", 1.0)


def test_alternatives_do_not_overlap(answers, asked):
    answers({"1840": (0.6, True), "in 1840": (0.5, True), "museum": (0.1, True)})
    assert [one.text for one in asked(top=9)[0].alternatives] == ["museum"]


def test_a_span_over_the_end_of_a_paragraph_is_none(answers, asked):
    answers({"1840.\n\nIt": (0.6, True), "museum": (0.2, True)})
    assert asked()[0].text == "museum"


def test_each_question_has_a_reply(answers, asked):
    answers({"1840": (0.6, True)})
    replies = asked(["when", "who", "when"])
    assert [(one.question, one.text) for one in replies] == [("when", "1840"), ("who", "1840"), ("when", "1840")]


def test_json_has_the_place_and_the_sentence(answers, asked):
    answers({"1840": (0.6, True), "museum": (0.2, True)})
    value = json.loads(json.dumps(asked(top=2)[0].as_json()))
    alternative = value["alternatives"].pop()
    assert value == {
        "question": "when", "text": "1840", "file": "mill", "start": 22, "end": 26, "line": 1, "counted": "file",
        "part": None, "encoding": "utf-8", "probability": 0.6, "calibrated": True,
        "sentence": "The mill was built in 1840.", "alternatives": [],
    }  # fmt: skip
    assert (alternative["text"], alternative["line"]) == ("museum", 3)


def test_a_question_that_the_model_cannot_read_has_no_answer(answers, asked):
    answers({"1840": (0.6, True)})
    with pytest.warns(PolyspanWarning, match="no letter of the question"):
        assert asked("ᚠᚢᚦ")[0].text == ""


@pytest.mark.parametrize(
    ("questions", "told"), [("", "empty"), (" \n", "empty"), ([], "no question"), ("\ud83d", "no text")]
)
def test_what_is_no_question(asked, questions, told):
    with pytest.raises(UsageError, match=told):
        asked(questions)


@pytest.mark.parametrize("options", [{"top": 0}, {"passages": -1}])
def test_impossible_numbers(asked, options):
    with pytest.raises(UsageError, match="at least"):
        asked(**options)


def test_a_reader_that_is_named_may_have_another_language_s_adapter(answers, asked, monkeypatch):
    answers({"1840": (0.6, True)})
    loaded = []
    monkeypatch.setattr(Reader, "load", lambda *name, **options: loaded.append((name, options)) or answers.reader)
    with pytest.warns(PolyspanWarning, match="mine was never trained"):
        ask("when", Document("mill", MILL), reader="mine", language_adapter="korean")
    assert loaded == [(("mine",), {"language_adapter": "korean"})]
    with pytest.raises(UsageError, match="language's adapter"):
        asked(language_adapter="korean")


def test_a_real_reader_answers_from_real_files(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Reader.load(tiny, WindowOptions(128, 32)).save(tmp_path)
    texts = {"a.txt": "the cup was won by leeds in 1920.\r\n" * 3, "b.md": "# the cup\n\n我在東京。 won by hull"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8", newline="")
    files = ["a.txt", "b.md", "none.txt"]
    with pytest.warns(PolyspanWarning) as told:
        replies = ask(["who won the cup", "where"], files, reader=tmp_path, top=3, always=True)
    assert ["none.txt" in str(one.message) for one in told] == [True, False]
    assert "not calibrated" in str(told[1].message)
    for reply in replies:
        for one in (reply.answer, *reply.alternatives):
            assert one.text
            assert texts[one.file][one.start : one.end] == one.text
            assert 0 <= one.probability <= 1
            assert one.shown.text[one.shown.start : one.shown.end] == " ".join(one.text.split())
    with pytest.raises(PolyspanError, match="no such file"):
        ask("who", "none.txt", reader=tmp_path)
