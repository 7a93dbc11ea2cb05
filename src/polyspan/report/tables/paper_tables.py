"""The paper's tables with our numbers: means over seeds, the paper's own, and what each is compared with."""

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from polyspan.errors import PolyspanError
from polyspan.paper import Place, Results, facts
from polyspan.report.record.paper_record import Against, MeasureRecord, PaperTable

if TYPE_CHECKING:
    from polyspan.score import Scores

DRAWS = 2000
"""Draws of a comparison: enough to tell a p of .001, and quick for tables of many cells."""

_TITLES = {
    "table1": ("Table 1", "Chinese (DRCD): models trained on Chinese, zero-shot from English, and on both."),
    "table2": ("Table 2", "Trained on the row, tested on the column; En-Zh is English translated into Chinese."),
    "table3": ("Table 3", "Languages made up by permuting words: do they break the model?"),
    "table4": ("Table 4", "Trained on English, tested on English with words of another language mixed in."),
    "table5": ("Table 5", "What is answered when words of another language are mixed in, and the gold answer."),
    "table6": ("Table 6", "English training text in other word orders."),
    "table7": ("Table 7", "Zero-shot from English to Chinese with the languages aligned while training."),
}


def title(table: str, paper: str) -> tuple[str, str]:
    """The name of a table as the paper prints it, and what it shows; one of the recipe's own keeps its name."""
    return _TITLES.get(table, (table, "")) if paper else (table, "")


def row_title(table: PaperTable, row: str) -> str:
    """A row's label with what the paper says of it where the label alone says little (Table 1)."""
    if not table.paper or table.name != "table1":
        return row
    line = next((line for line in facts()["table1"] if line["row"] == row), None)
    return row if line is None else f"({row}) {line['model']}, {line['train']}"


def references(place: Place) -> list[tuple[Place, str]]:
    """What a cell is naturally compared with, best first, and its name in words; nothing for a reference itself.

    Translated, reordered, mixed and aligned sets against what they were made of; other languages against English.
    """
    table, row, column = place
    own = [(Place("table2", "En", "Zh"), "zero-shot from En"), (Place("table1", "f", "Zh"), "zero-shot from En")]
    found: list[tuple[Place, str]] = []
    if table == "table1" and row != "f":
        found = [(Place("table1", "f", "Zh"), "(f), zero-shot from En")]
    elif table == "table2" and row != "En":
        source = row.partition("-")[0] if "-" in row else "En"
        found = [(Place(table, source, column), source)]
    elif table == "table3" and column.endswith("-permuted"):
        test = column.removesuffix("-permuted")
        short = {"English": "En", "Chinese": "Zh"}
        natural = [Place("table2", short[row], short[test])]
        natural = [Place(table, row, test), *natural] if test == "Chinese" else natural
        found = [(reference, f"{row} on {test}") for reference in natural]
    elif table == "table4" and column != "None":
        found = [(Place(table, row, "None"), "unmixed")]
    elif table == "table6" and row != "En":
        found = [(Place(table, "En", column), "En"), (Place("table2", "En", column), "En")]
    elif table == "table7":
        found = [(reference, "no alignment") for reference, _ in reversed(own)]
    return found


def measured(
    values: Sequence[float], paper: float | None, bounds: tuple[float, float] | None = None
) -> MeasureRecord:
    """Mean and sample standard deviation of the runs (None for one), rounded to a thousandth of a point."""
    mean = round(statistics.fmean(values), 3) if values else None
    sd = round(statistics.stdev(values), 3) if len(values) > 1 else None
    low, high = (None, None) if bounds is None else (round(bounds[0], 3), round(bounds[1], 3))
    return MeasureRecord(mean, sd, paper, low, high)


def printed_number(results: Results, place: Place, measure: str) -> float | None:
    """The paper's number at a place, None where it prints none."""
    cells = results.cells.get(place)
    number: float | None = getattr(cells[0], measure) if cells else None
    return number


def compared(
    name: str,
    reference: "Sequence[Scores]",
    cell: "Sequence[Scores]",
    of: Mapping[str, str] | None,
    seed: int = 42,
) -> Against:
    """The cell's runs against the reference's on the same questions, drawn by the units `of`."""
    from polyspan.stats import compare

    try:
        found = compare(reference, cell, of=of, draws=DRAWS, seed=seed)
    except PolyspanError as error:
        return Against(name, why=error.brief)
    f1, exact = found.f1, found.exact_match
    return Against(
        name,
        f1=round(f1.delta, 3),
        low=round(f1.low, 3),
        high=round(f1.high, 3),
        p=round(f1.p, 5),
        p_runs=None if f1.p_runs is None else round(f1.p_runs, 5),
        exact_match=round(exact.delta, 3),
        low_exact_match=round(exact.low, 3),
        high_exact_match=round(exact.high, 3),
        p_exact_match=round(exact.p, 5),
    )
