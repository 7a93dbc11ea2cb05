"""LoRA: adapter and head are trained and saved for every architecture; merged they are the Reader that learnt."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from span_logits import logits, same

import ready
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.adapters import load_adapters
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.map import Map
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions
from polyspan.training.loop import train
from polyspan.training.settings import TrainSettings, as_options, from_options, preset

WINDOWS = WindowOptions(max_length=64, stride=16)
LORA = TrainSettings(learning_rate=1e-2, batch_size=4, epochs=3, dropout=0.0, windows=WINDOWS, lora=4)
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2}
SIZES |= {"max_position_embeddings": 130, "initializer_range": 0.15}
ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
FAMILIES = {
    "Bert": ("wordpiece", SIZES),
    "XLMRoberta": ("unigram", SIZES | ROBERTA),
    "ModernBert": ("unigram", SIZES | ROBERTA | {"cls_token_id": 0, "sep_token_id": 2}),
    "DebertaV2": ("wordpiece", SIZES | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}),
    "Qwen3": ("wordpiece", SIZES | {"num_key_value_heads": 1, "head_dim": 16}),
}
HEADS = {"ModernBert": ["head", "classifier"]}
ADAPTER = "adapter_model.safetensors"


def near(one, two) -> bool:
    return all(torch.allclose(a, b, atol=1e-5) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_head_and_adapter_of_every_architecture_are_learnt_and_kept(family, save_encoder, corpus, tmp_path):
    base = save_encoder(family, *FAMILIES[family], tmp_path / "base")
    before = load_file(tmp_path / "base" / "model.safetensors")
    reader = train([corpus], base, tmp_path / "reader", LORA)
    kept = load_file(tmp_path / "reader" / ADAPTER)
    config = json.loads((tmp_path / "reader" / "adapter_config.json").read_text("utf-8"))
    assert config["modules_to_save"] == HEADS.get(family, ["qa_outputs"])
    fresh, _ = load_encoder(base, 42)
    for head in config["modules_to_save"]:
        for name, weight in fresh.get_submodule(head).named_parameters():
            learnt = kept[f"base_model.model.{head}.{name}"]
            assert torch.equal(learnt, reader.model.get_parameter(f"{head}.{name}"))
            assert not torch.equal(learnt, weight), f"{head}.{name} was not trained"
    # The base is as it was; of the merged one only the layers with adapters are others.
    after = load_file(tmp_path / "base" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    for name, weight in reader.model.base_model.named_parameters():
        target = f"{reader.model.base_model_prefix}.{name}".removesuffix(".weight")
        assert torch.equal(weight, fresh.base_model.get_parameter(name)) == (
            target not in config["target_modules"]
        )
    again = Reader.load(tmp_path / "reader")
    assert not again.fresh_head
    assert same(logits(reader, corpus), logits(again, corpus))
    # Before it is merged it says the same but for rounding; peft, which reads the folder too, says so as well.
    beside = load_adapters({"one": tmp_path / "reader"})["one"]
    assert near(logits(beside, corpus), logits(again, corpus))
    from peft import PeftModel

    of_peft = PeftModel.from_pretrained(load_encoder(base, 1)[0], tmp_path / "reader")
    of_peft.fresh_head = False
    assert near(logits(replace(again, model=of_peft.base_model.model.eval()), corpus), logits(again, corpus))
    assert {path.name for path in (tmp_path / "reader").iterdir()} == {
        ADAPTER,
        "README.md",
        "adapter_config.json",
        "base.json",
        "config.json",
        "reader.json",
        "run.json",
    }


@pytest.fixture
def adapter(tiny, corpus, tmp_path) -> Path:
    train([corpus], tiny, tmp_path / "adapter", LORA)
    return tmp_path / "adapter"


@pytest.mark.slow
def test_another_process_answers_bit_for_bit(save_encoder, corpus, tmp_path):
    here = Path(__file__).parent
    for family, encoder in FAMILIES.items():
        base = save_encoder(family, *encoder, tmp_path / f"{family} base")
        start, end = logits(train([corpus], base, tmp_path / family, LORA), corpus)
        save_file({"start": start, "end": end}, tmp_path / f"{family}.safetensors")
    code = (
        f"import sys; sys.path[:0] = [{str(here.parent)!r}, {str(here)!r}]\n"
        "from conftest import make_corpus\n"
        "from safetensors.torch import load_file\n"
        "from test_lora import logits, same\n"
        "from polyspan.model.reader import Reader\n"
        f"for family in {list(FAMILIES)!r}:\n"
        f"    folder = {str(tmp_path)!r} + '/' + family\n"
        "    kept = load_file(folder + '.safetensors')\n"
        "    assert same((kept['start'], kept['end']), logits(Reader.load(folder), make_corpus())), family\n"
    )
    assert ready.ended(ready.start(["python", "-c", code])) == 0


def test_merge_writes_the_same_reader_whole(tiny, adapter, corpus, tmp_path):
    from transformers import AutoModelForQuestionAnswering

    train([corpus], tiny, tmp_path / "whole", LORA, merge=True)
    assert not (tmp_path / "whole" / "adapter_config.json").exists()
    whole = Reader.load(tmp_path / "whole")
    assert same(logits(whole, corpus), logits(Reader.load(adapter), corpus))
    plain = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "whole")
    assert whole.model.state_dict().keys() == plain.state_dict().keys()
    with pytest.raises(UsageError, match="no adapter to merge"):
        train([corpus], tiny, tmp_path / "other", replace(LORA, lora=None), merge=True)


def test_a_stopped_run_ends_with_the_same_bytes(tiny, adapter, corpus, tmp_path, stop_at):
    steps = stop_at(3)
    with pytest.raises(SystemExit):
        train([corpus], tiny, tmp_path / "stopped", LORA)
    train([corpus], tiny, tmp_path / "stopped", LORA, resume=True)
    assert steps == list(range(1, steps[-1] + 1)), "it did not go on where it stopped"
    for name in (ADAPTER, "adapter_config.json", "base.json"):
        assert (tmp_path / "stopped" / name).read_bytes() == (adapter / name).read_bytes()
    train([corpus], tiny, tmp_path / "stopped", LORA, resume=True)  # finished: it is loaded
    with pytest.raises(PolyspanError, match="another run"):
        train([corpus], tiny, tmp_path / "stopped", replace(LORA, lora=2), resume=True)


WAYS = {
    "bf16": {"precision": "bf16"},
    "packed": {"pack": True, "dropout": 0.1},
    "dropped": {"lora_dropout": 0.2, "dropout": 0.1},
    "averaged": {"average": 3},
    "ema": {"ema": 0.9, "weight_decay": 0.1},
    "in parts": {"accumulate": 2, "full_batches": True},
    "rank 2": {"lora": 2, "lora_alpha": 1.0, "lora_target": ("query", "attention.output.dense")},
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_else_is_set_the_loaded_reader_is_the_trained_one(way, tiny, corpus, tmp_path):
    reader = train([corpus], tiny, tmp_path / "reader", replace(LORA, **WAYS[way]))
    assert same(logits(reader, corpus), logits(Reader.load(tmp_path / "reader"), corpus))
    assert type(reader.model.bert.encoder.layer[1].attention.self.query).__name__ == "Linear"


def test_with_a_map_and_checkpoints(tiny, corpus, tmp_path):
    turned = Map(np.eye(32, dtype=np.float32)[::-1].copy(), np.zeros(32, np.float32), {"layer": 1})
    reader = train([corpus], tiny, tmp_path / "reader", LORA, align=turned, checkpoints=3)
    assert same(logits(reader, corpus), logits(Reader.load(tmp_path / "reader"), corpus))
    train([corpus], tiny, tmp_path / "whole", LORA, align=turned, checkpoints=3, merge=True)
    for number in "12":
        kept = [tmp_path / name / "checkpoints" / number for name in ("reader", "whole")]
        assert (kept[0] / ADAPTER).is_file()
        assert (kept[1] / "model.safetensors").is_file()
        on_the_way = [logits(Reader.load(folder), corpus) for folder in kept]
        assert same(*on_the_way)
        assert not near(on_the_way[0], logits(reader, corpus))


def test_frozen_layers_get_no_adapter_and_frozen_heads_do_not_learn(tiny, corpus, tmp_path):
    train([corpus], tiny, tmp_path / "half", replace(LORA, freeze_layers=1, freeze=("embeddings", "qa_outputs")))
    kept = load_file(tmp_path / "half" / ADAPTER)
    assert not [name for name in kept if ".layer.0." in name]
    assert sum(".layer.1." in name for name in kept) == 12  # six linear layers, two matrices each
    fresh, _ = load_encoder(tiny, 42)
    assert torch.equal(kept["base_model.model.qa_outputs.weight"], fresh.qa_outputs.weight)
    with pytest.raises(UsageError, match="every layer for an adapter is frozen"):
        train([corpus], tiny, tmp_path / "none", replace(LORA, freeze_layers=2))


def test_an_adapter_on_an_adapter(tiny, adapter, corpus, tmp_path):
    """Its base is the first one, merged: neither can be had without the encoder below."""
    reader = train([corpus], str(adapter), tmp_path / "second", replace(LORA, lora=2), seed=7)
    assert json.loads((tmp_path / "second" / "base.json").read_text())["model"] == str(adapter)
    assert same(logits(reader, corpus), logits(Reader.load(tmp_path / "second"), corpus))
    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 1}), "utf-8")
    with pytest.raises(PolyspanError, match="not the one that it was trained beside"):
        Reader.load(tmp_path / "second")


def test_adapters_share_their_base(tiny, adapter, corpus, tmp_path):
    train([corpus], tiny, tmp_path / "other", replace(LORA, lora=2), seed=9)
    readers = load_adapters({"a": adapter, "b": tmp_path / "other"})
    held = [dict(readers[name].model.named_parameters()) for name in "ab"]
    ours = {name for name in held[0] if ".lora_" in name or name.startswith("qa_outputs")}
    assert all((held[0][name] is held[1][name]) != (name in ours) for name in held[0])
    for name, folder in (("a", adapter), ("b", tmp_path / "other")):
        alone = Reader.load(folder)
        assert readers[name].options == alone.options
        assert near(logits(readers[name], corpus), logits(alone, corpus))
    readers["a"].save((tmp_path / "again").mkdir() or tmp_path / "again")
    assert (tmp_path / "again" / ADAPTER).read_bytes() == (adapter / ADAPTER).read_bytes()
    with pytest.raises(PolyspanError, match="no adapter"):
        load_adapters({"a": tiny})
    base = json.loads((adapter / "base.json").read_text("utf-8"))
    (adapter / "base.json").write_text(json.dumps(base | {"model": "elsewhere"}), "utf-8")
    with pytest.raises(PolyspanError, match="different bases"):
        load_adapters({"a": adapter, "b": tmp_path / "other"})


def _gone(adapter: Path, base: Path) -> None:
    base.rename(base.with_name("moved"))


def _another(adapter: Path, base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    save_file({name: weight + 1 for name, weight in weights.items()}, base / "model.safetensors", {"format": "pt"})


def _damaged(adapter: Path, base: Path) -> None:
    (adapter / ADAPTER).write_bytes((adapter / ADAPTER).read_bytes()[:100])


def _unnamed(adapter: Path, base: Path) -> None:
    (adapter / "base.json").unlink()


def _of_another_kind(adapter: Path, base: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"use_dora": True}), "utf-8")


def _without_a_layer(adapter: Path, base: Path) -> None:
    weights = load_file(adapter / ADAPTER)
    del weights["base_model.model.bert.encoder.layer.1.output.dense.lora_B.weight"]
    save_file(weights, adapter / ADAPTER)


def _headless(adapter: Path, base: Path) -> None:
    weights = load_file(adapter / ADAPTER)
    del weights["base_model.model.qa_outputs.weight"]
    save_file(weights, adapter / ADAPTER)


FAULTS = {
    _gone: ("base of the adapter cannot be loaded", "no such directory"),
    _another: ("not the one that it was trained beside", "model.safetensors with SHA-256"),
    _damaged: ("adapter cannot be read", ""),
    _unnamed: ("adapter cannot be read", "base.json"),
    _of_another_kind: ("adapter cannot be read", "use_dora True"),
    _without_a_layer: ("does not fit its base", "layer.1.output.dense.lora_B"),
    _headless: ("does not fit its base", "qa_outputs.weight"),
}


@pytest.mark.parametrize("harm", FAULTS)
def test_what_is_wrong_with_an_adapter_or_its_base_is_said_in_one_error(harm, save_encoder, corpus, tmp_path):
    base = save_encoder("Bert", *FAMILIES["Bert"], tmp_path / "base")
    train([corpus], base, tmp_path / "adapter", replace(LORA, epochs=1.0))
    harm(tmp_path / "adapter", tmp_path / "base")
    with pytest.raises(PolyspanError) as caught:
        Reader.load(tmp_path / "adapter")
    message, found = FAULTS[harm]
    assert message in caught.value.message
    assert found in caught.value.found
    with pytest.raises(PolyspanError, match=message):
        load_adapters({"one": tmp_path / "adapter"})


WRONG = {
    "the rank of LoRA must be 1 or more": {"lora": 0},
    "lora alpha must be above 0": {"lora": 4, "lora_alpha": 0.0},
    "lora dropout must be from 0 to below 1": {"lora": 4, "lora_dropout": 1.0},
    "there is no LoRA for these settings": {"lora_alpha": 8.0},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_settings(message):
    with pytest.raises(UsageError, match=message):
        preset("cpu", **WRONG[message])


def test_an_unknown_layer_is_refused_with_the_nearest(tiny, corpus, tmp_path):
    with pytest.raises(UsageError, match="no linear layer is called 'querry'") as caught:
        train([corpus], tiny, tmp_path / "reader", replace(LORA, lora_target=("querry",)))
    assert "did you mean 'query'?" in caught.value.fix
    assert not (tmp_path / "reader").exists()


def test_settings_are_kept_and_those_of_older_versions_are_read():
    settings = preset("cpu", lora=4, lora_target=["query"])
    assert from_options(as_options(settings)) == replace(settings, lora_target=("query",))
    plain = as_options(preset("cpu"))
    assert not [name for name in plain if name.startswith("lora")], "keys of stages without LoRA would change"
    assert from_options(plain) == preset("cpu")


def test_the_command(tiny, corpus, tmp_path, run, monkeypatch):
    from polyspan.data.write import write

    write(corpus, tmp_path / "train.json")
    monkeypatch.chdir(tmp_path)
    fast = ["--limit", 4, "--epochs", 1, "--max-length", 64, "--stride", 16, "--language", "en"]
    begun = ["train", "--data", "train.json", "--model", tiny, *fast, "--lora", 2, "--lora-target", "query"]
    code, out, _ = run(*begun, "--lora-alpha", 2, "--out", "adapter")
    assert code == 0
    assert "Reader: adapter" in out
    assert json.loads(Path("adapter/adapter_config.json").read_text())["lora_alpha"] == 2
    assert run(*begun, "--merge", "--out", "whole")[0] == 0
    assert Path("whole/model.safetensors").is_file()
    code, out, _ = run("predict", "--model", "adapter", "--data", "train.json", "--out", "answers.json")
    assert code == 0
    code, _, error = run("train", "--data", "train.json", "--model", tiny, *fast, "--merge", "--out", "no")
    assert code == 2
    assert "no adapter to merge" in error
