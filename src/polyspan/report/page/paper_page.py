"""What the page shows of a recipe's run: tables beside the paper's, hypotheses, factors, figures, sources."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyspan.report.notation import SHORT, mean_and_deviation, p_value, signed
from polyspan.report.page.confidence_page import confidence_view
from polyspan.report.record.paper_record import HypothesisRecord, PaperCell, PaperTable, Picture
from polyspan.report.record.record import Record
from polyspan.report.tables.baselines import Baseline
from polyspan.report.tables.paper_tables import row_title
from polyspan.report.tables.paper_text import STARS, baseline_lines, file_stems
from polyspan.report.verdicts import by_hypothesis, summary

_SHOWN = 0.6  # of a figure's dots
_PS = ("p", "p_permutation", "p_training_sets")
_COMPARED = (
    "B minus A in points of F1, with a paired bootstrap interval and a permutation p over paragraphs; p of all: "
    "Holm’s, for all of these comparisons together."
)
_COMPARISONS = ("A", "B", "Test", "F1", "95 %", "p", "p of all", "p of runs", "EM")


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table as the page draws it. `lines` hold a row's title and its cells, each with the id of its origin."""

    table: PaperTable
    id: str
    file: str
    lines: list[tuple[str, list[tuple[str, PaperCell | None]]]]
    baselines: list[Baseline]
    references: list[str]
    stars: str
    papers_pairs: list[dict[str, str]]


def paper_view(record: Record, folder: Path) -> dict[str, Any]:
    """The variables of the template `paper.html.j2`; figures are read from the report's folder."""
    return table_view(record) | {
        "hypotheses": _by_whether_tested(record.claims),
        "hypotheses_summary": summary(record.claims),
        "sureness": confidence_view(record.statistics.get("confidence")),
        "pictures": [(picture, _image(picture, folder)) for picture in record.pictures if not picture.of],
        "diagrams": [(picture, _image(picture, folder)) for picture in record.pictures if picture.of],
        "p_value": p_value,
        "signed": signed,
    }


def table_view(record: Record) -> dict[str, Any]:
    """The tables and the lines of the statistics, which the Markdown page shows too; no file is read."""
    stems = file_stems(table.name for table in record.tables.values())
    return {
        "shown_tables": [
            _shown(table, stem, baseline_lines(table, record))
            for stem, table in zip(stems, record.tables.values(), strict=True)
        ],
        "factors": _factors(record.statistics.get("anova")),
        "compared_readers": _readers_compared(record.statistics.get("compare")),
        "comparisons": {"words": _COMPARED, "heads": _COMPARISONS},
        "selection": _selection(record.statistics.get("selection")),
        "maps": _maps(record.alignment),
    }


def _shown(table: PaperTable, stem: str, below: list[Baseline]) -> ShownTable:
    ids = {(cell.row, cell.column): f"table-{stem}.{number}" for number, cell in enumerate(table.cells)}
    lines = [
        (
            row_title(table, row),
            [(ids.get((row, column), ""), table.cell(row, column)) for column in table.columns],
        )
        for row in table.rows
    ]
    known = [cell for cell in table.cells if cell.against]
    references = [_compared(cell) for cell in known if cell.against]
    return ShownTable(
        table,
        f"table-{stem}",
        stem,
        lines,
        below,
        references,
        STARS if table.starred else "",
        _papers_pairs(table),
    )


def _compared(cell: PaperCell) -> str:
    """A comparison in words, in F1."""
    against = cell.against
    if against is None or against.f1 is None or against.low is None or against.high is None:
        why = against.why if against else ""
        return f"{cell.row}, {cell.column}: not compared with {against.name if against else ''} ({why})"
    told = f"{cell.row}, {cell.column}: {signed(against.f1)} against {against.name}"
    told += f" (95 % interval {signed(against.low)} to {signed(against.high)}, p {p_value(against.p)}"
    return told + (f", p of training again {p_value(against.p_runs)})" if against.p_runs is not None else ")")


def _papers_pairs(table: PaperTable) -> list[dict[str, str]]:
    """The examples that the paper prints (Table 5), beside a table of examples."""
    if not (table.pairs and table.paper):
        return []
    from polyspan.paper import facts

    return [{key: str(line[key]) for key in ("lang", "pred", "gt")} for line in facts()["table5"]]


def _by_whether_tested(
    verdicts: tuple[HypothesisRecord, ...],
) -> dict[str, list[tuple[HypothesisRecord, list[tuple[str, HypothesisRecord]]]]]:
    found = by_hypothesis(verdicts)
    tested = [pair for pair in found if any(not verdict.needs for _, verdict in pair[1])]
    return {"tested": tested, "untested": [pair for pair in found if pair not in tested]}


def _factors(anova: Mapping[str, Any] | None) -> list[list[str]]:
    """Lines of the analysis of variance as texts; the last ones, of two, cannot be tested."""
    if not anova:
        return []
    lines = []
    for row in anova.get("rows", ()):
        line = [str(row.get("factor")), SHORT.get(row.get("measure"), ""), _fixed(row.get("F"), 2)]
        line += [", ".join(map(str, row.get("df", ()))), *(p_value(row.get(name)) for name in _PS)]
        lines.append([*line, _fixed(row.get("eta2"), 3)])
    told = anova.get("not_testable", ())
    return [*lines, *([str(row.get("factor")), f"not testable: {row.get('why')}"] for row in told)]


def _readers_compared(found: Any) -> list[list[str]]:
    """Lines of the comparisons as texts; those of four have no numbers."""
    lines = []
    for one in found or ():
        names = [str(one.get(key)) for key in ("a", "b", "test")]
        if why := one.get("why"):
            lines.append([*names, str(why)])
            continue
        between = f"{signed(one.get('low'))} to {signed(one.get('high'))}"
        ps = [p_value(one.get(key)) for key in ("p", "p_holm", "p_runs")]
        lines.append([*names, signed(one.get("f1")), between, *ps, signed(one.get("exact_match"))])
    return lines


def _selection(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The F1 of each reader and test under the three rules, as texts."""
    if not found:
        return None
    lines: dict[tuple[str, str], list[str]] = {}
    for one in found.get("rows", ()):
        if one.get("measure") == "f1":
            told = mean_and_deviation(one.get("mean"), one.get("sd"))
            told += f" (at {', '.join(map(str, one.get('checkpoints', ())))})"
            lines.setdefault((str(one.get("reader")), str(one.get("test"))), []).append(told)
    shown_lines = [[*key, *cells] for key, cells in lines.items()]
    return {"source": found.get("source"), "lines": shown_lines, "lost": list(found.get("why") or ())}


def _maps(found: tuple[dict[str, Any], ...]) -> list[list[str]]:
    names = ("name", "method", "layer", "source", "target")
    return [
        [
            *(str(one.get(name, "–")) for name in names),
            ", ".join(map(str, one.get("vectors", ()))) or "–",
            ", ".join(map(str, (one.get("precision") or {}).values())) or "–",
        ]
        for one in found
    ]


def _fixed(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _image(picture: Picture, folder: Path) -> str:
    """A figure as a data address, "" where the file is gone or is no PNG beside the report."""
    path = (folder / picture.file).resolve()
    if path.suffix != ".png" or not path.is_relative_to(folder.resolve()) or not path.is_file():
        return ""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def shown_width(image: str) -> int:
    """Pixels across at which a figure's letters are as large as the page's small ones; 0 for what is no PNG."""
    head = base64.b64decode(image.partition(",")[2][:32])
    return round(int.from_bytes(head[16:20]) * _SHOWN)
