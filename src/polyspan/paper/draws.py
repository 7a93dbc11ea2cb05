"""The uncertainty of a table of results: questions and seeds drawn again, the same draws for all that share them.

Cells scored on the same questions see the same drawn questions, and the cells of one row the same drawn seeds
(they share their models), so that differences between cells are paired. Without scores by question, only seeds
are drawn; with one seed and no such scores there is nothing to draw.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from polyspan.paper.places import Place
from polyspan.paper.results import Cell, Results
from polyspan.paper.values import Value
from polyspan.stats.resampling import Floats, bootstrap_sums, run_weights
from polyspan.stats.units import MEASURES, question_table, unit_sums

if TYPE_CHECKING:
    from polyspan.score import Scores


class Look:
    """Looks a place up: `look("table2", "Kr", "Zh")` is a Value in the measure that is judged."""

    def __init__(self, results: Results, drawn: "Mapping[Place, Floats]", measure: str) -> None:
        self.results, self.measure, self._drawn = results, measure, drawn

    def __call__(self, table: str, row: str, column: str) -> Value:
        place = Place(table, row, column)
        label = f"{row} on {column}"
        draws = self._drawn.get(place)
        chosen = None if draws is None else draws[:, MEASURES.index(self.measure)]
        if chosen is None or np.isnan(chosen[0]):
            return Value(label, None, (str(place),))
        return Value(label, chosen)

    def likeness(self, figure: str, row: str, need: str) -> Value:
        """The likeness that a figure has in a row, the mean of several; `need` says what is lacking without it."""
        cells = [cell for place, some in self.results.cells.items() if place[:2] == (figure, row) for cell in some]
        found = [cell.similarity for cell in cells if cell.similarity is not None]
        return Value(row, np.array([np.mean(found)]), digits=3) if found else Value(row, None, (need,))

    def rows(self, table: str, wanted: Callable[[str], object]) -> list[str]:
        """The rows of a table that are wanted, in its order."""
        rows = dict.fromkeys(place.row for place in self.results.cells if place.table == table)
        return [row for row in rows if wanted(row)]

    def measured_in(self, measure: str) -> "Look":
        """The same table in another measure."""
        return Look(self.results, self._drawn, measure)

    def points(self, figure: str) -> list[tuple[float, Value]]:
        """The points of a figure: similarity, and the score."""
        return [
            (cells[0].similarity, self(*place))
            for place, cells in self.results.cells.items()
            if place.table == figure and cells[0].similarity is not None
        ]


def draw(results: Results, draws: int, seed: int) -> dict[Place, Floats]:
    """Draws of every cell, of shape (1 + draws, 2), the estimate first; (1, 2) where nothing can be drawn."""
    by_question = _by_question(results, draws, seed)
    found = {}
    for place, cells in results.cells.items():
        scores = np.array([[_number(cell.exact_match), _number(cell.f1)] for cell in cells])  # (seeds, 2)
        estimate = scores.mean(axis=0, keepdims=True)
        several, known = len(cells) > 1, place in by_question
        if not draws or not (several or known):
            found[place] = estimate
            continue
        each = by_question[place] if known else np.broadcast_to(scores, (draws, *scores.shape))
        weights = run_weights(len(cells), draws, (seed, 1, len(cells), *place.row.encode()))
        found[place] = np.concatenate([estimate, np.einsum("dsm,ds->dm", each, weights)])
    return found


def _by_question(results: Results, draws: int, seed: int) -> dict[Place, Floats]:
    """Draws of the questions, of shape (draws, seeds, 2) in percent, for cells that have scores by question."""
    groups: dict[tuple[str, ...], list[tuple[Place, list[Scores]]]] = {}
    for place, cells in results.cells.items():
        scores = _scores(cells)
        if scores and draws:
            groups.setdefault(tuple(scores[0].table[0]), []).append((place, scores))
    found = {}
    for ids, members in groups.items():
        of = {name: results.units.get(name, name) for name in ids} if results.units else None
        keys, table = question_table([one for _, scores in members for one in scores], of)
        sums = unit_sums(keys, np.concatenate([table, np.ones((len(keys), 1, 2))], axis=1))
        key = (seed, 0, *(ids[0] + ids[-1]).encode())
        drawn = bootstrap_sums(sums.reshape(len(sums), -1), draws, key).reshape(draws, -1, 2)
        means = 100 * drawn[:, :-1] / drawn[:, -1:]
        start = 0
        for place, scores in members:
            found[place] = means[:, start : start + len(scores)]
            start += len(scores)
    return found


def _scores(cells: Sequence[Cell]) -> "list[Scores]":
    known = [cell.scores for cell in cells if cell.scores is not None]
    return known if len(known) == len(cells) else []


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
