"""The tables of a recipe's run as text: Markdown, LaTeX, and every number as CSV and Parquet."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from polyspan.files import csv_text, replacing, write_text
from polyspan.report.notation import NOTHING, SHORT, mean_and_deviation, over_many_seeds, signed
from polyspan.report.record.paper_record import HypothesisRecord, MeasureRecord, PaperCell, PaperTable
from polyspan.report.record.record import Record
from polyspan.report.tables import markup
from polyspan.report.tables.baselines import Baseline, Beside, baselines, models
from polyspan.report.tables.markup import latex, markdown
from polyspan.report.tables.paper_tables import row_title
from polyspan.report.tables.trials_sheet import confidence_sheet

_OWN = ("matrix", "numbers", "claims", "confidence")  # files of the report that are not of one table
_AGAINST = (
    "f1",
    "low",
    "high",
    "p",
    "p_runs",
    "exact_match",
    "low_exact_match",
    "high_exact_match",
    "p_exact_match",
)
MARGIN = "Small: the 95 % interval of F1, paragraphs drawn again; what other seeds would give is not in it."
STARS = "*, **, ***: F1 differs from the reference's with p < .05, .01, .001 (permutation of the same questions)."


def write_tables(folder: Path, record: Record) -> None:
    """Write each table of a recipe's run, all its numbers, the hypotheses and the trials of confidence into a
    folder; nothing for others."""
    stems = file_stems(table.name for table in record.tables.values())
    for stem, table in zip(stems, record.tables.values(), strict=True):
        below = baseline_lines(table, record)
        write_text(folder / f"{stem}.md", markdown_table(table, below))
        write_text(folder / f"{stem}.tex", latex_table(table, below, stem))
    if rows := numbers(record):
        write_text(folder / "numbers.csv", csv_text(rows))
        if (content := parquet_bytes(rows)) is not None:
            with replacing(folder / "numbers.parquet") as part:
                part.write_bytes(content)
    if record.claims:
        write_text(folder / "claims.md", hypotheses_markdown(record.claims))
    if found := record.statistics.get("confidence"):
        for ending in ("csv", "md", "tex"):
            confidence_sheet(found).write(folder / f"confidence.{ending}")


def file_stems(names: Iterable[str]) -> list[str]:
    """What the files, the LaTeX label and the page's anchor of each table are called: no two of them the same,
    in any case of letters, and none as the report's own."""
    taken, stems = set(_OWN), []
    for name in names:
        stem = own = re.sub(r"[^\w-]", "-", name) or "table"
        number = 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{own}-{number}"
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def baseline_lines(table: PaperTable, record: Record) -> list[Baseline]:
    """The baselines of each column's test, where any is known; none where the columns have several tests."""
    if len({(cell.column, cell.test) for cell in table.cells}) > len(table.columns):
        return []
    found = [Beside(cell.train, cell.column, None, cell.baseline_f1, cell.untrained_f1) for cell in table.cells]
    return baselines(found, table.columns, models(record))


def markdown_table(table: PaperTable, below: Sequence[Baseline]) -> str:
    """F1 with exact match in brackets; under it the paper's and the difference in F1; then the baselines."""
    lines = [["", *map(markdown, table.columns)]]
    for row in table.rows:
        cells = [_markdown_cell(table.cell(row, column)) for column in table.columns]
        lines.append([markdown(row_title(table, row)), *cells])
    lines += [[f"*{markdown(one.title)}*", *(str(value or NOTHING) for value in one.values)] for one in below]
    told = [f"F1 (exact match), in percent{_seeds(table)}."]
    if table.bounded:
        told.append(MARGIN)
    if table.printed:
        told.append("Below: the paper's, and ours minus the paper's in F1.")
    if table.starred:
        told.append(STARS.replace("*", "\\*"))
    head = f"**{markdown(table.title)}.** {markdown(table.text)}".rstrip()
    return f"{head}\n\n{markup.pipe_table(lines)}\n\n{' '.join(told)}\n"


def latex_table(table: PaperTable, below: Sequence[Baseline], stem: str) -> str:
    """A booktabs table of F1 (exact match): for each column ours and, where it prints them, the paper's."""
    sides = 2 if table.printed else 1
    heads = [f"\\multicolumn{{{sides}}}{{c}}{{{latex(column)}}}" for column in table.columns]
    head = [markup.row("", *heads)]
    if sides > 1:
        head.append(markup.row("", *(["ours & paper"] * len(table.columns))))
    body = [
        markup.row(
            latex(row_title(table, row)), *(_latex_cell(table.cell(row, at), sides) for at in table.columns)
        )
        for row in table.rows
    ]
    body += ["\\addlinespace"] if below else []
    for line in below:
        cells = [latex(str(one or NOTHING)) + " & --" * (sides - 1) for one in line.values]
        body.append(markup.row(latex(line.title), *cells))
    caption = f"{table.text or table.title + ':'} F1 (exact match) in percent{_seeds(table)}."
    caption += " " + STARS if table.starred else ""
    return markup.booktabs(latex(caption), stem, sides * len(table.columns), head, body)


def hypotheses_markdown(verdicts: Sequence[HypothesisRecord]) -> str:
    """The paper's hypotheses with both verdicts, a line for each of them and measure."""
    lines = [["", "claim", "measure", "paper's numbers", "ours", "why"]]
    for one in verdicts:
        cells = (one.claim, one.text, SHORT.get(one.measure, one.measure), one.paper_status, one.status, one.words)
        lines.append([markdown(cell) for cell in cells])
    return markup.pipe_table(lines, rule="---") + "\n"


def numbers(record: Record) -> list[dict[str, Any]]:
    """Every number of the tables, a row for each cell; the same keys in all rows."""
    return [_number_row(table.name, cell) for table in record.tables.values() for cell in table.cells]


def parquet_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes | None:
    """Rows as Parquet; None where pyarrow is not there."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return None
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), sink)
    return sink.getvalue()


def _number_row(table: str, cell: PaperCell) -> dict[str, Any]:
    row: dict[str, Any] = {"table": table, "row": cell.row, "column": cell.column, "train": cell.train}
    row |= {"test": cell.test, "metric": cell.metric, "n": cell.n, "seeds": len(cell.runs)}
    for name in ("f1", "exact_match"):
        measure: MeasureRecord = getattr(cell, name)
        parts = {"mean": measure.mean, "sd": measure.sd, "low": measure.low, "high": measure.high}
        parts |= {"paper": measure.paper, "difference": measure.difference}
        row |= {f"{name}_{key}": None if value is None else round(float(value), 3) for key, value in parts.items()}
    row |= {"baseline_f1": cell.baseline_f1, "untrained_f1": cell.untrained_f1}
    against = cell.against
    row |= {"reference": against.name if against else None}
    for key in _AGAINST:
        row[f"against_{key}"] = getattr(against, key) if against else None
    return row | {"missing": cell.missing or None}


def _markdown_cell(cell: PaperCell | None) -> str:
    if cell is None:
        return ""
    ours = "missing" if cell.f1.mean is None else f"{cell.f1} ({cell.exact_match})"
    ours += cell.against.mark.replace("*", "\\*") if cell.against else ""
    below = [cell.f1.between] if cell.f1.between else []
    if cell.missing and cell.runs:
        below.append(f"seed {', '.join(str(run.seed) for run in cell.runs)} alone")
    if cell.f1.paper is not None:
        exact = mean_and_deviation(cell.exact_match.paper)
        below.append(f"paper {cell.f1.paper:.1f} ({exact}), {signed(cell.f1.difference)}")
    return "<br>".join([ours, *(f"<sub>{one}</sub>" for one in below)])


def _latex_cell(cell: PaperCell | None, sides: int) -> str:
    if cell is None:
        return " & " * (sides - 1)
    ours = NOTHING if cell.f1.mean is None else f"{cell.f1} ({cell.exact_match})"
    stars = f"$^{{{cell.against.mark}}}$" if ours != NOTHING and cell.against and cell.against.mark else ""
    if sides == 1:
        return latex(ours) + stars
    paper = (
        NOTHING if cell.f1.paper is None else f"{cell.f1.paper:.1f} ({mean_and_deviation(cell.exact_match.paper)})"
    )
    return f"{latex(ours)}{stars} & {latex(paper)}"


def _seeds(table: PaperTable) -> str:
    return over_many_seeds(max((len(cell.runs) for cell in table.cells), default=0))
