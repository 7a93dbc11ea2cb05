"""The report of a recipe's run: what its stages left in the store, gathered into `report.json` and drawn."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polyspan
from polyspan.errors import PolyspanError
from polyspan.files import Source, write_json
from polyspan.lab.outputs import START
from polyspan.lab.results.gathered import Gathered
from polyspan.lab.results.numbers import Numbers
from polyspan.lab.results.sources import confidence_pictures, pictures, sources, told_deviations
from polyspan.lab.stage import Stage, in_order
from polyspan.report import write_report
from polyspan.score import default_metric
from polyspan.training.versions import COUNTED, others, versions

if TYPE_CHECKING:
    from polyspan.lab.plan.plan import Plan
    from polyspan.lab.recipe.recipe import Recipe
    from polyspan.lab.store.store import Store

VERSION = 3
"""Raise it when the same outputs of stages give other numbers in a report than before."""


def write_results(
    recipe: "Recipe",
    plan: "Plan",
    store: "Store",
    out: Source,
    command: str,
    failed: Mapping[str, str] | None = None,
    made_here: bool = True,
) -> dict[str, Any]:
    """Gather the finished stages into `out/report.json` and draw the report beside it; returns its content.

    `failed` says by a stage's name why it has no output. What is not in the store is named as missing, and the
    report has what there is. Where nothing but the drawing could change, the numbers of an earlier report in `out`
    are taken. Beside the report go copies of run records, predictions and figures. Raises PolyspanError where the
    folder cannot be written. Without `made_here` nothing is said of stages that other versions have made.
    """
    out = Path(out)
    done = frozenset(stage.key for stage in plan.stages if store.has(stage))
    described = recipe.model_dump(mode="json", exclude_unset=True)
    lacking = _missing(plan, done, failed or {})
    parts = {stage.key: sorted(left) for stage in plan.stages if (left := store.lacks(stage))}
    made_of = _fingerprint(described, plan, done, [*lacking, *([parts] if parts else [])])
    report = _earlier(out, made_of, command)
    if report is None:
        gathered = Gathered(store, out, done)
        content = _gather(plan, gathered, lacking, command) | {"recipe": described, "made_of": made_of}
        report = json.loads(json.dumps(content, allow_nan=False))  # as it is read back: lists, not tuples
    report["command"] = command
    report["remarks"] = _made_with_others(plan, store, done) if made_here else []
    write_json(out / "report.json", report)
    write_report(out)
    return report


def _gather(plan: "Plan", gathered: Gathered, lacking: list[dict[str, str]], command: str) -> dict[str, Any]:
    numbers = Numbers(plan, gathered, command)
    trained = _training(plan, gathered)
    scattered, lost = numbers.scatters
    drawn = pictures(plan, gathered, scattered)
    if sure := numbers.statistics.get("confidence"):
        drawn = [*confidence_pictures(sure, gathered), *drawn]
    known, cards = sources(plan, gathered)
    return {
        "title": plan.recipe.title,
        "deviations": told_deviations(plan, gathered) if plan.recipe.paper else [],
        "missing": [*lacking, *({"stage": name, "why": why} for name, why in lost.items())],
        "tables": numbers.tables,
        "claims": numbers.claims,
        "statistics": numbers.statistics,
        "pictures": drawn,
        "probes": numbers.studies,
        "alignment": _alignment(plan, gathered),
        "sources": known,
        "cards": cards,
        "matrix": numbers.matrix,
        "timing": _timing(plan, gathered),
        **_circumstances(plan, gathered),
        "training": trained,
        "tests": _tests(plan, gathered),
        "examples": numbers.examples,
    }


def _missing(plan: "Plan", done: frozenset[str], failed: Mapping[str, str]) -> list[dict[str, str]]:
    """Drawn stages without an output and what they lack, the cause first where it is known."""
    wanted = {stage.key for stages in plan.wanted.values() for stage in stages}
    lost = [
        stage for stage in plan.stages if stage.key not in done and (stage.key in wanted or stage.name in failed)
    ]
    lost.sort(key=lambda stage: stage.name not in failed)
    why = {name: _one_line(message) for name, message in failed.items()}
    return [{"stage": stage.name, "why": why.get(stage.name) or _cause(stage, failed)} for stage in lost]


def _one_line(message: str) -> str:
    """A fault without its place on this machine: what it is, what was found and what to do."""
    first, *parts = message.splitlines()
    told = [part.strip().partition(":") for part in parts]
    return "; ".join([first, *(text.strip() for name, _, text in told if name in ("found", "expected", "fix"))])


def _cause(stage: Stage, failed: Mapping[str, str]) -> str:
    first = next((need for need in in_order([stage]) if need.name in failed), None)
    return f"it needs {first.name}, which failed" if first else "it was not run to its end"


def _fingerprint(
    described: Mapping[str, Any], plan: "Plan", done: frozenset[str], lacking: Sequence[object]
) -> str:
    """Tells whether the numbers of an earlier report would come out the same."""
    cells = [[cell.reader, cell.test, cell.seed, cell.predict.key] for cell in plan.cells]
    content = [VERSION, polyspan.__version__, described, cells, sorted(done), lacking]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _earlier(out: Path, made_of: str, command: str) -> dict[str, Any] | None:
    try:
        found = json.loads((out / "report.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or (found.get("made_of"), found.get("command")) != (made_of, command):
        return None
    runs = [run for table in found["tables"].values() for cell in table["cells"] for run in cell["runs"]]
    copies = [one["file"] for one in (*found["pictures"], *found["cards"])]
    copies += [run[name] for run in runs for name in ("record", "predictions") if run[name]]
    there = all((out / reader["folder"]).is_dir() for reader in found["training"])
    return found if there and all((out / name).is_file() for name in copies) else None


_CURVES = 8  # readers whose losses the page has room for; all are in the records


def _training(plan: "Plan", gathered: Gathered) -> list[dict[str, Any]]:
    """How each reader came about, and behind them those that they go on from."""
    stages = {
        (cell.reader, cell.seed): cell.train
        for cell in plan.cells
        if cell.train is not None and gathered.is_done(cell.train)
    }
    for (name, _), stage in list(stages.items()):
        while (before := stage.needs.get(START)) is not None and gathered.is_done(before):
            name, stage = str(plan.recipe.readers[name].start), before
            stages.setdefault((name, int(stage.options["seed"])), stage)
    few = len({name for name, _ in stages}) <= _CURVES
    found = []
    for (name, seed), stage in stages.items():
        run = gathered.run(stage)
        several = sum(other == name for other, _ in stages) > 1
        folder = gathered.reader(stage, f"{name}-{seed}" if several else name)
        facts = {"name": name, "folder": folder, "record": gathered.record_file(stage)}
        found.append(facts | run | {"seed": seed} | ({} if few else {"loss": []}))
    return found


def _tests(plan: "Plan", gathered: Gathered) -> list[dict[str, Any]]:
    """What each test is; its metric is the one it is scored by, or will be: its own or else its language's."""
    found = []
    done = [cell for cell in plan.cells if gathered.is_done(cell.predict)]
    scored = {cell.test: gathered.scores(cell.predict).metric for cell in done}
    for name, stage in {cell.test: cell.corpus for cell in plan.cells}.items():
        about = gathered.about(stage)
        facts = {key: about[key] for key in ("language", "questions", "sha256")}
        facts["metric"] = scored.get(name) or about["metric"] or default_metric(about["language"])
        found.append({"name": name, "data": about["name"]} | facts)
    return found


def _timing(plan: "Plan", gathered: Gathered) -> dict[str, float]:
    """Seconds of each stage that a table or probe rests on, summed for those of one name."""
    stages = [stage for stage in plan.stages if gathered.is_done(stage)]
    seconds = {stage.name: round(float(gathered.record(stage).get("seconds") or 0.0), 1) for stage in stages}
    return seconds | {"total": round(sum(seconds.values()), 1)}


def _circumstances(plan: "Plan", gathered: Gathered) -> dict[str, Any]:
    """Versions and machine of the stages that were made last in the order; several machines are listed."""
    records = [gathered.record(stage) for stage in plan.stages if gathered.is_done(stage)]
    if not records:
        return {"versions": {"polyspan": polyspan.__version__}, "machine": {}}
    versions: dict[str, set[str]] = {}
    machines: dict[str, set[str]] = {}
    for record in records:
        for found, part in ((versions, "versions"), (machines, "machine")):
            for name, value in (record.get(part) or {}).items():
                if value is not None and name != "host":
                    found.setdefault(name, set()).add(str(value))
    return {
        "versions": {name: ", ".join(sorted(values)) for name, values in versions.items()},
        "machine": {name: ", ".join(sorted(values)) for name, values in machines.items()},
    }


def _made_with_others(plan: "Plan", store: "Store", done: frozenset[str]) -> list[str]:
    """Sentences on the stages that other versions of torch, transformers or tokenizers have made."""
    found = Counter(others(store.record(stage)) for stage in plan.stages if stage.key in done)
    here = ", ".join(f"{name} {versions()[name]}" for name in COUNTED)
    return [
        f"{count} of {found.total()} stages were made with {made_with}; here it is {here}. "
        "--policy versions makes them again."
        for made_with, count in found.items()
        if made_with
    ]


def _alignment(plan: "Plan", gathered: Gathered) -> list[dict[str, Any]]:
    """What is known of each map: method, layer, vectors, and P@k where a dictionary was given."""
    maps = [stage for stage in plan.stages if stage.kind == "map" and gathered.is_done(stage)]
    found = []
    for stage in maps:
        try:
            found.append({"name": stage.name} | gathered.json(stage, "map.json"))
        except (OSError, ValueError) as error:
            raise PolyspanError("a map has no record", where=stage.name, found=str(error)) from error
    return found
