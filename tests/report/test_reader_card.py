"""The card of the package's Reader: every number is the run's or the folder's."""

import json

import pytest

from polyspan.errors import PolyspanError
from polyspan.model.card.readme import read_card
from polyspan.report.reader_card import write_reader_card

TRAINING = {
    "name": "reader",
    "model": "bundled:e5-small",
    "data": [
        {"name": "make:apart(squad:train, against=xquad:en)", "language": "en", "questions": 1000},
        {"name": "make:sample(cmrc-train, size=30)", "language": "zh-Hans", "questions": 30},
        {"name": "make:codeswitch(drcd:test, target=en)", "language": "zh-Hant", "questions": 4},
    ],
    "seed": 42,
}
ROW = {"train": "reader", "seed": 42, "baseline_f1": None, "untrained_f1": None, "exact_match": 50.0}
MATRIX = [
    ROW | {"test": "squad-dev", "language": "en", "metric": "squad.v1", "n": 500, "f1": 76.54},
    ROW | {"test": "es on en", "language": "en", "metric": "squad.v1", "n": 100, "f1": 60.0},
    ROW | {"test": "ko", "language": "ko", "metric": "korquad.v1", "n": 500, "f1": None},
]
SOURCES = [
    {"name": "squad", "used": ["squad-dev"]},
    {"name": "xquad", "used": ["es on en"]},
    {"name": "cmrc-train.json", "licence": "not known", "used": ["make:sample(cmrc-train, size=30)"]},
]


@pytest.fixture
def folder(tmp_path):
    record = {"matrix": MATRIX, "timing": {}, "versions": {}, "training": [TRAINING], "sources": SOURCES}
    record["command"] = "polyspan run public/reader --out somewhere"
    (tmp_path / "report.json").write_text(json.dumps(record))
    return tmp_path


def test_it_says_what_the_run_says(folder):
    assert write_reader_card(folder, folder / "report.json") == folder / "README.md"
    card = read_card(folder)
    assert (card.name, card.own_licence, card.command) == (
        "bundled:reader",
        "cc-by-sa-4.0",
        "polyspan run public/reader",
    )
    assert card.sources == {
        "bundled:e5-small": "MIT",
        "squad": "CC BY-SA 4.0",
        "cmrc2018": "CC BY-SA 4.0",
        "drcd": "CC BY-SA 3.0",
        "MUSE's word lists": "CC BY-NC 4.0",
    }
    assert [(one.data, one.of, one.f1) for one in card.results] == [
        ("squad-dev", "squad", 76.54), ("es on en", "xquad", 60.0), ("ko", "", None)]  # fmt: skip
    text = (folder / "README.md").read_text("utf-8")
    assert "type: google/xquad" in text
    assert "| squad-dev | English | 1,000 | squad.v1 | 500 | 50.0 ± 4.4 | 76.5 ± 3.7 |\n" in text
    assert "| ko | Korean | 0 | korquad.v1 | 500 | 50.0 ± 4.4 | – |\n" in text
    assert "that of MUSE's word lists, CC BY-NC 4.0, forbids commercial use" in text


def test_a_report_without_a_training_is_refused(folder):
    (folder / "report.json").write_text(json.dumps({"matrix": [], "timing": {}, "versions": {}}))
    with pytest.raises(PolyspanError, match="the report tells of no training"):
        write_reader_card(folder, folder / "report.json")


def test_the_card_in_the_package_is_one_that_can_be_read():
    from polyspan.model.encoders.model_name import model_folder

    card = read_card(model_folder("bundled:reader"))
    assert card.name == "bundled:reader"
    assert len(card.languages) > 1
    assert card.results
