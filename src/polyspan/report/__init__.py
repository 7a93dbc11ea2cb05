"""Reports of an experiment: tables, figures and one self-contained page, all drawn from `report.json`.

Gives: `deviations`, `every_eval_ever`, `figures`, `notation`, `record`, `tables`, `verdicts`. Its own:
`findings`, `page`, `reader_card`.
"""

from pathlib import Path

from polyspan.files import Source, write_text

__all__ = ["write_report"]


def write_report(folder: Source) -> Path:
    """Read `report.json` in a folder and write the report beside it; returns the path of `report.html`.

    Written, each whole or not at all: `tables/matrix.{csv,md,tex}`, `figures/matrix.{png,pdf}`, and, where losses
    were recorded, `figures/loss.{png,pdf}`; for a recipe's run also each table as `.md` and `.tex`, every number
    in `tables/numbers.{csv,parquet}` (Parquet where pyarrow is there) and `tables/claims.md`; `report.md`, all of
    it as one Markdown page, and `report.html` last.
    Raises PolyspanError where report.json is missing, broken, or lacks a key, and where the folder cannot be
    written.
    """
    from polyspan.report.figures import figures
    from polyspan.report.page import markdown_page, page
    from polyspan.report.record import record
    from polyspan.report.tables import grid
    from polyspan.report.tables import matrix_text as tables
    from polyspan.report.tables.paper_text import write_tables

    folder = Path(folder)
    read = record.read_record(folder / "report.json")
    matrix = grid.make_grid(read)
    html = page.render(read, matrix, folder)
    write_text(folder / "tables" / "matrix.csv", tables.csv_table(read))
    write_text(folder / "tables" / "matrix.md", tables.markdown_table(matrix))
    write_text(folder / "tables" / "matrix.tex", tables.latex_table(matrix))
    write_tables(folder / "tables", read)
    figures.write_figures(folder / "figures", read, matrix)
    write_text(folder / "report.md", markdown_page.markdown_page(read, matrix))
    write_text(folder / "report.html", html)
    return folder / "report.html"
