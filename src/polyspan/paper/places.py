"""Where each of the paper's numbers stands: tables, rows and columns, read from `hsu2019.yaml`.

A place is (table, row, column), under the paper's own labels:

| table | row | column |
| --- | --- | --- |
| table1 | a to g | Zh |
| table2, table6 | the training set: En, Zh, Kr, En-Fr, …, En-SOV | the test: En, Zh, Kr |
| table3 | English, Chinese | English-permuted, Chinese-permuted, Chinese |
| table4 | En | what is mixed in: None, Chinese, French, Japanese, Korean |
| table7 | MUSE, DeMa, Vecmap, GAN-layer-8, GAN-layer-11 | Zh |
| figure1 | CKA before, CKA after, told apart in the plane | any name; what was measured is its similarity |
| figure2, figure3 | any name | any name; a point each, with its similarity |

Runs that the paper proposes or needs but does not print have a row as well: in table2 `En-small` (English cut down
to the size of DRCD), `En-Zh-En` and `Zh-En-Zh` (translated there and back; English by any pivot: `En-Pt-En`), in
table1 `Zh-500` and the like (Chinese cut down to so many questions).
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

TABLES = ("table1", "table2", "table3", "table4", "table6", "table7")
UNPRINTED = ("En-small", "En-Zh-En", "Zh-En-Zh")

_HERE = Path(__file__).parent


@cache
def facts() -> dict[str, Any]:
    """The whole YAML file: tables 1 to 7, figures, sizes, thresholds, and the ranking of the factors."""
    import yaml

    content: dict[str, Any] = yaml.safe_load((_HERE / "hsu2019.yaml").read_text("utf-8"))
    return content


class Place(NamedTuple):
    """Where a number stands in the paper; `places` lists all rows and columns."""

    table: str
    row: str
    column: str

    def __str__(self) -> str:
        return f"{self.table} {self.row} on {self.column}"


def numbers() -> Iterator[tuple[Place, float | None, float | None]]:
    """Each printed number's place, exact match and F1."""
    given = facts()
    for table in ("table2", "table6"):
        for row, tests in given[table].items():
            for column, (em, f1) in tests.items():
                yield Place(table, row, column), em, f1
    for table, row, column in (
        ("table1", "row", ""),
        ("table3", "train", "test"),
        ("table4", "", "mix"),
        ("table7", "approach", ""),
    ):
        for line in given[table]:
            place = Place(table, line[row] if row else "En", line[column] if column else "Zh")
            yield place, line["em"], line["f1"]


def unprinted(table: str, row: str) -> bool:
    """Whether a table's row is one of those that come in any number: `En-Pt-En` in table2, `Zh-500` in table1."""
    pattern = {"table1": r"Zh-\d+", "table2": r"En-[A-Z][a-z]+-En"}.get(table)
    return pattern is not None and re.fullmatch(pattern, row) is not None


@cache
def places() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The rows and the columns that each table knows, those of runs that the paper lacks among them."""
    found = {}
    for table in TABLES:
        own = [place for place, _, _ in numbers() if place.table == table]
        rows = dict.fromkeys(place.row for place in own)
        if table == "table2":
            rows |= dict.fromkeys(UNPRINTED)
        found[table] = (tuple(rows), tuple(dict.fromkeys(place.column for place in own)))
    return found
