"""`polyspan data …`: the catalogue, and data sets as files."""

from pathlib import Path
from typing import Annotated

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Data, Json, Language, Seed, distinct, read, reads, show

_T = typer.Option  # a short name: the options below are one line each
data_app = Verbs(no_args_is_help=True, help="List, fetch, describe, convert, split data.")


@data_app.command("list", example="polyspan data list | grep squad")
def data_list(as_json: Json = False) -> None:
    """The named data sets: languages, licence, size, metric."""
    from polyspan.data.cards import listing

    sets = listing()
    if show({"sets": sets}, as_json):
        from polyspan.cli import terminal

        rows = [
            (s["name"], " ".join(s["languages"]), s["questions"], s["licence"], s["metric"], s["where"])
            for s in sets
        ]
        terminal.table(("name", "languages", "questions", "licence", "metric", "where"), rows)


@data_app.command("fetch", example="polyspan data fetch xquad:zh")
def data_fetch(
    name: Annotated[str, typer.Argument(help="A name such as xquad:zh.")], as_json: Json = False
) -> None:
    """Download a named data set at its pinned revision into the cache."""
    from polyspan.data.fetch import fetch

    path = fetch(name)
    if show({"name": name, "path": str(path)}, as_json):
        from polyspan.cli import terminal

        terminal.tell(str(path))


@data_app.command("stats", example="polyspan data stats mini:ko/test")
@reads
def data_stats(data: Data, language: Language = None, as_json: Json = False) -> None:
    """Counts and lengths of a data set."""
    from polyspan.data.stats import stats

    values = stats(read(data, language))
    if show(values, as_json):
        from polyspan.cli import terminal

        terminal.facts(values)


@data_app.command("convert", example="polyspan data convert mini:ko/test korean.csv")
@reads
def data_convert(
    data: Data,
    out: Annotated[
        Path,
        typer.Argument(help="New file: {data.formats.format.written}; each also with .gz."),
    ],
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Write a data set in another format."""
    from polyspan.data.write import write

    corpus = read(data, language)
    distinct(data, out)
    left_out = write(corpus, out)
    if show({"out": str(out), "questions": len(corpus), "contexts_without_questions_left_out": left_out}, as_json):
        from polyspan.cli import terminal

        note = f"; {left_out} contexts without questions have no place in this format" if left_out else ""
        terminal.tell(f"{terminal.count(len(corpus), 'question')}: {out}{note}")


@data_app.command("split", example="polyspan data split data.json train.json dev.json --fraction 0.1")
@reads
def data_split(
    data: Data,
    rest: Annotated[Path, typer.Argument(help="File for the larger part.")],
    held_out: Annotated[Path, typer.Argument(help="File for the held-out part.")],
    fraction: Annotated[float, _T(help="Share of the questions to hold out.")] = 0.1,
    size: Annotated[int | None, _T(help="Number of questions to hold out, instead.")] = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Split a data set by article, so that no text is on both sides."""
    from polyspan.data.split import split
    from polyspan.data.write import write

    parts = split(read(data, language), fraction, size, seed)
    distinct(data, rest, held_out)
    for corpus, path in zip(parts, (rest, held_out), strict=True):
        write(corpus, path)
    sizes = {str(path): len(corpus) for corpus, path in zip(parts, (rest, held_out), strict=True)}
    if show({"questions": sizes, "seed": seed}, as_json):
        from polyspan.cli import terminal

        terminal.facts(sizes)
