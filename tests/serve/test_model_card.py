"""What a server tells of its model: a bundled one, a folder's, and one that says nothing of itself."""

import hashlib
import json

import pytest

from polyspan.model.encoders import model_name
from polyspan.model.encoders.model_name import BUNDLED, BUNDLED_READER, DIFFERENCE, SHA256
from polyspan.serve.model_card import model_card

CARD = """---
language: [en, zh-Hant]
model-index:
- name: reader
  results:
  - task: &task {type: question-answering}
    dataset: {name: mini, type: mini}
    metrics: [{type: f1, value: 61.5}]
  - task: *task
    dataset: {name: xquad, type: xquad}
    metrics: [{type: f1, value: 40}]
---
# Reader
"""


def _folder(path, **files):
    path.mkdir()
    for name, text in {"config.json": "{}", **files}.items():
        (path / name).write_text(text, "utf-8")
    return path


def test_a_folder_s(tmp_path):
    base = json.dumps({"model": "/home/me/models/base", "revision": None, "sha256": {}})
    files = {"README.md": CARD, "base.json": base, "model.safetensors": "weights"}
    card = model_card(str(_folder(tmp_path / "mine", **files)))
    assert (card.name, card.commit, card.base) == ("mine", None, "base")  # no path is told
    assert card.sha256 == {"model.safetensors": hashlib.sha256(b"weights").hexdigest()}
    assert card.languages == ["en", "zh-Hant"]
    assert [(one["dataset"]["name"], one["task"]["type"]) for one in card.metrics] == [
        ("mini", "question-answering"), ("xquad", "question-answering"),
    ]  # fmt: skip


def test_the_record_of_the_training_knows_the_languages_better(tmp_path):
    record = json.dumps({"data": [{"language": "ko"}, {"language": None}, {"language": "ko"}]})
    assert model_card(str(_folder(tmp_path / "mine", **{"README.md": CARD, "run.json": record}))).languages == [
        "ko"
    ]


@pytest.mark.parametrize(
    "front", ["", "---\n[\n---\n", "---\n- a\n---\n", "---\nlanguage: 3\nmodel-index: x\n---\n"]
)
def test_what_cannot_be_read_is_left_out(tmp_path, front):
    card = model_card(str(_folder(tmp_path / "mine", **{"README.md": front, "base.json": "[]"})))
    assert (card.base, card.languages, card.metrics) == (None, [], [])


def test_a_bundled_encoder_s():
    card = model_card(BUNDLED)
    assert (card.name, list(card.sha256.values())) == (BUNDLED, list(SHA256.values()))


def test_the_bundled_reader_s(tmp_path, monkeypatch):
    kept = model_name._READER
    files = {name: (kept / name).read_text("utf-8") for name in ("README.md", "base.json")}
    boxed = _folder(tmp_path / "reader", **files, **{DIFFERENCE: "weights"})
    monkeypatch.setattr(model_name, "_READER", boxed)
    card = model_card(BUNDLED_READER)
    assert (card.name, card.commit, card.base) == (BUNDLED_READER, None, BUNDLED)
    assert card.sha256 == {DIFFERENCE: hashlib.sha256(b"weights").hexdigest()}
    assert {"en", "ja", "zh"} <= set(card.languages)


def test_a_name_on_the_hub_needs_no_network():
    card = model_card("someone/reader@" + "0" * 40)
    assert (card.name, card.commit, card.sha256) == ("someone/reader", "0" * 40, {})
