"""Calibrating a Reader: the file, what answering makes of it, and what it refuses."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import polyspan.model.calibrate as calibrating
from polyspan.cli import terminal
from polyspan.cli.calibrate import _print
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.model.answers import AnswerOptions
from polyspan.model.calibrate import calibrate
from polyspan.model.calibration import CALIBRATION_FILE, Calibration, FittedOn, LanguageFit
from polyspan.model.evidence import evidence
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions
from polyspan.prediction import predict
from polyspan.stats.calibration import Fitted

SMALL = WindowOptions(max_length=32, stride=8)


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A Reader's folder: of random weights, but not a fresh head."""
    where = tmp_path_factory.mktemp("reader")
    Reader.load(tiny, SMALL, seed=3).save(where)
    return where


@pytest.fixture
def reader(folder):
    return Reader.load(folder, calibrated=False)


def dev(language="en", answerable=24, unanswerable=16, **changes) -> Corpus:
    """Contexts of their own for every question; the answer is the second word."""
    paragraphs = []
    for at in range(answerable + unanswerable):
        context = f"the {['cup', 'hull', 'leeds'][at % 3]} was won in {1900 + at} by {'abcdefg'[at % 7]} "
        context *= 1 + at % 2
        none = at >= answerable
        answers = () if none else (Answer(context.split()[1], 4),)
        paragraphs.append(Paragraph(context, (Question(f"q{at}", "who won it", answers, none),)))
    return Corpus(tuple(paragraphs), f"dev-{language}", language, **changes)


def wanted(temperature=2.0, threshold=0.5, measure="null_odds", languages=("en",), bias=0.0) -> Calibration:
    fits = {code: LanguageFit(temperature, 1.0, bias, threshold, 40, 20, 30, 0.2, 0.1) for code in languages}
    data = (FittedOn("dev", "00", 40, 20, "en"),)
    goal = "f1" if measure == "null_odds" else "accuracy 0.8"
    return Calibration(temperature, 1.0, bias, threshold, measure, goal, fits, data, 0.2, 0.1)


def test_fitted_twice_is_the_same_file(folder):
    sets = [dev(), dev("ko", 12, 14)]
    found = calibrate(folder, sets)
    first = (folder / CALIBRATION_FILE).read_bytes()
    assert calibrate(folder, sets) == found == Calibration.load(folder)
    assert (folder / CALIBRATION_FILE).read_bytes() == first
    assert list(json.loads(first)) == [
        *(
            "temperature",
            "null_scale",
            "null_bias",
            "threshold",
            "measure",
            "goal",
            "languages",
            "data",
            "ece_before",
            "ece_after",
        )
    ]
    assert list(found.languages) == ["en", "ko"]
    assert [(one.name, one.n, one.unanswerable, one.language) for one in found.data] == [
        ("dev-en", 40, 16, "en"),
        ("dev-ko", 26, 14, "ko"),
    ]
    assert found.data[0].sha256 == dev().fingerprint()
    assert Reader.load(folder).calibration == found
    (folder / CALIBRATION_FILE).unlink()


@pytest.mark.parametrize("goal", [{}, {"coverage": 0.5}])
def test_the_reader_answers_as_it_was_fitted(reader, goal):
    """Answers and probabilities are those that the threshold was chosen by."""
    corpus = dev()
    seen = evidence(reader, corpus)
    found = calibrate(reader, [corpus], **goal)
    assert reader.calibration == found
    fitted = found.of("en")
    best, null = fitted.probabilities(seen)
    given = predict(reader, corpus)
    answered = np.array([text != "" for text in given.texts.values()])
    if fitted.threshold is None:
        assert answered.all()
    elif fitted.measure == "null_odds":
        assert answered.tolist() == (seen.null_odds <= fitted.threshold).tolist()
    else:
        assert answered.tolist() == (best >= fitted.threshold).tolist()
        assert answered.sum() == 20
    p = [some[0].probability for some in given.candidates.values()]
    np.testing.assert_allclose(p, np.where(answered, best, null), rtol=1e-4)
    assert fitted.null_bias
    assert all(one.calibrated for some in given.candidates.values() for one in some)


def test_an_accuracy_that_nothing_holds_is_refused(reader):
    with pytest.raises(PolyspanError, match=r"no threshold holds an accuracy of 1") as error:
        calibrate(reader, [dev()], accuracy=1.0)  # of random weights
    assert error.value.where == "language en"
    assert reader.calibration is None


def test_a_temperature_changes_probabilities_and_no_answer(reader):
    corpus = dev()
    plain = predict(reader, corpus, AnswerOptions(n_best=5))
    reader.calibration = wanted(1.0, None)
    same = predict(reader, corpus, AnswerOptions(n_best=5))
    assert same.texts == plain.texts
    for some, others in zip(same.candidates.values(), plain.candidates.values(), strict=True):
        assert [replace(one, calibrated=False, probability=0) for one in some] == [
            replace(one, probability=0) for one in others
        ]
        assert [one.probability for one in some] == pytest.approx([one.probability for one in others], rel=1e-9)
    reader.calibration = wanted(4.0, None)
    cooled = predict(reader, corpus, AnswerOptions(n_best=5))
    assert cooled.texts == plain.texts
    for some, others in zip(cooled.candidates.values(), plain.candidates.values(), strict=True):
        spans = [[(one.start, one.end, one.score) for one in both] for both in (some, others)]
        assert spans[0] == spans[1]
    assert cooled.candidates["q0"][0].probability < plain.candidates["q0"][0].probability


def test_what_is_asked_for_goes_before_what_was_fitted(reader):
    reader.calibration = wanted(2.0, -1e9)  # nothing is ever answered
    question, context = "who won it", "the cup was won by hull"
    assert reader.answer(question, context).text == ""
    assert reader.answer(question, context, AnswerOptions(null_threshold=float("inf"))).text
    assert reader.answer(question, context, AnswerOptions(min_probability=0.0)).text
    own = AnswerOptions(temperature=1.0)
    found = reader.answers(question, context, own)[1]
    assert not found.calibrated
    reader.calibration = None
    assert replace(found) == reader.answers(question, context, own)[0]


def test_each_language_has_its_own_and_others_the_pooled_one():
    found = replace(wanted(2.0, 0.5), languages={"zh": LanguageFit(4.0, 1.0, 0.5, None, 9, 0, 9, 0.0, 0.0)})
    assert found.of("zh-Hant") == Fitted(4.0, 1.0, 0.5, None)
    assert found.of("ko") == found.of(None) == Fitted(2.0, 1.0, 0.0, 0.5)
    assert found.knows("zh-Hant")
    assert found.knows(None)
    assert not found.knows("ko")


def test_pooled_is_one_for_all(reader):
    found = calibrate(reader, [dev(), dev("ko", 12, 14)], pooled=True)
    assert found.of("en") == found.of("ko") == found.of("fr")
    assert found.languages["ko"].n == 26


def test_a_language_that_was_not_fitted_is_warned_of_once(reader, monkeypatch):
    monkeypatch.setattr("polyspan.model.calibration._warned", set())  # by other tests of this process
    reader.calibration = wanted()
    corpus = replace(dev("fr"), name="other")
    with pytest.warns(PolyspanWarning, match="calibrated on en; fr is asked"):
        predict(reader, corpus)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict(reader, corpus)
        predict(reader, dev())
        reader.answer("who won it", "the cup was won by hull")


def test_a_reader_keeps_its_calibration(reader, tmp_path):
    reader.calibration = wanted()
    reader.save(tmp_path)
    assert Reader.load(tmp_path).calibration == wanted()
    assert Reader.load(tmp_path, calibrated=False).calibration is None
    reader.calibration = None
    reader.save(tmp_path)
    assert Reader.load(tmp_path).calibration is None


def test_without_unanswerable_questions_there_is_no_threshold(reader):
    found = calibrate(reader, [dev(unanswerable=0)])
    assert found.threshold is found.languages["en"].threshold is None
    assert len(found.remarks) == 1
    assert "make:unanswerable" in found.remarks[0]


@pytest.mark.parametrize(
    ("answerable", "unanswerable", "said"),
    [(24, 1, "1 unanswerable question"), (3, 20, "3 answerable questions"), (24, 9, "9 unanswerable questions")],
)
def test_a_threshold_on_few_questions_is_said_to_be(reader, answerable, unanswerable, said):
    found = calibrate(reader, [dev(answerable=answerable, unanswerable=unanswerable)])
    assert found.remarks == [f"en: the threshold rests on {said}"]


def test_few_questions_are_few_for_a_coverage_too(reader):
    assert calibrate(reader, [dev(answerable=5, unanswerable=0)], coverage=0.5).remarks == [
        "en: the threshold rests on 5 questions"
    ]


def test_all_unanswerable_is_refused_but_beside_others(reader):
    with pytest.raises(PolyspanError, match="all questions are unanswerable"):
        calibrate(reader, [dev(), dev("ko", 0)])
    assert calibrate(reader, [dev(), dev("ko", 0)], pooled=True).languages["ko"].unanswerable == 16
    negatives = replace(dev(answerable=0), name="negatives")
    assert calibrate(reader, [dev(unanswerable=0), negatives]).languages["en"].unanswerable == 16


@pytest.mark.parametrize(
    ("corpora", "said"),
    [
        ([], "at least one corpus"),
        ([dev(answerable=0, unanswerable=0)], "has no questions"),
        ([dev(None)], "the language of dev-None is not known"),
        ([dev(), replace(dev(), name="again")], "given twice"),
        ([dev("ja", metric="squad.v1")], r"the metric squad\.v1 cannot judge dev-ja"),
        ([dev(metric="mlqa.v2")], "unknown metric"),
    ],
)
def test_data_that_cannot_be_used_are_refused_before_the_reader_is_loaded(corpora, said, monkeypatch):
    monkeypatch.setattr(calibrating, "Reader", None)
    with pytest.raises(PolyspanError, match=said):
        calibrate("bundled:e5-small", corpora)


def test_a_reader_without_training_or_folder_is_refused(tiny):
    with pytest.raises(PolyspanError, match="never trained to answer"):
        calibrate(Reader.load(tiny, SMALL), [dev()])
    for name in ("bundled:e5-small", "someone/reader"):
        with pytest.raises(UsageError, match="has no folder here") as error:
            calibrate(name, [dev()])
        assert "save(FOLDER)" in error.value.fix
    with pytest.raises(UsageError, match="exclude each other"):
        calibrate(tiny, [dev()], accuracy=0.5, coverage=0.5)
    with pytest.raises(UsageError, match="impossible accuracy"):
        calibrate(tiny, [dev()], accuracy=80)


TEXT = json.dumps(wanted().as_json())


@pytest.mark.parametrize(
    "content",
    [
        *(
            "",
            "[]",
            "{}",
            TEXT[:40],
            TEXT.replace("2.0", "0"),
            TEXT.replace("2.0", '"2"'),
            TEXT.replace("2.0", "NaN"),
        ),
        *(TEXT.replace('"goal"', '"aim"'), TEXT.replace("null_odds", "odds"), TEXT.replace('"n": 40', '"n": 0.5')),
    ],
)
def test_a_broken_file_is_one_clear_message(folder, content):
    path = folder / CALIBRATION_FILE
    path.write_text(content, "utf-8")
    try:
        with pytest.raises(PolyspanError, match="calibration cannot be read") as error:
            Reader.load(folder)
        assert str(path) in error.value.where
        assert "--uncalibrated" in error.value.fix
        assert not error.value.found.startswith("b'")
        assert Reader.load(folder, calibrated=False).calibration is None
    finally:
        path.unlink()


def test_predict_uses_the_calibration_unless_told_otherwise(folder, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(dev("it"), "dev.json")
    asked = ("--model", folder, "--data", "dev.json", "--language", "it", "--out", "a.json", "--nbest", "n.json")
    code, _, err = run("predict", *asked)
    assert code == 0, err
    assert "is not calibrated" in err
    try:
        wanted(threshold=-1e9).save(folder)
        code, out, err = run("predict", *asked, "--json")
        assert code == 0, err
        assert "polyspan: calibrated on en; it is asked" in err
        assert json.loads(out)["unanswered"] == 40
        assert json.loads(out)["calibrated"]
        assert "40 of 40 questions are answered by ''" in run("predict", *asked)[2]
        code, out, err = run("predict", *asked, "--json", "--uncalibrated")
        assert json.loads(out)["unanswered"] == 0
        assert "calibrated" not in err
    finally:
        (folder / CALIBRATION_FILE).unlink()


def test_the_table_fits_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "console", Console(width=80, highlight=False))
    found = wanted(11.313708, -1234.5678, languages=("en", "ko"), bias=-123.456)
    size = {code: replace(one, n=1_234_567, unanswerable=654_321) for code, one in found.languages.items()}
    _print(replace(found, languages=size), "reader")
    header, _, *rows, _, _, _, _ = capsys.readouterr().out.strip("\n").split("\n")[1:]
    assert " ".join(header.split()) == "language n no answer T scale bias threshold ECE after"
    assert [row.split()[0] for row in rows] == ["en", "ko", "all"]
