"""What every engine does with one stage: make it in a folder of its own, keep it in the store, log it."""

import contextlib
import errno
import json
import os
import platform
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from polyspan.errors import PolyspanError, not_installed
from polyspan.files import LEFT_BY_KILLS, explained, file_name
from polyspan.lab.engine.processes import splits, work_in_processes
from polyspan.lab.machine import machine
from polyspan.lab.stage import KINDS, Stage
from polyspan.lab.store.lease import Lease
from polyspan.lab.store.store import RECORD, Store, write_record
from polyspan.lab.work import work_of
from polyspan.lab.work.loaded import put_away
from polyspan.training.versions import versions

_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Job:
    """How a run's stages are executed: the store, the folder of logs, whether what is kept is made again, the
    run's command, to be written into the records, and the processes that share a training."""

    store: Store
    logs: Path | None = None
    again: bool = False
    command: str = ""
    processes: int = 1

    def log(self, stage: Stage) -> Path | None:
        """The stage's log file."""
        if self.logs is None:
            return None
        return self.logs / f"{file_name(stage.name)[:100]}.{stage.key[:8]}.log"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a stage, and the seconds it took. `found`: another process has made it meanwhile; `busy`:
    another one is making it."""

    state: Literal["made", "found", "busy", "failed"]
    seconds: float = 0.0
    message: str = ""


def execute(stage: Stage, job: Job) -> Result:
    """Make one stage whose needs are in the store, unless another process makes it or has made it.

    The work gets an empty folder. A stage that trains gets what a killed run left of it, and goes on from the
    checkpoint in there. All that is written to stdout and stderr goes to the stage's log. A stage that fails is
    told in the result; raises PolyspanError where the store itself cannot be written.
    """
    lease = job.store.lease(stage)
    if lease is None:
        return Result("busy", message=job.store.maker(stage))
    with lease:
        again = job.again or bool(job.store.lacks(stage))
        if not again and job.store.has(stage):
            shutil.rmtree(lease.out, ignore_errors=True)
            return Result("found")
        goes_on = KINDS[stage.kind].trains and not job.again
        with explained(lease.out, "write"):
            _tidy(lease.out, *(LEFT_BY_KILLS if goes_on else "*"))
        record = _finished(lease.out)
        if record is None:
            began = time.monotonic()
            with _captured(job.log(stage)):
                fault = _work(stage, job, lease)
            seconds = round(time.monotonic() - began, 3)
            if lease.lost:
                return Result("busy", message="another process, which took this one for dead")
            if fault:
                if not goes_on:
                    shutil.rmtree(lease.out, ignore_errors=True)
                log = job.log(stage)
                return Result("failed", seconds, f"{fault}\n  {'log:':<9} {log}" if log else fault)
            record = _record(stage, seconds, job.command)
            with explained(lease.out, "write"):
                write_record(lease.out, record)  # before the checkpoint goes: a kill from here on costs nothing
        _tidy(lease.out, *LEFT_BY_KILLS, "*.checkpoint")
        kept = job.store.keep(stage, lease, record, again)
        return Result("made" if kept else "found", record["seconds"])


def _finished(out: Path) -> dict[str, Any] | None:
    """The record of work that was done when its run was killed, before its output came into the store."""
    if not (out / RECORD).is_file():
        return None
    found: dict[str, Any] = json.loads((out / RECORD).read_text("utf-8"))
    return found


def _work(stage: Stage, job: Job, lease: Lease) -> str:
    """Do the work; returns what went wrong, in words. A disk that takes no more is raised: no stage can go on."""
    store = job.store
    try:
        for role, need in stage.needs.items():
            if fault := store.fault(need):
                fix = "the store must be one folder that all machines see, and nobody may remove what a run needs"
                message = f"what it reads as {role!r} ({need.name}) is not whole on {platform.node()}"
                raise PolyspanError(message, where=str(store.path(need)), found=fault, fix=fix)
        inputs = {role: store.path(need) for role, need in stage.needs.items()}
        if KINDS[stage.kind].trains:
            put_away()
        if job.processes > 1 and splits(stage):
            import torch  # noqa: F401  # for the record: the device that the processes could use

            work_in_processes(stage, inputs, lease.out, job.processes)
        else:
            work_of(stage.kind)(stage.options, inputs, lease.out)
    except Exception as error:
        if _is_disk(error):
            if isinstance(error, PolyspanError):
                raise
            fix = "free some space or choose another disk: what is made so far is kept"
            raise PolyspanError(f"cannot write {lease.out}", found=str(error), fix=fix) from error
        if isinstance(error, ModuleNotFoundError):
            error = not_installed(error, stage.name)
        if isinstance(error, PolyspanError):
            print(error, file=sys.stderr)
            return str(error)
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"
    return ""


def _is_disk(error: BaseException | None) -> bool:
    """Whether a full disk or one that may not be written is behind an error."""
    while error is not None:
        if getattr(error, "errno", None) in _OF_DISKS or "os error 28" in str(error):
            return True
        error = error.__cause__
    return False


def _tidy(folder: Path, *patterns: str) -> None:
    for pattern in patterns:
        for path in list(folder.rglob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _captured(log: Path | None) -> Iterator[None]:
    """Within it, stdout and stderr are the log file, for Python and for the libraries below it."""
    if log is None:
        yield
        return
    with explained(log, "write"):
        log.parent.mkdir(parents=True, exist_ok=True)
        file = log.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
    before = {number: _copied(number) for number in (1, 2)}
    _flush_streams()
    with file:
        try:
            for number in before:
                os.dup2(file.fileno(), number)
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                yield
        finally:
            _flush_streams()
            for number, copy in before.items():
                os.close(number) if copy is None else os.dup2(copy, number)
                if copy is not None:
                    os.close(copy)


def _copied(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:  # closed by the caller
        return None


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()


def _record(stage: Stage, seconds: float, command: str) -> dict[str, Any]:
    """What `stage.json` says but for the files."""
    return {
        "kind": stage.kind,
        "name": stage.name,
        "key": stage.key,
        **stage.definition,
        "seconds": seconds,
        "versions": versions(),
        "machine": machine(),
        "command": command,
    }
