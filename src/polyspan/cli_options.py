"""What the verbs share: their common options, and how a result is printed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyspan.errors import UsageError

if TYPE_CHECKING:
    from polyspan.report.sheet import Sheet

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Language = Annotated[str | None, typer.Option(help="Language of the data where its name does not tell it.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Cluster = Annotated[str, typer.Option(help="Drawn as a whole: question, paragraph or article.")]
Draws = Annotated[int, typer.Option(min=1, help="Draws of the bootstrap and of the permutations.")]
TableFile = Annotated[Path | None, typer.Option(help="File for the table: .csv, .md or .tex.")]
Data = Annotated[str, typer.Argument(help="A file, a quoted pattern of files, or a name such as mini:zh/test.")]


def distinct(data: str, *outputs: Path | None) -> None:
    """Refuse to write over the data that is read, or twice to one file; then see that all can be written."""
    from polyspan.files import claim

    given = [path.absolute() for path in outputs if path is not None]
    if Path(data).absolute() in given or len(set(given)) < len(given):
        raise UsageError("an output would overwrite the data or another output", found=", ".join(map(str, given)))
    for path in given:
        claim(path)


def claim_table(path: Path | None) -> None:
    """See that a table can be written, if it is to be: its ending, and its place."""
    if path is not None:
        from polyspan.files import claim
        from polyspan.report.sheet import require_ending

        require_ending(path)
        claim(path)


def show_sheet(sheet: "Sheet") -> None:
    """Print a table, and below it what its numbers are."""
    from polyspan import terminal

    terminal.table(sheet.columns, sheet.lines)
    terminal.sentences(sheet.notes)


def show(value: dict[str, Any], as_json: bool) -> bool:
    """Print the JSON where it is asked for; returns whether a person is to be shown the result instead."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False))
    return not as_json
