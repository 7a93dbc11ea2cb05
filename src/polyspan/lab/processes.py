"""A stage's training split over several processes, each with a share of every batch and a GPU where there is one.

The processes are those of `torchrun`, in which accelerate finds its place. They end with the run that started
them, however it ends: it holds a lock that each of them waits for.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from polyspan.errors import PolyspanError
from polyspan.files import write_json
from polyspan.lab.stage import KINDS, Inputs, Stage

_FAULT = ("message", "where", "found", "expected", "fix")


def splits(stage: Stage) -> bool:
    """Whether several processes can share the stage's work: a training without an adversary."""
    return KINDS[stage.kind].trains and not stage.options.get("adversary")


def work_in_processes(stage: Stage, inputs: Inputs, out: Path, count: int) -> None:
    """Do the work of a stage in `count` processes on this machine.

    Their output goes where this process' goes. Raises the PolyspanError of the first that had one, and one that
    tells the exit status where they end otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="polyspan-") as folder:
        asked, fault = Path(folder) / "work.json", Path(folder) / "fault.json"
        read = {role: str(path) for role, path in inputs.items()}
        write_json(asked, {"kind": stage.kind, "options": dict(stage.options), "inputs": read, "out": str(out)})
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        threads = {"OMP_NUM_THREADS": str(max(1, _cores() // count))}
        with asked.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            command = [sys.executable, *launch, "-m", "polyspan.lab.processes", str(asked)]
            running = subprocess.Popen(command, env=os.environ | threads)
            try:
                status = running.wait()
            except BaseException:
                running.terminate()
                running.wait()
                raise
        if fault.exists():
            raise PolyspanError(**json.loads(fault.read_text("utf-8")))
        if status:
            found = f"exit status {status} of {count} processes"
            raise PolyspanError("a training in several processes broke off", found=found, fix="see the log")


def main(asked: Path) -> None:
    """One of the processes: do the work that the file names; a fault is written beside it."""
    work = json.loads(asked.read_text("utf-8"))
    threading.Thread(target=_end_with, args=(asked,), daemon=True).start()
    inputs = {role: Path(path) for role, path in work["inputs"].items()}
    try:
        KINDS[work["kind"]].load()(work["options"], inputs, Path(work["out"]))
    except PolyspanError as error:
        write_json(asked.with_name("fault.json"), {name: getattr(error, name) for name in _FAULT})
        print(error, file=sys.stderr)
        sys.exit(1)


def _end_with(asked: Path) -> None:
    """End this process when the one that holds the lock is gone."""
    with asked.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
    os._exit(1)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
