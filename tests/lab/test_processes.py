"""Trainings of a run that several processes share: the same Reader, one message, and no process left behind."""

import contextlib
import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from safetensors.torch import load_file

from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.engine import processes
from polyspan.lab.engine.local import run_local
from polyspan.lab.engine.processes import splits, work_in_processes
from polyspan.lab.stage import Stage
from polyspan.lab.store.store import Store
from polyspan.training.settings import as_options, preset

CORPUS = Stage("corpus", "French", {"data": "mini:fr/train"})
SETTINGS = {"epochs": 2, "batch_size": 4, "max_length": 128, "stride": 32, "freeze_layers": 0}


def reader(model: str, epochs: float = 2, **options) -> Stage:
    settings = as_options(preset("cpu", **SETTINGS | {"epochs": epochs}))
    given = {"model": model, "seed": 1, "limit": 12, "settings": settings}
    return Stage("train", "French reader", given | options, {"data.0": CORPUS})


def test_a_device_for_each_process(tmp_path):
    with pytest.raises(UsageError, match="each process of a training needs a GPU"):
        run_local([Stage("nothing", "one")], Store(tmp_path / "store"), devices=["0,1", "2"], processes=2)
    assert not (tmp_path / "store").exists()


def test_what_several_processes_can_share():
    assert splits(reader("tiny"))
    assert not splits(reader("tiny", adversary={"layer": 1}))
    assert not splits(CORPUS)


@pytest.mark.slow
def test_a_training_in_two_processes(tiny, tmp_path):
    """The losses and the matrices of one process but for rounding; a fault comes back with its parts."""
    alone, shared = Store(tmp_path / "alone"), Store(tmp_path / "shared")
    stage = reader(tiny)
    run_local([stage], alone).require_whole()
    run_local([stage], shared, processes=2, logs=tmp_path / "logs").require_whole()
    folders = [store.path(stage) / "reader" for store in (alone, shared)]
    records = [json.loads((folder / "run.json").read_text()) for folder in folders]
    assert [record["processes"] for record in records] == [1, 2]
    assert records[0]["loss"] == pytest.approx(records[1]["loss"], abs=1e-3)
    one, two = (load_file(folder / "model.safetensors") for folder in folders)
    apart = max(float((one[name] - two[name]).abs().max()) for name in one if one[name].ndim > 1)
    assert apart < 1e-4
    lost = reader("bundled:nosuch")
    outcome = run_local([lost], shared, processes=2, logs=tmp_path / "logs")
    message = outcome.failed["French reader"]
    assert message.startswith("unknown bundled encoder 'nosuch'\n  fix:      one of: e5-small")


def test_a_fault_of_the_disk_is_told_as_one(tiny, tmp_path, monkeypatch):
    """What one of the processes does and writes; here it is this one."""

    def done_here(command, env):
        with pytest.raises(SystemExit) as end:
            processes.main(Path(command[-1]))
        return end.value.code

    monkeypatch.setattr(processes, "_waited", lambda status: status)
    monkeypatch.setattr(processes, "_end_with", lambda asked: None)
    monkeypatch.setattr(processes.subprocess, "Popen", done_here)
    run_local([CORPUS], store := Store(tmp_path / "store"))
    taken = tmp_path / "taken"
    taken.write_text("a file where a folder is to be")
    with pytest.raises(PolyspanError) as raised:
        work_in_processes(reader(tiny), {"data.0": store.path(CORPUS)}, taken, 2)
    assert getattr(raised.value.__cause__, "errno", None) in (errno.ENOTDIR, errno.EEXIST)


@pytest.mark.slow
def test_the_processes_end_with_the_run(tiny, tmp_path):
    """SIGKILL of the run alone, in the middle of the training: all that it started saves, and is soon gone."""
    script = tmp_path / "run.py"
    script.write_text(
        "from polyspan.lab.engine.local import run_local\n"
        "from polyspan.lab.stage import Stage\n"
        "from polyspan.lab.store.store import Store\n"
        "if __name__ == '__main__':\n"
        f"    corpus = Stage('corpus', 'French', {dict(CORPUS.options)!r})\n"
        f"    stage = Stage('train', 'reader', {dict(reader(tiny, 3000).options)!r}, {{'data.0': corpus}})\n"
        f"    store, logs = Store({str(tmp_path / 'store')!r}), {str(tmp_path / 'logs')!r}\n"
        "    run_local([stage], store, processes=2, logs=logs)\n"
    )
    with (tmp_path / "out").open("w") as out:
        run = subprocess.Popen([sys.executable, str(script)], stderr=out, stdout=out)
    started: list[psutil.Process] = []
    try:
        deadline = time.monotonic() + 120
        while not training(tmp_path / "logs") and time.monotonic() < deadline and run.poll() is None:
            time.sleep(0.2)
        started = psutil.Process(run.pid).children(recursive=True)
        assert (
            sum("polyspan.lab.engine.processes" in " ".join(one.cmdline()) for one in started) == 3
        )  # and torchrun
        run.send_signal(signal.SIGKILL)
        run.wait()
        _, alive = psutil.wait_procs(started, timeout=30)
        assert alive == []
        assert list((tmp_path / "store").rglob("reader.checkpoint/*/state.json"))
    finally:
        run.kill()
        for one in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def training(logs: Path) -> bool:
    """Whether a log says that steps are taken."""
    return any("training:" in path.read_text() for path in logs.glob("*"))
