"""A made-up report of a run of all the paper's tables, of any number of seeds."""

import random
from dataclasses import asdict
from typing import Any

import reports

from polyspan.paper import Cell, Results, factors, judge, places, printed
from polyspan.paper.results import Place
from polyspan.report.record.paper_record import Against, PaperCell, PaperTable, RunRecord
from polyspan.report.tables.paper_tables import measured, printed_number, references, title
from polyspan.report.verdicts import told
from polyspan.stats import analyse


def make(seeds: int = 1, lost: int = 0) -> dict[str, Any]:
    """All tables with numbers some way below the paper's; the last `lost` cells of each table are missing."""
    draw = random.Random(1)
    own: dict[Place, tuple[Cell, ...]] = {}
    tables = {}
    for name, (rows, columns) in places().items():
        planned = [Place(name, row, column) for row in rows for column in columns]
        for place in planned[: len(planned) - lost]:
            f1 = (printed_number(printed(), place, "f1") or 60.0) * 0.7
            own[place] = tuple(Cell(0.7 * f1, f1 + draw.gauss(0, 2), seed, 500) for seed in range(seeds))
        cells = tuple(_cell(place, own.get(place, ())) for place in planned)
        tables[name] = asdict(PaperTable(name, *title(name, "hsu2019"), rows, columns, cells, paper="hsu2019"))
    results = Results(own)
    report = reports.make(reports.FOUR, reports.SEVEN, seeds=range(1, seeds + 1), steps=60)
    return report | {
        "title": "All tables of the paper, on a laptop",
        "deviations": ["The encoder is bundled:e5-small; the paper’s is multilingual BERT.", "One run a cell."],
        "missing": [{"stage": "train Zh", "why": "the disk is full"}] if lost else [],
        "tables": tables,
        "claims": [asdict(one) for one in told(judge(results, 0), judge(printed(), 0))],
        "statistics": {"anova": analyse(results.rows("table2"), factors(), draws=200) | {"table": "table2"}},
        "sources": [{"name": "squad", "title": "SQuAD 1.1", "licence": "CC BY-SA 4.0", "used": ["squad:dev"]}],
        "cards": [{"name": "En-Fr", "file": "cards/En-Fr.yaml", "maker": "translate", "questions": 900}],
        "alignment": [{"name": "map", "method": "muse", "layer": 8, "source": "En", "target": "Zh"}],
        "recipe": {"name": "paper", "paper": "hsu2019"},
    }


def _cell(place: Place, runs: tuple[Cell, ...]) -> PaperCell:
    compared = references(place)
    name = compared[0][1] if compared else ""
    return PaperCell(
        row=place.row,
        column=place.column,
        train=place.row,
        test=place.column,
        metric="drcd.v1",
        n=500 if runs else None,
        exact_match=measured(
            [run.exact_match or 0.0 for run in runs], printed_number(printed(), place, "exact_match")
        ),
        f1=measured([run.f1 or 0.0 for run in runs], printed_number(printed(), place, "f1")),
        baseline_f1=15.3,
        untrained_f1=8.1,
        against=Against(name, f1=-3.2, low=-5.0, high=-1.1, p=0.0042) if name and runs else None,
        runs=tuple(
            RunRecord(
                run.seed, run.exact_match or 0.0, run.f1 or 0.0, "predict", "ab" * 32, "records/a.json", "p/a.json"
            )
            for run in runs
        ),
        commands=("polyspan train --data squad:train --model bundled:e5-small --out En --preset cpu",),
        missing="" if runs else "not made: all seeds",
    )
