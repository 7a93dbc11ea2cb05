"""The n-best spans of each question over its windows, as characters of the context, and how probable they are."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from polyspan.data.schema import Corpus, Paragraph
from polyspan.model.batch import Batch, by_tokens, collate, input_lengths, on_host
from polyspan.model.calibration import Calibration
from polyspan.model.decode import best_spans
from polyspan.model.distribution import Floats, Places, WindowLogits, log_totals
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Layout, WindowOptions, Windows, make_windows, owned
from polyspan.progress import Advance, progress

_NEVER = float("-inf")
_MERGED = 20_000  # spans kept before all but the best go
_CHUNK = 2_000_000  # characters tokenised at a time, contexts counted once a question


class SpanReader(Protocol):
    """What answering needs of a Reader."""

    options: WindowOptions
    calibration: Calibration | None

    @property
    def cutter(self) -> Any:
        """The tokenizer, as far as windows need one."""

    @property
    def layout(self) -> Layout:
        """How questions and contexts are joined."""

    @property
    def packs(self) -> bool:
        """Whether batches are computed as one row unless told otherwise."""

    @property
    def device(self) -> Any:
        """Where it computes; its `type` is `cpu`, `cuda` or the like."""

    def answering(self, *, pack: bool = False) -> AbstractContextManager[Any]:
        """Within this it computes as for answers; raises UsageError where its batches cannot be one row."""

    def logits(self, batch: Batch, *, pack: bool = False) -> tuple[Any, Any]:
        """Start and end logits, float32 of shape (batch, length), as arrays or tensors; −inf at padding."""


class Decoding(NamedTuple):
    """Which spans may be an answer, how many are wanted, and at which temperatures their probabilities are."""

    n_best: int
    reach: int
    """Pieces in a span at most."""
    max_context: bool
    temperatures: Floats


@dataclass(frozen=True, slots=True)
class Found:
    """The spans of each question, best first, beside no answer; probabilities at each temperature.

    Spans are flat: those of question i are `bounds[i]` to `bounds[i + 1]`. A question without any span has no
    answer for certain; one without any window has the null score 0.
    """

    bounds: Places
    start: Places
    end: Places
    score: NDArray[np.float32]
    log_p: Floats
    """(spans, temperatures)"""
    null: NDArray[np.float32]
    """(questions,): the least null score of its windows."""
    log_null: Floats
    """(questions, temperatures)"""


def search(
    reader: SpanReader,
    corpus: Corpus,
    decoding: Decoding,
    *,
    token_budget: int | None = None,
    pack: bool | None = None,
    doing: str = "",
    unknown: Counter[str] | None = None,
) -> Iterator[tuple[Corpus, Found]]:
    """Read a corpus in chunks of some thousands of windows and give what the questions of each one have.

    The next chunk is tokenised while the encoder works on this one. Of a chunk two logits for each piece of each
    window are kept, as probabilities need them, so memory does not grow with the number of contexts beyond their
    pieces. Arguments as of `answer_corpus`.
    """
    pack = reader.packs if pack is None else pack
    chunks = list(in_chunks(corpus))
    with ThreadPoolExecutor(1) as ahead, progress(doing, len(corpus), "questions") as advance:
        coming = None
        for place, chunk in enumerate(chunks):
            windows = coming.result() if coming else make_windows(chunk, reader.cutter, reader.options)
            if place + 1 < len(chunks):
                coming = ahead.submit(make_windows, chunks[place + 1], reader.cutter, reader.options)
            if unknown is not None:
                for ids in (windows.contexts.ids, windows.questions.ids):
                    unknown.update(pieces=len(ids), unknown=int((ids == reader.cutter.unk_token_id).sum()))
            yield chunk, _search(reader, windows, decoding, token_budget, pack, advance)


def in_chunks(corpus: Corpus) -> Iterator[Corpus]:
    """Consecutive paragraphs with some thousands of windows."""
    taken: list[Paragraph] = []
    size = 0
    for paragraph in corpus.paragraphs:
        taken.append(paragraph)
        size += len(paragraph.context) * len(paragraph.questions)
        if size >= _CHUNK:
            yield replace(corpus, paragraphs=tuple(taken))
            taken, size = [], 0
    if taken:
        yield replace(corpus, paragraphs=tuple(taken))


def _search(
    reader: SpanReader,
    windows: Windows,
    decoding: Decoding,
    token_budget: int | None,
    pack: bool,
    advance: Advance,
) -> Found:
    lengths = input_lengths(windows, reader.layout)
    questions = len(windows.questions.pointers) - 1
    sums = Sums.of(windows, decoding)
    waiting: list[tuple[Batch, tuple[Any, Any]]] = []
    done = 0
    with reader.answering(pack=pack):
        for rows in by_tokens(lengths, token_budget or budget_of(reader.device)):
            batch = collate(windows, reader.layout, rows)
            waiting.append((batch, reader.logits(batch, pack=pack and len(rows) > 1)))  # one window has no padding
            if len(waiting) > 1:  # one batch behind, so that a GPU never waits for the host
                sums.take(sums.decode(*waiting.pop(0)))
            before, done = done, done + len(rows)
            advance(done * questions // len(windows) - before * questions // len(windows), "")
        for some in waiting:
            sums.take(sums.decode(*some))
    return sums.found()


def budget_of(device: Any) -> int:
    """The pieces of a batch where nobody says otherwise."""
    return 2048 if device.type == "cpu" else 65536


class Decoded(NamedTuple):
    """What a batch holds: of each row its null score and the totals of its spans, and its pieces' masked logits.

    `pieces` (batch, length) and `inside` say which piece of all contexts stands at a position. `spans` are columns
    of question, start, end and score.
    """

    rows: Ints
    pieces: NDArray[np.int64]
    inside: NDArray[np.bool_]
    start: NDArray[np.float32]
    end: NDArray[np.float32]
    null: NDArray[np.float32]
    totals: Floats
    spans: tuple[NDArray[Any], ...]


def _sharing(places: Ints, allowed: NDArray[np.bool_]) -> int:
    """The most allowed pieces of a window with one place: so many spans may be the same characters."""
    keys = (np.nonzero(allowed)[0] << 32) + places[allowed]  # equal ones are neighbours
    return int(np.diff(np.flatnonzero(np.diff(keys, prepend=-1, append=-1))).max(initial=1))


@dataclass(slots=True)
class Sums:
    """What batches add up to on the host: the best spans, null scores and totals of each question, all logits.

    `own` are the pieces of each window where an answer may start, as `owned` gives them. `parts` are arrays of
    question, start, end and score. No more than the n best of a question outlive a merge.
    """

    windows: Windows
    decoding: Decoding
    own: tuple[Ints, Ints]
    logits: WindowLogits
    null: NDArray[np.float32]
    totals: Floats
    parts: list[tuple[NDArray[Any], ...]] = field(
        default_factory=lambda: [(*np.zeros((3, 0), np.int64), np.zeros(0, np.float32))]
    )
    waiting: int = 0

    @classmethod
    def of(cls, windows: Windows, decoding: Decoding) -> "Sums":
        """Nothing taken in yet."""
        questions = len(windows.questions.pointers) - 1
        own = owned(windows) if decoding.max_context else (np.zeros(len(windows), np.int32), windows.length)
        totals = np.full((questions, len(decoding.temperatures)), _NEVER)
        null = np.full(questions, np.inf, np.float32)
        return cls(windows, decoding, own, WindowLogits(windows, decoding.reach), null, totals)

    def decode(self, batch: Batch, logits: tuple[Any, Any]) -> Decoded:
        """What a batch of these windows holds by its start and end logits, wherever they were computed."""
        windows, contexts, rows, decoding = self.windows, self.windows.contexts, batch.rows, self.decoding
        start, end = map(on_host, logits)
        lines = np.arange(len(rows))
        null = start[lines, batch.null] + end[lines, batch.null]
        begin = (contexts.pointers[windows.paragraph[rows]] + windows.first[rows])[:, None]  # first piece of each
        pieces = begin - batch.context[:, :1] + np.arange(start.shape[1])
        inside = (pieces >= begin) & (pieces < begin + windows.length[rows, None])
        startable = inside & (pieces >= begin + self.own[0][rows, None])
        startable &= pieces < begin + self.own[1][rows, None]
        first, last = np.zeros((2, *pieces.shape), np.int32)
        first[inside], last[inside] = contexts.starts[pieces[inside]], contexts.ends[pieces[inside]]
        # A start may stand before its first visible character, an end not behind it.
        endable = inside & (first < last)
        k = decoding.n_best * _sharing(first, startable) * _sharing(last, endable)
        start, end = np.where(startable, start, _NEVER), np.where(endable, end, _NEVER)
        begins, ends, scores = best_spans(start, end, decoding.reach, k)
        line, place = np.nonzero(scores != _NEVER)
        places = first[line, begins[line, place]], last[line, ends[line, place]]
        totals = log_totals(start, end, decoding.reach, decoding.temperatures)
        question = windows.question[rows[line]]
        spans = (*(column.astype(np.int64) for column in (question, *places)), scores[line, place])
        return Decoded(rows, pieces, inside, start, end, null, totals, spans)

    def take(self, batch: Decoded) -> None:
        """Add what a batch holds."""
        question = self.windows.question[batch.rows]
        self.logits.put(batch.rows, batch.pieces, batch.inside, batch.start, batch.end)
        np.minimum.at(self.null, question, batch.null)
        np.logaddexp.at(self.totals, question, batch.totals)
        self.parts.append(batch.spans)
        self.waiting += len(batch.spans[0])
        if self.waiting > _MERGED:
            self._merge()

    def _merge(self) -> None:
        """The n best spans of each question, best first; one that two windows see is kept once, at its best."""
        question, start, end, score = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        order = np.lexsort((-score, end, start, question))
        same = np.ones(len(order), bool)
        for column in (question, start, end):
            same[1:] &= column[order[1:]] == column[order[:-1]]
        same[:1] = False
        order = order[~same]
        order = order[np.lexsort((end[order], start[order], -score[order], question[order]))]
        rank = np.arange(len(order)) - np.searchsorted(question[order], question[order])
        kept = order[rank < self.decoding.n_best]
        self.parts, self.waiting = [(question[kept], start[kept], end[kept], score[kept])], 0

    def found(self) -> Found:
        """Everything taken in, divided by the sum over all that a question could be answered with."""
        self._merge()
        question, start, end, score = self.parts[0]
        null = self.null.astype(np.float64)[:, None] / self.decoding.temperatures
        spans = np.isfinite(self.totals)
        whole = np.where(spans, np.logaddexp(self.totals, null), 0.0)
        masses = self.logits.log_masses(question, start, end, self.decoding.temperatures)
        return Found(
            np.searchsorted(question, np.arange(len(self.null) + 1)),
            start,
            end,
            score,
            np.minimum(masses - whole[question], 0.0),
            np.where(np.isfinite(self.null), self.null, 0),
            np.where(spans, -np.logaddexp(0.0, self.totals - null), 0.0),  # exact also next to certainty
        )
