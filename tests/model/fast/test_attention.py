"""Attention of our own: dropout's gradients, and packed windows that do not see each other."""

import numpy as np
import pytest
import torch
import transformers
from torch.nn.functional import cross_entropy

from polyspan.errors import UsageError
from polyspan.model.abilities import require
from polyspan.model.batch import collate
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.fast import attention, attention_interface, pack
from polyspan.model.fast.dropout import Dropout, draw
from polyspan.model.reader import Reader
from polyspan.model.torch_runtime import span_logits
from polyspan.model.windows.windows import WindowOptions, make_windows

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ROBERTA = {"max_position_embeddings": 130, "pad_token_id": 1, "type_vocab_size": 1}
GROUPED = SIZE | {
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
LOCAL = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
FAMILIES = {
    "Bert": ("wordpiece", SIZE | {"initializer_range": 0.2}),
    "XLMRoberta": ("unigram", SIZE | ROBERTA | {"initializer_range": 0.2}),
    "ModernBert": (
        "byte_bpe",
        SIZE
        | {"max_position_embeddings": 256, "pad_token_id": 1, "local_attention": 16, "initializer_range": 0.2},
    ),
    "Qwen3": ("endless", GROUPED | LOCAL | {"use_sliding_window": True}),
    "Llama": ("begun", GROUPED),
    "Gemma3Text": ("begun", GROUPED | LOCAL),
    "EuroBert": ("begun", GROUPED),
}


@pytest.fixture(params=FAMILIES)
def reader(request, save_encoder, tmp_path) -> Reader:
    save_encoder(request.param, *FAMILIES[request.param], tmp_path)
    return Reader.load(tmp_path, WindowOptions(max_length=64, stride=16))


def batch_of(reader, corpus):
    windows = make_windows(corpus, reader.tokenizer, reader.options, training=True)
    return collate(windows, reader.layout, np.arange(len(windows), dtype=np.int32)).to("cpu")


def test_packed_logits_are_those_of_the_windows_alone(reader, corpus):
    batch = batch_of(reader, corpus)
    assert batch.attention_mask is not None
    for packed, plain in zip(span_logits(reader.model, batch, pack=True), reader.logits(batch), strict=True):
        assert torch.isneginf(packed).equal(torch.isneginf(plain))
        assert (packed - plain)[~torch.isneginf(plain)].abs().max() < 1e-5


def test_padding_changes_nothing(reader, corpus):
    windows = make_windows(corpus, reader.tokenizer, reader.options, training=True)
    padded = reader.logits(batch_of(reader, corpus))
    for row in range(len(windows)):
        alone = collate(windows, reader.layout, np.array([row], np.int32))
        assert alone.attention_mask is None
        for many, single in zip(padded, reader.logits(alone), strict=True):
            assert (many[row, : single.shape[1]] - single[0]).abs().max() < 1e-5


@pytest.mark.parametrize("packed", [False, True])
def test_dropout_sees_what_attention_without_it_sees(reader, corpus, packed):
    """A rate below what `draw` can tell from 0 takes dropout's way and drops nothing."""
    batch = batch_of(reader, corpus)
    plain = reader.logits(batch)
    for module in reader.model.modules():
        if isinstance(module, Dropout):
            module.p = 1e-6
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 1e-6
    reader.model.train()
    for dropped, whole in zip(span_logits(reader.model, batch, pack=packed), plain, strict=True):
        assert (dropped - whole)[~torch.isneginf(whole)].abs().max() < 1e-4


def test_packed_gradients_and_loss_are_those_of_the_windows_alone(reader, corpus):
    batch, found = batch_of(reader, corpus), {}
    for packed in (False, True):
        reader.model.zero_grad()
        start, end = span_logits(reader.model, batch, pack=packed)
        loss = cross_entropy(start, batch.start) + cross_entropy(end, batch.end)
        loss.backward()
        found[packed] = (
            loss,
            [weight.grad.clone() for weight in reader.model.parameters() if weight.grad is not None],
        )
    assert found[True][0].isclose(found[False][0])
    assert all(one.allclose(two, atol=1e-5) for one, two in zip(found[True][1], found[False][1], strict=True))


def test_a_window_does_not_see_its_neighbours(reader, corpus):
    """PERF §4, trap A: another window in the row must change nothing."""
    batch = batch_of(reader, corpus)
    before, _ = span_logits(reader.model, batch, pack=True)
    batch.input_ids[1, : batch.lengths[1]] = batch.input_ids[1, : batch.lengths[1]].roll(3)
    after, _ = span_logits(reader.model, batch, pack=True)
    assert after[0].equal(before[0])
    assert not after[1].equal(before[1])


def test_positions_and_types_start_again_in_every_window(reader, corpus):
    """PERF §4, traps B and C."""
    batch = batch_of(reader, corpus)
    inputs = pack.packed_inputs(reader.model, batch)
    first = 2 if isinstance(reader.model, transformers.XLMRobertaForQuestionAnswering) else 0
    expected = np.concatenate([np.arange(length) + first for length in batch.lengths])
    assert inputs["position_ids"][0].tolist() == expected.tolist()
    assert inputs["input_ids"].shape == (1, batch.lengths.sum())
    if isinstance(reader.model, transformers.BertForQuestionAnswering):
        types = [batch.token_type_ids[row, :length] for row, length in enumerate(batch.lengths)]
        assert inputs["token_type_ids"][0].equal(torch.cat(types))
        assert inputs["token_type_ids"].sum() > 0


def test_the_softmax_is_over_a_window(reader, corpus):
    """PERF §4, trap D."""
    start, _ = span_logits(reader.model, batch_of(reader, corpus), pack=True)
    assert start.softmax(1).sum(1).allclose(torch.ones(len(start)))


def test_an_encoder_with_attention_of_its_own_is_refused(wordpiece):
    options = SIZE | {"relative_attention": True, "position_buckets": 16, "type_vocab_size": 0}
    config = transformers.DebertaV2Config(vocab_size=len(wordpiece), **options)
    with pytest.raises(UsageError, match="cannot be packed"):
        require("pack", transformers.DebertaV2ForQuestionAnswering(config))


def test_no_other_attention_is_packed(tiny):
    model, _ = load_encoder(tiny)
    require("pack", model)
    model.set_attn_implementation("eager")
    with pytest.raises(UsageError, match="cannot be packed"):
        require("pack", model)


@pytest.mark.parametrize("masked", [False, True])
def test_dropped_attention_and_its_gradients(masked):
    shape, dropout, scale = (3, 7, 7), 0.3, 0.25
    states = [torch.randn(3, 7, 4, requires_grad=True) for _ in range(3)]
    mask = torch.ones(1, 7, 7, dtype=torch.bool)
    mask[:, :, 5:] = not masked
    torch.manual_seed(3)
    own = attention._window(*states, mask, dropout, scale)
    torch.manual_seed(3)
    kept = draw(shape, dropout) > 0
    query, key, value = states
    scores = (query @ key.transpose(1, 2) * scale).masked_fill(~mask, float("-inf"))
    plain = (scores.softmax(-1) * kept / (1 - dropout)) @ value
    assert own.allclose(plain, atol=1e-6)
    weight = torch.randn_like(plain)
    gradients = [torch.autograd.grad((out * weight).sum(), states) for out in (own, plain)]
    for one, two in zip(*gradients, strict=True):
        assert one.allclose(two, atol=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.1, 0.5])
def test_dropout_drops_that_share_and_keeps_the_mean(dropout):
    torch.manual_seed(1)
    ones = torch.ones(1000, 1001)
    dropped = Dropout(dropout)(ones)
    assert (dropped == 0).float().mean().item() == pytest.approx(dropout, abs=2e-3)
    assert dropped.mean().item() == pytest.approx(1, abs=3e-3)
    assert Dropout(dropout).eval()(ones) is ones


def test_dropout_of_neighbours_is_independent():
    torch.manual_seed(1)
    kept = (draw((2_000_000,), 0.3) > 0).double()
    for distance in (1, 2, 3, 4):
        pairs = torch.stack([kept[:-distance], kept[distance:]])
        assert abs(torch.corrcoef(pairs)[0, 1].item()) < 3e-3


def test_a_loaded_encoder_uses_both(tiny):
    model, _ = load_encoder(tiny)
    assert model.config._attn_implementation == attention.NAME
    assert not any(type(module) is torch.nn.Dropout for module in model.modules())


@pytest.mark.parametrize("floating", [False, True])
def test_bf16_that_learns_on_a_cpu_is_attended_in_float32(floating):
    generator = torch.Generator().manual_seed(0)
    whole = [torch.randn(2, 3, 7, 8, generator=generator) for _ in range(4)]
    *halves, back = (part.bfloat16() for part in whole)
    mask = torch.ones(2, 1, 7, 7, dtype=torch.bool)
    mask[1, ..., 5:] = False
    given = torch.zeros(mask.shape, dtype=torch.bfloat16).masked_fill(~mask, float("-inf")) if floating else mask
    layer = torch.nn.Module()
    with torch.autocast("cpu", torch.bfloat16):
        learning = [part.clone().requires_grad_() for part in halves]
        mixed, _ = attention_interface.attend(layer, *learning, given, is_causal=False)
        mixed.backward(back.transpose(1, 2))
    exact = [part.float().requires_grad_() for part in halves]
    expected, _ = attention_interface.attend(layer, *exact, mask, is_causal=False)
    expected.backward(back.float().transpose(1, 2))
    assert mixed.dtype == torch.bfloat16
    assert torch.equal(mixed, expected.bfloat16())
    for ours, theirs in zip(learning, exact, strict=True):
        assert torch.equal(ours.grad, theirs.grad.bfloat16())
