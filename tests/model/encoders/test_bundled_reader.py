"""`bundled:reader`: the Reader in the package, wherever a model's name is taken."""

from pathlib import Path

import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.plan.content import model_content
from polyspan.lab.plan.encoder_facts import model_facts
from polyspan.model.calibrate import calibrate
from polyspan.model.encoders import model_name
from polyspan.model.encoders.base import base_of
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.encoders.model_name import BUNDLED, BUNDLED_READER, DIFFERENCE, model_folder
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions
from polyspan.training.loop import train
from polyspan.training.settings import TrainSettings

WINDOWS = WindowOptions(max_length=64, stride=16)
SETTINGS = TrainSettings(learning_rate=1e-2, batch_size=4, epochs=1, windows=WINDOWS)


@pytest.fixture
def boxed(tiny, corpus, tmp_path, monkeypatch) -> Path:
    """A package whose Reader is a difference from the tiny encoder."""
    train([corpus], tiny, tmp_path / "trained", SETTINGS).save(tmp_path / "boxed", base=tiny)
    monkeypatch.setattr(model_name, "_READER", tmp_path / "boxed")
    return tmp_path / "boxed"


def test_without_weights_it_says_so_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(model_name, "_READER", tmp_path)
    for ask in (Reader.load, model_content, model_facts, base_of):
        with pytest.raises(PolyspanError, match=r"^this build of polyspan has no bundled:reader\n  fix: "):
            ask(BUNDLED_READER)


def test_it_is_a_name_like_others(boxed, tiny, corpus, tmp_path):
    reader = Reader.load(BUNDLED_READER)
    assert not reader.fresh_head
    assert reader.options == WINDOWS
    content = model_content(BUNDLED_READER)
    assert {DIFFERENCE, "base.json", "reader.json", "config.json"} == set(content)
    assert model_facts(BUNDLED_READER) == model_facts(BUNDLED)
    base = base_of(BUNDLED_READER)
    assert (base.model, base.sha256) == (BUNDLED_READER, {DIFFERENCE: content[DIFFERENCE]})
    # Trained further it is another Reader, or an adapter beside it.
    assert not train([corpus], BUNDLED_READER, tmp_path / "more", SETTINGS).fresh_head
    lora = TrainSettings(learning_rate=1e-2, batch_size=4, epochs=1, windows=WINDOWS, lora=2)
    train([corpus], BUNDLED_READER, tmp_path / "adapter", lora)
    assert BUNDLED_READER in (tmp_path / "adapter" / "base.json").read_text("utf-8")
    Reader.load(tmp_path / "adapter")


def test_its_calibration_is_read_and_never_written(boxed, corpus):
    from dataclasses import replace

    known = [replace(corpus, language="en")]
    before = {path: path.read_bytes() for path in boxed.iterdir()}
    with pytest.raises(UsageError, match=f"'{BUNDLED_READER}' has no folder here to keep a calibration in"):
        calibrate(BUNDLED_READER, known)
    assert {path: path.read_bytes() for path in boxed.iterdir()} == before
    calibrate(boxed, known)
    assert Reader.load(BUNDLED_READER).calibration is not None
    assert Reader.load(BUNDLED_READER, calibrated=False).calibration is None


def test_unknown_bundled_names_are_told_both():
    with pytest.raises(UsageError, match="unknown bundled encoder 'x'\n  fix:      one of: e5-small, reader"):
        load_encoder("bundled:x")


def test_the_packages_own():
    """Only where this build has it: small enough, and it says what it is."""
    try:
        folder = model_folder(BUNDLED_READER)
    except PolyspanError as error:
        pytest.skip(error.message)
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) <= 7.9 * 2**20
    assert {DIFFERENCE, "base.json", "config.json", "reader.json", "calibration.json", "README.md", "LICENSE"} == {
        path.name for path in folder.iterdir()
    }


@pytest.mark.bundled
def test_the_packages_own_answers():
    try:
        model_folder(BUNDLED_READER)
    except PolyspanError as error:
        pytest.skip(error.message)
    reader = Reader.load(BUNDLED_READER)
    asked = (
        ("Who invented braille?", "Braille was invented by Louis Braille in 1824.", "Louis Braille"),
        ("點字是誰發明的？", "點字是路易・布萊葉在1824年發明的。", "路易・布萊葉"),
    )
    for question, context, answer in asked:
        assert answer in reader.answer(question, context).text
