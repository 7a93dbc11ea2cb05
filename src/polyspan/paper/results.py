"""Results in the paper's places: one structure for a printed table and a measured one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from polyspan.errors import PolyspanError, UsageError, nearest, shorten
from polyspan.files import Source, read_yaml
from polyspan.paper.places import Place, places, unprinted

if TYPE_CHECKING:
    from polyspan.score import Scores

Labels = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Table → "rows" or "columns" → a report's own name of a training set or test → the paper's label for it."""

_EXPECTED = "table2: {rows: {own name: paper's label}, columns: {own name: paper's label}}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One run's scores in one place, in percent; None where a measure is not known.

    `scores` has those of every question where they are at hand: from them comes the uncertainty of the questions.
    `similarity` is for the figures alone: cosine, SVCCA or what else was measured, from 0 to 1.
    """

    exact_match: float | None
    f1: float | None
    seed: int | None = None
    n: int | None = None
    scores: "Scores | None" = field(default=None, repr=False)
    similarity: float | None = None


@dataclass(frozen=True)
class Results:
    """Cells by place, several where there are several seeds. `units` gives a question's unit for the bootstrap
    (`polyspan.stats.units`); a question that it does not name is a unit by itself."""

    cells: Mapping[Place, tuple[Cell, ...]]
    name: str = "results"
    units: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[Mapping[str, Any]],
        labels: Labels | None = None,
        scores: Mapping[tuple[str, str, int | None], "Scores"] | None = None,
        name: str = "results",
        units: Mapping[str, str] | None = None,
    ) -> "Results":
        """Put the matrix of a `report.json` into the paper's places.

        A row goes into every table that has a label for both its training set and its test; without `labels`,
        names are taken as labels where they are the paper's. `scores` may hold the questions' scores by (train,
        test, seed). Raises UsageError for an unknown table or label, PolyspanError where two rows have one
        place and seed, or none has a place.
        """
        rows = list(rows)
        known = _own_names([row["train"] for row in rows]) if labels is None else labels
        _check_labels(known)
        cells: dict[Place, tuple[Cell, ...]] = {}
        for row in rows:
            key = (row["train"], row["test"], row.get("seed"))
            cell = Cell(row["exact_match"], row["f1"], key[2], row.get("n"), (scores or {}).get(key))
            for table, lines in known.items():
                line, column = lines.get("rows", {}).get(key[0]), lines.get("columns", {}).get(key[1])
                if line is None or column is None:
                    continue
                place = Place(table, line, column)
                if cell.seed in [other.seed for other in cells.get(place, ())]:
                    raise PolyspanError(
                        f"two results for {place} with the seed {cell.seed}",
                        found=f"the second is {key[0]} on {key[1]}",
                        fix="give each place one training set and one test",
                    )
                cells[place] = (*cells.get(place, ()), cell)
        if not cells:
            raise PolyspanError(
                "no result has a place in the paper's tables",
                found=", ".join(dict.fromkeys(f"{row['train']} on {row['test']}" for row in rows)) or "no rows",
                expected="the labels of Table 2 (En, Zh, Kr, En-Fr, …), or a file that maps names to them",
                fix="give such a file with --labels (see docs/statistics.md)",
            )
        return cls(cells, name, units or {})

    def rows(self, table: str) -> list[dict[str, Any]]:
        """One table as rows with the keys train, test, seed, exact_match, f1: what `stats.analyse` takes."""
        return [
            {
                "train": place.row,
                "test": place.column,
                "seed": cell.seed,
                "exact_match": cell.exact_match,
                "f1": cell.f1,
            }
            for place, cells in self.cells.items()
            if place.table == table
            for cell in cells
        ]


def read_labels(path: Source) -> Labels:
    """Read labels from a YAML file. Raises PolyspanError where it is not such a file, UsageError for a label that
    the paper does not have."""
    content = read_yaml(path, "the labels file", _EXPECTED)
    lines = [line for table in _values(content) for line in _values(table)]
    if not lines or not all(isinstance(line, dict) and line for line in lines):
        raise PolyspanError("no labels", where=str(path), found=shorten(content), expected=_EXPECTED)
    labels: Labels = {
        str(table): {
            str(which): {str(own): str(label) for own, label in names.items()} for which, names in sides.items()
        }
        for table, sides in content.items()
    }
    _check_labels(labels)
    return labels


def _values(content: object) -> list[object]:
    return list(content.values()) if isinstance(content, dict) else []


def _own_names(trained: Sequence[str]) -> Labels:
    """The paper's own names as their labels, with those that come in any number as far as the rows have them."""
    found = {}
    for table, (rows, columns) in places().items():
        more = [name for name in trained if unprinted(table, name)]
        found[table] = {
            "rows": {name: name for name in (*rows, *more)},
            "columns": {name: name for name in columns},
        }
    return found


def _check_labels(labels: Labels) -> None:
    for table, sides in labels.items():
        if table not in places():
            raise UsageError(f"the paper has no results in {table!r}", fix=nearest(table, places()))
        for which, names in sides.items():
            if which not in ("rows", "columns"):
                raise UsageError(f"{table} has no {which!r}", expected=_EXPECTED)
            options = places()[table][which == "columns"]
            for label in names.values():
                if label not in options and not (which == "rows" and unprinted(table, label)):
                    raise UsageError(f"{table} has no {which[:-1]} {label!r}", fix=nearest(label, options))
