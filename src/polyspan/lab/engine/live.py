"""A run as it goes on, on stderr: stages, progress, time left; a live table in a terminal, lines in a log."""

import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from polyspan.lab.engine.execution import Result
from polyspan.lab.stage import Stage

_SHOWN = 8  # running stages in the table
_LONG = 10.0  # seconds; a stage that takes less is not announced in a log
_SHORT = 1.0  # seconds; one that takes less is told of only where nothing else was for a while
_BAR = 16


class Estimate:
    """How long stages will take: the plan's estimates, corrected by what those of their kind took until now."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, float, float]] = {}  # kind → stages, seconds planned, seconds taken

    def learn(self, stage: Stage, seconds: float) -> None:
        """Take in what a stage took."""
        for kind in (stage.kind, ""):
            count, planned, taken = self._sums.get(kind, (0, 0.0, 0.0))
            self._sums[kind] = count + 1, planned + stage.seconds, taken + seconds

    def expected(self, kind: str, count: int, planned: float) -> float:
        """Seconds that `count` stages of a kind will take, which the plan thought would take `planned`."""
        _, before, taken = self._sums.get(kind, self._sums.get("", (0, 0.0, 0.0)))
        if before and planned:
            return planned * taken / before
        known, _, taken = self._sums.get(kind, (0, 0.0, 0.0))
        return count * taken / known if known and not planned else planned


class LiveView:
    """Shows a run while it goes on; used in a `with` block. `workers` is how many stages are made at a time.

    It writes to what stderr is when the view is made: a stage's own stderr may go elsewhere meanwhile.
    """

    def __init__(self, todo: Sequence[Stage], kept: int, workers: int = 1) -> None:
        self._left: dict[str, tuple[int, float]] = {}  # kind → stages, seconds planned
        for stage in todo:
            self._count_left(stage, 1)
        self._done = 0
        self._total, self._kept, self._workers = len(todo), kept, workers
        self._running: dict[str, tuple[Stage, float]] = {}
        self._failed = self._skipped = 0
        self._told = 0.0
        self._estimate = Estimate()
        self._lock = threading.Lock()
        self._stream = _stderr()
        self.console = Console(file=self._stream, highlight=False)
        moving = self.console.is_terminal and bool(todo)
        self._live = (
            Live(get_renderable=self.table, console=self.console, refresh_per_second=4) if moving else None
        )

    def __enter__(self) -> "LiveView":
        about = f", about {duration(self.seconds_left())}" if self.seconds_left() else ""
        self.say(f"{self._total} stages to make{about}; {self._kept} are in the store")
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        self._stream.close()

    def begin(self, stage: Stage) -> None:
        """A stage was given to a worker."""
        with self._lock:
            self._running[stage.key] = stage, time.monotonic()
            expected = self._expected(stage)
        if self._live is None and expected >= _LONG:
            self.say(f"{self._count()} {stage.name}: begun, about {duration(expected)}")

    def end(self, stage: Stage, result: Result) -> None:
        """A worker is done with it."""
        with self._lock:
            self._running.pop(stage.key, None)
            if result.state == "busy":
                return
            self._count_left(stage, -1)
            self._done += 1
            if result.state == "made":
                self._estimate.learn(stage, result.seconds)
            self._failed += result.state == "failed"
        if result.state == "failed":
            self.say(f"{self._count()} {stage.name}: FAILED: {result.message.splitlines()[0]}")
        elif self._live is None and (
            result.seconds >= _SHORT or time.monotonic() - self._told >= _LONG or self._done == self._total
        ):
            took = duration(result.seconds) if result.state == "made" else "made by another run"
            left = f"; {duration(self.seconds_left())} left" if self.seconds_left() >= _LONG else ""
            self.say(f"{self._count()} {stage.name}: {took}{left}")

    def skip(self, stage: Stage) -> None:
        """The stage will not be made: one that it needs has failed."""
        with self._lock:
            self._count_left(stage, -1)
            self._skipped += 1

    def say(self, text: str) -> None:
        """One line that stays, never broken."""
        self._told = time.monotonic()
        self.console.print(text, markup=False, soft_wrap=True)

    def seconds_left(self) -> float:
        """How long the rest will take, by what is known now."""
        with self._lock:
            left = sum(self._estimate.expected(kind, *known) for kind, known in self._left.items())
            running = [
                (self._expected(stage), time.monotonic() - began) for stage, began in self._running.values()
            ]
        left -= sum(min(expected, spent) for expected, spent in running)
        return max([left / self._workers, *(expected - spent for expected, spent in running)])

    def _expected(self, stage: Stage) -> float:
        return self._estimate.expected(stage.kind, 1, stage.seconds)

    def _count_left(self, stage: Stage, number: int) -> None:
        count, planned = self._left.get(stage.kind, (0, 0.0))
        self._left[stage.kind] = count + number, planned + number * stage.seconds

    def table(self) -> RenderableType:
        """What a terminal shows: a line for each running stage, and one for the whole run."""
        rows = Table.grid(padding=(0, 1))
        rows.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        rows.add_column(width=_BAR)
        rows.add_column(justify="right", no_wrap=True)
        rows.expand = True
        with self._lock:
            running = [(stage, began, self._expected(stage)) for stage, began in self._running.values()]
        for stage, began, expected in running[:_SHOWN]:
            spent = time.monotonic() - began
            of = f"{duration(spent)} of {duration(expected)}" if expected else duration(spent)
            rows.add_row(Text(stage.name), ProgressBar(expected or 1.0, min(spent, expected), width=_BAR), of)
        failed = f", {self._failed} failed" if self._failed else ""
        failed += f", {self._skipped} skipped" if self._skipped else ""
        more = f", {len(running) - _SHOWN} more running" if len(running) > _SHOWN else ""
        whole = Text(f"{self._done} of {self._total} stages{failed}{more}", style="bold")
        rows.add_row(
            whole, ProgressBar(self._total, self._done, width=_BAR), f"{duration(self.seconds_left())} left"
        )
        return Group(rows)

    def _count(self) -> str:
        width = len(str(self._total))
        return f"[{self._done:>{width}}/{self._total}]"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3:20 min`, `2:05 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"


def _stderr() -> TextIO:
    """A stream of its own to where stderr goes now."""
    try:
        return os.fdopen(os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2), "w", encoding="utf-8")
    except (OSError, ValueError):  # closed
        return open(os.devnull, "w", encoding="utf-8")
