"""The numbers of docs/results.md and README are those of the published study."""

import csv
import re
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


def _judged(run: str) -> dict[str, tuple[str, str]]:
    """What a published run says of each claim in F1, or in EM / F1: the verdict, and the share of the draws."""
    found = {}
    for line in (ROOT / "docs" / "public" / run / "report.md").read_text("utf-8").splitlines():
        cells = line.split(" | ")
        if len(cells) == 6 and cells[0].startswith("| H") and cells[2] != "EM":
            share = re.search(r"In (\d+ %) of the draws", cells[5])
            found[cells[0].removeprefix("| ")] = (cells[4], share[1] if share else "")
    return found


@pytest.mark.parametrize("run", ["study", "control"])
def test_the_claims_of_the_results(run):
    text = (ROOT / "docs" / "results.md").read_text("utf-8")
    told = [line.strip("| ").split(" | ") for line in text.splitlines() if re.match(r"\| H\d+ \|", line)]
    assert [cells[0] for cells in told] == [f"H{number}" for number in range(1, 19)]
    own = {cells[0]: cells[3] for cells in told if cells[-1] == run}
    assert own
    judged = _judged(run)
    for name, said in own.items():
        verdict, share = judged[name]
        assert said == (f"**{verdict}** ({share})" if share else f"**{verdict}**"), name


def test_the_paper_claim_by_claim_has_the_same_verdicts():
    results, paper = ((ROOT / "docs" / name).read_text("utf-8") for name in ("results.md", "paper.md"))
    table = [line.strip("| ").split(" | ") for line in results.splitlines() if re.match(r"\| H\d+ \|", line)]
    said = dict(re.findall(r"(?ms)^\*\*(H\d+), .*?\*Here\*: \*\*(\w+)\*\*", paper))
    assert said == {cells[0]: re.match(r"\W*(\w+)", cells[3])[1] for cells in table}
