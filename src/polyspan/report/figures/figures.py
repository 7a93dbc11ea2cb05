"""The figures for a paper: the matrix as a heat map, and the loss curves."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspan.report.figures.curves import smoothed
from polyspan.report.figures.drawing import GREY, plain, shaded, tidy, write_figure
from polyspan.report.figures.shades import LEVELS, level, scale_top
from polyspan.report.notation import NOTHING
from polyspan.report.record.record import Record, Training
from polyspan.report.tables.grid import Grid, GridCell, Line
from polyspan.report.tables.spread import Spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMN = 2.6  # inches: a paper's column without the labels at the side
_CYCLE = ("#0b4257", "#b86a1c", "#5b9bb0", "#8a4f7d", "#6c7a2f", "#9a9a9a")


def write_figures(folder: Path, record: Record, grid: Grid) -> None:
    """Write `matrix` and, where losses were recorded, `loss`, each as PNG and PDF, into a folder."""
    write_figure(folder, "matrix", matrix_figure, grid)
    if any(training.loss for training in record.training):
        write_figure(folder, "loss", loss_figure, record.training, grid)


def matrix_figure(grid: Grid) -> "Figure":
    """F1 as numbers on shades, exact match below each; the baselines under the matrix. Outlined: not zero-shot."""
    from matplotlib.figure import Figure

    top = scale_top(grid.highest)
    columns, rows = max(1, len(grid.columns)), len(grid.rows)
    wide = min(max(_COLUMN / columns, 0.42), 0.95)
    below = [rows + 0.3 + number for number in range(len(grid.baselines))]
    high = rows + 0.3 + len(below)
    figure = Figure(figsize=(wide * columns, 0.3 * high))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, columns), ylim=(high, 0))
    for index, cells in enumerate(grid.cells):
        for place, cell in enumerate(cells):
            _draw_cell(axes, place, index, cell, top)
    for offset, baseline in zip(below, grid.baselines, strict=True):
        for place, value in enumerate(baseline.values):
            _draw_value(axes, place, offset, value, top)
    axes.set_xticks([place + 0.5 for place in range(columns)], [_label(line) for line in grid.columns])
    names = [f"{line.name}\nof {_ascii(line.of)}" if line.of else line.name for line in grid.baselines]
    places = [*(index + 0.5 for index in range(rows)), *(offset + 0.5 for offset in below)]
    axes.set_yticks(places, [*(_label(line) for line in grid.rows), *names])
    axes.tick_params(length=0, pad=3, top=False, labeltop=True, labelbottom=False)
    plain([*axes.get_xticklabels(), *axes.get_yticklabels()])
    if wide < 0.95:
        for label in axes.get_xticklabels():
            label.set(rotation=35, ha="left", rotation_mode="anchor")
    axes.spines[:].set_visible(False)
    note = "F1, below it exact match (%)" + ("; ±: over seeds." if len(grid.seeds) > 1 else ".")
    if any(cell.zero_shot is False for _, _, cell in grid.all()):
        note += " Outlined: in a language of the training."
    axes.text(0, high + 0.12, note, fontsize=5.5, color=GREY, va="top")
    return figure


def loss_figure(trainings: tuple[Training, ...], grid: Grid) -> "Figure":
    """Training loss by step, smoothed over the raw values, one colour for each training set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.3, 2.1))
    axes = figure.add_axes((0, 0, 1, 1))
    titles = {row.name: _ascii(row.title) for row in grid.rows}
    names = list(dict.fromkeys(training.name for training in trainings))
    labelled: set[str] = set()
    for training in trainings:
        if not training.loss:
            continue
        number = names.index(training.name)
        again, place = divmod(number, len(_CYCLE))
        look: dict[str, Any] = {"color": _CYCLE[place], "linestyle": ("-", "--", ":")[again % 3]}
        steps = range(1, len(training.loss) + 1)
        axes.plot(steps, training.loss, linewidth=0.4, alpha=0.3, **(look | {"linestyle": "-"}))
        label = "_" if training.name in labelled else titles.get(training.name, _ascii(training.name))
        axes.plot(steps, smoothed(training.loss), linewidth=1.2, label=label, **look)
        labelled.add(training.name)
    axes.set(xlabel="step", ylabel="training loss", xmargin=0.01)
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), None)
    tidy(axes)
    plain(axes.legend(frameon=False, fontsize=6, ncols=2 if len(names) > 4 else 1).get_texts())
    return figure


def _draw_cell(axes: Any, x: int, y: float, cell: GridCell | None, top: float) -> None:
    from matplotlib.patches import Rectangle

    _draw_value(axes, x, y, cell.f1 if cell else None, top, cell.exact_match if cell else None)
    if cell and cell.zero_shot is False:
        axes.add_patch(
            Rectangle((x + 0.06, y + 0.06), 0.88, 0.88, fill=False, edgecolor="#b86a1c", linewidth=1.1, zorder=3)
        )


def _draw_value(
    axes: Any, x: int, y: float, value: Spread | None, top: float, below: Spread | None = None
) -> None:
    found = level(value.mean if value else None, top)
    look = shaded(axes, x, y, None if found is None else found / LEVELS)
    text = NOTHING if value is None else f"{value.mean:.1f}"
    spread = value is not None and value.deviation is not None
    axes.text(x + 0.5, y + (0.5 if below is None else 0.3 if spread else 0.38), text, fontsize=6.5, **look)
    if below is not None:
        axes.text(x + 0.5, y + 0.76, f"{below.mean:.1f}", fontsize=4.8, **look)
    if value is not None and value.deviation is not None and below is not None:
        axes.text(x + 0.5, y + 0.54, f"±{value.deviation:.1f}", fontsize=4.2, **look)


def _label(line: Line) -> str:
    title, name = _ascii(line.title), _ascii(line.subtitle)
    return f"{title}\n{name}" if name else title


def _ascii(text: str, most: int = 22) -> str:
    """What the figures' font can draw, not too long."""
    text = text.encode("ascii", "replace").decode()
    return text if len(text) <= most else text[: most - 1] + "~"
