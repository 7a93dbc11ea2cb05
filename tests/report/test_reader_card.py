"""The card of the package's Reader: every number is the run's or the folder's."""

import json

import pytest

from polyspan.errors import PolyspanError
from polyspan.report.reader_card import write_card

TRAINING = {
    "name": "reader",
    "model": "bundled:e5-small",
    "data": [
        {"name": "English", "language": "en", "questions": 1000},
        {"name": "Traditional", "language": "zh-Hant", "questions": 30},
        {"name": "Simplified", "language": "zh-Hans", "questions": 4},
        {"name": "mixed", "questions": 7},
    ],
    "steps": 1234,
    "seconds": 600.0,
}
ROW = {"train": "reader", "seed": 42, "baseline_f1": None, "untrained_f1": None, "exact_match": 50.0}
MATRIX = [
    ROW | {"test": "squad-dev", "language": "en", "metric": "squad.v1", "n": 500, "f1": 76.54},
    ROW | {"test": "es on en", "language": "en", "metric": "squad.v1", "n": 100, "f1": 60.0},
    ROW | {"test": "ko", "language": "ko", "metric": "korquad.v1", "n": 500, "f1": None},
]
FIT = {"n": 300, "unanswerable": 100}
CALIBRATION = {"languages": {"en": FIT, "zh": FIT}, "ece_before": 0.2, "ece_after": 0.013}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "difference.safetensors").write_bytes(bytes(7_540_000))
    (tmp_path / "reader.json").write_text(json.dumps({"max_length": 256}))
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 12, "hidden_size": 384}))
    record = {"matrix": MATRIX, "timing": {}, "versions": {}, "machine": {"cores": "2"}, "training": [TRAINING]}
    (tmp_path / "report.json").write_text(json.dumps(record))
    return tmp_path


def test_it_says_what_the_run_and_the_folder_say(folder):
    assert write_card(folder, folder / "report.json") == folder / "README.md"
    text = (folder / "README.md").read_text("utf-8")
    for told in (
        "language: [en, zh]",
        "difference in four bits a weight: 7.5 MB",
        "12 layers, 384 numbers a piece",
        "windows of 256 pieces",
        "| English | 1,000 |\n| Chinese | 34 |\n",
        "1,041 questions of 4 corpora, in 1,234 steps and 10 minutes on 2 cores",
        "(CC BY-SA 4.0);\nCMRC 2018",
        "| squad-dev | English | 1,000 | 500 | 50.0 ± 4.4 | 76.5 ± 3.7 |\n",
        "| es on en | English | 1,000 | 100 | 50.0 ± 9.6 | 60.0 ± 9.4 |\n",
        "| ko | Korean | 0 | 500 | 50.0 ± 4.4 | – |\n",
    ):
        assert told in text, told
    assert "How sure it is" not in text
    (folder / "calibration.json").write_text(json.dumps(CALIBRATION))
    write_card(folder, folder / "report.json")
    asked = "(300 questions, 100 without an answer), "
    told = f"Calibrated on English {asked}Chinese {asked}of"
    text = (folder / "README.md").read_text("utf-8")
    assert told in text
    assert "is 0.013 (0.200 before)" in text


def test_a_report_without_a_training_is_refused(folder):
    (folder / "report.json").write_text(json.dumps({"matrix": [], "timing": {}, "versions": {}}))
    with pytest.raises(PolyspanError, match="the report tells of no training"):
        write_card(folder, folder / "report.json")
