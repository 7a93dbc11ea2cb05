"""Training on the used rows of the embeddings gives the weights that training on all of them gives."""

import pytest
import torch

from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.windows.windows import WindowOptions
from polyspan.training.loop import train
from polyspan.training.settings import TrainSettings


@pytest.mark.parametrize("average", [1, 2])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("bias_correction", [True, False])
def test_the_weights_are_the_same(tiny, corpus, tmp_path, monkeypatch, weight_decay, average, bias_correction):
    settings = TrainSettings(
        learning_rate=1e-3,
        batch_size=2,
        epochs=3,
        weight_decay=weight_decay,
        average=average,
        bias_correction=bias_correction,
        windows=WindowOptions(max_length=64, stride=16),
    )
    used = train([corpus], tiny, tmp_path / "used", settings).model.state_dict()
    monkeypatch.setattr("polyspan.training.loop.keep_used_rows", lambda model, used: None)
    whole = train([corpus], tiny, tmp_path / "whole", settings).model.state_dict()
    before = load_encoder(tiny)[0].get_input_embeddings().weight
    name = "bert.embeddings.word_embeddings.weight"
    assert used.keys() == whole.keys()
    assert used[name].shape == before.shape
    changed = (used[name] != before).any(1)
    assert 0 < changed.sum() < len(before) or weight_decay
    for key, value in whole.items():
        assert torch.allclose(used[key], value, atol=2e-5), key


def test_lower_layers_stay_frozen(tiny, corpus, tmp_path):
    windows = WindowOptions(max_length=64, stride=16)
    settings = TrainSettings(learning_rate=1e-3, batch_size=2, epochs=1, freeze_layers=0.5, windows=windows)
    after = train([corpus], tiny, tmp_path / "reader", settings).model
    before = load_encoder(tiny)[0]
    stayed = [
        all(one.equal(two) for one, two in zip(new.parameters(), old.parameters(), strict=True))
        for new, old in zip(after.bert.encoder.layer, before.bert.encoder.layer, strict=True)
    ]
    assert stayed == [True, False]
