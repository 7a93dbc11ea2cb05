"""A small table with one content and four faces: the terminal, CSV, Markdown and LaTeX.

What `polyspan score` of several systems and `polyspan stats compare` print and write.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyspan.errors import UsageError
from polyspan.files import Source, csv_text, write_text
from polyspan.report.tables import markup
from polyspan.report.tables.markup import latex, markdown

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
        return f"{markup.pipe_table(rows)}\n\n{markdown(' '.join(self.notes))}\n"

    def latex(self) -> str:
        """A booktabs `table` with the notes as its caption."""
        rows = [markup.row(*map(_latex_cell, line)) for line in (self.columns, *self.lines)]
        caption = latex(" ".join(self.notes))
        return markup.booktabs(caption, self.name, len(self.columns) - 1, rows[:1], rows[1:])

    def write(self, path: Source) -> None:
        """Write the table in the format that the file's ending names; raises UsageError for another ending."""
        require_ending(path)
        write_text(path, _FACES[Path(path).suffix.lower()](self))


_FACES: Mapping[str, Callable[[Sheet], str]] = {".csv": Sheet.csv, ".md": Sheet.markdown, ".tex": Sheet.latex}


def require_ending(path: Source) -> None:
    """Raise UsageError unless the file is to be .csv, .md or .tex."""
    if Path(path).suffix.lower() not in _FACES:
        raise UsageError(f"no table can be written to {path}", expected="a file that ends in " + ", ".join(_FACES))


def _latex_cell(text: str) -> str:
    marked = _STARRED.fullmatch(text)
    return f"{latex(marked[1])}$^{{{marked[2]}}}$" if marked else latex(text)
