"""States of all windows in one pass: those that the encoder gives one by one, with nothing of the padding."""

import numpy as np
import pytest
import torch

import polyspan as ps
from polyspan.errors import UsageError
from polyspan.model.batch import collate
from polyspan.model.windows.windows import make_windows
from polyspan.probe.hidden import resolve_layers, stream

FAMILIES = {
    "XLMRoberta": ("unigram", {"max_position_embeddings": 130, "pad_token_id": 1, "type_vocab_size": 1}),
    "ModernBert": ("byte_bpe", {"max_position_embeddings": 128, "pad_token_id": 1}),
}
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize("budget", [32, 200])
def test_states_are_those_of_each_window_alone(reader, some, pack, budget):
    windows = make_windows(some, reader.tokenizer, reader.options)
    seen = []
    for part in stream(reader, some, (0, 1, -1), token_budget=budget, pack=pack):
        assert list(part.states) == [0, 1, 2]
        for place, row in enumerate(part.rows):
            batch = collate(windows, reader.layout, np.array([row], np.int32)).to("cpu")
            expected = reader.model(**_inputs(batch), output_hidden_states=True).hidden_states
            own = slice(*part.bounds[place : place + 2])
            for layer, states in part.states.items():
                assert torch.allclose(states[own], expected[layer][0], atol=1e-5)
            context = part.context[place] - part.bounds[place]
            assert context.tolist() == batch.context[0].tolist()
            seen.append(int(row))
    assert sorted(seen) == list(range(len(windows)))


def _inputs(batch):
    return {"input_ids": batch.input_ids, "token_type_ids": batch.token_type_ids}


@pytest.mark.parametrize("family", FAMILIES)
def test_other_families(save_encoder, some, tmp_path, family):
    tokenizer, options = FAMILIES[family]
    folder = save_encoder(family, tokenizer, SIZE | options, tmp_path / "encoder")
    reader = ps.Reader.load(folder, ps.WindowOptions(max_length=64, stride=16))
    for packed, padded in zip(
        *(stream(reader, some, (0, 1, 2), pack=pack) for pack in (True, False)), strict=True
    ):
        for layer, states in packed.states.items():
            assert torch.allclose(states, padded.states[layer], atol=1e-5)


def test_layers_by_number(reader, some):
    assert resolve_layers(reader, (-1, 2, 0, -3)) == (2, 0)
    for wrong in (3, -4):
        with pytest.raises(UsageError, match=f"no layer {wrong}") as caught:
            stream(reader, some, (0, wrong))  # before anything is read
        assert "to 2" in str(caught.value)
    with pytest.raises(UsageError, match="no layer is named"):
        stream(reader, some, ())
