"""The numbers of a run: the matrix of all Readers and tests, the drawn tables beside the paper's, comparisons."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from polyspan.lab.results.example_answers import examples, pairs_shown
from polyspan.lab.results.gathered import Gathered
from polyspan.lab.results.inference import claims, movement, scatters, statistics, studies
from polyspan.paper import Cell, Place, Results, printed
from polyspan.report.record.paper_record import Against, MeasureRecord, PaperCell, PaperTable, RunRecord
from polyspan.report.tables.paper_tables import DRAWS, compared, measured, printed_number, references, title
from polyspan.stats import intervals

if TYPE_CHECKING:
    from polyspan.lab.plan.plan import Plan, PlannedCell
    from polyspan.lab.stage import Stage
    from polyspan.score import Scores

_FIGURES = {"cosine": "figure2", "svcca": "figure3"}


class Numbers:
    """Everything that is counted from the finished predictions of a plan, which a command has run."""

    def __init__(self, plan: "Plan", gathered: Gathered, command: str = "") -> None:
        self.command = command
        self.recipe, self.plan, self.gathered = plan.recipe, plan, gathered
        self.done = [cell for cell in plan.cells if gathered.is_done(cell.predict)]
        self.printed = printed() if self.recipe.paper else Results({}, "no paper")

    @cached_property
    def matrix(self) -> list[dict[str, Any]]:
        """A row for each Reader, test and seed, as `report.json` has it; once where several tables show it."""
        rows: dict[tuple[str, str, int], dict[str, Any]] = {}
        for cell in self.done:
            key = (cell.reader, cell.test, cell.seed)
            if key in rows:
                continue
            scores, about = self.gathered.scores(cell.predict), self.gathered.about(cell.corpus)
            rows[key] = {
                "train": cell.reader,
                "test": cell.test,
                "language": about["language"],
                "metric": scores.metric,
                "seed": cell.seed,
                "n": scores.n,
                "exact_match": round(scores.exact_match, 3),
                "f1": round(scores.f1, 3),
                "baseline_f1": self._beside(cell.baseline),
                "untrained_f1": self._beside(cell.untrained),
            }
        return list(rows.values())

    @cached_property
    def tables(self) -> dict[str, dict[str, Any]]:
        """The drawn tables by name, as `PaperTable` has them."""
        return {name: asdict(self._table(name)) for name in dict.fromkeys(place.table for place in self.places)}

    @cached_property
    def places(self) -> dict[Place, list["PlannedCell"]]:
        """The planned seeds of each place, of tables all of whose places are planned."""
        found: dict[Place, list[PlannedCell]] = {}
        for name, table in self.recipe.tables.items():
            own: dict[Place, list[PlannedCell]] = {}
            for row, column, cell in self.plan.of_table(name):
                own.setdefault(Place(name, row, column), []).append(cell)
            if len(own) == len(table.rows) * len(table.columns):
                found |= own
        return found

    @cached_property
    def examples(self) -> list[dict[str, Any]]:
        """Questions with their answers, right or wrong."""
        return examples(self.done, self.gathered)

    @cached_property
    def studies(self) -> dict[str, dict[str, Any]]:
        """The finished studies of the probes: label → reader → study."""
        return studies(self.plan, self.gathered)

    @cached_property
    def scatters(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Likeness against scores, label of a probe → study; and why others could not be drawn."""
        return scatters(self.recipe, self.studies, self.matrix)

    @cached_property
    def results(self) -> Results:
        """The scores in the paper's places, question by question, and the points of Figures 2 and 3."""
        cells: dict[Place, tuple[Cell, ...]] = {}
        for place, planned in self.places.items():
            done = [cell for cell in planned if self._is_done(cell)]
            if scores := [(cell.seed, self.gathered.scores(cell.predict)) for cell in done]:
                cells[place] = tuple(Cell(one.exact_match, one.f1, seed, one.n, one) for seed, one in scores)
        for study in self.scatters[0].values():
            for point in study["points"]:
                place = Place(_FIGURES.get(study["of"], study["of"]), point["a"], point["b"])
                cells[place] = (Cell(point["exact_match"], point["f1"], similarity=point["similarity"]),)
        return Results(cells | movement(self.studies), self.recipe.name, self.units)

    @cached_property
    def claims(self) -> list[dict[str, Any]]:
        """The paper's hypotheses, as `HypothesisRecord` has them."""
        return claims(self.recipe, self.results)

    @cached_property
    def statistics(self) -> dict[str, Any]:
        """What else the recipe computes from the scores."""
        return statistics(self.plan, self.gathered, self.results)

    def scores(self, place: Place) -> list["Scores"]:
        """The scores of a place's finished seeds."""
        return [self.gathered.scores(cell.predict) for cell in self.places.get(place, ()) if self._is_done(cell)]

    @cached_property
    def units(self) -> dict[str, str]:
        """The paragraph of every question, the same for questions of one id: parallel tests are drawn together."""
        found: dict[str, str] = {}
        for name, stage in {cell.test: cell.corpus for cell in self.done}.items():
            for number, ids in enumerate(self.gathered.groups(stage)):
                unit = f"{name} {number}"
                for one in ids:
                    found.setdefault(one, unit)
        return found

    def _is_done(self, cell: "PlannedCell") -> bool:
        return self.gathered.is_done(cell.predict)

    def _beside(self, stage: "Stage | None") -> float | None:
        known = stage is not None and self.gathered.is_done(stage)
        return round(self.gathered.scores(stage).f1, 3) if stage is not None and known else None

    def _table(self, name: str) -> PaperTable:
        own = {place: cells for place, cells in self.places.items() if place.table == name}
        paper = self.recipe.paper or ""
        heading, text = title(name, paper)
        shown = []
        table = self.recipe.tables[name]
        if table.reader is not None:
            text = f"Questions of the row on texts of the column (G-XLT), answered by {table.reader}."
        if table.show == "examples":
            done = {place: cells[0] for place, cells in own.items() if self._is_done(cells[0])}
            first = {place: cell for place, cell in done.items() if self.gathered.has_text(cell.predict)}
            shown = pairs_shown(first, self.gathered)
        return PaperTable(
            name,
            heading,
            text,
            tuple(dict.fromkeys(place.row for place in own)),
            tuple(dict.fromkeys(place.column for place in own)),
            tuple(self._cell(place, cells) for place, cells in own.items()),
            tuple(shown),
            paper,
        )

    def _cell(self, place: Place, cells: Sequence["PlannedCell"]) -> PaperCell:
        one, done = cells[0], [cell for cell in cells if self._is_done(cell)]
        scores = self.scores(place)
        bounds = intervals(scores, of=self.units, draws=DRAWS) if scores else {}
        lost = [str(cell.seed) for cell in cells if cell not in done]
        return PaperCell(
            row=place.row,
            column=place.column,
            train=one.reader,
            test=one.test,
            metric=scores[0].metric if scores else "",
            n=scores[0].n if scores else None,
            exact_match=self._measure(place, scores, bounds, "exact_match"),
            f1=self._measure(place, scores, bounds, "f1"),
            baseline_f1=self._beside(one.baseline),
            untrained_f1=self._beside(one.untrained),
            against=self._against(place, scores),
            runs=tuple(self._run(cell) for cell in done),
            commands=(f"{self.command} --stage {shlex.quote(one.predict.name)}",) if self.command else (),
            missing="" if not lost else f"not made: {'all seeds' if not done else 'seed ' + ', '.join(lost)}",
        )

    def _measure(
        self, place: Place, scores: Sequence["Scores"], bounds: Mapping[str, tuple[float, float]], name: str
    ) -> MeasureRecord:
        paper = printed_number(self.printed, place, name)
        return measured([getattr(one, name) for one in scores], paper, bounds.get(name))

    def _run(self, cell: "PlannedCell") -> RunRecord:
        scores, stage = self.gathered.scores(cell.predict), cell.predict
        record = "" if cell.train is None else self.gathered.record_file(cell.train)
        copied = self.gathered.copy(stage, "predictions.json", "predictions")
        exact, f1 = round(scores.exact_match, 3), round(scores.f1, 3)
        return RunRecord(cell.seed, exact, f1, stage.name, stage.key, record, copied)

    def _against(self, place: Place, scores: Sequence["Scores"]) -> Against | None:
        known = [(other, name) for other, name in references(place) if other in self.places]
        if not (self.recipe.paper and scores and known):
            return None
        other, name = known[0]
        reference = self.scores(other)
        if not reference:
            return Against(name, why="it was not made")
        if reference[0].metric != scores[0].metric:  # both by the cell's rule: two rules cannot be compared
            done = [cell for cell in self.places[other] if self._is_done(cell)]
            if not all(self.gathered.can_be_scored_by(cell.predict, scores[0].metric) for cell in done):
                return Against(name, why="its answers were imported without their text")
            reference = [self.gathered.scored_by(cell.predict, scores[0].metric) for cell in done]
            name += f", by {scores[0].metric}"
        return compared(name, reference, scores, self.units)
