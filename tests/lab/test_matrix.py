"""The transfer matrix on a tiny encoder: contract of report.json, and going on after a stop."""

import json
from dataclasses import replace

import pytest

from polyspan.errors import UsageError
from polyspan.lab.matrix import transfer_matrix
from polyspan.model.windows.windows import WindowOptions
from polyspan.score import read_predictions, score
from polyspan.training.settings import TrainSettings

SETTINGS = TrainSettings(
    learning_rate=1e-3, batch_size=4, epochs=2, windows=WindowOptions(max_length=64, stride=16)
)


@pytest.fixture
def make(tiny, corpus, tmp_path):
    tests = [
        replace(corpus, name="one:test"),
        replace(corpus, name="two:test", language="zh-Hant", metric="drcd.v1"),
    ]

    def call(**changes):
        return transfer_matrix({"one": [corpus]}, tests, tiny, tmp_path / "run", SETTINGS, **changes)

    return call


def test_report_json_has_what_the_contract_says(make, tmp_path):
    report = make(command="polyspan …")
    assert json.loads((tmp_path / "run" / "report.json").read_text("utf-8")) == report
    keys = {"train", "test", "language", "metric", "seed", "n", "exact_match", "f1", "baseline_f1", "untrained_f1"}
    assert [set(row) for row in report["matrix"]] == [keys, keys]
    assert [row["metric"] for row in report["matrix"]] == ["squad.v1", "drcd.v1"]
    assert {"matrix", "timing", "versions", "training", "tests", "examples", "machine", "command"} == set(report)
    for example in report["examples"]:
        start, end = example["predicted"]
        assert 0 <= start <= end <= len(example["context"])


def test_a_second_run_takes_what_the_first_left(make, tmp_path):
    """Only one prediction is missing: the reader is not trained again, the others not answered again."""
    first = make()
    folder = tmp_path / "run"
    weights = (folder / "readers" / "one" / "model.safetensors").stat().st_mtime_ns
    kept = (folder / "predictions" / "one--one-test.json").stat().st_mtime_ns
    (folder / "predictions" / "one--two-test.json").unlink()
    second = make()
    assert second["matrix"] == first["matrix"]
    assert (folder / "readers" / "one" / "model.safetensors").stat().st_mtime_ns == weights
    assert (folder / "predictions" / "one--one-test.json").stat().st_mtime_ns == kept


def test_predictions_are_files_that_score_reads(make, corpus, tmp_path):
    report = make()
    predictions = read_predictions(tmp_path / "run" / "predictions" / "one--one-test.json")
    assert score(corpus, predictions, "squad.v1").f1 == pytest.approx(report["matrix"][0]["f1"], abs=1e-3)


def test_other_questions_are_answered_anew(make):
    assert [row["n"] for row in make()["matrix"]] == [5, 5]
    assert [row["n"] for row in make(test_limit=3)["matrix"]] == [3, 3]


def test_two_tests_of_one_name_are_refused(tiny, corpus, tmp_path):
    with pytest.raises(UsageError, match="one name"):
        transfer_matrix({"one": [corpus]}, [corpus, corpus], tiny, tmp_path / "run", SETTINGS)


def test_another_encoder_is_not_given_the_first_one_s_answers(tiny, corpus, tmp_path):
    """The same folder without its readers, and another encoder: nothing kept is used."""
    import shutil

    other = str(shutil.copytree(tiny, tmp_path / "other"))
    for model in (tiny, other):
        shutil.rmtree(tmp_path / "run" / "readers", ignore_errors=True)
        transfer_matrix({"one": [corpus]}, [corpus], model, tmp_path / "run", SETTINGS)
        paths = (tmp_path / "run" / "spans").glob("*.json")
        keys = {path.name: json.loads(path.read_text("utf-8"))["key"] for path in paths}
        if model == tiny:
            first = keys
    assert all(first[name] != keys[name] for name in keys)
