"""A stage's training split over several processes, each with a share of every batch and a GPU where there is one.

The processes are those of `torchrun`, in which accelerate finds its place. They end with the run that started
them, however it ends: it holds a lock that each of them waits for. A training then writes a checkpoint first.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from filelock import FileLock

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import write_json
from polyspan.lab.machine import usable_cores
from polyspan.lab.stage import KINDS, Inputs, Stage
from polyspan.lab.work import work_of
from polyspan.model.fast.own_process import waiting

_FAULT = ("message", "where", "found", "expected", "fix")
_PATIENCE = 35.0  # seconds for checkpoints to be written


def splits(stage: Stage) -> bool:
    """Whether several processes can share the stage's work: a training without an adversary."""
    return KINDS[stage.kind].trains and not stage.options.get("adversary")


def work_in_processes(stage: Stage, inputs: Inputs, out: Path, count: int) -> None:
    """Do the work of a stage in `count` processes on this machine; they share the threads that this one may use.

    Their output goes where this process' goes. Raises a PolyspanError that one of them had, with the number of the
    operating system's fault behind it, and one that tells the exit status where they end otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="polyspan-") as folder:
        asked, fault = Path(folder) / "work.json", Path(folder) / "fault.json"
        read = {role: str(path) for role, path in inputs.items()}
        write_json(asked, {"kind": stage.kind, "options": dict(stage.options), "inputs": read, "out": str(out)})
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        command = [sys.executable, *launch, "-m", "polyspan.lab.engine.processes", str(asked)]
        with _life(asked):
            threads = {"OMP_NUM_THREADS": str(max(1, _threads() // count))}
            status = _waited(subprocess.Popen(command, env=os.environ | waiting() | threads))
        if fault.exists():
            told = json.loads(fault.read_text("utf-8"))
            number = told.pop("errno")
            raise PolyspanError(**told) from (OSError(number, os.strerror(number)) if number else None)
        if status:
            found = f"exit status {status} of {count} processes"
            raise PolyspanError("a training in several processes broke off", found=found, fix="see the log")


def _waited(running: "subprocess.Popen[bytes]") -> int:
    """The exit status; where this process is stopped, the others are ended, after Ctrl-C with time to save."""
    try:
        return running.wait()
    except KeyboardInterrupt:
        try:
            running.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            running.terminate()
        raise
    except BaseException:
        running.terminate()
        raise
    finally:
        running.wait()


def main(asked: Path) -> None:
    """One of the processes: do the work that the file names; a fault is written beside it."""
    work = json.loads(asked.read_text("utf-8"))
    threading.Thread(target=_end_with, args=(asked,), daemon=True).start()
    inputs = {role: Path(path) for role, path in work["inputs"].items()}
    try:
        _require_device()
        work_of(work["kind"])(work["options"], inputs, Path(work["out"]))
    except (PolyspanError, OSError) as error:
        told = error if isinstance(error, PolyspanError) else PolyspanError("cannot go on", found=str(error))
        write_json(asked.with_name("fault.json"), _parts(told) | {"errno": _errno(error)})
        print(told, file=sys.stderr)
        sys.exit(1)


def _require_device() -> None:
    """Raise UsageError where there are GPUs, but none for this process."""
    import torch

    count = torch.accelerator.device_count()
    if 0 < count <= int(os.environ["LOCAL_RANK"]):
        wanted = os.environ["LOCAL_WORLD_SIZE"]
        raise UsageError("each process of a training needs a GPU", found=f"{count} for {wanted} processes")


def _parts(error: PolyspanError) -> dict[str, str]:
    return {name: getattr(error, name) for name in _FAULT}


def _errno(error: BaseException | None) -> int | None:
    """The number of the operating system's fault behind an error."""
    while error is not None:
        if number := getattr(error, "errno", None):
            return int(number)
        error = error.__cause__
    return None


def _end_with(asked: Path) -> None:
    """End this process when the one that holds the lock is gone."""
    with _life(asked):
        pass
    end_this_process()


def _life(asked: Path) -> FileLock:
    """The lock that the run holds as long as it lives."""
    return FileLock(asked.with_name("life.lock"), poll_interval=0.5)


def end_this_process() -> None:
    """End the process from one of its threads: as SIGTERM does, and if that takes too long, at once."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(1)


def _threads() -> int:
    """The threads that this process may use: what it was told, or one a core."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal():
        return int(told)
    return usable_cores()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
