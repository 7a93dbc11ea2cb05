"""The report as one Markdown page: what the HTML page says, for a repository, without examples and runs."""

from collections.abc import Iterable, Sequence
from typing import Any

from polyspan.report import findings
from polyspan.report.notation import few, listed
from polyspan.report.page.paper_page import table_view
from polyspan.report.record.paper_record import HypothesisRecord
from polyspan.report.record.record import Record
from polyspan.report.tables import markup
from polyspan.report.tables.grid import Grid
from polyspan.report.tables.markup import markdown
from polyspan.report.tables.matrix_text import markdown_table as matrix
from polyspan.report.tables.paper_text import hypotheses_markdown, markdown_table

_MOST = 12  # missing results that are listed
_FACTORS = ("Factor", "Measure", "F", "df", "p", "p, cells", "p, training sets", "η²")
_MAPS = ("map", "method", "layer", "from", "to", "vectors", "P@1, 5, 10")


def markdown_page(record: Record, grid: Grid) -> str:
    """The whole page; figures are linked where they lie beside the report."""
    view = table_view(record)
    parts = [f"# {markdown(record.title or findings.headline(grid))}"]
    if record.command:
        parts.append(f"```text\n{record.command}\n```")
    lost = few([f"**{markdown(one.stage)}**: {markdown(one.why)}" for one in record.missing], _MOST)
    parts += _list("## This run is not complete", lost)
    parts += _list("## In what this differs from the paper", map(markdown, record.deviations))
    parts += _claims(record.claims)
    for shown in view["shown_tables"]:
        parts.append(f"## {markdown(shown.table.title)}\n\n{markdown_table(shown.table, shown.baselines)}")
        parts += _list("Compared with their natural reference, in F1:", map(markdown, shown.references))
    if not record.tables:
        parts.append(f"## The matrix\n\n{matrix(grid)}")
    parts += _statistics(view)
    parts += [
        f"## {markdown(one.title)}\n\n![{markdown(one.title)}]({one.file})\n\n{markdown(one.text)}"
        for one in record.pictures
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _claims(found: Sequence[HypothesisRecord]) -> list[str]:
    """The claims that the run can test, and the names of the others."""
    tested = [one for one in found if not one.needs]
    others = dict.fromkeys(one.claim for one in found if one.needs)
    told = [f"Not tested here: {listed(list(others))}."] if others else []
    return ["## The paper’s claims", *([hypotheses_markdown(tested)] if tested else []), *told] if found else []


def _statistics(view: dict[str, Any]) -> list[str]:
    """Factors, readers compared, checkpoints and maps, as far as the run has them."""
    selection = view["selection"] or {"lines": [], "source": ""}
    checkpoints = ("reader", "test", "last", f"best on {selection['source']}", "oracle")
    comparisons = view["comparisons"]
    tables: list[tuple[str, str, Sequence[str], Sequence[Sequence[str]]]] = [
        ("Which factors move the scores", "", _FACTORS, view["factors"]),
        ("Readers compared", comparisons["words"], comparisons["heads"], view["compared_readers"]),
        ("Which checkpoint", "F1; in brackets the checkpoint of each seed.", checkpoints, selection["lines"]),
        ("Alignments", "", _MAPS, view["maps"]),
    ]
    parts = []
    for title, words, heads, lines in tables:
        if lines:
            full = [[*map(markdown, line), *[""] * (len(heads) - len(line))] for line in lines]
            parts += [f"## {title}", *([words] if words else []), markup.pipe_table([list(heads), *full])]
    return parts


def _list(head: str, lines: Iterable[str]) -> list[str]:
    """A list and what stands above it; nothing for no lines."""
    found = "\n".join(f"* {line}" for line in lines)
    return [head, found] if found else []
