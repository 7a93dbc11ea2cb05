"""What `--help` shows of a verb: kinds of values as words, and an example at the foot.

`Verbs` is typer's application with these; every group of verbs is one.
"""

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import typer
from typer.core import TyperArgument, TyperCommand

_DATA = ("data", "against", "like", "source", "target", "adversarial_data")
_OWN = {"model": "MODEL", "language": "LANG"} | dict.fromkeys(_DATA, "DATA")  # what NAME alone leaves open

_RENAMED = {"--outside": "--negatives"}  # options by what they were called before

_WIDTH = 74  # of an example: 80 columns less the margins of help
_Function = TypeVar("_Function", bound=Callable[..., Any])


class Verbs(typer.Typer):
    """A group of verbs; `command` takes the `example` that stands below the verb's help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(rich_markup_mode=None, **options)

    def command(
        self, name: str | None = None, *, example: str = "", **options: Any
    ) -> Callable[[_Function], _Function]:
        """As typer's. `example` is a command line, which is broken by a backslash where it is long."""
        if example:
            options["epilog"] = f"\b\nExample:\n  {_broken(example)}"
        return super().command(name, cls=Verb, **options)


class Verb(TyperCommand):
    """A command whose help says FILE, N or NAME where typer says `<path>`, `<int>` or `<list[str]>`.

    What can be added is listed when the help is shown, so that nothing is imported for it before (`_named`).
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        hints = get_type_hints(self.callback) if self.callback else {}
        for parameter in self.params:
            if parameter.metavar is None and parameter.name in hints:
                given = isinstance(parameter, TyperArgument)
                help = getattr(parameter, "help", None) or ""
                parameter.metavar = (
                    parameter.name.upper() if given else _word(parameter.name, hints[parameter.name], help)
                )

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer's; who calls an option by its former name is told the new one."""
        here = {option for parameter in self.params for option in parameter.opts}
        for name in (arg.partition("=")[0] for arg in args):
            if _RENAMED.get(name) in here:
                ctx.fail(f"{name} is called {_RENAMED[name]} now; its values are other ones too (see -h)")
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """As typer's, with the lists that the texts ask for."""
        for shown in (self, *self.params):
            if hasattr(shown, "help"):
                shown.help = _named(shown.help or "")
        super().format_help(ctx, formatter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words after the verb: `[OPTIONS] DATA OUT`; `[NAME]` may be left out, `NAME...` repeated."""
        shown = []
        for parameter in self.params:
            if isinstance(parameter, TyperArgument):
                name = str(parameter.metavar) if parameter.required else f"[{parameter.metavar}]"
                shown.append(name + ("..." if parameter.nargs != 1 else ""))
        return ["[OPTIONS]", *shown]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments by their names alone, then options with the word for their value."""
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is None:
                continue
            if isinstance(parameter, TyperArgument):
                rows["Arguments"].append((str(parameter.metavar), record[1]))
            else:
                rows["Options"].append(record)
        for title, lines in rows.items():
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)


def _named(help: str) -> str:
    """A help text with names for `{align.METHODS}`: those that are there, or that a function there gives."""

    def names(place: re.Match[str]) -> str:
        value = getattr(import_module(f"polyspan.{place[1]}"), place[2])
        *some, last = value() if inspect.isfunction(value) else value
        return f"{', '.join(some)} or {last}"

    return re.sub(r"\{([\w.]+)\.(\w+)\}", names, help)


def _word(name: str, hint: Any, help: str) -> str | None:
    """What a value is in a word; None for a flag, which takes none."""
    kinds = _kinds(hint)
    if Path in kinds:
        return "FOLDER" if help.startswith("Folder") else "FILE"
    if name in _OWN:
        return _OWN[name]
    words = {int: "N", float: "X", str: "NAME"}
    return next((word for kind, word in words.items() if kind in kinds), None)


def _broken(command: str) -> str:
    """A command line before its options, in lines of at most 74 characters."""
    lines = [""]
    for part in re.split(" (?=--)", command):
        if lines[-1] and len(f"{lines[-1]} {part} \\") > _WIDTH:
            lines.append("  " + part)
        else:
            lines[-1] = f"{lines[-1]} {part}".strip(" ") if len(lines) == 1 else f"{lines[-1]} {part}"
    return " \\\n  ".join(lines)


def _kinds(hint: Any) -> set[Any]:
    inner = get_args(hint)
    return set().union(*map(_kinds, inner)) if inner else {hint}
