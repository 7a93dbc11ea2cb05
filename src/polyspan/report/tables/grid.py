"""The transfer matrix as a grid: a row for each training set, a column for each test set, seeds averaged."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from polyspan.data.languages import language_name, primary
from polyspan.report.notation import listed
from polyspan.report.record.record import Record, Row
from polyspan.report.tables.baselines import Baseline, Beside, baselines, models
from polyspan.report.tables.spread import Spread, of_constant, spread


@dataclass(frozen=True, slots=True)
class Line:
    """A reader or a test set. `title` is its language in words, or its name where languages tell nothing apart."""

    name: str
    title: str
    languages: tuple[str, ...]
    metric: str = ""
    n: int | None = None

    @property
    def words(self) -> str:
        """Its languages in words; its name where they are not known."""
        return listed([language_name(tag) for tag in self.languages]) or self.name

    @property
    def by_name(self) -> bool:
        """Whether it is called by its name, though its languages are known."""
        return self.title == self.name != self.words

    @property
    def subtitle(self) -> str:
        """The name, or the languages below a name; "" where the title says it already."""
        other = self.words if self.title == self.name else self.name
        return "" if self.title.startswith(other) else other


@dataclass(frozen=True, slots=True)
class GridCell:
    """The scores of one reader on one test set. `zero_shot` is None where a language is not known.

    `lexical` and `untrained` are the F1 of its baselines there.
    """

    f1: Spread | None
    exact_match: Spread | None
    lexical: Spread | None
    untrained: Spread | None
    best_baseline: float | None
    zero_shot: bool | None
    seeds: tuple[int, ...]

    @property
    def gain(self) -> float | None:
        """F1 minus that of the better baseline."""
        if self.f1 is None or self.best_baseline is None:
            return None
        return self.f1.mean - self.best_baseline


@dataclass(frozen=True, slots=True)
class Grid:
    """`cells[i][j]` is row i on column j, None where that pair was not run; baselines have one value a column."""

    rows: tuple[Line, ...]
    columns: tuple[Line, ...]
    cells: tuple[tuple[GridCell | None, ...], ...]
    baselines: tuple[Baseline, ...]

    def all(self) -> list[tuple[Line, Line, GridCell]]:
        """Every cell that was run, with its row and column."""
        return [
            (row, column, cell)
            for row, cells in zip(self.rows, self.cells, strict=True)
            for column, cell in zip(self.columns, cells, strict=True)
            if cell is not None
        ]

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, in order."""
        return tuple(sorted({seed for _, _, cell in self.all() for seed in cell.seeds}))

    @property
    def highest(self) -> float:
        """The highest F1 in the grid, baselines too; 0 where there is none."""
        spreads = [cell.f1 for _, _, cell in self.all()]
        spreads += [value for baseline in self.baselines for value in baseline.values]
        return max((value.mean for value in spreads if value), default=0.0)


def make_grid(record: Record) -> Grid:
    """Arrange the rows of a record; lines stand in the order in which they first appear.

    Readers and tests are called by their languages, but by their names where these are a recipe's labels, or
    where two of them have one language.
    """
    names = dict.fromkeys(row.train for row in record.matrix)
    rows = _called([_training_line(name, record) for name in names], bool(record.recipe))
    names = dict.fromkeys(row.test for row in record.matrix)
    columns = _called([_test_line(name, record) for name in names], bool(record.recipe))
    found: dict[tuple[str, str], list[Row]] = {}
    for row in record.matrix:
        found.setdefault((row.train, row.test), []).append(row)
    cells = [[_cell(found.get((row.name, column.name), []), row, column) for column in columns] for row in rows]
    return Grid(
        tuple(rows),
        tuple(columns),
        tuple(map(tuple, cells)),
        tuple(baselines(_beside(record.matrix), [column.name for column in columns], models(record))),
    )


def _training_line(name: str, record: Record) -> Line:
    data = [item for training in record.training if training.name == name for item in training.data]
    tags = _unique(item.language for item in data) if all(item.language for item in data) else ()
    return Line(name, name, tags)


def _test_line(name: str, record: Record) -> Line:
    rows = [row for row in record.matrix if row.test == name]
    tags = _unique(row.language for row in rows)
    sizes = [row.n for row in rows if row.n is not None]
    metric = ", ".join(_unique(row.metric for row in rows))
    return Line(name, name, tags[:1], metric, min(sizes) if sizes else None)


def _called(lines: Sequence[Line], by_name: bool) -> list[Line]:
    """The lines under their titles."""
    words = [line.words for line in lines]
    if by_name or len(set(words)) < len(words):
        return list(lines)
    return [replace(line, title=line.words) for line in lines]


def _beside(rows: Iterable[Row]) -> list[Beside]:
    return [Beside(row.train, row.test, row.seed, row.baseline_f1, row.untrained_f1) for row in rows]


def _cell(rows: Sequence[Row], trained: Line, tested: Line) -> GridCell | None:
    if not rows:
        return None
    baselines = [max(known) for row in rows if (known := _known([row.baseline_f1, row.untrained_f1]))]
    zero_shot = None
    if trained.languages and tested.languages:
        zero_shot = not {primary(tag) for tag in trained.languages} & {primary(tag) for tag in tested.languages}
    return GridCell(
        spread(row.f1 for row in rows),
        spread(row.exact_match for row in rows),
        of_constant(row.baseline_f1 for row in rows),
        of_constant(row.untrained_f1 for row in rows),
        statistics.fmean(baselines) if baselines else None,
        zero_shot,
        tuple(sorted({row.seed for row in rows if row.seed is not None})),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
