"""The transfer matrix on a tiny encoder: contract of report.json, and going on after a stop."""

import json
import shutil
from dataclasses import asdict, replace

import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.transfer_matrix import transfer_matrix
from polyspan.lab.work.loaded import _loaded
from polyspan.model.reader import Reader
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
    assert [(row["train"], row["test"]) for row in report["matrix"]] == [("one", "one-test"), ("one", "two-test")]
    assert {"matrix", "timing", "versions", "training", "tests", "examples", "machine", "command"} <= set(report)
    assert report["command"] == "polyspan …"
    for example in report["examples"]:
        start, end = example["predicted"]
        assert 0 <= start <= end <= len(example["context"])


def test_the_reader_is_on_the_disk_once(make, tmp_path):
    """It stands under `readers/` by the name that it was given, and in the store."""
    report = make()
    folder = tmp_path / "run" / report["training"][0]["folder"]
    assert folder == tmp_path / "run" / "readers" / "one"
    assert Reader.load(folder).options == SETTINGS.windows
    weights = (folder / "model.safetensors").stat()
    assert weights.st_nlink == 2
    assert [path.stat().st_ino for path in tmp_path.glob("run/store/stages/*/reader/model.safetensors")] == [
        weights.st_ino
    ]


def test_each_model_is_loaded_once(make, monkeypatch):
    """Two tests are asked in turns: the Reader that was trained, and its encoder with a fresh head."""
    loaded, load = [], Reader.load

    def recorded(name, *rest, **how):
        loaded.append(str(name))
        return load(name, *rest, **how)

    monkeypatch.setattr(Reader, "load", recorded)
    report = make()
    asked = [name for name in loaded if "partial" not in name]
    assert len(report["matrix"]) == 2
    assert len(asked) == len(set(asked)) + 1  # the training starts from the encoder too
    assert _loaded == {}


def test_the_settings_are_those_given(make, tmp_path):
    make(limit=4)
    run = json.loads((tmp_path / "run" / "readers" / "one" / "run.json").read_text("utf-8"))
    assert run["settings"] == json.loads(json.dumps(asdict(SETTINGS)))
    assert (run["seed"], run["limit"]) == (42, 4)


def test_a_second_run_takes_what_the_first_left(make, tmp_path):
    """Only one test was not answered: the reader is not trained again, the others not answered again."""
    first = make()
    folder = tmp_path / "run"
    stages = {path: json.loads(path.read_text("utf-8")) for path in folder.glob("store/stages/*/stage.json")}
    lost = next(
        path.parent for path, stage in stages.items() if stage["name"] == "predict one on two-test, seed 42"
    )
    shutil.rmtree(lost)
    shutil.rmtree(folder / "readers")
    second = make()
    assert second["matrix"] == first["matrix"]
    made = {path for path, stage in stages.items() if json.loads(path.read_text("utf-8")) != stage}
    assert made == {lost / "stage.json"}
    assert Reader.load(folder / "readers" / "one")


def test_predictions_are_files_that_score_reads(make, corpus, tmp_path):
    report = make()
    names = [cell["runs"][0]["predictions"] for cell in report["tables"]["transfer"]["cells"]]
    predictions = read_predictions(tmp_path / "run" / names[0])
    assert names[0].startswith("predictions/")
    assert score(corpus, predictions, "squad.v1").f1 == pytest.approx(report["matrix"][0]["f1"], abs=1e-3)


def test_other_questions_are_answered_anew(make):
    assert [row["n"] for row in make()["matrix"]] == [5, 5]
    assert [row["n"] for row in make(test_limit=3)["matrix"]] == [3, 3]


def test_two_tests_of_one_name_are_refused(tiny, corpus, tmp_path):
    for name in ("tiny", "tin/y"):
        other = replace(corpus, name="tin-y" if "/" in name else name)
        with pytest.raises(UsageError, match="one name"):
            transfer_matrix(
                {"one": [corpus]}, [replace(corpus, name=name), other], tiny, tmp_path / "run", SETTINGS
            )


def test_a_folder_that_is_no_run_s_is_left_alone(tiny, corpus, tmp_path):
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(PolyspanError, match="is taken"):
        transfer_matrix({"one": [corpus]}, [corpus], tiny, tmp_path, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_another_encoder_is_not_given_the_first_one_s_answers(tiny, corpus, tmp_path):
    """Even where the two runs are in one folder, and all else is the same."""
    other = shutil.copytree(tiny, tmp_path / "other")
    first, second = (
        transfer_matrix({"one": [corpus]}, [corpus], str(model), tmp_path / "run", SETTINGS)
        for model in (tiny, other)
    )
    keys = [report["tables"]["transfer"]["cells"][0]["runs"][0]["key"] for report in (first, second)]
    assert keys[0] != keys[1]
