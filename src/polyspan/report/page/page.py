"""The page: one HTML file that needs nothing from anywhere."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from polyspan.data.languages import language_name
from polyspan.report import findings
from polyspan.report.figures import shades
from polyspan.report.figures.curves import ticks
from polyspan.report.page.charts import gain_bars, loss_panels
from polyspan.report.page.examples import shown_examples
from polyspan.report.page.paper_page import paper_view, shown_width
from polyspan.report.record.record import Record, Training
from polyspan.report.tables.grid import Grid
from polyspan.score import METRICS

_OPEN = 2  # examples of each test set that are shown at once; the others unfold


def render(record: Record, grid: Grid, folder: Path) -> str:
    """The whole page. All text of the record is escaped by the template (`autoescape`).

    Figures of a recipe's run are taken into it from the report's `folder`.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    home = resources.files("polyspan.report.page")
    top = shades.scale_top(grid.highest)
    environment = Environment(
        loader=FunctionLoader(lambda name: home.joinpath(name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(zip=zip, language_name=language_name)
    environment.filters.update(duration=duration, thousands=thousands, level=_level(top))
    environment.filters["shown_width"] = shown_width
    environment.filters["place"] = lambda value: f"{100 * value / top:.2f}"  # on the axis of the gains
    panels, loss_ticks = loss_panels(record, grid)
    view = paper_view(record, folder)
    return environment.get_template("page.html.j2").render(
        css=home.joinpath("page.css").read_text("utf-8"),
        shades_light=shades.css(shades.LIGHT),
        shades_dark=shades.css(shades.DARK),
        levels=range(shades.LEVELS + 1),
        record=record,
        grid=grid,
        top=top,
        headline=record.title or findings.headline(grid),
        lede=_lede(record, grid, view["hypotheses_summary"]),
        by_language=all(row.languages and row.title == row.words for row in grid.rows),
        zero_shot={cell.zero_shot for _, _, cell in grid.all()},
        half_widths=_half_widths(grid),
        gains=[] if record.tables else gain_bars(grid),
        gain_ticks=[(100 * tick / top, f"{tick:g}") for tick in ticks(top)],
        panels=panels,
        loss_ticks=loss_ticks,
        examples=shown_examples(record, grid),
        open=_OPEN,
        metrics={name: _metric_told(name) for name in _metric_names(record)},
        settings=_settings(record.training),
        readers=[(training, training.folder or "–") for training in record.training],
        code=_code(record, grid),
        **view,
    )


def _lede(record: Record, grid: Grid, of_hypotheses: str) -> list[str]:
    """The sentences below the headline; of a recipe's run what came of the hypotheses, and the main result."""
    if not record.tables:
        return findings.lede(grid)
    return [
        sentence for sentence in (of_hypotheses, f"{findings.headline(grid)}.", findings.caution(grid)) if sentence
    ]


def duration(seconds: float | None) -> str:
    """Seconds in words: 0.4 s, 45 s, 1 min 43 s, 2 h 5 min."""
    if seconds is None:
        return "–"
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def thousands(number: int | None) -> str:
    """A whole number with commas, or a dash for none."""
    return "–" if number is None else f"{number:,}"


def _level(top: float) -> Any:
    """A filter: the class of the shade of a value."""
    return lambda value: f"s{shades.level(value, top)}"


def _half_widths(grid: Grid) -> dict[str, float]:
    """The widest half interval of exact match of each small test set, by name."""
    widths: dict[str, float] = {}
    for _, column, cell in grid.all():
        width = findings.cell_half_width(cell, column)
        if width is not None and (column.n or 0) < findings.SURE:
            widths[column.name] = max(widths.get(column.name, 0.0), width)
    return widths


def _metric_told(name: str) -> str:
    """What a metric is and whose; nothing of one that is not installed here."""
    metric = METRICS.get(name)
    return " ".join(filter(None, (metric.about, metric.source and f"({metric.source})"))) if metric else ""


def _metric_names(record: Record) -> list[str]:
    return list(dict.fromkeys(row.metric for row in record.matrix if row.metric))


def _settings(trainings: tuple[Training, ...]) -> list[tuple[str, str]]:
    """Settings by dotted name; where Readers differ, every value with its Reader."""
    flat = [(training.name, _flat(training.settings | {"model": training.model})) for training in trainings]
    names = dict.fromkeys(name for _, settings in flat for name in settings)
    rows = []
    for name in ("model", *(name for name in names if name != "model")):
        values = {reader: settings.get(name, "–") for reader, settings in flat}
        same = len(set(values.values())) == 1
        told = [f"{value} ({reader})" for reader, value in values.items()]
        text = next(iter(values.values())) if same else "; ".join(told)
        rows += [(name, text)] if text else []
    return rows if trainings else []


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return flat


def _code(record: Record, grid: Grid) -> dict[str, str]:
    """How to go on: lines of Python and of shell for the first Reader, with a question it can be asked."""
    folder = next((training.folder for training in record.training if training.folder), "FOLDER")
    zero = {(row.name, column.name) for row, column, cell in grid.all() if cell.zero_shot}
    asked = [item for item in record.examples if (item.train, item.test) in zero] or list(record.examples)
    question = json.dumps(asked[0].question if asked else "Who wrote it?", ensure_ascii=False)
    return {
        "python": f'''import polyspan as ps

reader = ps.Reader.load("{folder}")  # from the folder of this page
answer = reader.answer(
    {question},
    context,  # a text of any length, in any language the encoder knows
)
answer.text, answer.start, answer.end, answer.probability''',
        "shell": f"polyspan predict --model {folder} --data DATA --out predictions.json\n"
        "polyspan score DATA predictions.json --metric squad.v1",
    }
