"""The store: each stage's output in a folder under the stage's key, shared by runs and machines."""

import contextlib
import errno
import json
import os
import shutil
import stat
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from polyspan.errors import PolyspanError
from polyspan.files import Source, explained, sha256, write_json
from polyspan.lab.stage import Stage
from polyspan.lab.store.lease import Lease, holder, now

RECORD = "stage.json"
_FLUSHERS = 4
_MARK, _FORMAT = "store.json", 1


class Keyed(Protocol):
    """What the store knows an output by: a stage, or the key alone."""

    @property
    def key(self) -> str:
        """The stage's key."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A key of which no stage is planned."""

    key: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something in the store that no recipe named needs: where, why, and its size in bytes."""

    path: Path
    why: str
    bytes: int


class Store:
    """A folder of stages' outputs. Any number of runs and machines may use it at once.

    `stages/KEY/` holds the files of a finished stage and `stage.json`, its record; `partial/KEY/` what is being
    made, or was when a run was killed. Nothing is ever written into a finished folder. Opening a store writes
    nothing; raises PolyspanError for a folder that is something else.
    """

    def __init__(self, folder: Source) -> None:
        self.folder = Path(folder).absolute()
        self._checked: set[str] = set()
        with explained(self.folder, "read"):
            if self.folder.exists() and (not self.folder.is_dir() or not self._is_new()):
                self._require_mark()

    def _is_new(self) -> bool:
        """Whether nothing is in the folder, or another run is just writing its mark into it."""
        return all(path.name.startswith(f".{_MARK}.") for path in self.folder.iterdir())

    def _require_mark(self) -> None:
        try:
            found = json.loads((self.folder / _MARK).read_text("utf-8"))["store"]
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            fix = "name a new or empty folder, or that of a store"
            raise PolyspanError(f"{self.folder} is not a store", found=f"no {_MARK} of one", fix=fix) from None
        if found != _FORMAT:
            fix = "use the polyspan that wrote it, or another folder"
            raise PolyspanError(
                f"the store {self.folder} has another form", found=f"{found}", expected=f"{_FORMAT}", fix=fix
            )

    def prepare(self) -> None:
        """Make the folders where they are missing, and see that they can be written: PolyspanError where not."""
        if not (self.folder / _MARK).exists():  # first: a folder with something in it and no mark is no store
            write_json(self.folder / _MARK, {"store": _FORMAT})
        for part in ("stages", "partial", "trash"):
            with explained(self.folder / part, "write"):
                (self.folder / part).mkdir(parents=True, exist_ok=True)
        with explained(self.folder / "partial", "write"):
            now(self.folder / "partial")

    def path(self, stage: Keyed) -> Path:
        """Where the stage's output is, or will be."""
        return self.folder / "stages" / stage.key

    def has(self, stage: Keyed) -> bool:
        """Whether the stage's output is there with all its files, each of its size."""
        return self.path(stage).exists() and self.fault(stage) is None

    def record(self, stage: Keyed) -> dict[str, Any]:
        """What is known of the stage's output: kind, name, options, needs, files, seconds, versions, machine,
        command. Raises PolyspanError where it is not in the store or its record cannot be read."""
        path = self.path(stage) / RECORD
        try:
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            found["files"].items()  # raises where it is no record
            return found
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = "it is not in the store" if isinstance(error, FileNotFoundError) else str(error)
            raise PolyspanError("no record of a stage", where=str(path), found=why, fix="run it again") from error

    def fault(self, stage: Keyed) -> str | None:
        """What is wrong with the stage's output, in words: its record and the sizes of its files are looked at."""
        try:
            files = self.record(stage)["files"]
        except PolyspanError as error:
            return f"{RECORD}: {error.found}"
        for name, known in files.items():
            try:
                size = os.stat(self.path(stage) / name).st_size
            except OSError as error:
                return f"{name}: {error.strerror}"
            if size != known["bytes"]:
                return f"{name} has {size} bytes instead of {known['bytes']}"
        return None

    def lacks(self, stage: Keyed) -> Collection[str]:
        """Files of a finished output that were left out of the archive that it came in: what reads it cannot do
        without, a report can."""
        try:
            left_out: dict[str, Any] = self.record(stage).get("left_out", {})
        except PolyspanError:  # a fault, which others look for
            return ()
        return left_out

    def keys(self) -> list[str]:
        """The keys of all finished outputs, in order."""
        return [path.name for path in self._inside("stages")]

    def damage(self, stage: Keyed) -> str | None:
        """Like `fault`, and every file's hash is compared, once for each stage in the life of this object."""
        if (found := self.fault(stage)) or stage.key in self._checked:
            return found
        for name, known in self.record(stage)["files"].items():
            with explained(self.path(stage) / name, "read"):
                if sha256(self.path(stage) / name) != known["sha256"]:
                    return f"{name} has another content than was written"
        self._checked.add(stage.key)
        return None

    def use(self, stages: Collection[Keyed]) -> None:
        """Note that these outputs are in use now, for `garbage`."""
        for stage in stages:
            try:
                os.utime(self.path(stage) / RECORD)
            except OSError:  # a store that may only be read, or another run's output removed meanwhile
                continue

    def lease(self, stage: Stage) -> Lease | None:
        """The right to make the stage, with the folder to make it in; None where another process is making it."""
        return Lease.take(self._partial(stage), [need.key for need in stage.needs.values()])

    def maker(self, stage: Keyed) -> str:
        """Which process is making the stage, in words."""
        found = holder(self._partial(stage))
        return f"process {found['pid']} on {found['host']}" if found else "another process"

    def _partial(self, stage: Keyed) -> Path:
        return self.folder / "partial" / stage.key

    def keep(self, stage: Stage, lease: Lease, record: Mapping[str, Any], again: bool = False) -> bool:
        """Take a made output into the store, flushed to the disk before it is renamed.

        The first one stays: False where the stage was there already, or the lease was lost. With `again` the new
        one takes its place.
        """
        with explained(self.path(stage), "write"):
            files = {name: _described(lease.out / name) for name in _files(lease.out)}
        return self.take(stage, lease.out, dict(record) | {"files": files}, again)

    def take(self, stage: Keyed, folder: Path, record: Mapping[str, Any], again: bool = False) -> bool:
        """Take a folder with all the files that the record names into the store; as `keep` otherwise."""
        with explained(self.path(stage), "write"):
            write_record(folder, record)
            with ThreadPoolExecutor(_FLUSHERS) as flushers:  # together: the disk writes them in one go
                list(flushers.map(_flush, [folder / name for name in (*record["files"], RECORD)]))
            if again and self.path(stage).exists():
                self.discard(stage)
            try:
                folder.rename(self.path(stage))
            except FileNotFoundError:
                return False
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                shutil.rmtree(folder, ignore_errors=True)
                return False
        self._checked.add(stage.key)
        return True

    def discard(self, stage: Keyed) -> None:
        """Remove the stage's output, all of it at once."""
        with explained(self.path(stage), "remove"):
            self._remove(self.path(stage))
        self._checked.discard(stage.key)

    def contents(self) -> list[dict[str, Any]]:
        """What is in the store, by the kind of stage: `stages`, `bytes`, and when one was `used` last; what is
        being made or was left by killed runs is the kind `partial`."""
        found: dict[str, list[Path]] = {}
        for path in self._inside("stages"):
            found.setdefault(_kind(path), []).append(path)
        found |= {"partial": partial} if (partial := self._inside("partial")) else {}
        return [
            {
                "kind": kind,
                "stages": len(paths),
                "bytes": sum(map(_bytes, paths)),
                "used": max(map(_last_use, paths)),
            }
            for kind, paths in found.items()
        ]

    def _inside(self, part: str) -> list[Path]:
        try:
            return sorted((self.folder / part).iterdir())
        except FileNotFoundError:
            return []

    def garbage(self, keep: Collection[str], older_than: float = 0.0) -> list[Garbage]:
        """What is neither under one of the keys `keep` nor in use by a run, and was not used for `older_than`
        seconds: outputs, what killed runs left, and what was half removed."""
        if not (self.folder / _MARK).exists():
            return []
        with explained(self.folder, "read"):
            partial = list((self.folder / "partial").iterdir())
            live = {path.name: found for path in partial if (found := holder(path))}
            wanted = {*keep, *live, *(key for found in live.values() for key in found["needs"])}
            before = now(self.folder / "partial") - older_than
            garbage = [
                Garbage(path, "output of a stage that no recipe named needs", _bytes(path))
                for path in (self.folder / "stages").iterdir()
                if path.name not in wanted and _last_use(path) <= before
            ]
            for path in partial:
                done = (self.folder / "stages" / path.name).exists()
                if path.name not in live and (done or path.name not in wanted) and _last_use(path) <= before:
                    garbage.append(Garbage(path, "left by a run that was killed", _bytes(path)))
            trash = [path for path in (self.folder / "trash").iterdir() if _last_use(path) <= before]
            return garbage + [Garbage(path, "half removed", _bytes(path)) for path in trash]

    def remove(self, garbage: Sequence[Garbage]) -> int:
        """Remove what `garbage` found, but for what a run has begun to use since. Returns the bytes set free."""
        freed = 0
        for each in garbage:
            with explained(each.path, "remove"):
                if each.path.parent.name != "partial":
                    self._remove(each.path)
                elif lease := Lease.take(each.path):
                    with lease:
                        shutil.rmtree(lease.out)
                else:
                    continue
                freed += each.bytes
        return freed

    def _remove(self, path: Path) -> None:
        """Renamed first: nobody sees half a folder."""
        aside = self.folder / "trash" / f"{path.name}.{uuid.uuid4().hex}"
        try:
            path.rename(aside)
        except FileNotFoundError:  # another process was first
            return
        shutil.rmtree(aside, ignore_errors=True)


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write a stage's record into the folder that it is made in, whole or not at all."""
    part = folder / f".{RECORD}.part"
    part.write_text(json.dumps(dict(record), ensure_ascii=False, indent=2, allow_nan=False) + "\n", "utf-8")
    part.replace(folder / RECORD)


def _kind(folder: Path) -> str:
    try:
        return str(json.loads((folder / RECORD).read_text("utf-8"))["kind"])
    except (OSError, ValueError, KeyError, TypeError):
        return "damaged"


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / RECORD:
            yield path.relative_to(folder).as_posix()


def _described(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def _flush(path: Source) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _bytes(folder: Path) -> int:
    return sum(found.st_size for found in _stats(folder) if stat.S_ISREG(found.st_mode))


def _last_use(folder: Path) -> float:
    return max((found.st_mtime for found in _stats(folder / RECORD) or _stats(folder)), default=0.0)


def _stats(path: Path) -> list[os.stat_result]:
    """Of a file, or of a folder and all that is in it; what goes away meanwhile is left out."""
    found = []
    for each in (path, *path.rglob("*")):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found.append(each.stat())
    return found
