"""The transfer matrix as text: CSV for programs, Markdown for people, LaTeX for papers."""

from polyspan.files import csv_text
from polyspan.report.notation import NOTHING, over_many_seeds
from polyspan.report.record.record import Record, Row
from polyspan.report.tables import markup
from polyspan.report.tables.grid import Grid, GridCell, Line
from polyspan.report.tables.markup import latex, markdown
from polyspan.report.tables.spread import Spread


def csv_table(record: Record) -> str:
    """One line for each row of report.json: its keys as the header, its numbers as they are, nothing for null."""
    names = list(Row.__slots__)
    return csv_text([{name: getattr(row, name) for name in names} for row in record.matrix], names)


def markdown_table(grid: Grid) -> str:
    """F1 with exact match in brackets, a line for each training set, then the F1 of the baselines.

    Zero-shot results stand plain, those in a language of the training in bold.
    """
    lines = [
        ["Trained on", *map(_markdown_name, grid.columns)],
        *(
            [_markdown_name(row), *map(_markdown_cell, cells)]
            for row, cells in zip(grid.rows, grid.cells, strict=True)
        ),
        *([f"*{markdown(line.title)}*", *map(_or_nothing, line.values)] for line in grid.baselines),
    ]
    seeds, bold = over_many_seeds(len(grid.seeds)), "**Bold**: the test is in a language of the training."
    return f"{markup.pipe_table(lines)}\n\nF1 (exact match), in percent{seeds}. {bold}\n"


def latex_table(grid: Grid) -> str:
    """A `table` with booktabs rules: a block of F1 with the baselines below it, and a block of exact match."""
    width = len(grid.columns)
    lines = list(zip(grid.rows, grid.cells, strict=True))
    head = [markup.row("Trained on", *(latex(column.title) for column in grid.columns))]
    if any(column.subtitle for column in grid.columns):
        head.append(markup.row("", *map(_latex_subtitle, grid.columns)))
    body = [
        f"\\multicolumn{{{width + 1}}}{{l}}{{\\emph{{F1}}}} \\\\",
        *(_latex_line(row, [(cell.f1 if cell else None, cell) for cell in cells]) for row, cells in lines),
        "\\addlinespace",
        *(markup.row(latex(line.title), *map(_latex_value, line.values)) for line in grid.baselines),
        "\\midrule",
        f"\\multicolumn{{{width + 1}}}{{l}}{{\\emph{{Exact match}}}} \\\\",
        *(
            _latex_line(row, [(cell.exact_match if cell else None, cell) for cell in cells])
            for row, cells in lines
        ),
    ]
    caption = (
        "Zero-shot transfer: trained on the row, tested on the column; "
        f"in percent{latex(over_many_seeds(len(grid.seeds)))}. Bold: the test is in a language of the training."
    )
    return markup.booktabs(caption, "matrix", width, head, body)


def _markdown_name(line: Line) -> str:
    return markdown(line.title + (f" ({line.subtitle})" if line.subtitle else ""))


def _markdown_cell(cell: GridCell | None) -> str:
    if cell is None:
        return NOTHING
    text = f"{_or_nothing(cell.f1)} ({_or_nothing(cell.exact_match)})"
    return f"**{text}**" if cell.zero_shot is False else text


def _latex_subtitle(line: Line) -> str:
    return f"{{\\footnotesize {latex(line.subtitle)}}}" if line.subtitle else ""


def _latex_line(row: Line, values: list[tuple[Spread | None, GridCell | None]]) -> str:
    name = f"{latex(row.title)} {_latex_subtitle(row)}".rstrip()
    bold = [value is not None and cell is not None and cell.zero_shot is False for value, cell in values]
    texts = [_latex_value(value) for value, _ in values]
    return markup.row(
        name, *(f"\\textbf{{{text}}}" if own else text for own, text in zip(bold, texts, strict=True))
    )


def _latex_value(value: Spread | None) -> str:
    return latex(_or_nothing(value))


def _or_nothing(value: Spread | None) -> str:
    return NOTHING if value is None else str(value)
