"""What the command line shows a person: results on stdout, remarks on stderr.

A table is as wide as the terminal at most; in a pipe or a file it is as wide as it needs, a row a line, so that
`| grep` finds whole rows (`COLUMNS` sets a width there too).
"""

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_SHOWN = 12  # faults printed in full; --json has them all
_WIDE = 10_000
_NARROWEST = 20
_JOINING = "\u200c\u200d\u200e\u200f"
_NUMBER = re.compile(r"–|(< )?[-+−±]?\d*\.?\d+\**")  # also with a sign, and with stars


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    narrow = os.environ.get("COLUMNS") or (stream is not None and stream.isatty())
    return Console(stderr=stderr, highlight=False, emoji=False, width=None if narrow else _WIDE)


console = _console(stderr=False)
_remarks = _console(stderr=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A plain table on stdout; numbers stand to the right."""
    rows = [[_cell(value) for value in row] for row in rows]
    shown = Table(
        *(), title=Text(title) if title else None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for index, name in enumerate(columns):
        numbers = all(_is_number(row[index]) for row in rows)
        shown.add_column(Text(name), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))  # as it is: brackets in a name are no markup
    console.print(shown)


def facts(values: Mapping[str, Any]) -> None:
    """Names and values on stdout, one a line."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        inner = value.items() if isinstance(value, Mapping) else [("", value)]
        flat |= {f"{name} {part}".strip().replace("_", " "): found for part, found in inner}
    width = max(map(len, flat), default=0)
    for name, value in flat.items():
        tell(f"{name:<{width}}  {_cell(value)}")


def tell(text: str) -> None:
    """A result in words, on stdout: plain text, never broken, so that a path in it can be copied."""
    _print(console, text)


def say(text: str) -> None:
    """A remark beside the result, on stderr: what is being done, and what is to be minded."""
    _print(_remarks, text)


def sentences(lines: Iterable[str]) -> None:
    """Results in words on stdout, broken at the terminal's width."""
    width = max(40, console.width - 1)
    for line in lines:
        tell("\n".join(textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)))


def passage(text: str, start: int, end: int, indent: int = 2) -> None:
    """A text on stdout, broken at the terminal's width, with `text[start:end]` in bold in a terminal."""
    before, inside, after = (
        _shown(part.replace("\n", " ")) for part in (text[:start], text[start:end], text[end:])
    )
    shown = Text(before, end="").append(inside, "bold").append(after)
    width = max(_NARROWEST, console.width - indent)
    for line in shown.wrap(console, width, overflow="fold"):
        line.rstrip()
        console.print(Text(" " * indent) + line, soft_wrap=True)


def _print(where: Console, text: str) -> None:
    where.print(_shown(text), markup=False, soft_wrap=True)


def _shown(text: str) -> str:
    """A text without control characters, but with those that Persian and Hindi join letters by."""
    return "".join(char if char.isprintable() or char in _JOINING or char == "\n" else "\ufffd" for char in text)


def count(number: int, noun: str) -> str:
    """`1 question`, `2 questions`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def matrix(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of a report's matrix: exact match and F1, and the F1 of the two baselines; the seed, if several."""
    seed = ("seed",) if len({row["seed"] for row in rows}) > 1 else ()
    columns = ("train", "test", *seed, "n", "EM", "F1", "lexical", "untrained")
    keys = ("train", "test", *seed, "n", "exact_match", "f1", "baseline_f1", "untrained_f1")
    table(columns, [[row[key] for key in keys] for row in rows])


def check_report(report: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """The faults of a data set: the first in full, then how many of each rule."""
    for fault in report["faults"][:_SHOWN]:
        _fault(fault)
    if (rest := len(report["faults"]) - _SHOWN) > 0:
        tell(f"… and {rest} more (all of them with --json)")
    for warning in report["warnings"]:
        _fault(warning, "warning: ")
    if counts:
        table(("rule", "faults"), counts.items())
    state = "no fault" if report["ok"] else count(len(report["faults"]), "fault")
    tell(f"{count(report['questions'], 'question')}, {state}")


def _fault(fault: Mapping[str, Any], kind: str = "") -> None:
    place = " ".join(str(fault[key]) for key in ("file", "id", "field") if fault[key])
    console.print(f"[bold]{kind}{fault['rule']}[/bold]", end=" ")
    tell(place)
    for name in ("found", "expected", "fix"):
        if fault[name]:
            tell(f"  {name + ':':<9} {fault[name]}")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text))
