"""The transfer matrix as text: CSV for programs, Markdown for people, LaTeX for papers."""

import csv
import io
import re

from polyspan.report.record.record import Record, Row
from polyspan.report.tables.grid import Grid, GridCell, Line
from polyspan.report.tables.spread import Spread

_NOTHING = "–"
_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{char: "\\" + char for char in "&%$#_{}"},
}  # fmt: skip


def csv_table(record: Record) -> str:
    """One line for each row of report.json: its keys as the header, its numbers as they are, nothing for null."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row.__slots__)
    writer.writerows([getattr(row, name) for name in Row.__slots__] for row in record.matrix)
    return text.getvalue()


def markdown_table(grid: Grid) -> str:
    """F1 with exact match in brackets, a line for each training set, then the F1 of the baselines.

    Zero-shot results stand plain, those in a language of the training in bold.
    """
    lines = [
        ["Trained on", *(_markdown_name(column) for column in grid.columns)],
        ["---", *("---:" for _ in grid.columns)],
        *(
            [_markdown_name(row), *(_markdown_cell(cell) for cell in cells)]
            for row, cells in zip(grid.rows, grid.cells, strict=True)
        ),
        *([f"*{markdown(line.title)}*", *map(_or_nothing, line.values)] for line in grid.baselines),
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    bold = "**Bold**: the test is in a language of the training."
    return f"{table}\n\nF1 (exact match), in percent{_seeds(grid)}. {bold}\n"


def latex_table(grid: Grid) -> str:
    """A `table` with booktabs rules: a block of F1 with the baselines below it, and a block of exact match."""
    width = len(grid.columns)
    f1 = [
        (row, [cell.f1 if cell else None for cell in cells], cells)
        for row, cells in zip(grid.rows, grid.cells, strict=True)
    ]
    exact = [(row, [cell.exact_match if cell else None for cell in cells], cells) for row, _, cells in f1]
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering",
        "  \\caption{Zero-shot transfer: trained on the row, tested on the column; "
        f"in percent{latex(_seeds(grid))}. Bold: the test is in a language of the training.}}",
        "  \\label{tab:matrix}",
        f"  \\begin{{tabular}}{{l{'r' * width}}}",
        "    \\toprule",
        *_latex_head(grid),
        "    \\midrule",
        f"    \\multicolumn{{{width + 1}}}{{l}}{{\\emph{{F1}}}} \\\\",
        *(_latex_line(_latex_name(row), values, cells) for row, values, cells in f1),
        "    \\addlinespace",
        *(_latex_line(latex(line.title), list(line.values)) for line in grid.baselines),
        "    \\midrule",
        f"    \\multicolumn{{{width + 1}}}{{l}}{{\\emph{{Exact match}}}} \\\\",
        *(_latex_line(_latex_name(row), values, cells) for row, values, cells in exact),
        "    \\bottomrule",
        "  \\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def latex(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return "".join(_LATEX.get(char, char) for char in re.sub(r"\s+", " ", text)).replace("±", "$\\pm$")


def markdown(text: str) -> str:
    """Text in one line, with Markdown's special characters escaped."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", re.sub(r"\s+", " ", text))


def _markdown_name(line: Line) -> str:
    return markdown(line.title + (f" ({line.subtitle})" if line.subtitle else ""))


def _markdown_cell(cell: GridCell | None) -> str:
    if cell is None:
        return _NOTHING
    text = f"{_or_nothing(cell.f1)} ({_or_nothing(cell.exact_match)})"
    return f"**{text}**" if cell.zero_shot is False else text


def _latex_head(grid: Grid) -> list[str]:
    heads = [f"    {' & '.join(['Trained on', *(latex(column.title) for column in grid.columns)])} \\\\"]
    if any(column.subtitle for column in grid.columns):
        heads.append(f"    {' & '.join(['', *map(_latex_subtitle, grid.columns)])} \\\\")
    return heads


def _latex_name(row: Line) -> str:
    return f"{latex(row.title)} {_latex_subtitle(row)}".rstrip()


def _latex_subtitle(line: Line) -> str:
    return f"{{\\footnotesize {latex(line.subtitle)}}}" if line.subtitle else ""


def _latex_line(name: str, values: list[Spread | None], cells: tuple[GridCell | None, ...] = ()) -> str:
    texts = ["--" if value is None else latex(str(value)) for value in values]
    for index, cell in enumerate(cells):
        if cell and cell.zero_shot is False and values[index]:
            texts[index] = f"\\textbf{{{texts[index]}}}"
    return f"    {' & '.join([name, *texts])} \\\\"


def _or_nothing(value: Spread | None) -> str:
    return _NOTHING if value is None else str(value)


def _seeds(grid: Grid) -> str:
    return f"; mean ± standard deviation over {len(grid.seeds)} seeds" if len(grid.seeds) > 1 else ""
