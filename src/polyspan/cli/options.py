"""What the verbs share: their common options, and how a result is printed."""

import inspect
import json
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer

from polyspan.errors import UsageError

if TYPE_CHECKING:
    from polyspan.data.schema import Corpus
    from polyspan.report.tables.sheet import Sheet

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Language = Annotated[
    str | None, typer.Option(help="Language of the data, such as en or zh-Hant, where they do not tell it.")
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Cluster = Annotated[str, typer.Option(help="Drawn as a whole: question, paragraph or article.")]
Draws = Annotated[int, typer.Option(min=1, help="Draws of the bootstrap and of the permutations.")]
TableFile = Annotated[Path | None, typer.Option(help="File for the table: .csv, .md or .tex.")]
Data = Annotated[str, typer.Argument(help="A file, a quoted pattern of files, or a name such as mini:zh/test.")]


_P = ParamSpec("_P")
_R = TypeVar("_R")

_READING = {
    "encoding": Annotated[
        str | None, typer.Option(help="What files of text were saved in, if not UTF-8: windows-1252, utf-16, …")
    ],
    "columns": Annotated[
        str | None, typer.Option(help="What rows' columns are called: question=Frage,context=Text.")
    ],
}
_reading: ContextVar[dict[str, Any] | None] = ContextVar("reading", default=None)


def reads(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Give a verb that reads data the options of reading, --encoding and --columns; see `read` and `reading`."""

    @adds(_READING, as_one="reading")
    @wraps(verb)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        given: Any = kwargs.pop("reading")
        before = _reading.set(given | {"columns": _pairs(given["columns"])})
        try:
            return verb(*args, **kwargs)
        finally:
            _reading.reset(before)

    return run


def adds(options: dict[str, Any], *, as_one: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Give a verb options by name, None where they are not used; it gets them as the one argument `as_one`."""

    def changed(verb: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(verb)
        def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            kwargs[as_one] = {name: kwargs.pop(name, None) for name in options}
            return verb(*args, **kwargs)

        signature = inspect.signature(verb, eval_str=True)
        keyword = inspect.Parameter.KEYWORD_ONLY
        more = [inspect.Parameter(name, keyword, default=None, annotation=kind) for name, kind in options.items()]
        *usual, last = (one for one in signature.parameters.values() if one.name != as_one)
        parameters = [*usual, *more, last.replace(kind=keyword)]  # --json, which stays the last
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return run

    return changed


def grouped(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Give a verb, in the place of a parameter that is a dataclass, an option for each of its fields."""
    signature = inspect.signature(verb, eval_str=True)
    groups: dict[str, Any] = {
        name: one.annotation for name, one in signature.parameters.items() if is_dataclass(one.annotation)
    }
    options = []
    for name, parameter in signature.parameters.items():
        inner = (
            inspect.signature(groups[name], eval_str=True).parameters.values() if name in groups else [parameter]
        )
        options += [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in inner]

    @wraps(verb)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        given: dict[str, Any] = dict(kwargs)
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        return verb(*args, **given)

    run.__annotations__ = {option.name: option.annotation for option in options}
    run.__signature__ = signature.replace(parameters=options)  # type: ignore[attr-defined]
    return run


def reading() -> dict[str, Any]:
    """What `reads` was given on the command line, as `polyspan.read` and `check` take it."""
    return _reading.get() or {}


def read(data: str, language: str | None = None) -> "Corpus":
    """`polyspan.read`, by the options of the verb that runs."""
    from polyspan.reading import read as read_data

    return read_data(data, language, **reading())


def _pairs(columns: str | None) -> dict[str, str]:
    """`question=Frage,context=Text` as a dict; a column's name may hold commas."""
    pairs = [part.partition("=") for part in re.split(r",(?=\s*[\w.]+\s*=)", columns or "") if part.strip()]
    if any(not equals or not given.strip() for _, equals, given in pairs):
        raise UsageError("cannot read --columns", found=str(columns), expected="question=Frage,context=Text")
    return {known.strip(): given.strip() for known, _, given in pairs}


def distinct(data: str, *outputs: Path | None) -> None:
    """Refuse to write over the data that is read, or twice to one file; then see that all can be written."""
    from polyspan.files import require_writable

    given = [path.absolute() for path in outputs if path is not None]
    if Path(data).absolute() in given or len(set(given)) < len(given):
        raise UsageError("an output would overwrite the data or another output", found=", ".join(map(str, given)))
    for path in given:
        require_writable(path)


def claim_table(path: Path | None) -> None:
    """See that a table can be written, if it is to be: its ending, and its place."""
    if path is not None:
        from polyspan.files import require_writable
        from polyspan.report.tables.sheet import require_ending

        require_ending(path)
        require_writable(path)


def show_sheet(sheet: "Sheet") -> None:
    """Print a table, and below it what its numbers are."""
    from polyspan.cli import terminal

    terminal.table(sheet.columns, sheet.lines)
    terminal.sentences(sheet.notes)


def show(value: dict[str, Any], as_json: bool) -> bool:
    """Print the JSON where it is asked for; returns whether a person is to be shown the result instead."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False))
    return not as_json
