"""`polyspan run` and `polyspan store`: whole experiments as recipes, and what they leave."""

from pathlib import Path
from typing import Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, show
from polyspan.errors import UsageError

_T = typer.Option
lab_app = Verbs()
store_app = Verbs(no_args_is_help=True, help="Look after the outputs of runs.")
Store = Annotated[Path | None, _T(help="Folder of the store. Default: one in the cache folder, for all runs.")]
Changes = Annotated[
    list[str] | None,
    _T(
        "--set",
        metavar="NAME=VALUE",
        help="Change a value, as scale.limit=100 or 'seeds=[1, 2]'; may be repeated.",
    ),
]
_DAY = 86_400.0


@lab_app.command(example="polyspan recipes")
def recipes(as_json: Json = False) -> None:
    """The experiments that polyspan brings, for `run`."""
    from polyspan.lab.recipe.recipe_file import read_recipe
    from polyspan.lab.recipe.shipped import shipped

    read = {name: read_recipe(file) for name, file in shipped().items()}
    found = [
        {"name": name, "title": one.title, "draws": list(one.drawn()), "file": str(shipped()[name])}
        for name, one in read.items()
    ]
    if show({"recipes": found}, as_json):
        from polyspan.cli import terminal

        rows = [(one["name"], one["title"], ", ".join(one["draws"])) for one in found]
        terminal.table(("name", "title", "draws"), rows)


@lab_app.command(example="polyspan run mini/paper --plan")
def run(
    recipe: Annotated[str, typer.Argument(help="A YAML file, or a name that `polyspan recipes` lists.")],
    out: Annotated[Path | None, _T(help="Folder for the report. Default: runs/NAME.")] = None,
    changes: Changes = None,
    plan: Annotated[bool, _T("--plan", help="Show the stages, time and disk; run nothing.")] = False,
    engine: Annotated[str, _T(help="local, or ray.")] = "local",
    store: Store = None,
    policy: Annotated[
        str, _T(help="Make what is missing; always all; never any; or versions: also what other ones made.")
    ] = "missing",
    stage: Annotated[str | None, _T(help="Make this stage alone, and what it needs; write no report.")] = None,
    device: Annotated[
        list[str] | None,
        _T(help="A GPU for a stage at a time, as CUDA_VISIBLE_DEVICES has it, or cpu; may be repeated."),
    ] = None,
    processes: Annotated[
        int, _T(min=1, help="Split each training over so many processes, each with a GPU where there are any.")
    ] = 1,
    address: Annotated[str | None, _T(help="Head of a Ray cluster. Default: Ray is started here.")] = None,
    as_json: Json = False,
) -> None:
    """All stages of an experiment, cached and resumable."""
    from polyspan.lab import run as lab
    from polyspan.lab.plan.plan import plan as make_plan
    from polyspan.lab.recipe.recipe_file import read_recipe

    given = changes or []
    if plan:
        described = lab.described(make_plan(read_recipe(recipe, given)), lab.open_store(store))
        if show(described, as_json):
            _print_plan(described)
        return
    if stage is not None:
        planned = make_plan(read_recipe(recipe, given))
        kept, wanted = lab.open_store(store), planned.stage(stage)
        made_by = lab.Executor(engine, policy, device or (), address, processes)
        command = lab.command_of(recipe, out, given, store, processes)
        made_by.make([wanted], kept, lab.run_folder(planned, out) / "logs", command).require_whole()
        if show({"stage": wanted.name, "key": wanted.key, "folder": str(kept.path(wanted))}, as_json):
            from polyspan.cli import terminal

            terminal.tell(f"{wanted.name}: {kept.path(wanted)}")
        return
    options: dict[str, Any] = {"policy": policy, "devices": device or (), "address": address}
    report = lab.run(recipe, out, given, engine=engine, store=store, processes=processes, **options)
    if show(report, as_json):
        from polyspan.cli import terminal

        terminal.matrix(report["matrix"])
        terminal.tell(f"report: {(out or Path('runs') / report['recipe']['name']) / 'report.html'}")


def _print_plan(described: dict[str, Any]) -> None:
    """Stages that differ in seed and test alone are one line."""
    from polyspan.cli import terminal

    groups: dict[str, list[dict[str, Any]]] = {}
    for row in described["stages"]:
        groups.setdefault(row["name"].partition(", seed")[0].partition(" on ")[0], []).append(row)
    lines = []
    for name, rows in groups.items():
        left = [row for row in rows if not row["cached"]]
        costs = [sum(row[key] for row in left) for key in ("seconds", "megabytes")]
        shown = (_time(costs[0]), _size(costs[1])) if left else ("–", "–")
        lines.append((name, str(len(rows)), str(len(rows) - len(left)), *shown))
    total = described["total"]
    terminal.table(("stage", "runs", "cached", "time", "disk"), lines)
    terminal.tell(f"{terminal.count(total['stages'], 'stage')}, {total['cached']} cached in {described['store']}")
    cost = f"about {_time(total['seconds'])} and {_size(total['megabytes'])}"
    terminal.tell(f"to make: {cost}; estimates for {described['machine']}")


def _time(seconds: float) -> str:
    from polyspan.lab.engine.live import duration

    return f"{seconds / 86_400:,.0f} days" if seconds > 100 * 3600 else duration(seconds)


def _size(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


@store_app.command(example="polyspan store ls")
def ls(store: Store = None, as_json: Json = False) -> None:
    """List what is kept: outputs of stages, windows, parses, translations, embeddings, unpacked encoders."""
    from polyspan.cli import terminal
    from polyspan.data import cache
    from polyspan.lab.run import open_store

    opened = open_store(store)
    kept = [] if store else cache.listing()
    stages = opened.contents()
    result = {"store": str(opened.folder), "stages": stages, "cache": kept}
    if show(result, as_json):
        sizes = [(str(row["kind"]), int(row["stages"]), float(row["bytes"])) for row in stages]
        sizes += [(f"{row['room']} (cache)", int(row["entries"]), float(row["bytes"])) for row in kept]
        lines = [(name, str(number), _size(size / 1e6)) for name, number, size in sizes]
        terminal.table(("kept", "number", "size"), lines)
        terminal.tell(f"{opened.folder}: {_size(sum(size for _, _, size in sizes) / 1e6)}")


@store_app.command(example="polyspan store export mini.tar.zst mini/paper --without-weights")
def export(
    out: Annotated[Path, typer.Argument(help="The archive: .tar.zst, .tar.xz or .tar.gz.")],
    recipes: Annotated[
        list[str] | None, typer.Argument(help="Recipes whose stages it is to have; without any, all that is kept.")
    ] = None,
    changes: Changes = None,
    store: Store = None,
    without_weights: Annotated[
        bool, _T("--without-weights", help="Leave out Readers, encoders and word vectors: a report needs none.")
    ] = False,
    without_text: Annotated[
        bool, _T("--without-text", help="Leave out the words of corpora and answers, which may have a licence.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write outputs of runs into an archive, for another machine or for others to report."""
    from polyspan.lab.carrying import export_store

    left: dict[str, Any] = {"without_weights": without_weights, "without_text": without_text}
    done = export_store(out, recipes or [], changes or [], store=store, **left)
    if show(done, as_json):
        from polyspan.cli import terminal

        for name, missing in done["missing"].items():
            if missing:
                terminal.say(f"{name}: {terminal.count(len(missing), 'stage')} not in the store, as {missing[0]}")
        told = terminal.count(done["stages"], "stage") + "".join(f", without {one}" for one in done["without"])
        terminal.tell(f"{out}: {told}, {_size(done['bytes'] / 1e6)}")


@store_app.command("import", example="polyspan store import mini.tar.zst mini/paper")
def import_(
    archive: Annotated[Path, typer.Argument(help="What `polyspan store export` wrote.")],
    recipe: Annotated[str | None, typer.Argument(help="Say which of its stages are missing then.")] = None,
    changes: Changes = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Take an archive's outputs into the store: all of them, hash-checked, or none."""
    from polyspan.lab.carrying import import_store

    done = import_store(archive, recipe, changes or [], store=store)
    if show(done, as_json):
        from polyspan.cli import terminal

        told = f"{done['new']} new, {done['there']} there" + f", {done['completed']} completed" * bool(
            done["completed"]
        )
        left = "".join(f", without {one}" for one in done["without"])
        terminal.tell(f"{done['store']}: {terminal.count(done['stages'], 'stage')}{left} ({told})")
        if asked := done.get("recipe"):
            missing = asked["missing"]
            more = "" if not missing else f"; to make: {', '.join(missing[:5])}" + " …" * (len(missing) > 5)
            terminal.tell(
                f"{asked['name']}: {asked['stages'] - len(missing)} of {asked['stages']} stages are there{more}"
            )


@store_app.command(example="polyspan store gc mini/paper --days 7")
def gc(
    recipe: Annotated[
        list[str] | None, typer.Argument(help="Recipes whose stages are kept; without any, none are.")
    ] = None,
    changes: Changes = None,
    store: Store = None,
    days: Annotated[float, _T(min=0, help="Keep what was used in the last days.")] = 30.0,
    yes: Annotated[bool, _T("--yes", help="Remove it; without, only tell.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what no recipe named needs, what killed runs left, and, in the common store, what was not used of the
    cache of windows, parses, translations, embeddings and unpacked encoders."""
    from polyspan.cli import terminal
    from polyspan.data import cache
    from polyspan.lab.plan.plan import plan
    from polyspan.lab.recipe.recipe_file import read_recipe
    from polyspan.lab.run import open_store

    if changes and not recipe:
        raise UsageError("--set changes a recipe, and none is named")
    stages = [stage for one in recipe or [] for stage in plan(read_recipe(one, changes or [])).stages]
    opened = open_store(store)
    found = opened.garbage({stage.key for stage in stages}, days * _DAY)
    kept = [] if store else cache.listing(days * _DAY)
    freed = opened.remove(found) if yes else 0
    freed += cache.empty(days * _DAY) if yes and kept else 0
    things = [{"path": str(one.path), "why": one.why, "bytes": one.bytes} for one in found]
    result: dict[str, Any] = {
        "store": str(opened.folder),
        "garbage": things,
        "cache": kept,
        "bytes": sum(one.bytes for one in found) + sum(row["bytes"] for row in kept),
        "freed": freed,
    }
    if show(result, as_json):
        counts: dict[str, list[int]] = {}
        for one in found:
            counts.setdefault(one.why, []).append(one.bytes)
        for why, sizes in counts.items():
            terminal.tell(f"{len(sizes)} × {why}: {_size(sum(sizes) / 1e6)}")
        for row in kept:
            terminal.tell(f"{row['entries']} × {row['room']} in the cache: {_size(row['bytes'] / 1e6)}")
        told = f"{_size(freed / 1e6)} set free" if yes else f"{_size(result['bytes'] / 1e6)} to free with --yes"
        terminal.tell(f"{opened.folder}: {told}")
