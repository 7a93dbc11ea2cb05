"""What the page draws without a library: bars of the gain over the baselines, and loss curves."""

from dataclasses import dataclass

from polyspan.report.figures.curves import Points, smoothed, thinned, ticks
from polyspan.report.notation import listed
from polyspan.report.record.record import Record
from polyspan.report.tables.grid import Grid, GridCell, Line


@dataclass(frozen=True, slots=True)
class Panel:
    """Loss curves of one training set: (raw, smoothed) polylines in a box of 1000 × 400; ticks (place, text)."""

    line: Line
    curves: list[tuple[str, str]]
    ticks: list[tuple[float, str]]
    label: str


def gain_bars(grid: Grid) -> list[tuple[Line, list[tuple[Line, GridCell]]]]:
    """The columns and cells of each training set that has any score."""
    bars = [
        (row, [(column, cell) for column, cell in zip(grid.columns, cells, strict=True) if cell and cell.f1])
        for row, cells in zip(grid.rows, grid.cells, strict=True)
    ]
    return [pair for pair in bars if pair[1]]


def loss_panels(record: Record, grid: Grid) -> tuple[list[Panel], list[tuple[float, str]]]:
    """A panel for each training set with losses, all with the same vertical axis, and that axis' ticks."""
    losses = [training for training in record.training if training.loss]
    top = max((max(training.loss) for training in losses), default=0.0) * 1.04
    if top <= 0:
        return [], []
    lines = {row.name: row for row in grid.rows}
    panels = []
    for name in dict.fromkeys(training.name for training in losses):
        runs = [training for training in losses if training.name == name]
        last = max(len(run.loss) for run in runs)
        curves = [
            (
                _polyline(thinned(run.loss), last, top),
                _polyline(thinned(smoothed(run.loss)), last, top),
            )
            for run in runs
        ]
        ends = listed([f"from {run.loss[0]:.2f} to {run.loss[-1]:.2f} in {len(run.loss):,} steps" for run in runs])
        steps = [(100 * tick / last, f"{tick:,.0f}") for tick in ticks(last) if tick == int(tick)]
        panels.append(Panel(lines.get(name, Line(name, name, ())), curves, steps, ends))
    return panels, [(100 * tick / top, f"{tick:g}") for tick in ticks(top)]


def _polyline(points: Points, last: int, top: float) -> str:
    return " ".join(f"{1000 * step / last:.1f},{400 - 400 * value / top:.1f}" for step, value in points)
