"""The transfer matrix as a grid: a row for each training set, a column for each test set, seeds averaged."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from polyspan.report.languages import language_name, listed, primary
from polyspan.report.record import Record, Row

_Z = 1.959964  # the normal distribution's two-sided 95 % point


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean over seeds, and the sample standard deviation where there are several."""

    mean: float
    deviation: float | None = None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" + (f" ± {self.deviation:.1f}" if self.deviation is not None else "")


@dataclass(frozen=True, slots=True)
class Line:
    """A training set or a test set. `title` is its language in words, or its name where that is not known."""

    name: str
    title: str
    languages: tuple[str, ...]
    metric: str = ""
    n: int | None = None

    @property
    def subtitle(self) -> str:
        """The name, where the title does not say it already."""
        return "" if self.title.startswith(self.name) else self.name


@dataclass(frozen=True, slots=True)
class Cell:
    """The scores of one training set on one test set. `zero_shot` is None where a language is not known."""

    f1: Spread | None
    exact_match: Spread | None
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
    """`cells[i][j]` is row i on column j, None where that pair was not run; baselines are one a column."""

    rows: tuple[Line, ...]
    columns: tuple[Line, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    lexical: tuple[Spread | None, ...]
    untrained: tuple[Spread | None, ...]

    def all(self) -> list[tuple[Line, Line, Cell]]:
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
        spreads = [cell.f1 for _, _, cell in self.all()] + [*self.lexical, *self.untrained]
        return max((spread.mean for spread in spreads if spread), default=0.0)


def make_grid(record: Record) -> Grid:
    """Arrange the rows of a record; lines stand in the order in which they first appear."""
    rows = [_training_line(name, record) for name in dict.fromkeys(row.train for row in record.matrix)]
    columns = [_test_line(name, record) for name in dict.fromkeys(row.test for row in record.matrix)]
    found: dict[tuple[str, str], list[Row]] = {}
    for row in record.matrix:
        found.setdefault((row.train, row.test), []).append(row)
    cells = [[_cell(found.get((row.name, column.name), []), row, column) for column in columns] for row in rows]
    return Grid(
        tuple(rows),
        tuple(columns),
        tuple(map(tuple, cells)),
        tuple(_baseline(record.matrix, column.name, lambda row: row.baseline_f1) for column in columns),
        tuple(_baseline(record.matrix, column.name, lambda row: row.untrained_f1) for column in columns),
    )


def half_width(percentage: float, n: int) -> float:
    """Half the width of Wilson's 95 % interval of a proportion, in percentage points.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927). Unlike the usual
    formula it does not claim certainty at 0 and 100 %.
    """
    share = percentage / 100
    return 100 * _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))


def _training_line(name: str, record: Record) -> Line:
    data = [item for training in record.training if training.name == name for item in training.data]
    tags = _unique(item.language for item in data) if all(item.language for item in data) else ()
    return Line(name, listed([language_name(tag) for tag in tags]) if tags else name, tags)


def _test_line(name: str, record: Record) -> Line:
    rows = [row for row in record.matrix if row.test == name]
    tags = _unique(row.language for row in rows)
    sizes = [row.n for row in rows if row.n is not None]
    metric = ", ".join(_unique(row.metric for row in rows))
    return Line(name, language_name(tags[0]) if tags else name, tags, metric, min(sizes) if sizes else None)


def _cell(rows: Sequence[Row], trained: Line, tested: Line) -> Cell | None:
    if not rows:
        return None
    baselines = [max(known) for row in rows if (known := _known([row.baseline_f1, row.untrained_f1]))]
    zero_shot = None
    if trained.languages and tested.languages:
        zero_shot = not {primary(tag) for tag in trained.languages} & {primary(tag) for tag in tested.languages}
    return Cell(
        _spread(row.f1 for row in rows),
        _spread(row.exact_match for row in rows),
        statistics.fmean(baselines) if baselines else None,
        zero_shot,
        tuple(sorted({row.seed for row in rows if row.seed is not None})),
    )


def _baseline(rows: Iterable[Row], test: str, value: Callable[[Row], float | None]) -> Spread | None:
    """One baseline of one test set: the same for every training set, so that only seeds make a spread."""
    by_seed: dict[int | None, list[float | None]] = {}
    for row in rows:
        if row.test == test:
            by_seed.setdefault(row.seed, []).append(value(row))
    means = [statistics.fmean(known) for values in by_seed.values() if (known := _known(values))]
    return _spread(means[:1] if len(set(means)) == 1 else means)


def _spread(values: Iterable[float | None]) -> Spread | None:
    known = _known(values)
    if not known:
        return None
    deviation = statistics.stdev(known) if len(known) > 1 else None
    return Spread(statistics.fmean(known), deviation)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
