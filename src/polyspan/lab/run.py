"""Running a recipe: planned, its missing stages made by an engine, and the report written."""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.files import Source, cache_folder, explained
from polyspan.lab.plan.plan import Plan, plan
from polyspan.lab.recipe.recipe_file import read_recipe

if TYPE_CHECKING:
    from polyspan.lab.engine.schedule import Outcome
    from polyspan.lab.stage import Stage
    from polyspan.lab.store.store import Store

ENGINES = ("local", "ray")


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
    `out/readers` too. `policy` is `missing`, `always` or `never`; `devices` are GPUs for the local engine,
    `address` is the head of a Ray cluster, and `processes` share the batches of each training. A stage that fails
    stops only what needs it: the report then has what there is, and a PolyspanError names the stage. Raises
    UsageError for an unknown engine and for what the recipe cannot say.
    """
    asked = read_recipe(recipe, changes)
    planned = plan(asked)
    kept = open_store(store)
    folder = Path(out or Path("runs") / planned.recipe.name)
    with _alone(folder):
        outcome = make(
            planned.stages,
            kept,
            *(folder, engine, policy),
            devices=devices,
            address=address,
            processes=processes,
            command=command,
        )
        from polyspan.lab.results.results import write_results

        report = write_results(asked, planned, kept, folder, command, outcome.failed)
    outcome.require_whole()
    return report


def make(
    stages: "Sequence[Stage]",
    store: "Store",
    folder: Path,
    engine: str = "local",
    policy: str = "missing",
    *,
    devices: Sequence[str] = (),
    address: str | None = None,
    processes: int = 1,
    command: str = "",
) -> "Outcome":
    """Make stages and what they need by an engine; their logs are in `folder/logs`."""
    choose("engine", engine, ENGINES)
    how: dict[str, Any] = {"policy": policy, "logs": folder / "logs", "command": command, "processes": processes}
    if engine == "ray":
        if devices:
            raise UsageError(
                "--device is for the local engine", fix="Ray hands out the GPUs of its cluster itself"
            )
        from polyspan.lab.engine.ray_cluster import run_ray

        return run_ray(stages, store, address=address, **how)
    if address is not None:
        raise UsageError("--address is for the Ray engine", fix="add --engine ray")
    from polyspan.lab.engine.local import run_local

    return run_local(stages, store, devices=list(devices), **how)


def open_store(folder: Source | None = None) -> "Store":
    """The store in a folder; by default the one that all runs share, in polyspan's cache folder."""
    from polyspan.lab.store.store import Store

    return Store(cache_folder() / "store" if folder is None else folder)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Within it no other run of this machine writes to the folder; another's report is not written over by chance.

    Raises PolyspanError where another run is at it, and for a folder that holds something else than a run.
    """
    lock = folder / ".running"
    require_free(folder)
    with explained(folder, "write"):
        folder.mkdir(parents=True, exist_ok=True)
        held = _held(lock)
    if held is None:
        fix = "wait for it, or choose another --out; two runs may share a store"
        raise PolyspanError(f"another run writes to {folder}", where=str(lock), fix=fix)
    with held:
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def require_free(folder: Path) -> None:
    """Raise PolyspanError where something else than a run is in the folder: it has a report, or logs."""
    with explained(folder, "write"):
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        known = not there or there & {".running", "report.json", "logs"}
        if folder.exists() and not (folder.is_dir() and known):
            fix = "choose another --out"
            raise PolyspanError(f"{folder} is taken", found="something that is no run's", fix=fix)


def _held(lock: Path) -> IO[str] | None:
    """The file at this path, made and locked; None where another run holds it.

    A run removes its file while it holds it. Who has opened it before and locks it after holds a file that nobody
    else will look for, so the file must still be the one at the path.
    """
    while True:
        file = open(lock, "a")  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except OSError:  # a file system without locks
            return file
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(lock)):
                return file
        file.close()


def command_of(
    recipe: Source, out: Source | None, changes: Sequence[str], store: Source | None, processes: int = 1
) -> str:
    """The command line of a run, for its records."""
    import shlex

    words = ["polyspan", "run", str(recipe)]
    words += [word for change in changes for word in ("--set", change)]
    words += [] if store is None else ["--store", str(store)]
    words += [] if out is None else ["--out", str(out)]
    words += [] if processes == 1 else ["--processes", str(processes)]
    return shlex.join(words)


def described(planned: Plan, store: "Store") -> dict[str, Any]:
    """A plan as plain JSON: every stage with what is cached, the totals of what is not, and what each drawn thing
    needs. Seconds and megabytes are estimates for `machine`."""
    from polyspan.lab.plan.cost import hardware

    rows: list[dict[str, Any]] = [
        {
            "name": stage.name,
            "kind": stage.kind,
            "key": stage.key,
            "cached": store.has(stage),
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
