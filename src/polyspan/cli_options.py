"""What the verbs share: their common options, and how a result is printed."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from polyspan.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Language = Annotated[
    str | None, typer.Option(help="Language of the data, such as en or zh-Hant, where they do not tell it.")
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Data = Annotated[str, typer.Argument(help="A file, a quoted pattern of files, or a name such as mini:zh/test.")]


def distinct(data: str, *outputs: Path | None) -> None:
    """Refuse to write over the data that is read, or twice to one file; then see that all can be written."""
    from polyspan.files import claim

    given = [path.absolute() for path in outputs if path is not None]
    if Path(data).absolute() in given or len(set(given)) < len(given):
        raise UsageError("an output would overwrite the data or another output", found=", ".join(map(str, given)))
    for path in given:
        claim(path)


def show(value: dict[str, Any], as_json: bool) -> bool:
    """Print the JSON where it is asked for; returns whether a person is to be shown the result instead."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False))
    return not as_json
