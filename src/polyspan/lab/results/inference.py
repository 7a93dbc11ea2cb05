"""What a run's scores say: hypotheses of the paper, factors of Table 2, likeness against scores, comparisons."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from polyspan.data.languages import primary
from polyspan.errors import PolyspanError
from polyspan.lab.results.trials import confidence
from polyspan.paper import Cell, Place, Results, factors, judge, printed
from polyspan.report.tables.paper_tables import compared, measured
from polyspan.report.verdicts import told

if TYPE_CHECKING:
    from polyspan.lab.plan.plan import Plan
    from polyspan.lab.recipe.recipe import Recipe, Selection
    from polyspan.lab.results.gathered import Gathered

_SEED = 42


def studies(plan: "Plan", gathered: "Gathered") -> dict[str, dict[str, Any]]:
    """Every finished study of a probe: label → reader → the study, in the recipe's names."""
    found: dict[str, dict[str, Any]] = {}
    for look in plan.looks:
        if gathered.is_done(look.stage):
            found.setdefault(look.probe, {})[look.reader] = gathered.json(look.stage, "study.json")
    return found


def scatters(
    recipe: "Recipe", found: Mapping[str, Mapping[str, Any]], matrix: Sequence[Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Likeness against scores for each probe that is to have it; and, by label, why one could not be drawn."""
    from polyspan.probe.scatter import study_scatter

    drawn, lost = {}, {}
    for label, of_readers in found.items():
        probe = recipe.probes[label]
        if not probe.scatter:
            continue
        try:
            drawn[label] = study_scatter(list(of_readers.values()), matrix, seed=probe.seed)
        except PolyspanError as error:
            lost[f"{label} against scores"] = error.brief
    return drawn, lost


def movement(found: Mapping[str, Mapping[str, Any]]) -> dict[Place, tuple[Cell, ...]]:
    """What Figure 1 shows, as numbers, of the reader `En` at its last layer: how like English and Chinese answers
    are (CKA) before and after fine-tuning, and how well tokens of the two are told apart in the plane after."""
    cells: dict[Place, tuple[Cell, ...]] = {}

    def note(row: str, languages: Sequence[str | None], likeness: float) -> None:
        if sorted(map(primary, languages)) == ["en", "zh"]:
            cells[Place("figure1", row, "English and Chinese")] = (Cell(None, None, similarity=likeness),)

    for study in (of_readers["En"] for of_readers in found.values() if "En" in of_readers):
        rows = study["rows"] if study["probe"] == "cka" else []
        for row in sorted(rows, key=lambda row: int(row["layer"])):  # the last layer's stays
            note(f"CKA {row['state']}", (row["language_a"], row["language_b"]), row["value"])
        for panel in study.get("panels", ()):
            if (panel["state"], panel["axes"]) == ("after", "each"):
                languages = [corpus["language"] for corpus in study["corpora"]]
                note("told apart in the plane", languages, panel["separability_in_plane"]["accuracy"])
    return cells


def claims(recipe: "Recipe", found: Results) -> list[dict[str, Any]]:
    """The hypotheses that the recipe asks for, judged on these results and on the paper's own."""
    asked = recipe.statistics.claims
    if asked is None or "claims" not in recipe.drawn() or not found.cells:
        return []
    return [asdict(one) for one in told(judge(found, asked.draws, _SEED), judge(printed(), 0))]


def statistics(plan: "Plan", gathered: "Gathered", found: Results) -> dict[str, Any]:
    """What else the recipe asks for: analysis of variance, comparisons, choice of checkpoints, confidence."""
    asked, drawn = plan.recipe.statistics, plan.recipe.drawn()
    made: dict[str, Any] = {}
    if asked.anova is not None and "anova" in drawn:
        from polyspan.stats import analyse, read_factors

        chosen = read_factors(asked.anova.factors) if asked.anova.factors else factors()
        rows = found.rows(asked.anova.table)
        made["anova"] = analyse(rows, chosen, draws=asked.anova.draws, seed=_SEED) | {"table": asked.anova.table}
    if asked.compare and "compare" in drawn:
        made["compare"] = [
            {"a": one.a, "b": one.b, "test": test} | _comparison(plan, gathered, found.units, one.a, one.b, test)
            for one in asked.compare
            for test in one.tests
        ]
        _adjust(made["compare"])
    if asked.selection is not None and "selection" in drawn:
        made["selection"] = _selection(plan, gathered, asked.selection)
    if asked.confidence is not None and "confidence" in drawn:
        made["confidence"] = confidence(plan, gathered)
    return made


def _selection(plan: "Plan", gathered: "Gathered", asked: "Selection") -> dict[str, Any]:
    """Every reader and test under the three rules: mean over seeds, and the checkpoints that were chosen.

    A seed counts on a test where all its checkpoints were scored there and on the source; `why` names the others.
    """
    from polyspan.stats import select

    scored: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    lost: list[str] = []
    for one in plan.checkpoints:
        row: dict[str, Any] = {"reader": one.reader, "test": one.test, "seed": one.seed, "checkpoint": one.number}
        if gathered.is_done(one.predict):
            found = gathered.scores(one.predict)
            row |= {name: round(getattr(found, name), 3) for name in ("f1", "exact_match")}
        else:
            lost.append(one.predict.name)
        scored.setdefault((one.reader, one.test, one.seed), []).append(row)
    chosen = []
    for reader, test, measure in itertools.product(asked.readers, asked.tests, ("f1", "exact_match")):
        seeds = [seed for name, on, seed in scored if (name, on) == (reader, test)]
        pairs = [[*scored[reader, asked.source, seed], *scored[reader, test, seed]] for seed in seeds]
        whole = [row for pair in pairs if all(measure in row for row in pair) for row in pair]
        picked = select(whole, asked.source, measure) if whole else []
        for rule in dict.fromkeys(one.rule for one in picked):
            some = [one for one in picked if one.rule == rule]
            spread = measured([one.score for one in some], None)
            line: dict[str, Any] = {"reader": reader, "test": test, "rule": rule, "measure": measure}
            line |= {"mean": spread.mean, "sd": spread.sd}
            chosen.append(line | {"checkpoints": [int(one.checkpoint) for one in some]})
    rows = [row for some in scored.values() for row in some if "f1" in row]
    return {"source": asked.source, "rows": chosen, "scores": rows, "why": [f"not made: {name}" for name in lost]}


def _adjust(comparisons: Sequence[dict[str, Any]]) -> None:
    """Give the comparisons of a recipe the p that hold for all of them together."""
    from polyspan.stats.multiplicity import holm

    known = [one for one in comparisons if one.get("p") is not None]
    for one, p in zip(known, holm([one["p"] for one in known]), strict=True):
        one["p_holm"] = p


def _comparison(
    plan: "Plan", gathered: "Gathered", units: Mapping[str, str], a: str, b: str, test: str
) -> dict[str, Any]:
    done = [cell for cell in plan.cells if cell.test == test and gathered.is_done(cell.predict)]
    sides = [{cell.seed: gathered.scores(cell.predict) for cell in done if cell.reader == x} for x in (a, b)]
    if not all(sides):
        return {"why": f"{a if not sides[0] else b} on {test} was not made"}
    found = asdict(compared(a, list(sides[0].values()), list(sides[1].values()), units))
    del found["name"]
    return found
