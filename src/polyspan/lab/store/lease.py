"""A lease of a folder: one process works in it, others leave it alone; safe where machines share the folder.

Nothing is locked: a lease is a file with a number that only one process can create, on a network file system too.
On the disk it is called `claim.NUMBER`.
"""

import contextlib
import functools
import json
import os
import platform
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from polyspan.files import explained

_FILE = "claim"
HEARTBEAT = 10.0
"""Seconds between two signs of life of a lease's holder."""
STALE = 90.0
"""Seconds without one after which a lease on another machine counts as left; network file systems may show a
file's time a minute late."""


class Lease:
    """A lease that this process holds: taken with `take`, given back at the end of a `with` block.

    `out` is the folder to work in, or what a holder that died left of it. A second taker renames it: should the
    first be alive after all, it finds its folder gone instead of writing into the other's work.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number = folder, number
        self.out = folder / f"out.{number}"

    @classmethod
    def take(cls, folder: Path, needs: Sequence[str] = ()) -> "Lease | None":
        """Lease the folder, made where it is not there; None where another process has it.

        `needs` are keys of what the work in it reads, noted for those who tidy up. Raises PolyspanError where the
        folder cannot be written.
        """
        with explained(folder, "write"):
            folder.mkdir(parents=True, exist_ok=True)
            last = max(_numbers(folder), default=0)
            if last and is_live(_path(folder, last)):
                return None
            lease = cls(folder, last + 1)
            try:
                handle = os.open(lease._file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            except (FileExistsError, FileNotFoundError):  # another was first, or is done and has tidied up
                return None
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    json.dump(_this_process() | {"needs": list(needs)}, file)
                lease._inherit()
            except OSError as error:
                lease._file.unlink(missing_ok=True)
                if isinstance(error, FileNotFoundError):  # a third one took it over
                    return None
                raise
        _pulse().add(lease._file)
        return lease

    @property
    def _file(self) -> Path:
        return _path(self.folder, self.number)

    @property
    def lost(self) -> bool:
        """Whether another process has taken the lease over, because this one seemed dead."""
        return max(_numbers(self.folder), default=0) != self.number

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: object) -> None:
        _pulse().discard(self._file)
        try:
            self._file.unlink(missing_ok=True)
            self.folder.rmdir()
        except OSError:  # something is left to go on with
            pass

    def _inherit(self) -> None:
        """Take over what the last holder left, and remove what is older."""
        left = sorted(_numbers(self.folder, "out"))
        if left:
            (self.folder / f"out.{left[-1]}").rename(self.out)
        else:
            self.out.mkdir()
        for number in left[:-1]:
            shutil.rmtree(self.folder / f"out.{number}", ignore_errors=True)
        for number in _numbers(self.folder):
            if number < self.number:
                _path(self.folder, number).unlink(missing_ok=True)


@functools.cache
def _pulse() -> set[Path]:
    """The files of the leases that this process holds; a thread gives a sign of life for each now and then."""
    files: set[Path] = set()

    def beat() -> None:
        while True:
            time.sleep(HEARTBEAT)
            for file in list(files):
                with contextlib.suppress(OSError):  # lost, or the disk is away for a while: the holder finds out
                    os.utime(file)

    threading.Thread(target=beat, daemon=True).start()
    return files


def is_live(file: Path) -> bool:
    """Whether the holder of a lease is alive: by its process on this machine, elsewhere by its last sign."""
    try:
        with open(file, encoding="utf-8") as opened:  # opening asks the server; a mere stat may be out of date
            text, touched = opened.read(), os.fstat(opened.fileno()).st_mtime
    except FileNotFoundError:  # just given back
        return True
    known: dict[str, Any] = json.loads(text) if text.endswith("}") else {}
    here = _this_process()
    if known.get("host") == here["host"] and known["place"] == here["place"]:
        started: str | None = known["started"]
        return _started(known["pid"]) == started
    return now(file.parent) - touched < STALE


def holder(folder: Path) -> dict[str, Any] | None:
    """The live process that works in the folder (`host`, `pid`, `needs`, …), where there is one."""
    newest = _path(folder, max(_numbers(folder), default=0))
    if not newest.exists() or not is_live(newest):
        return None
    try:
        found: dict[str, Any] = json.loads(newest.read_text("utf-8"))
    except (OSError, ValueError):  # it is just being written, or was given back
        return {"host": "?", "pid": "?", "needs": []}
    return found


def now(folder: Path) -> float:
    """The time by the clock of the folder's file system, which sets the times of its files."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime


def _path(folder: Path, number: int) -> Path:
    return folder / f"{_FILE}.{number}"


def _numbers(folder: Path, what: str = _FILE) -> list[int]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    parts = (name.partition(".") for name in names)
    return [int(number) for before, _, number in parts if before == what and number.isdigit()]


def _this_process() -> dict[str, Any]:
    pid = os.getpid()
    return {"host": platform.node(), "place": _place(), "pid": pid, "started": _started(pid)}


@functools.cache
def _place() -> str:
    """Where process numbers mean the same: this boot of this machine, this container. Empty where not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When a process started, for a number may be given again: in ticks since the boot, empty on a system that
    does not tell. None where there is no such process."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return None if state in "ZX" else fields[18]
    except OSError:
        if _place():
            return None
    import psutil  # where there is no /proc; on Windows os.kill would end the process

    return "" if psutil.pid_exists(pid) else None
