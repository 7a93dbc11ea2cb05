"""A run killed at ten random moments, and gone on with each time, ends with the report of an unbroken one."""

import json
import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import yaml

import ready
from polyspan.report import write_report
from ready import ended

KILLS = 10
_OF_TIME = ("seconds", "timing")


def recipe(model: str) -> dict[str, Any]:
    """Trainings, a map, an adversary, two seeds, probes and statistics: a little of everything."""
    windows = {"max_length": 64, "stride": 16, "max_question_length": 16}
    return {
        "name": "killed",
        "paper": "hsu2019",
        "model": model,
        "preset": "cpu",
        "settings": {"epochs": 2, "batch_size": 4, **windows},
        "seeds": [1, 2],
        "corpora": {name: {"data": f"mini:{name.lower()}/train", "limit": 12} for name in ("En", "Fr")},
        "tests": {
            "En": {"data": "mini:en/test", "limit": 12},
            "Zh": {"data": "mini:fr/test", "limit": 12},
            "mixed": {"data": "make:codeswitch(mini:en/test, dictionary=mini:fr, target=fr)", "limit": 12},
        },
        "readers": {
            "En": {"data": "En", "checkpoints": 3},
            "Zh": {"data": "Fr"},
            "Map": {"data": "En", "align": {"method": "mean", "layer": 1, "source": "En", "target": "Fr"}},
            "GAN": {"data": "En", "adversary": {"layer": 1, "data": "Fr"}},
        },
        "tables": {
            "table2": {"rows": ["En", "Zh"], "columns": ["En", "Zh"]},
            "table4": {"rows": ["En"], "columns": {"None": "En", "French": "mixed"}},
            "table7": {"rows": {"mean": "Map", "GAN-layer-8": "GAN"}, "columns": ["Zh"]},
        },
        "probes": {
            "figure1": {"kind": "pca", "readers": {"En": ["En", "Zh"]}, "before": True, "layers": [-1]},
            "figure2": {"kind": "cosine", "readers": {"En": ["En", "Zh"]}, "layers": [-1], "scatter": True},
        },
        "statistics": {
            "compare": [{"a": "En", "b": "GAN", "tests": "Zh"}],
            "selection": {"readers": "En", "source": "En", "tests": "Zh"},
            "claims": {"draws": 50},
        },
    }


@pytest.mark.slow
def test_ten_kills_and_the_same_report(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe(tiny)), "utf-8")
    assert ended(ready.start(["python", "-c", ""])) == 0  # what it waits for are the imports
    began = time.monotonic()
    assert ended(start(tmp_path, "whole")) == 0
    whole = time.monotonic() - began
    draw, killed = random.Random(7), 0
    for _ in range(3 * KILLS):  # a run that is soon finished cannot be killed so often
        if killed == KILLS:
            break
        run = start(tmp_path, "killed")
        if ended(run, draw.uniform(0.1, 0.4) * whole) is None:
            run.kill()
            killed += 1
            ended(run)
        else:
            assert run.exitcode == 0  # finished already: the other kills meet a run that only reports
    assert ended(start(tmp_path, "killed")) == 0
    one, two = (contents(tmp_path, name) for name in ("whole", "killed"))
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def start(folder: Path, name: str) -> BaseProcess:
    """`polyspan run` with a store of its own and a checkpoint every second of a training."""
    words = ["polyspan", "run", "r.yaml", "--store", f"store-{name}", "--out", f"out-{name}"]
    code = (
        f"import sys\nfrom polyspan.cli.main import main\nfrom polyspan.training.loop import train\n"
        f"train.__kwdefaults__['checkpoint_seconds'] = 1.0\nsys.argv = {words}\nmain()"
    )
    return ready.start(["python", "-c", code], folder, folder / f"{name}.log")


def contents(folder: Path, name: str) -> dict[str, bytes]:
    """All files of a report, but for its logs, drawn without the times and the names of its own folders."""
    out = folder / f"out-{name}"
    for path in [out / "report.json", *(out / "records").iterdir()]:
        text = path.read_text("utf-8").replace(f"store-{name}", "store").replace(f"out-{name}", "out")
        path.write_text(json.dumps(without_times(json.loads(text))), "utf-8")
    write_report(out)
    files = [path for path in sorted(out.rglob("*")) if path.is_file() and "logs" not in path.parts]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def without_times(value: Any) -> Any:
    """The same JSON with every time set to nothing."""
    if isinstance(value, dict):
        return {
            key: (0.0 if key == "seconds" else {}) if key in _OF_TIME else without_times(one)
            for key, one in value.items()
        }
    return [without_times(one) for one in value] if isinstance(value, list) else value
