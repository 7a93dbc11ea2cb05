"""What a training computes in, and how wide its batches are."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from polyspan.training import training_run
from polyspan.training.loop import train
from polyspan.training.settings import preset
from polyspan.training.training_run import TrainingRun

none: Any = None


def chosen(width: int, precision: str = "auto") -> str:
    reader: Any = SimpleNamespace(model=SimpleNamespace(config=SimpleNamespace(hidden_size=width)))
    return TrainingRun(reader, none, none, [], preset("cpu", precision=precision), 0, none, none).precision


@pytest.fixture
def machine(monkeypatch):
    def put(gpu: str | None, bf16: bool, computes: bool = True) -> None:
        monkeypatch.setattr(training_run, "gpu", lambda: None if gpu is None else torch.device(gpu))
        monkeypatch.setattr(training_run, "has_bf16", lambda: bf16)
        monkeypatch.setattr(training_run, "can", lambda ability, model: computes)

    return put


def test_bf16_where_the_machine_gains_by_it(machine):
    machine(None, bf16=True)
    assert (chosen(384), chosen(256), chosen(128)) == ("bf16", "bf16", "fp32")
    machine("cuda", bf16=True)
    assert (chosen(384), chosen(128)) == ("bf16", "bf16")
    machine("mps", bf16=False)
    assert chosen(384) == "fp32"
    machine(None, bf16=False)
    assert chosen(384) == "fp32"


def test_a_model_that_cannot_and_a_person_who_chose(machine):
    machine(None, bf16=True, computes=False)
    assert chosen(384) == "fp32"
    assert chosen(384, "bf16") == "bf16"
    machine(None, bf16=True)
    assert (chosen(384, "fp32"), chosen(384, "fp16")) == ("fp32", "fp16")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_batch_is_a_multiple_of_16_wide(tiny, corpus, tmp_path, monkeypatch, precision):
    widths = []
    forward = torch.nn.Embedding.forward

    def seen(self, ids):
        if ids.ndim == 2 and self.num_embeddings > 100:
            widths.append(ids.shape[1])
        return forward(self, ids)

    monkeypatch.setattr(torch.nn.Embedding, "forward", seen)
    settings = preset("cpu", epochs=1, batch_size=3, precision=precision, max_length=40, stride=8, freeze=())
    reader = train([corpus], str(tiny), tmp_path / "reader", settings)
    assert widths
    assert all(width % 16 == 0 or width == reader.options.max_length for width in widths)
    assert json.loads((tmp_path / "reader/run.json").read_text("utf-8"))["computed_in"] == precision
