"""The numbers of docs/results.md and README are those of the published study."""

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NUMBERS = ROOT / "docs" / "public" / "numbers.csv"
ROWS = {"En": "English", "Zh": "Chinese (Trad.)", "Kr": "Korean"}
COLUMNS = ("En", "Zh", "Kr", "Ja", "XQuAD", "XQuAD-Zh", "XQuAD-Es", "XQuAD-Ar")


def _cells() -> dict[tuple[str, str], dict[str, str]]:
    rows = csv.DictReader(NUMBERS.open(encoding="utf-8"))
    return {(row["row"], row["column"]): row for row in rows if row["table"] in ("table2", "natural")}


def _cell(row: dict[str, str]) -> str:
    """F1, its deviation over seeds and its interval: "75.6 ± 0.7 [72.3, 78.7]"."""
    mean, sd, low, high = (row[f"f1_{name}"] for name in ("mean", "sd", "low", "high"))
    spread = f" ± {float(sd):.1f}" if sd else ""
    return f"{float(mean):.1f}{spread}<br><sub>{float(low):.1f}–{float(high):.1f}</sub>"


@pytest.mark.parametrize("reader", ROWS)
def test_the_matrix_of_the_results(reader):
    line = " | ".join([ROWS[reader], *(_cell(_cells()[reader, column]) for column in COLUMNS)])
    assert f"| {line} |" in (ROOT / "docs" / "results.md").read_text("utf-8")


@pytest.mark.parametrize("reader", ROWS)
def test_the_matrix_of_the_readme(reader):
    cells = {column: f"{float(_cells()[reader, column]['f1_mean']):.1f}" for column in COLUMNS}
    shown = [f"**{text}**" if column == reader else text for column, text in cells.items()]
    assert f"| {' | '.join([ROWS[reader], *shown])} |" in (ROOT / "README.md").read_text("utf-8")


def test_what_stands_beside_the_matrix():
    lines = {(f"{float(row['baseline_f1']):.1f}", row["column"]) for row in _cells().values()}
    by_column = {column: text for text, column in lines}
    line = " | ".join(["*lexical baseline*", *(by_column[column] for column in COLUMNS)])
    for page in ("docs/results.md", "README.md"):
        assert f"| {line} |" in (ROOT / page).read_text("utf-8")
