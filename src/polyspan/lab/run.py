"""Running a recipe: planned, its missing stages made by an engine, and the report written."""

import contextlib
import errno
import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.files import LEFT_BY_KILLS, Source, cache_folder, explained
from polyspan.lab.machine import hardware
from polyspan.lab.plan.plan import Plan, plan
from polyspan.lab.recipe.recipe_file import read_recipe

if TYPE_CHECKING:
    from polyspan.lab.engine.schedule import Outcome
    from polyspan.lab.stage import Stage
    from polyspan.lab.store.store import Store

ENGINES = ("local", "ray")
_LOCK = ".running"
_PATIENCE = 0.5  # seconds: a run that ends just now lets the next one in
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP)


@dataclass(frozen=True, slots=True)
class Executor:
    """What makes the missing stages, and how.

    `name` is `local` or `ray`. `policy` is `missing`, `always`, `never`, or `versions`: what is missing, and what
    other versions of torch, transformers or tokenizers have made. `devices` are GPUs, or `cpu`s, for the local
    engine, `address` is the head of a Ray cluster, and `processes` share the batches of each training.
    """

    name: str = "local"
    policy: str = "missing"
    devices: Sequence[str] = ()
    address: str | None = None
    processes: int = 1

    def make(self, stages: "Sequence[Stage]", store: "Store", logs: Path, command: str = "") -> "Outcome":
        """Make stages and what they need; `logs` is the folder of their logs, `command` is for their records."""
        choose("engine", self.name, ENGINES)
        how: dict[str, Any] = {"policy": self.policy, "logs": logs, "command": command}
        how["processes"] = self.processes
        if self.name == "ray":
            if self.devices:
                fix = "Ray hands out the GPUs of its cluster itself"
                raise UsageError("--device is for the local engine", fix=fix)
            from polyspan.lab.engine.ray_cluster import run_ray

            return run_ray(stages, store, address=self.address, **how)
        if self.address is not None:
            raise UsageError("--address is for the Ray engine", fix="add --engine ray")
        from polyspan.lab.engine.local import run_local

        return run_local(stages, store, devices=list(self.devices), **how)


def run(
    recipe: Source,
    out: Source | None = None,
    changes: Sequence[str] = (),
    *,
    engine: str = "local",
    store: Source | None = None,
    policy: str = "missing",
    devices: Sequence[str] = (),
    address: str | None = None,
    processes: int = 1,
    command: str = "",
) -> dict[str, Any]:
    """Run a recipe, a file or one of polyspan's own by its name (`hsu2019/table2`), and return its report.

    The report is in the folder `out`, `runs/NAME` by default. `changes` are as in `--set`: `["scale.limit=100"]`.
    The stages' outputs are kept in `store`, by default one in the cache folder that all runs share: what is there
    is not made again, whatever recipe asked for it first. Where the store is within `out`, the Readers are in
    `out/readers` too. `engine` and what follows is what `Executor` has; `command` is for the records, by default
    the one that does the same. A stage that fails stops only what needs it: the report then has what there is, and
    a PolyspanError names the stage. Raises UsageError for an unknown engine and for what the recipe cannot say.
    """
    made_by = Executor(engine, policy, devices, address, processes)
    asked = read_recipe(recipe, changes)
    planned = plan(asked)
    kept = open_store(store)
    folder = run_folder(planned, out)
    command = command or command_of(recipe, out, changes, store, processes)
    with alone(folder):
        _tidy(folder, kept.folder)
        outcome = made_by.make(planned.stages, kept, folder / "logs", command)
        from polyspan.lab.results.results import write_results

        report = write_results(asked, planned, kept, folder, command, outcome.failed)
    outcome.require_whole()
    return report


def run_folder(planned: Plan, out: Source | None = None) -> Path:
    """Where a run writes its report and logs."""
    return Path(out or Path("runs") / planned.recipe.name)


def open_store(folder: Source | None = None) -> "Store":
    """The store in a folder; by default the one that all runs share, in polyspan's cache folder."""
    from polyspan.lab.store.store import Store

    return Store(cache_folder() / "store" if folder is None else folder)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Within it no other run of this machine writes to the folder; another's report is not written over by chance.

    Raises PolyspanError where another run is at it, and for a folder that holds something else than a run.
    """
    lock = FileLock(folder / _LOCK)
    require_free(folder)
    with explained(folder, "write"):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout:
            fix = "wait for it, or choose another --out; two runs may share a store"
            raise PolyspanError(f"another run writes to {folder}", where=lock.lock_file, fix=fix) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # while it is held: who locks it later finds that nobody looks for it
            os.unlink(lock.lock_file)
        lock.release()


def _tidy(folder: Path, store: Path) -> None:
    """Remove what a killed run left of files in the making; in a store that is within, others may be at work."""
    folder, store = folder.absolute(), store.absolute()
    with explained(folder, "write"):
        for path in [path for pattern in LEFT_BY_KILLS for path in folder.rglob(pattern)]:
            if path.is_relative_to(store):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def require_free(folder: Path) -> None:
    """Raise PolyspanError where something else than a run is in the folder: it has a report, or logs."""
    with explained(folder, "write"):
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        known = not there or there & {_LOCK, "report.json", "logs"}
        if folder.exists() and not (folder.is_dir() and known):
            fix = "choose another --out"
            raise PolyspanError(f"{folder} is taken", found="something that is no run's", fix=fix)


def command_of(
    recipe: Source, out: Source | None, changes: Sequence[str], store: Source | None, processes: int = 1
) -> str:
    """The command line of a run, for its records; with `--stage NAME` behind it makes one stage alone."""
    words = ["polyspan", "run", str(recipe)]
    words += [word for change in changes for word in ("--set", change)]
    words += [] if store is None else ["--store", str(store)]
    words += [] if out is None else ["--out", str(out)]
    words += [] if processes == 1 else ["--processes", str(processes)]
    return shlex.join(words)


def described(planned: Plan, store: "Store") -> dict[str, Any]:
    """A plan as plain JSON: every stage with what is cached, the totals of what is not, and what each drawn thing
    needs. Seconds and megabytes are estimates for `machine`."""
    to_make, read = set(), set()
    for stage in reversed(planned.stages):
        if not store.has(stage) or (stage.key in read and store.lacks(stage)):
            to_make.add(stage.key)
            read |= {need.key for need in stage.needs.values()}
    rows: list[dict[str, Any]] = [
        {
            "name": stage.name,
            "kind": stage.kind,
            "key": stage.key,
            "cached": stage.key not in to_make,
            "seconds": round(stage.seconds, 1),
            "megabytes": round(stage.megabytes, 1),
            "needs": [need.name for need in stage.needs.values()],
        }
        for stage in planned.stages
    ]
    left = [row for row in rows if not row["cached"]]
    totals: dict[str, Any] = {"stages": len(rows), "cached": len(rows) - len(left)}
    totals |= {name: round(sum(row[name] for row in left), 1) for name in ("seconds", "megabytes")}
    drawn = {name: [stage.name for stage in stages] for name, stages in planned.wanted.items()}
    return {
        "recipe": planned.recipe.name,
        "machine": str(hardware()),
        "store": str(store.folder),
        "total": totals,
        "draw": drawn,
        "stages": rows,
    }
