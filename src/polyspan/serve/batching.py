"""Requests that wait are computed together: their windows share batches, and each request has sums of its own.

Three threads: one cuts short texts into windows, one long ones, so that no short text waits for a long one to be
cut; the third computes. A batch is put together anew each time, from all requests that are there (`Turns`).
"""

import copy
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from polyspan.errors import PolyspanError
from polyspan.model.batch import collate, input_lengths, join, on_host
from polyspan.model.reader import Reader
from polyspan.model.search import Sums
from polyspan.model.windows.tokens import tokenise
from polyspan.model.windows.windows import make_windows
from polyspan.serve.contract import Refusal, refused
from polyspan.serve.limits import Limits
from polyspan.serve.meters import Meters
from polyspan.serve.turns import Part, Pending, Turns

_LONG = 20_000  # characters; fewer are cut in a few milliseconds
_CHARACTERS = 16  # that a piece has at most, on average
_LATEST = 60.0  # seconds after which a client is to ask again at the latest


class Batcher:
    """Answers what is submitted, many requests at a time. `close` ends its threads."""

    def __init__(self, limits: Limits, meters: Meters) -> None:
        self._limits, self._meters = limits, meters
        self._turns, self._open, self._closed = Turns(), set[Pending](), False
        self._change = threading.Condition()
        self._speed = 0.0  # pieces a second in the latest batch
        self._short, self._long = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._copies: dict[int, Any] = {}  # tokenizers for long texts, as one serves a thread at a time
        self._computing = threading.Thread(target=self._compute_all, name="polyspan-compute", daemon=True)
        self._computing.start()

    def submit(self, pending: Pending) -> None:
        """Take a request on. Raises Refusal where too many wait."""
        with self._change:
            if len(self._open) >= self._limits.max_waiting:
                seconds = self._turns.left / self._speed if self._speed else 1.0
                message = f"{len(self._open)} requests wait, which is as many as this server takes on"
                raise Refusal(429, "queue_full", message, min(seconds, _LATEST))
            self._open.add(pending)
            self._meters.waiting.set(len(self._open))
        paragraphs = pending.corpus.paragraphs
        self._meters.questions.inc(len(pending.corpus))
        pending.answers.add_done_callback(lambda _: self._leave(pending))
        long = sum(len(paragraph.context) for paragraph in paragraphs) > _LONG
        (self._long if long else self._short).submit(self._cut, pending, long)

    def close(self) -> None:
        """Drop what is still there, and end the threads after the batch that is being computed."""
        with self._change:
            left, self._closed = list(self._open), True
            self._change.notify()
        for pending in left:
            pending.answers.cancel()
        for cutting in (self._short, self._long):
            cutting.shutdown(cancel_futures=True)
        self._computing.join()

    def _leave(self, pending: Pending) -> None:
        with self._change:
            self._open.discard(pending)
            self._meters.waiting.set(len(self._open))
        if pending.answers.cancelled():
            self._meters.dropped.inc()

    def _cut(self, pending: Pending, long: bool) -> None:
        """Cut a request's texts into windows and let it wait for its turn."""
        if pending.answers.cancelled():
            return
        try:
            tokenizer = self._tokenizer(pending.reader, long)
            self._require_little(pending)
            _require_short_questions(pending, tokenizer)
            windows = make_windows(pending.corpus, tokenizer, pending.options)
            pending.lengths = input_lengths(windows, pending.reader.layout)
            if (pieces := int(pending.lengths.sum())) > self._limits.max_pieces:
                raise self._too_much(f"the windows of the texts have {pieces} pieces")
            pending.windows, pending.sums = windows, Sums.of(windows, pending.answering.decoding)
        except PolyspanError as error:
            pending.end(error=refused(error))
        except Exception as error:
            pending.end(error=error)
        else:
            with self._change:
                self._turns.add(pending)
                self._change.notify()

    def _tokenizer(self, reader: Reader, long: bool) -> Any:
        if not long:
            return reader.cutter
        key = id(reader.cutter)
        if key not in self._copies:
            self._copies[key] = self._short.submit(copy.deepcopy, reader.cutter).result()  # where it is free
        return self._copies[key]

    def _require_little(self, pending: Pending) -> None:
        """Refuse what is far too much to read before it is cut: even its characters are too many."""
        characters = sum(len(part.context) * len(part.questions) for part in pending.corpus.paragraphs)
        if characters > _CHARACTERS * self._limits.max_pieces:
            raise self._too_much(f"the texts, times their questions, have {characters} characters")

    def _too_much(self, found: str) -> Refusal:
        message = f"{found}, and this server reads at most {self._limits.max_pieces} pieces for a request"
        return Refusal(413, "too_much_text", message)

    def _compute_all(self) -> None:
        while parts := self._next():
            began = time.perf_counter()
            try:
                _compute(parts)
            except Exception as error:
                error.__traceback__ = None  # it holds the tensors of the batch
                self._compute_apart(parts)
            pieces = sum(int(pending.lengths[rows].sum()) for pending, rows in parts)
            self._speed = pieces / max(time.perf_counter() - began, 1e-6)
            self._meters.batch(len(parts), sum(len(rows) for _, rows in parts), pieces)
            for pending, _ in parts:
                if pending.begun == len(pending.lengths) and not pending.answers.done():
                    _finish(pending)

    def _next(self) -> list[Part]:
        """The next batch, as soon as there is one; nothing at the end."""
        with self._change:
            while not self._closed:
                if parts := self._turns.next():
                    return parts
                self._change.wait()
        return []

    def _compute_apart(self, parts: list[Part]) -> None:
        """Compute a batch that failed once more, each window alone; who fails again is told so."""
        gc.collect()
        parts[0][0].reader.runtime.free_memory()
        for pending, rows in parts:
            try:
                for row in rows:
                    _compute([(pending, row[None])])
            except Exception as error:
                self._meters.failures.inc()
                memory = isinstance(error, MemoryError) or "memory" in str(error)
                reason = "there is not enough memory for it" if memory else type(error).__name__
                pending.end(error=Refusal(424, "not_computed", f"this could not be computed: {reason}"))


def _require_short_questions(pending: Pending, tokenizer: Any) -> None:
    """Refuse a question that leaves no room for a context; see to the remarks on those that are read in part."""
    asked = [question.text.strip() for question in pending.corpus.paragraphs[0].questions]  # of each document
    room = pending.options.max_length - pending.reader.layout.special - 1
    kept = pending.options.max_question_length
    for number, count in enumerate(np.diff(tokenise(asked, tokenizer, places=False).pointers).tolist(), 1):
        if count > room:
            message = f"question {number} has {count} pieces, and a window has room for {room}"
            raise Refusal(422, "question_too_long", message)
        if count > kept:
            pending.remarks.append(f"question {number} has {count} pieces; the first {kept} were read")


def _compute(parts: list[Part]) -> None:
    """Compute windows of several requests as one batch, and let each request take in what its own say."""
    reader = parts[0][0].reader
    width = max(int(pending.lengths[rows].max()) for pending, rows in parts)
    batches = [collate(pending.windows, reader.layout, rows, width) for pending, rows in parts]
    with reader.answering(pack=reader.packs):
        logits = [on_host(side) for side in reader.logits(join(batches), pack=reader.packs)]
    bounds = np.cumsum([len(rows) for _, rows in parts])[:-1]
    sides = (np.split(side, bounds) for side in logits)
    decoded = [
        pending.sums.decode(batch, own) for (pending, _), batch, *own in zip(parts, batches, *sides, strict=True)
    ]
    for (pending, _), found in zip(parts, decoded, strict=True):
        pending.sums.take(found)


def _finish(pending: Pending) -> None:
    try:
        pending.end(list(pending.answering.candidates(pending.corpus, pending.sums.found())))
    except Exception as error:
        pending.end(error=error)
