"""Everything that chooses where to compute asks torch for its accelerator, whoever made it."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import polyspan
from polyspan.align.space import given, orthogonal
from polyspan.ask.pipeline import _place
from polyspan.errors import PolyspanError
from polyspan.lab.machine import machine
from polyspan.model.device import best_device, free_gpu, gpu, gpu_has_bf16, gpu_name, with_float64
from polyspan.model.encoders import encoder
from polyspan.model.fast.precision import has_bf16, require_dtype
from polyspan.training.settings import default_preset

SOURCE = Path(polyspan.__file__).parent
CPU = torch.device("cpu")


@pytest.fixture
def machine_with(monkeypatch):
    """Let torch say that it has an accelerator of a kind, whose module has the functions given."""

    def put(kind: str | None, **functions: object) -> None:
        found = None if kind is None else torch.device(kind)
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: found)
        monkeypatch.setattr(torch, "get_device_module", lambda device: SimpleNamespace(**functions))

    return put


def test_without_a_gpu(machine_with):
    machine_with(None)
    assert (gpu(), best_device(), gpu_has_bf16(), gpu_name()) == (None, CPU, False, None)
    free_gpu()
    assert default_preset() == "cpu"
    assert _place(-1) == "cpu"


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_a_gpu_with_bf16(machine_with, kind):
    freed: list[bool] = []
    functions = {"is_bf16_supported": lambda: True, "get_device_name": lambda: "B 2"}
    machine_with(kind, **functions, empty_cache=lambda: freed.append(True))
    assert best_device() == best_device(float64=True) == torch.device(kind)
    assert (gpu_has_bf16(), has_bf16(), gpu_name(), machine()["gpu"]) == (True, True, "B 2", "B 2")
    free_gpu()
    assert freed == [True]
    assert default_preset() == "readme"
    assert _place(1) == f"{kind}:1"


def test_apple_s_gpu(machine_with):
    """Its module in torch says nothing of bf16 and names, and it has no numbers of 64 bits."""
    machine_with("mps", empty_cache=lambda: None)
    assert best_device() == torch.device("mps")
    assert best_device(float64=True) == with_float64(torch.device("mps", 0)) == CPU
    assert (gpu_has_bf16(), gpu_name()) == (False, "mps")
    assert _place(0) == "mps:0"
    with pytest.raises(PolyspanError, match="bf16 would be slower"):
        require_dtype("bf16")


def test_maps_are_fitted_where_float64_is(machine_with):
    machine_with("mps")
    vectors = np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32)
    turned = np.linalg.qr(np.random.default_rng(2).normal(size=(8, 8)))[0].astype(np.float32)
    both = given(vectors, vectors @ turned)
    assert both.x.raw.device == CPU
    found = both.affine(orthogonal(both.x.units, both.y.units))
    assert np.allclose(found.apply(vectors), vectors @ turned, atol=1e-5)


def test_a_reader_goes_to_the_gpu(machine_with, tiny):
    machine_with("meta", device_count=lambda: 0)  # takes any model, and computes nothing
    assert encoder.load_encoder(tiny)[0].device.type == "meta"


def test_workers_take_a_gpu_each(monkeypatch):
    pytest.importorskip("prometheus_client")
    from polyspan.serve.service import _take_share

    taken = []
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    monkeypatch.setattr(torch.accelerator, "set_device_index", taken.append)
    for worker in range(3):
        _take_share(worker, 3)
    assert taken == [0, 1, 0]


def test_nothing_else_asks_for_one_maker_s():
    """`is_cuda` stands before the one kernel that only CUDA has."""
    asks = re.compile(r"torch\.(cuda|mps|xpu)\b|[\"'](cuda|mps|xpu)[\"']|\bis_cuda\b")
    files = {
        file.relative_to(SOURCE).as_posix(): asks.findall(file.read_text("utf-8")) for file in SOURCE.rglob("*.py")
    }
    assert {name for name, found in files.items() if found} == {
        "ask/pipeline.py",  # a number of a GPU where there is none: torch says so
        "model/device.py",
        "model/fast/attention.py",
    }


def test_records_of_a_machine_load_no_torch(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    assert machine()["gpu"] is None
