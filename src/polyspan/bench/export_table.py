"""What each way of exporting a Reader does to its answers: the figures of the gate, language by language.

`python -m polyspan.bench.export_table docs/export` writes `gate.csv` and prints it as a table; `--page
docs/export.md` puts that into the page. Every way answers the mini corpus's test parts in five languages, as
`polyspan export` does by itself, and is written down whatever the gate says. What stands in the file is not done
again.
"""

import argparse
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from polyspan.bench.page_table import show, table
from polyspan.data import mini
from polyspan.errors import UsageError
from polyspan.files import csv_rows, csv_text, write_text
from polyspan.model.export.export_gate import GateAnswers, answered, compare
from polyspan.model.export.exporting import as_exported, write_export
from polyspan.model.onnx.exported import GRAPH
from polyspan.model.reader import Reader

WAYS: dict[str, dict[str, Any]] = {
    "float32": {"precision": "fp32"},
    "--fp16": {"precision": "fp16"},
    "--int8": {"precision": "int8"},
    "--int8 --rounding dynamic": {"precision": "int8", "rounding": "dynamic"},
    "--int8 --rounding static": {"precision": "int8", "rounding": "static"},
}
"""The options of `polyspan export`, and what they are in Python."""
TOLERANCE = 1.0

Row = dict[str, Any]


class Ways:
    """A Reader, exported in one way after another and compared on the same questions."""

    def __init__(self, reader: str, languages: Sequence[str] = tuple(mini.LANGUAGES)) -> None:
        self.name = reader
        self.corpora = [mini.load(language, "test") for language in languages]

    @cached_property
    def reader(self) -> Reader:
        """As it was before."""
        return as_exported(self.name)

    @cached_property
    def before(self) -> list[GateAnswers]:
        """What it answers itself, once for all ways."""
        return answered(self.reader, self.corpora)

    def rows(self, way: str) -> list[Row]:
        """A row for each language."""
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_export(self.reader, folder, **WAYS[way])
            size = sum(path.stat().st_size for path in folder.glob(f"{GRAPH}*")) / 1e6
            exported = Reader.load(folder)
            after = answered(exported, self.corpora, f" exported as {way}")
            gate = compare(self.corpora, self.before, after, exported, TOLERANCE)
        whole: Row = {"reader": self.name, "way": way, "megabytes": round(size)}
        whole |= {"max_logit_difference": f"{gate.max_logit_difference:.2g}", "passed": gate.passed}
        return [
            whole | {"language": row.language, "n": row.n}
            | {name: round(getattr(row, name), 1) for name in ("em", "f1", "em_exported", "f1_exported", "same")}
            for row in gate.rows
        ]  # fmt: skip


def measured(ways: Ways, names: Sequence[str], file: Path) -> list[Row]:
    """The rows of a file, with those that it lacks made and written way by way.

    Raises UsageError where the file is of another Reader.
    """
    rows: list[Row] = csv_rows(file) if file.is_file() else []
    if other := [row["reader"] for row in rows if row["reader"] != ways.name]:
        raise UsageError("the file is of another Reader", where=str(file), found=other[0], fix="another folder")
    for name in names:
        if name not in {row["way"] for row in rows}:
            rows += ways.rows(name)
            write_text(file, csv_text(rows))
    return csv_rows(file)


def export_table(rows: Sequence[Row]) -> str:
    """A line for each way, in the order of `WAYS`: F1 and per cent of equal answers by language."""
    languages = list(dict.fromkeys(row["language"] for row in rows))
    own = {(row["way"], row["language"]): row for row in rows}
    first = [own[rows[0]["way"], language] for language in languages]
    lines = [["torch", "", "", *(f"{row['em']} / {row['f1']}" for row in first), ""]]
    for way in (way for way in WAYS if (way, languages[0]) in own):
        of_way = [own[way, language] for language in languages]
        name = f"`{way}`" if way.startswith("-") else way
        told = [f"{row['em_exported']} / {row['f1_exported']}, {float(row['same']):.0f} %" for row in of_way]
        verdict = "passed" if of_way[0]["passed"] == "True" else "refused"
        lines.append([name, of_way[0]["megabytes"], of_way[0]["max_logit_difference"], *told, verdict])
    asked = ", ".join(dict.fromkeys(row["n"] for row in rows))
    return (
        f"{table(['', 'megabytes', 'logits differ by', *languages, 'gate'], lines)}\n"
        f"EM / F1 and the share of equal answers of `{rows[0]['reader']}`; {asked} questions a language, all of "
        "`mini:LANGUAGE/test`.\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m polyspan.bench.export_table", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for gate.csv")
    parser.add_argument("--reader", default="bundled:reader", help="what is exported (bundled:reader)")
    parser.add_argument("--way", action="append", choices=tuple(WAYS), help="all unless named")
    parser.add_argument("--page", type=Path, help="a page whose table is to be this one")
    given = parser.parse_args(arguments)
    rows = measured(Ways(given.reader), given.way or list(WAYS), given.out / "gate.csv")
    show(export_table(rows), given.page, "gate")


if __name__ == "__main__":
    main()
