"""Differences: a Reader as what is different from its base, in four bits a weight."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from polyspan.errors import PolyspanError
from polyspan.model.batch import collate
from polyspan.model.calibrate import calibrate
from polyspan.model.encoders.base import base_of
from polyspan.model.encoders.difference import WeightDifference
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.encoders.four_bits import packed, unpacked
from polyspan.model.encoders.model_name import DIFFERENCE
from polyspan.model.reader import Reader
from polyspan.model.vocabulary.trim import trim
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.training.loop import train
from polyspan.training.settings import TrainSettings

WINDOWS = WindowOptions(max_length=64, stride=16)
SETTINGS = TrainSettings(learning_rate=1e-2, batch_size=4, epochs=2, windows=WINDOWS, freeze=("embeddings",))
QUERY = "bert.encoder.layer.1.attention.self.query.weight"


def logits(reader: Reader, corpus) -> dict[str, torch.Tensor]:
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    with torch.inference_mode():
        start, end = reader.logits(collate(windows, reader.layout, np.arange(len(windows))))
    return {"start": start, "end": end}


@pytest.fixture
def trained(tiny, corpus, tmp_path) -> Reader:
    return train([corpus], tiny, tmp_path / "trained", SETTINGS)


@pytest.fixture
def small(trained, tiny, tmp_path) -> Path:
    (tmp_path / "small").mkdir()
    trained.save(tmp_path / "small", base=tiny)
    return tmp_path / "small"


def test_packed_values_are_near_and_those_on_the_grid_exact():
    draw = np.random.default_rng(0)
    values = draw.normal(0, 1e-3, (500, 64)).astype(np.float32)
    values[0] = 0
    values[1] = np.repeat([-2, 1], 32) * np.float32(0.5)
    back = unpacked(*packed(values))
    assert np.array_equal(back[:2], values[:2])
    assert np.square(back - values).sum() < 0.0085 * np.square(values).sum()
    # A whole number of scales comes back as it was, from one end of the range to the other.
    grid = np.tile(np.arange(-8, 8, dtype=np.float32), (3, 4)) * np.array([[0.25], [-3], [1e-3]], np.float32)
    nibbles, scales = packed(grid)
    assert np.array_equal(unpacked(nibbles, scales)[:2], grid[:2])
    assert nibbles.dtype == np.uint8
    assert scales.dtype == np.float16


def test_what_was_trained_is_kept_in_four_bits_and_nothing_else(trained, small, tiny, corpus):
    kept = load_file(small / DIFFERENCE)
    before, after = load_encoder(tiny)[0].state_dict(), trained.model.state_dict()
    assert not [name for name in kept if "embeddings" in name]
    again = Reader.load(small)
    assert not again.fresh_head
    for name, value in again.model.state_dict().items():
        if name in kept or "embeddings" in name:
            assert torch.equal(value, after[name]), name
        else:
            nibbles, scales = kept[f"{name}.nibbles"], kept[f"{name}.scales"]
            learnt = unpacked(nibbles.numpy(), scales.numpy()).reshape(-1)[: value.numel()]
            assert torch.equal(value, before[name] + torch.from_numpy(learnt).reshape(value.shape)), name
            error, moved = (value - after[name]).norm(), (after[name] - before[name]).norm()
            assert error < 0.1 * moved, name
    assert {"qa_outputs.weight", "qa_outputs.bias"} <= set(kept)
    size = sum(value.nbytes for name, value in kept.items() if name.startswith(QUERY))
    assert size == 1024 / 64 * (32 + 2)
    assert {path.name for path in small.iterdir()} == {
        DIFFERENCE,
        "README.md",
        "base.json",
        "config.json",
        "reader.json",
    }
    assert again.options == WINDOWS
    whole, rounded = logits(trained, corpus)["start"], logits(again, corpus)["start"]
    finite = torch.isfinite(whole)
    assert torch.allclose(whole[finite], rounded[finite], atol=0.1 * float(whole[finite].abs().max()))


def test_another_process_answers_bit_for_bit(small, corpus, tmp_path):
    save_file(logits(Reader.load(small), corpus), tmp_path / "logits.safetensors")
    here = Path(__file__).parent
    code = (
        f"import sys; sys.path[:0] = [{str(here.parent.parent)!r}, {str(here)!r}]\n"
        "import torch\n"
        "from conftest import make_corpus\n"
        "from safetensors.torch import load_file\n"
        "from test_difference import logits\n"
        "from polyspan.model.reader import Reader\n"
        f"kept = load_file({str(tmp_path / 'logits.safetensors')!r})\n"
        f"found = logits(Reader.load({str(small)!r}), make_corpus())\n"
        "assert all(torch.equal(kept[name], found[name]) for name in kept)\n"
    )
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)


def test_saved_in_turn_a_folder_is_what_was_saved_last(trained, small, tiny, corpus):
    trained.save(small)
    assert not (small / DIFFERENCE).exists()
    assert torch.equal(logits(Reader.load(small), corpus)["end"], logits(trained, corpus)["end"])
    trained.save(small, base=tiny)
    assert (small / DIFFERENCE).exists()
    rounded = Reader.load(small)
    assert not torch.equal(logits(rounded, corpus)["end"], logits(trained, corpus)["end"])
    # What was rounded once comes back the same.
    rounded.save(small, base=tiny)
    assert torch.equal(logits(Reader.load(small), corpus)["end"], logits(rounded, corpus)["end"])


def test_an_adapter_becomes_a_difference_and_learns_beside_one(tiny, small, corpus, tmp_path):
    lora = replace(SETTINGS, lora=2)
    train([corpus], tiny, tmp_path / "adapter", lora)
    (tmp_path / "other").mkdir()
    Reader.load(tmp_path / "adapter").save(tmp_path / "other", base=tiny)
    assert QUERY + ".nibbles" in load_file(tmp_path / "other" / DIFFERENCE)
    beside = train([corpus], str(small), tmp_path / "beside", lora)
    assert torch.equal(logits(Reader.load(tmp_path / "beside"), corpus)["end"], logits(beside, corpus)["end"])


def test_a_calibration_is_kept(trained, tiny, corpus, small):
    language = replace(corpus, language="en")
    calibrate(trained, [language])
    trained.save(small, base=tiny)
    assert Reader.load(small).calibration == trained.calibration is not None


def test_another_base_is_refused(small, tiny, tmp_path):
    moved = json.loads((small / "base.json").read_text("utf-8"))
    assert moved["model"] == tiny
    weights = load_file(Path(tiny) / "model.safetensors")
    name = next(iter(weights))
    (tmp_path / "base").mkdir()
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "base" / file).write_bytes((Path(tiny) / file).read_bytes())
    save_file(weights | {name: weights[name] + 1}, tmp_path / "base" / "model.safetensors", {"format": "pt"})
    (small / "base.json").write_text(json.dumps(moved | {"model": str(tmp_path / "base")}))
    with pytest.raises(PolyspanError, match=r"the base of the difference is not the one(.|\n)*model\.safetensors"):
        Reader.load(small)
    (small / "base.json").write_text(json.dumps(moved | {"model": str(tmp_path / "nowhere")}))
    with pytest.raises(PolyspanError, match="the base of the difference cannot be loaded"):
        Reader.load(small)


def test_broken_folders_are_refused(small, trained, tiny):
    content = (small / DIFFERENCE).read_bytes()
    for broken in (content[:-1], content[: len(content) // 2], b"", b"no weights"):
        (small / DIFFERENCE).write_bytes(broken)
        with pytest.raises(PolyspanError, match="the difference cannot be read"):
            Reader.load(small)
    weights = load_file_of(content)
    for name, wrong in ((f"{QUERY}.scales", None), (f"{QUERY}.nibbles", torch.zeros(3, 32, dtype=torch.uint8))):
        changed = {key: value for key, value in weights.items() if key != name}
        save_file(changed | ({} if wrong is None else {name: wrong}), small / DIFFERENCE, {"format": "pt"})
        with pytest.raises(PolyspanError, match="the difference does not fit its base"):
            Reader.load(small)
    (small / DIFFERENCE).write_bytes(content)
    (small / "base.json").unlink()
    with pytest.raises(PolyspanError, match="the difference cannot be read"):
        Reader.load(small)


def load_file_of(content: bytes) -> dict[str, torch.Tensor]:
    from safetensors.torch import load

    return load(content)


def test_other_layers_and_other_pieces_are_refused(trained, tiny, small, corpus, tmp_path, unigram):
    trim(tiny, tmp_path / "trimmed", [corpus])
    train([corpus], tmp_path / "trimmed", tmp_path / "short", SETTINGS)
    with pytest.raises(PolyspanError, match=r"has other layers than(.|\n)*word_embeddings\.weight of"):
        Reader.load(tmp_path / "short").save(small, base=tiny)
    fewer = dict(trained.model.state_dict())
    del fewer[QUERY]
    before, _ = load_encoder(tiny)
    with pytest.raises(PolyspanError, match=f"{QUERY} that is not there"):
        WeightDifference.between(base_of(tiny), before, fewer)
    with pytest.raises(PolyspanError, match="has other pieces than"):
        replace(trained, tokenizer=unigram).save(small, base=tiny)


def test_weights_that_are_no_matrices_of_the_encoder_are_kept_as_they_are(tiny):
    before, _ = load_encoder(tiny)
    weights = {name: value.clone() for name, value in before.state_dict().items()}
    weights["bert.encoder.layer.0.output.dense.bias"][0] = 1 / 3
    weights[QUERY][0, 0] = 1e6  # no half precision
    made = WeightDifference.between(base_of(tiny), before, weights)
    again, _ = load_encoder(tiny, seed=5)
    made.merge(again)
    assert set(made.weights) == {
        "bert.encoder.layer.0.output.dense.bias",
        QUERY,
        "qa_outputs.weight",
        "qa_outputs.bias",
    }
    assert all(torch.equal(value, weights[name]) for name, value in again.state_dict().items())
