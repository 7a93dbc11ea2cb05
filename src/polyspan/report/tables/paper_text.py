"""The tables of a recipe's run as text: Markdown, LaTeX, and every number as CSV and Parquet."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from polyspan.files import replacing, write_text
from polyspan.report.record.paper_record import ClaimRecord, MeasureRecord, PaperCell, PaperTable
from polyspan.report.record.record import Record
from polyspan.report.tables.baselines import Baseline, Beside, baselines, models
from polyspan.report.tables.matrix_text import latex, markdown
from polyspan.report.tables.paper_tables import row_title

_NOTHING = "–"
_OWN = ("matrix", "numbers", "claims")  # files of the report that are not of one table
STARS = "*, **, ***: F1 differs from the reference's with p < .05, .01, .001 (permutation of the same questions)."


def write_tables(folder: Path, record: Record) -> None:
    """Write each table of a recipe's run, all its numbers and the claims into a folder; nothing for others."""
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
        write_text(folder / "claims.md", claims_markdown(record.claims))


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
    """The baselines of each column's test, where any is known."""
    found = [Beside(cell.train, cell.column, None, cell.baseline_f1, cell.untrained_f1) for cell in table.cells]
    return [line for line in baselines(found, table.columns, models(record)) if line.known]


def signed(value: float | None) -> str:
    """A difference with its sign, a real minus; a dash where there is none."""
    return (
        _NOTHING
        if value is None
        else f"{value:+.1f}".replace("-", "−").replace("+0.0", "±0.0").replace("−0.0", "±0.0")
    )


def shown(measure: MeasureRecord) -> str:
    """ "55.8 ± 0.4", or a dash."""
    if measure.mean is None:
        return _NOTHING
    return f"{measure.mean:.1f}" + ("" if measure.sd is None else f" ± {measure.sd:.1f}")


def markdown_table(table: PaperTable, below: Sequence[Baseline]) -> str:
    """F1 with exact match in brackets; under it the paper's and the difference in F1; then the baselines."""
    lines = [
        ["", *map(markdown, table.columns)],
        ["---", *("---:" for _ in table.columns)],
        *(
            [
                markdown(row_title(table, row)),
                *(_markdown_cell(table.cell(row, column)) for column in table.columns),
            ]
            for row in table.rows
        ),
    ]
    lines += [[f"*{markdown(one.title)}*", *(str(value or _NOTHING) for value in one.values)] for one in below]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    told = ["F1 (exact match), in percent" + _seeds(table) + "."]
    if table.printed:
        told.append("Below: the paper's, and ours minus the paper's in F1.")
    if any(cell.against and cell.against.mark for cell in table.cells):
        told.append(STARS.replace("*", "\\*"))
    head = f"**{markdown(table.title)}.** {markdown(table.text)}".rstrip()
    return f"{head}\n\n{body}\n\n{' '.join(told)}\n"


def latex_table(table: PaperTable, below: Sequence[Baseline], stem: str) -> str:
    """A booktabs table of F1 (exact match): for each column ours and, where it prints them, the paper's."""
    sides = 2 if table.printed else 1
    heads = " & ".join(f"\\multicolumn{{{sides}}}{{c}}{{{latex(column)}}}" for column in table.columns)
    stars = any(cell.against and cell.against.mark for cell in table.cells)
    caption = f"{latex(table.text or table.title + ':')} F1 (exact match) in percent{latex(_seeds(table))}."
    caption += " " + latex(STARS) if stars else ""
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{caption}}}",
        f"  \\label{{tab:{stem}}}",
        f"  \\begin{{tabular}}{{l{'r' * sides * len(table.columns)}}}",
        "    \\toprule",
        f"     & {heads} \\\\",
        *([f"     & {' & '.join(['ours & paper'] * len(table.columns))} \\\\"] if sides > 1 else []),
        "    \\midrule",
    ]
    for row in table.rows:
        cells = [_latex_cell(table.cell(row, column), sides) for column in table.columns]
        lines.append(f"    {' & '.join([latex(row_title(table, row)), *cells])} \\\\")
    if below:
        lines.append("    \\addlinespace")
    for line in below:
        cells = [("--" if one is None else latex(str(one))) + " & --" * (sides - 1) for one in line.values]
        lines.append(f"    {' & '.join([latex(line.title), *cells])} \\\\")
    return "\n".join([*lines, "    \\bottomrule", "  \\end{tabular}", "\\end{table}"]) + "\n"


def claims_markdown(claims: Sequence[ClaimRecord]) -> str:
    """The claims with both verdicts, a line for each claim and measure."""
    lines = ["| | claim | measure | paper's numbers | ours | why |", "| --- | --- | --- | --- | --- | --- |"]
    for one in claims:
        measure = {"exact_match": "EM", "f1": "F1"}.get(one.measure, "EM/F1")
        cells = (one.claim, one.text, measure, one.paper_status, one.status, one.words)
        lines.append(f"| {' | '.join(map(markdown, cells))} |")
    return "\n".join(lines) + "\n"


def numbers(record: Record) -> list[dict[str, Any]]:
    """Every number of the tables, a row for each cell; the same keys in all rows."""
    return [_number_row(table.name, cell) for table in record.tables.values() for cell in table.cells]


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV under their keys; nothing for None."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


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
        parts = {"mean": measure.mean, "sd": measure.sd, "paper": measure.paper, "difference": measure.difference}
        row |= {f"{name}_{key}": None if value is None else round(float(value), 3) for key, value in parts.items()}
    row |= {"baseline_f1": cell.baseline_f1, "untrained_f1": cell.untrained_f1}
    against = cell.against
    row |= {"reference": against.name if against else None}
    for key in (
        "f1",
        "low",
        "high",
        "p",
        "p_runs",
        "exact_match",
        "low_exact_match",
        "high_exact_match",
        "p_exact_match",
    ):
        row[f"against_{key}"] = getattr(against, key) if against else None
    return row | {"missing": cell.missing or None}


def _markdown_cell(cell: PaperCell | None) -> str:
    if cell is None:
        return ""
    ours = "missing" if cell.f1.mean is None else f"{shown(cell.f1)} ({shown(cell.exact_match)})"
    stars = cell.against.mark.replace("*", "\\*") if cell.against else ""
    if cell.f1.paper is None:
        return ours + stars
    exact = _NOTHING if cell.exact_match.paper is None else f"{cell.exact_match.paper:.1f}"
    return f"{ours}{stars}<br><sub>paper {cell.f1.paper:.1f} ({exact}), {signed(cell.f1.difference)}</sub>"


def _latex_cell(cell: PaperCell | None, sides: int) -> str:
    if cell is None:
        return " & " * (sides - 1)
    ours = "--"
    if cell.f1.mean is not None:
        stars = f"$^{{{cell.against.mark}}}$" if cell.against and cell.against.mark else ""
        ours = latex(f"{shown(cell.f1)} ({shown(cell.exact_match)})").replace("–", "--") + stars
    if sides == 1:
        return ours
    exact = "--" if cell.exact_match.paper is None else f"{cell.exact_match.paper:.1f}"
    return ours + (" & --" if cell.f1.paper is None else f" & {cell.f1.paper:.1f} ({exact})")


def _seeds(table: PaperTable) -> str:
    counts = {len(cell.runs) for cell in table.cells if cell.runs}
    return f"; mean ± standard deviation over {max(counts)} seeds" if counts and max(counts) > 1 else ""
