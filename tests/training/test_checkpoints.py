"""Readers kept on the way of a training: with the weights of then, whatever happens to the run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.fast.used_rows import used_pieces
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.prediction import predict
from polyspan.training import loop as training
from polyspan.training.adversary import Adversary
from polyspan.training.loop import train
from polyspan.training.optimizer import idle_decay
from polyspan.training.settings import TrainSettings

FAST = TrainSettings(
    learning_rate=1e-2, batch_size=4, epochs=3, dropout=0.1, windows=WindowOptions(max_length=64, stride=16)
)
EMBEDDINGS = "word_embeddings.weight"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: Path, two: Path) -> bool:
    a, b = weights(one), weights(two)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def broken_off(monkeypatch):
    """Train, but that the run is broken off once so many steps were taken."""
    whole = training.take_step

    def call(after, *given, **options):
        taken = 0

        def step(*arguments):
            nonlocal taken
            if taken == after:
                raise KeyboardInterrupt
            taken += 1
            return whole(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(training, "take_step", step)
            with pytest.raises(KeyboardInterrupt):
                train(*given, **options, checkpoint_seconds=0.0)

    return call


@pytest.mark.parametrize("freeze", [("embeddings",), ()])
def test_checkpoints_are_readers_on_the_way(tiny, corpus, tmp_path, broken_off, freeze):
    """The k-th of n has the weights of a training that was broken off after k/n of its steps."""
    settings = replace(FAST, freeze=freeze, weight_decay=0.1)
    whole = train([corpus], tiny, tmp_path / "whole", settings)
    kept = train([corpus], tiny, tmp_path / "kept", settings, checkpoints=3)
    assert same(tmp_path / "whole", tmp_path / "kept")
    assert predict(kept, corpus).texts == predict(whole, corpus).texts
    steps = json.loads((tmp_path / "kept" / "run.json").read_text("utf-8"))["steps"]
    broken_off(round(steps * 2 / 3), [corpus], tiny, tmp_path / "broken", settings)
    (last,) = (tmp_path / "broken.checkpoint").iterdir()
    then, now = load_file(last / "weights.safetensors"), weights(tmp_path / "kept" / "checkpoints" / "2")
    assert int(last.name) == round(steps * 2 / 3)
    for name, value in then.items():
        if name.endswith(EMBEDDINGS):
            expected = _all_rows(tiny, corpus, value, idle_decay([int(last.name)], steps, settings))
            torch.testing.assert_close(now[name], expected, atol=0, rtol=1e-6)
        else:
            assert torch.equal(now[name], value), name
    assert any(name.endswith(EMBEDDINGS) for name in then) == (not freeze)
    assert sorted(path.name for path in (tmp_path / "kept" / "checkpoints").iterdir()) == ["1", "2"]
    reader = Reader.load(tmp_path / "kept" / "checkpoints" / "1")
    assert reader.options == settings.windows
    assert len(predict(reader, corpus).texts) == len(corpus)


def test_checkpoints_have_the_moving_average(tiny, corpus, tmp_path, broken_off):
    """As the Reader has in the end, where that is what is kept; the training goes on with its own weights."""
    settings = replace(FAST, ema=0.9, weight_decay=0.1)
    train([corpus], tiny, tmp_path / "whole", settings)
    train([corpus], tiny, tmp_path / "kept", settings, checkpoints=3)
    assert same(tmp_path / "whole", tmp_path / "kept")
    steps = json.loads((tmp_path / "kept" / "run.json").read_text("utf-8"))["steps"]
    broken_off(round(steps * 2 / 3), [corpus], tiny, tmp_path / "broken", settings)
    (last,) = (tmp_path / "broken.checkpoint").iterdir()
    mean, now = load_file(last / "ema.safetensors"), weights(tmp_path / "kept" / "checkpoints" / "2")
    for name, value in mean.items():
        if name.endswith(EMBEDDINGS):
            value = _all_rows(tiny, corpus, value, idle_decay([int(last.name)], steps, settings))
        torch.testing.assert_close(now[name], value, atol=0, rtol=1e-6)


def _all_rows(tiny, corpus, trained, decay):
    """The embeddings of all pieces: those of the corpus trained, the others decayed."""
    reader = Reader.load(tiny, FAST.windows, 42)
    used = used_pieces(make_windows(corpus, reader.tokenizer, reader.options, training=True), reader.layout)
    whole = reader.model.get_input_embeddings().weight.detach() * decay
    whole[torch.from_numpy(used).long()] = trained
    return whole


def test_checkpoints_outlive_a_stop(tiny, corpus, tmp_path, broken_off):
    train([corpus], tiny, tmp_path / "whole", FAST, checkpoints=4)
    broken_off(5, [corpus], tiny, tmp_path / "r", FAST, checkpoints=4)
    with pytest.raises(PolyspanError, match="another run"):
        train([corpus], tiny, tmp_path / "r", FAST, checkpoints=3, resume=True)
    train([corpus], tiny, tmp_path / "r", FAST, checkpoints=4, resume=True)
    for number in "123":
        assert same(tmp_path / "whole" / "checkpoints" / number, tmp_path / "r" / "checkpoints" / number)
    assert not (tmp_path / "r.checkpoint").exists()


def test_what_another_run_left_is_not_published(tiny, corpus, tmp_path):
    for number in ("2", "5", ".2.half.part"):
        (tmp_path / "r.checkpoint" / "kept" / number).mkdir(parents=True)
    train([corpus], tiny, tmp_path / "r", FAST, checkpoints=3, resume=True)
    kept = tmp_path / "r" / "checkpoints"
    assert sorted(path.name for path in kept.iterdir()) == ["1", "2"]
    assert (kept / "2" / "model.safetensors").is_file()


def test_an_adversary_is_no_part_of_a_checkpoint(tiny, corpus, tmp_path):
    for name, count in (("one", 1), ("three", 3)):
        train([corpus], tiny, tmp_path / name, FAST, adversary=Adversary(1, [corpus]), checkpoints=count)
    assert same(tmp_path / "one", tmp_path / "three")
    assert weights(tmp_path / "three" / "checkpoints" / "1").keys() == weights(tmp_path / "one").keys()


def test_mistakes(tiny, corpus, tmp_path):
    with pytest.raises(PolyspanError, match="more checkpoints than steps"):
        train([corpus], tiny, tmp_path / "few", FAST, checkpoints=1000)
    with pytest.raises(UsageError, match="weights averaged at the end"):
        train([corpus], tiny, tmp_path / "mean", replace(FAST, average=2), checkpoints=2)
