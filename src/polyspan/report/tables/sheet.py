"""A small table with one content and four faces: the terminal, CSV, Markdown and LaTeX.

What `polyspan score` of several systems and `polyspan stats compare` print and write.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyspan.errors import UsageError
from polyspan.files import Source, write_text
from polyspan.report.tables.matrix_text import latex, markdown
from polyspan.report.tables.paper_text import csv_text

_SIGNS = {"–": "--", "−": "$-$", "<": "$<$", "Δ": "$\\Delta$"}
_STARRED = re.compile(r"(.*?)(\*+)")


@dataclass(frozen=True)
class Sheet:
    """`lines` are texts below the `columns`; stars may end a text. `rows` has the same in numbers, for programs.

    `notes` are sentences on what the numbers are.
    """

    columns: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    rows: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    name: str

    def csv(self) -> str:
        """The rows, unrounded, under their keys."""
        return csv_text(self.rows)

    def markdown(self) -> str:
        """A pipe table, then the notes."""
        rows = [[markdown(text) for text in line] for line in (self.columns, *self.lines)]
        rows.insert(1, ["---", *("---:" for _ in self.columns[1:])])
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        return f"{table}\n\n{markdown(' '.join(self.notes))}\n"

    def latex(self) -> str:
        """A booktabs `table` with the notes as its caption."""
        return "\n".join(
            [
                "% needs \\usepackage{booktabs}",
                "\\begin{table}",
                "  \\centering",
                f"  \\caption{{{_latex(' '.join(self.notes))}}}",
                f"  \\label{{tab:{self.name}}}",
                f"  \\begin{{tabular}}{{l{'r' * (len(self.columns) - 1)}}}",
                "    \\toprule",
                _latex_line(self.columns),
                "    \\midrule",
                *map(_latex_line, self.lines),
                "    \\bottomrule",
                "  \\end{tabular}",
                "\\end{table}",
                "",
            ]
        )

    def write(self, path: Source) -> None:
        """Write the table in the format that the file's ending names; raises UsageError for another ending."""
        require_ending(path)
        write_text(path, _FACES[Path(path).suffix.lower()](self))


_FACES: Mapping[str, Callable[[Sheet], str]] = {".csv": Sheet.csv, ".md": Sheet.markdown, ".tex": Sheet.latex}


def require_ending(path: Source) -> None:
    """Raise UsageError unless the file is to be .csv, .md or .tex."""
    if Path(path).suffix.lower() not in _FACES:
        raise UsageError(f"no table can be written to {path}", expected="a file that ends in " + ", ".join(_FACES))


def p_value(value: float | None) -> str:
    """ "< .001", ".034", or a dash."""
    if value is None:
        return "–"
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _latex_line(texts: Sequence[str]) -> str:
    return f"    {' & '.join(map(_latex_cell, texts))} \\\\"


def _latex_cell(text: str) -> str:
    marked = _STARRED.fullmatch(text)
    return _latex(marked[1]) + f"$^{{{marked[2]}}}$" if marked else _latex(text)


def _latex(text: str) -> str:
    plain = latex(text)
    for char, written in _SIGNS.items():
        plain = plain.replace(char, written)
    return plain
