"""Packed linear layers: the same numbers but for rounding, anew after the weights change, plain while learning."""

import copy

import pytest
import torch
from torch.nn.functional import linear

from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.fast import linear as fast
from polyspan.model.fast.linear import Linear, SpanHead, can_pack, has_fast_mkl, use_linear


@pytest.fixture(params=["of Intel", "another"], autouse=True)
def processor(request, monkeypatch):
    """What is computed is the same on both."""
    monkeypatch.setattr(fast, "has_fast_mkl", lambda: request.param == "of Intel")
    return request.param


@pytest.mark.parametrize("maker", ["GenuineIntel", "AuthenticAMD"])
def test_whose_processor_it_is(monkeypatch, maker, tmp_path):
    info = tmp_path / "cpuinfo"
    for written in (False, True):
        monkeypatch.setattr(fast, "Path", lambda name: info)
        monkeypatch.setattr(fast.platform, "processor", lambda: "" if info.exists() else f"Family 6, {maker}")
        has_fast_mkl.cache_clear()
        assert has_fast_mkl() is (maker == "GenuineIntel" and torch.backends.mkl.is_available())
        if not written:
            info.write_text(f"vendor_id : {maker}")
    has_fast_mkl.cache_clear()


def test_float32_is_packed_where_that_is_faster(processor):
    layer = Linear(16, 16).eval()
    with torch.inference_mode():
        layer(torch.randn(4, 16))
        assert (layer._packed is None) is (processor == "of Intel")


def test_the_same_numbers_but_for_rounding():
    plain = torch.nn.Sequential(torch.nn.Linear(48, 96), torch.nn.Linear(96, 8, bias=False)).eval()
    packed = copy.deepcopy(plain)
    use_linear(packed)
    states = torch.randn(3, 17, 48)
    with torch.no_grad():
        assert (packed(states) - plain(states)).abs().max() < 1e-5
        for rows in (1, 500):
            assert (packed(states[:1, :1].expand(1, rows, 48)) - plain(states[:1, :1])).abs().max() < 1e-5
    assert packed.state_dict().keys() == plain.state_dict().keys()


def test_changed_weights_are_packed_anew():
    layer = Linear(16, 16).eval()
    states = torch.randn(4, 16)
    with torch.inference_mode():
        layer(states)
    with torch.no_grad():
        layer.weight.mul_(2)
        assert (layer(states) - linear(states, layer.weight, layer.bias)).abs().max() < 1e-5
        layer.weight.data = torch.randn(16, 16)
        assert (layer(states) - linear(states, layer.weight, layer.bias)).abs().max() < 1e-5


def test_a_fused_optimiser_leaves_no_stale_weights():
    layer = Linear(16, 16).eval()
    states = torch.randn(4, 16)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, fused=True)
    with torch.inference_mode():
        layer(states)
    layer(states).sum().backward()
    optimizer.step()
    with torch.inference_mode():
        assert (layer(states) - linear(states, layer.weight, layer.bias)).abs().max() < 1e-5


def test_while_learning_it_is_a_plain_layer():
    layer = Linear(16, 16)
    states = torch.randn(4, 16, requires_grad=True)
    out = layer(states)
    assert out.equal(linear(states, layer.weight, layer.bias))
    out.sum().backward()
    assert layer.weight.grad is not None
    with torch.no_grad():
        layer(states)
    assert layer._packed is None


def test_a_loaded_encoder_has_them(tiny):
    model, _ = load_encoder(tiny)
    kinds = {type(module) for module in model.modules() if isinstance(module, torch.nn.Linear)}
    assert kinds == {SpanHead, Linear if can_pack() else torch.nn.Linear}
    assert copy.deepcopy(model).state_dict().keys() == model.state_dict().keys()


def test_half_precision_is_packed_too_but_not_the_span_head():
    model = torch.nn.Sequential(torch.nn.Linear(48, 96), torch.nn.Linear(96, 2)).eval()
    states = torch.randn(3, 17, 48)
    with torch.inference_mode():
        exact = model(states)
        use_linear(model)
        first = model(states)
        with torch.autocast("cpu", torch.bfloat16):
            inner, rough = model[0](states), model(states)
        again = model(states)
    assert inner.dtype == torch.bfloat16
    assert rough.dtype == torch.float32
    assert 0 < (rough - exact).abs().max() < 0.05
    assert len(rough.unique()) == rough.numel()  # no ties: bf16 has only 8 bits
    assert first.equal(again)
