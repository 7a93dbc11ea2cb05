"""Answers without transformers: the same, and its model and tokenizer as soon as they are asked for."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch

from polyspan.errors import PolyspanError
from polyspan.files import cache_folder
from polyspan.model.abilities import can, sees_ahead
from polyspan.model.batch import collate
from polyspan.model.encoders import bundled, model_name, plain
from polyspan.model.encoders.base import base_of
from polyspan.model.encoders.bert import PlainBert
from polyspan.model.encoders.difference import WeightDifference
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.encoders.model_name import BUNDLED_READER
from polyspan.model.encoders.unpacked import Unpacked
from polyspan.model.reader import Reader
from polyspan.model.torch_runtime import TorchRuntime
from polyspan.model.whole import Plain
from polyspan.model.windows.plain_tokenizer import PlainTokenizer
from polyspan.model.windows.windows import WindowOptions, layout, make_windows

WINDOWS = WindowOptions(max_length=48, stride=16)
SIZES = {"vocab_size": 120, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SIZES |= {"intermediate_size": 64, "max_position_embeddings": 64, "pad_token_id": 1, "type_vocab_size": 2}
SIZES |= {"layer_norm_eps": 1e-12, "hidden_act": "gelu"}
CONTEXT = "the cup was won in 東京。"


def is_plain(reader: Reader) -> bool:
    return isinstance(reader.runtime.model, PlainBert)


@pytest.fixture
def folder(unigram, tmp_path, monkeypatch) -> str:
    """A Reader that is a difference from the bundled encoder, which is small here."""
    from transformers import BertConfig, BertForQuestionAnswering

    special = {name: unigram.special_tokens_map[name] for name in ("bos_token", "eos_token", "pad_token")}
    special |= {"unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "model_max_length": 64}
    special["model_input_names"] = ["input_ids", "attention_mask"]
    torch.manual_seed(7)
    model = BertForQuestionAnswering(BertConfig(**SIZES, initializer_range=0.2))
    body = {name: value for name, value in model.state_dict().items() if name.startswith("bert.")}
    tokenizer = PlainTokenizer(unigram.backend_tokenizer, layout(unigram), 3, 0, 64)
    monkeypatch.setattr(bundled, "_unpack", lambda name: Unpacked(SIZES, special, tokenizer, body))
    before, _ = load_encoder("bundled:e5-small")
    trained = {name: value + 0.05 * torch.randn_like(value) for name, value in model.state_dict().items()}
    WeightDifference.between(base_of("bundled:e5-small"), before, trained).save(tmp_path)
    before.config.save_pretrained(tmp_path)
    return str(tmp_path)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize("pack", [False, True])
def test_logits_are_those_of_transformers_bit_for_bit(tiny, corpus, dtype, pack):
    model, tokenizer = load_encoder(tiny)
    ours = PlainBert(model.config.to_dict(), model.state_dict())
    assert can("pack", ours)
    assert sees_ahead(ours)
    runtimes = [TorchRuntime(one, dtype) for one in (model, ours)]
    shape = runtimes[0].layout(tokenizer)
    assert shape == runtimes[1].layout(tokenizer)
    assert runtimes[0].longest(tokenizer) == runtimes[1].longest(tokenizer)
    windows = make_windows(corpus, tokenizer, WINDOWS)
    for rows in (np.arange(len(windows), dtype=np.int32), np.array([1], np.int32)):
        batch = collate(windows, shape, rows)
        with runtimes[0].answering(pack=pack), runtimes[1].answering(pack=pack):
            expected, found = (one.logits(batch, pack=pack) for one in runtimes)
        for one, two in zip(expected, found, strict=True):
            assert torch.equal(one, two)


def test_the_whole_is_built_when_it_is_asked_for(folder, tmp_path):
    from transformers import BertForQuestionAnswering, PreTrainedTokenizerFast

    reader = Reader.load(folder, WINDOWS)
    answers = reader.answers("the cup?", CONTEXT)
    assert (reader.longest, reader.packs, reader.fresh_head, reader.language_alone) == (64, True, False, None)
    assert is_plain(reader)
    beside = copy.copy(reader)
    assert isinstance(reader.model, BertForQuestionAnswering)
    assert isinstance(reader.tokenizer, PreTrainedTokenizerFast)
    assert reader.model is reader.model is beside.model
    assert not is_plain(reader)
    assert not is_plain(beside)
    assert reader.answers("the cup?", CONTEXT) == answers
    with torch.no_grad():
        reader.model.qa_outputs.weight.neg_()  # trained in place
    assert reader.answers("the cup?", CONTEXT) != answers
    reader.save(tmp_path / "saved")
    assert Reader.load(tmp_path / "saved", WINDOWS).answers("the cup?", CONTEXT) == reader.answers(
        "the cup?", CONTEXT
    )


def test_a_model_and_a_tokenizer_can_be_given(folder, tiny):
    reader = Reader.load(folder, WINDOWS)
    reader.model, reader.tokenizer = load_encoder(tiny)
    assert not is_plain(reader)
    assert reader.cutter is reader.tokenizer
    with pytest.raises(TypeError, match="model"):
        Reader()  # neither has a default


def test_the_bundled_reader_is_merged_once(folder, monkeypatch):
    monkeypatch.setattr(model_name, "_READER", plain.Path(folder))
    answers = Reader.load(BUNDLED_READER, WINDOWS).answers("the cup?", CONTEXT)
    monkeypatch.setattr(plain, "unpack_bundled", lambda name: pytest.fail("it is merged again"))
    again = Reader.load(BUNDLED_READER, WINDOWS)
    assert is_plain(again)
    assert again.answers("the cup?", CONTEXT) == answers


@pytest.mark.parametrize("file", ["about.json", "tokenizer.json", "weights.safetensors"])
def test_what_is_kept_with_other_bytes_is_made_anew(folder, monkeypatch, file):
    monkeypatch.setattr(model_name, "_READER", plain.Path(folder))
    (base,) = (cache_folder() / "encoders").iterdir()
    answers = Reader.load(BUNDLED_READER, WINDOWS).answers("the cup?", CONTEXT)
    (kept,) = set((cache_folder() / "encoders").iterdir()) - {base}
    whole = (kept / file).read_bytes()
    for broken in (whole[:-70] + b"?" + whole[-69:], whole[: len(whole) // 2], b""):
        (kept / file).write_bytes(broken)
        reader = Reader.load(BUNDLED_READER, WINDOWS)
        assert is_plain(reader)
        assert reader.answers("the cup?", CONTEXT) == answers
        assert (kept / file).read_bytes() == whole


def test_what_is_not_as_it_should_be_is_told_as_ever(folder, monkeypatch):
    path = plain.Path(folder) / "base.json"
    path.write_text(path.read_text().replace('"e5-small-q4.bin": "1', '"e5-small-q4.bin": "2'))
    with pytest.raises(PolyspanError, match="the base of the difference is not the one"):
        Reader.load(folder)
    assert not isinstance(vars(Reader.load("bundled:e5-small", WINDOWS))["model"], Plain)


@pytest.mark.bundled
def test_asking_the_bundled_reader_imports_no_transformers(tmp_path):
    (tmp_path / "page.txt").write_text("The mill was built in 1853 by Thomas Ward, a wool merchant.")
    code = """
import sys
from polyspan.cli.main import main
sys.argv = ["polyspan", "ask", "When was the mill built?", sys.argv[1]]
try:
    main()
finally:
    assert "torch" in sys.modules
    assert "transformers" not in sys.modules
"""
    command = [sys.executable, "-c", code, str(tmp_path / "page.txt")]
    for _ in range(2):  # unpacked, and kept
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("1853\n")


@pytest.mark.bundled
def test_the_bundled_reader_is_the_same_in_both_ways():
    reader = Reader.load(BUNDLED_READER)
    asked = [
        ("Who invented braille?", "Braille was invented by Louis Braille in 1824. " * 20),
        ("點字是誰發明的？", "點字是路易・布萊葉在1824年發明的。"),
        ("언제 완공되었나?", "서울역은 1925년에 완공되었다."),
    ]
    found = [reader.answers(*pair) for pair in asked]
    assert is_plain(reader)
    assert reader.tokenizer.vocab_size == reader.model.config.vocab_size - 35
    assert not is_plain(reader)
    assert [reader.answers(*pair) for pair in asked] == found
