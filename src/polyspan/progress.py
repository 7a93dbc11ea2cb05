"""Progress of long work on stderr: a live bar in a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, str], None]
"""Called with how much was done since the last call, and a short note (a loss, a count)."""


@contextmanager
def progress(doing: str, total: int, unit: str = "", done: int = 0) -> Iterator[Advance]:
    """Show how far a piece of work of `total` units has come, of which `done` were done before. Yields the
    function to call after each part. Without a name for the work nothing is shown."""
    if not doing:
        yield lambda done, note: None
        return
    with _bar(doing, total, unit, done) if sys.stderr.isatty() else _lines(doing, total, unit, done) as advance:
        yield advance


@contextmanager
def _bar(doing: str, total: int, unit: str, before: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn(unit + " {task.fields[note]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=4) as bar:
        task = bar.add_task(doing, total=total, completed=before, note="")

        def advance(done: int, note: str) -> None:
            bar.update(task, advance=done, note=note)

        yield advance


@contextmanager
def _lines(doing: str, total: int, unit: str, before: int, every: float = 15.0) -> Iterator[Advance]:
    began = last = time.monotonic()
    so_far = 0

    def advance(done: int, note: str = "") -> None:
        nonlocal so_far, last
        so_far += done
        now = time.monotonic()
        if now - last >= every:
            last = now
            far = before + so_far
            left = (now - began) / so_far * (total - far) if so_far else 0
            print(f"{doing}: {far}/{total} {unit} {note} ({left:.0f} s left)", file=sys.stderr, flush=True)

    yield advance
    if time.monotonic() - began >= 1:
        seconds = time.monotonic() - began
        print(f"{doing}: {so_far} {unit} in {seconds:.1f} s", file=sys.stderr, flush=True)
