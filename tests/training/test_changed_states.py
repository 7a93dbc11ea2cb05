"""Training with states moved at a layer: by a fixed map, and by a transform learnt against a discriminator."""

import json
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from polyspan.errors import UsageError
from polyspan.model.batch import collate
from polyspan.model.layers import mapped, passing
from polyspan.model.map import Map
from polyspan.model.reader import Reader
from polyspan.model.torch_runtime import span_logits
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.training.adversary import Adversary, Confusion
from polyspan.training.loop import train
from polyspan.training.settings import TrainSettings

FAST = TrainSettings(
    learning_rate=1e-2, batch_size=4, epochs=3, dropout=0.1, windows=WindowOptions(max_length=64, stride=16)
)
WIDTH = 32


def a_map(layer, scale=1.0):
    return Map(scale * np.eye(WIDTH), np.zeros(WIDTH), {"method": "procrustes", "layer": layer})


def weights(folder):
    return load_file(folder / "model.safetensors")


@pytest.fixture
def batch_of(tiny, corpus):
    reader = Reader.load(tiny, FAST.windows)
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    return reader, collate(windows, reader.layout, np.arange(4, dtype=np.int32)).to("cpu")


def test_only_the_layers_above_see_the_change(batch_of):
    reader, batch = batch_of
    with torch.inference_mode():
        plain = reader.hidden_states(batch, [0, 1, 2])
        for layer in (0, 1, 2):
            with passing(reader.model, layer, lambda states: states * 0):
                changed = reader.hidden_states(batch, [0, 1, 2])
                logits = span_logits(reader.model, batch)[0]
            for below in range(layer):
                assert changed[below].equal(plain[below])
            for above in range(layer + 1, 3):
                assert not changed[above].equal(plain[above])
            if layer == 2:  # the span head sees zeros: every position is alike
                assert torch.unique(logits[torch.isfinite(logits)]).numel() == 1
        assert reader.hidden_states(batch, [2])[2].equal(plain[2])


@pytest.mark.parametrize("family", ["ModernBert", "Qwen3"])
def test_what_passes_is_what_a_probe_sees(family, byte_bpe, save_encoder, corpus, tmp_path):
    """Also at the last layer of models that end in a norm: a map is fitted there on what the norm has made."""
    sizes = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    sizes |= {"num_key_value_heads": 1, "head_dim": 16} if family == "Qwen3" else {}
    encoder = save_encoder(family, "byte_bpe", sizes | {"pad_token_id": 1}, tmp_path)
    reader = Reader.load(encoder, FAST.windows)
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    batch = collate(windows, reader.layout, np.arange(4, dtype=np.int32))
    seen = []
    with torch.inference_mode():
        shown = reader.hidden_states(batch, [0, 1, 2])
        for layer in (0, 1, 2):
            with passing(reader.model, layer, lambda states: seen.append(states) or states * 0.5):
                changed = reader.logits(batch)[0]
            assert seen.pop().equal(shown[layer])
            assert not changed.equal(reader.logits(batch)[0])


def test_the_identity_changes_nothing_and_another_map_does(tiny, corpus, tmp_path):
    for name, align in (("plain", None), ("same", a_map(1)), ("other", a_map(1, 0.5))):
        train([corpus], tiny, tmp_path / name, FAST, align=align)
    plain, same, other = (weights(tmp_path / name) for name in ("plain", "same", "other"))
    assert plain.keys() == same.keys() == other.keys()
    assert all(torch.allclose(plain[name], same[name], atol=1e-6) for name in plain)
    assert any(not torch.allclose(plain[name], other[name], atol=1e-3) for name in plain)
    record = json.loads((tmp_path / "other" / "run.json").read_text("utf-8"))
    assert record["align"]["layer"] == 1
    assert len(record["align"]["sha256"]) == 64
    with pytest.raises(Exception, match="another run"):
        train([corpus], tiny, tmp_path / "other", FAST, align=a_map(1, 0.25), resume=True)


@pytest.mark.parametrize(
    ("align", "told"),
    [
        (a_map(3), "no layer 3"),
        (Map(np.eye(8), np.zeros(8), {"layer": 1}), "does not fit"),
        (a_map(None), "names no"),
    ],
)
def test_maps_that_do_not_fit(batch_of, align, told):
    with pytest.raises(UsageError, match=told), mapped(batch_of[0].model, align):
        pass


def test_the_adversary_learns_to_be_mistaken_and_leaves_no_trace(tiny, corpus, tmp_path):
    adversary = Adversary(1, [corpus], weight=0.5)
    for name in ("plain", "one", "two"):
        train([corpus], tiny, tmp_path / name, FAST, adversary=None if name == "plain" else adversary)
    plain, one, two = (weights(tmp_path / name) for name in ("plain", "one", "two"))
    assert plain.keys() == one.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], plain[name]) for name in one)
    record = json.loads((tmp_path / "one" / "run.json").read_text("utf-8"))
    assert record["adversary"]["layer"] == 1
    assert record["adversary"]["data"][0]["sha256"] == corpus.fingerprint()
    assert "adversary" not in json.loads((tmp_path / "plain" / "run.json").read_text("utf-8"))


def test_a_stopped_adversarial_run_goes_on_to_the_same_weights(tiny, corpus, tmp_path, stop_at):
    """The transform, the discriminator and their moments are in the checkpoint."""
    adversary = Adversary(1, [corpus])
    train([corpus], tiny, tmp_path / "whole", FAST, adversary=adversary)
    steps = stop_at(4, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train([corpus], tiny, tmp_path / "again", FAST, adversary=adversary)
    train([corpus], tiny, tmp_path / "again", FAST, adversary=adversary, resume=True)
    assert steps == [*range(1, len(steps) + 1)]
    whole, again = weights(tmp_path / "whole"), weights(tmp_path / "again")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_the_gradient_is_reversed_for_the_transform_alone(batch_of, corpus):
    """A step along the discriminator's gradient tells better; one along the transform's is told worse."""
    reader, batch = batch_of
    reader.model.eval()
    confusion = Confusion(Adversary(1, [corpus], 1.0), reader, 0).eval()
    with torch.no_grad():
        confusion.transform.bias += 0.5

    def loss():
        torch.manual_seed(0)
        span_logits(reader.model, batch)
        return confusion.loss(reader.model, reader, batch, [1], pack=False)

    with passing(reader.model, 1, confusion.change):
        for part, better in ((confusion.discriminator, True), (confusion.transform, False)):
            before = loss()
            confusion.zero_grad()
            before.backward()
            with torch.no_grad():
                for weight in part.parameters():
                    weight -= 0.05 * weight.grad
            assert bool(loss() < before) is better


def test_bad_adversaries(batch_of, corpus):
    with pytest.raises(UsageError, match="no layer 7"):
        Confusion(Adversary(7, [corpus]), batch_of[0], 0)
    with pytest.raises(UsageError, match="needs target text"):
        Adversary(1, [])
    with pytest.raises(UsageError, match="above 0"):
        Adversary(1, [corpus], weight=0)
