"""What the command line shows a person, on stderr, in at most the terminal's width."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

_SHOWN = 12  # faults printed in full; --json has them all

console = Console(stderr=True, highlight=False, soft_wrap=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A plain table; numbers stand to the right."""
    rows = [[_cell(value) for value in row] for row in rows]
    shown = Table(*(), title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        numbers = all(_is_number(row[index]) for row in rows)
        shown.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


def facts(values: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        inner = value.items() if isinstance(value, Mapping) else [("", value)]
        flat |= {f"{name} {part}".strip().replace("_", " "): found for part, found in inner}
    width = max(map(len, flat), default=0)
    for name, value in flat.items():
        say(f"{name:<{width}}  {_cell(value)}")


def say(text: str) -> None:
    """One line of plain text, never broken, so that a path in it can be copied; control characters are shown."""
    shown = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
    console.print(shown, markup=False, soft_wrap=True)


def tell(text: str) -> None:
    """A result in words, on stdout: plain text, never broken, so that a path in it can be copied."""
    shown = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
    Console(highlight=False, emoji=False).print(shown, markup=False, soft_wrap=True)


def count(number: int, noun: str) -> str:
    """`1 question`, `2 questions`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def matrix(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of a report's matrix: exact match and F1, and the F1 of the two baselines."""
    columns = ("train", "test", "n", "EM", "F1", "lexical", "untrained")
    keys = ("train", "test", "n", "exact_match", "f1", "baseline_f1", "untrained_f1")
    table(columns, [[row[key] for key in keys] for row in rows])


def check_report(report: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """The faults of a data set: the first in full, then how many of each rule."""
    for fault in report["faults"][:_SHOWN]:
        _fault(fault)
    if (rest := len(report["faults"]) - _SHOWN) > 0:
        say(f"… and {rest} more (all of them with --json)")
    for warning in report["warnings"]:
        _fault(warning, "warning: ")
    if counts:
        table(("rule", "faults"), counts.items())
    state = "no fault" if report["ok"] else count(len(report["faults"]), "fault")
    say(f"{count(report['questions'], 'question')}, {state}")


def _fault(fault: Mapping[str, Any], kind: str = "") -> None:
    place = " ".join(str(fault[key]) for key in ("file", "id", "field") if fault[key])
    console.print(f"[bold]{kind}{fault['rule']}[/bold]", end=" ")
    say(place)
    for name in ("found", "expected", "fix"):
        if fault[name]:
            say(f"  {name + ':':<9} {fault[name]}")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _is_number(text: str) -> bool:
    return text == "–" or text.replace(".", "", 1).replace("-", "", 1).isdigit()
