"""What a run rests on: its data with licences and cards, in what it differs from the paper, and its figures."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polyspan.files import file_name
from polyspan.lab.outputs import MODEL, START
from polyspan.lab.results.gathered import Gathered
from polyspan.lab.stage import Stage
from polyspan.model.encoders.model_name import repository
from polyspan.probe import KINDS
from polyspan.report.deviations import Answered, Trained, deviations

if TYPE_CHECKING:
    from polyspan.lab.plan.plan import Plan, PlannedCell


def sources(plan: "Plan", gathered: Gathered) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The data sets behind all corpora, as `Source` has them, and the cards of made corpora, as `Card`."""
    sets: dict[str, dict[str, Any]] = {}
    cards = []
    for stage in plan.stages:
        if stage.kind != "corpus" or not gathered.is_done(stage):
            continue
        about = gathered.about(stage)
        known = about["set"] or {"name": about["root"], "licence": "not known"}
        sets.setdefault(known["name"], known | {"used": []})["used"].append(about["name"])
        if card := about["card"]:
            file = gathered.copy(stage, "card.yaml", "cards")
            counts = {key: card[key] for key in ("maker", "questions", "kept", "dropped")}
            cards.append({"name": about["name"], "file": file, "source": card["source"]["name"]} | counts)
    for one in sets.values():
        one["used"] = list(dict.fromkeys(one["used"]))
    return list(sets.values()), cards


def told_deviations(plan: "Plan", gathered: Gathered) -> list[str]:
    """In what the run differs from the paper, in sentences."""
    cells: dict[str, list[PlannedCell]] = {}
    for cell in plan.cells:
        cells.setdefault(cell.reader, []).append(cell)
    tests = {cell.test: cell for cell in plan.cells}
    places = [(name, *place) for name, table in plan.recipe.tables.items() for place in table.places().items()]
    rows = _places((name, row, reader) for name, (row, _), (reader, _) in places)
    columns = _places((name, column, test) for name, (_, column), (_, test) in places)
    readers = [
        _trained(plan, name, rows.get(name, ()), train, [cell.seed for cell in some], gathered)
        for name, some in cells.items()
        if (train := some[0].train) is not None
    ]
    tested = [Answered(name, columns.get(name, ()), gathered.about(cell.corpus)) for name, cell in tests.items()]
    return deviations(readers, tested)


def pictures(plan: "Plan", gathered: Gathered, scatters: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the probes, copied or drawn beside the report, as `Picture` has them."""
    found = []
    for look in plan.looks:
        if not gathered.is_done(look.stage):
            continue
        kind = str(look.stage.options["kind"])
        names = sorted(path.stem for path in gathered.store.path(look.stage).glob("*.png"))
        if len(names) > 1 and _of_one_layer(gathered.json(look.stage, "study.json")):
            names.remove(kind)  # curves by layer of a single point; the heat map has the numbers
        for name in names:
            part = name.removeprefix(kind).strip("-").replace("-", " ")
            files = [
                gathered.copy(
                    look.stage, f"{name}{ending}", "figures", f"{look.probe}-{file_name(look.reader)}-{name}"
                )
                for ending in (".png", ".pdf")
            ]
            title = f"{_likeness(kind)}, {part}" if part else KINDS[kind].title
            text = f"{look.probe}: the Reader {look.reader} on {', '.join(look.tests)}, seed {look.seed}."
            found.append({"file": files[0], "title": title, "text": text, "others": files[1:]})
    return [*(_scatter(label, study, gathered) for label, study in scatters.items()), *found]


def _likeness(kind: str) -> str:
    name = KINDS[kind].likeness
    return name[:1].upper() + name[1:]


def _of_one_layer(study: dict[str, Any]) -> bool:
    """Whether a study of answers has a single layer, so that there is nothing to draw by layer."""
    return bool(study.get("heat")) and len({row["layer"] for row in study["rows"]}) == 1


def _scatter(label: str, study: dict[str, Any], gathered: Gathered) -> dict[str, Any]:
    from polyspan.report.figures.drawing import write_figure
    from polyspan.report.figures.representation import scatter_figure

    png, pdf = write_figure(gathered.out / "figures", f"{label}-scores", scatter_figure, study)
    text = f"{label}: one point a pair of languages, {len(study['points'])} in all."
    for name, short in (("f1", "F1"), ("exact_match", "exact match")):
        if told := study["correlation"].get(name):
            text += f" Spearman’s ρ with {short}: {told['rho']:.2f}"
            text += " (95 % interval {:.2f} to {:.2f}).".format(*told["interval"]) if told["interval"] else "."
    names = [str(path.relative_to(gathered.out)) for path in (png, pdf)]
    title = f"{_likeness(study['of'])} of answers against scores"
    return {"file": names[0], "title": title, "text": text, "others": names[1:]}


def confidence_pictures(found: Mapping[str, Any], gathered: Gathered) -> list[dict[str, Any]]:
    """The diagrams of each reader of `statistics.confidence`, drawn beside the report, as `Picture` has them."""
    from polyspan.report.figures.drawing import write_figure
    from polyspan.report.figures.reliability import KINDS as DIAGRAMS
    from polyspan.report.tables.paper_text import file_stems

    drawn = []
    readers = dict.fromkeys(panel["reader"] for panel in found["curves"])
    for reader, stem in zip(readers, file_stems(readers), strict=True):
        panels = [panel for panel in found["curves"] if panel["reader"] == reader]
        for name, (draw, title, text) in DIAGRAMS.items():
            files = write_figure(gathered.out / "figures", f"confidence-{stem}-{name}", draw, panels)
            png, pdf = (str(path.relative_to(gathered.out)) for path in files)
            told = {"title": title, "text": f"The Reader {reader}. {text}", "of": "confidence"}
            drawn.append({"file": png, "others": [pdf], **told})
    return drawn


def _places(lines: Iterable[tuple[str, str, str]]) -> dict[str, tuple[tuple[str, str], ...]]:
    """(table, label) of every Reader or test, each once, from (table, label, Reader or test)."""
    found: dict[str, dict[tuple[str, str], None]] = {}
    for table, label, name in lines:
        found.setdefault(name, {})[table, label] = None
    return {name: tuple(places) for name, places in found.items()}


def _trained(
    plan: "Plan",
    name: str,
    places: tuple[tuple[str, str], ...],
    train: Stage,
    seeds: list[int],
    gathered: Gathered,
) -> Trained:
    options, first = train.options, train
    while START in first.needs:
        first = first.needs[START]
    made = first.needs.get(MODEL)
    mapped = train.needs.get("map")
    return Trained(
        name,
        places,
        made.name if made else repository(str(first.options["model"]))[0],
        str(plan.recipe.readers[name].preset),
        plan.recipe.readers[name].settings,
        tuple(dict.fromkeys(seeds)),
        tuple(gathered.about(need) for need in _roles(train, "data")),
        options.get("limit"),
        dict(mapped.options) if mapped else None,
        options.get("adversary"),
        tuple(gathered.about(need) for need in _roles(train, "adversary")),
        dict(made.options) if made else None,
    )


def _roles(stage: Stage, role: str) -> list[Stage]:
    return [need for name, need in stage.needs.items() if name.rpartition(".")[0] == role]
