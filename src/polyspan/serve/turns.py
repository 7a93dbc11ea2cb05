"""Whose windows are computed next: requests on their way, and how they share a batch."""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from polyspan.data.schema import Corpus
from polyspan.model.answers import Answering, Candidate
from polyspan.model.reader import Reader
from polyspan.model.search import Sums, budget_of
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import WindowOptions, Windows

Answers = list[list[Candidate]]


@dataclass(eq=False, slots=True)
class Pending:
    """A request on its way: what is asked, its windows from the time that they are cut, and its answers to come.

    `answers` are those of `answer_corpus`, a list for each question of the corpus; who cancels them drops the
    request.
    """

    reader: Reader
    corpus: Corpus
    answering: Answering
    options: WindowOptions
    answers: Future[Answers] = field(default_factory=Future)
    remarks: list[str] = field(default_factory=list)
    windows: Windows = field(init=False)
    sums: Sums = field(init=False)
    lengths: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    """Pieces of each window."""
    begun: int = 0
    """Windows that stand in a batch or stood in one: always the first ones."""

    @property
    def left(self) -> int:
        """Pieces that are in no batch yet."""
        return int(self.lengths[self.begun :].sum())

    def end(self, answers: Answers | None = None, error: Exception | None = None) -> None:
        """Hand over the answers, or why there are none, unless nobody waits for them any more."""
        if self.answers.done() or not self.answers.set_running_or_notify_cancel():
            return
        if error is not None:
            self.answers.set_exception(error)
        else:
            self.answers.set_result(answers or [])


Part = tuple[Pending, Ints]
"""Windows of a request that stand in a batch, by their rows."""


class Turns:
    """The requests whose windows wait, in the order of their turns."""

    def __init__(self) -> None:
        self._queue: deque[Pending] = deque()

    def add(self, pending: Pending) -> None:
        """Let a request wait for its turn."""
        self._queue.append(pending)

    @property
    def left(self) -> int:
        """Pieces that wait."""
        return sum(pending.left for pending in self._queue)

    def next(self) -> list[Part]:
        """Windows for the next batch, all of one Reader; none where none wait.

        In turn each request puts in its share of the budget, or one window, and what room is left then is filled
        in the same order. Who had a turn and needs more goes to the end: a long text holds the others up by no
        more than its share. Requests whose client left are forgotten.
        """
        here = [pending for pending in self._queue if not pending.answers.done()]
        if not here:
            self._queue.clear()
            return []
        reader = here[0].reader
        mine = [pending for pending in here if pending.reader is reader]
        batch = _Batch(reader)
        begun = {pending: pending.begun for pending in mine}
        for share in (batch.budget // len(mine), batch.budget):
            for pending in mine:
                batch.fill(pending, begun[pending], share)
        had = {pending for pending in mine if pending.begun > begun[pending]}
        self._queue = deque(pending for pending in here if pending not in had)
        self._queue.extend(pending for pending in mine if pending in had and pending.begun < len(pending.lengths))
        return [
            (pending, np.arange(begun[pending], pending.begun, dtype=np.int32))
            for pending in mine
            if pending in had
        ]


class _Batch:
    """What fits a batch: as many pieces as the device is given at a time; padding counts, where there is any."""

    def __init__(self, reader: Reader) -> None:
        self.budget, self._packs = budget_of(reader.device), reader.packs
        self._rows = self._width = self._pieces = 0

    def fill(self, pending: Pending, first: int, share: int) -> None:
        """Put in a request's next windows, until its own from the `first` on are more pieces than its share."""
        own = int(pending.lengths[first : pending.begun].sum())
        for length in pending.lengths[pending.begun :].tolist():
            own += length
            if (pending.begun > first and own > share) or not self._take(length):
                return
            pending.begun += 1

    def _take(self, length: int) -> bool:
        rows, width, pieces = self._rows + 1, max(self._width, length), self._pieces + length
        if self._rows and (pieces if self._packs else rows * width) > self.budget:
            return False
        self._rows, self._width, self._pieces = rows, width, pieces
        return True
