"""The n-best spans of each question over its windows, as characters of the context, and how probable they are."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.data.schema import Corpus, Paragraph
from polyspan.model.abilities import require
from polyspan.model.batch import Batch, by_tokens, collate, input_lengths
from polyspan.model.calibration import Calibration
from polyspan.model.decode import Spans, best_spans
from polyspan.model.distribution import Floats, Places, WindowLogits, log_totals
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Layout, WindowOptions, Windows, make_windows, owned
from polyspan.progress import Advance, progress

_NEVER = float("-inf")
_MERGED = 20_000  # spans kept before all but the best go
_CHUNK = 2_000_000  # characters tokenised at a time, contexts counted once a question


class SpanReader(Protocol):
    """What answering needs of a Reader."""

    model: Any
    tokenizer: Any
    options: WindowOptions
    calibration: Calibration | None

    @property
    def layout(self) -> Layout:
        """How questions and contexts are joined."""

    @property
    def packs(self) -> bool:
        """Whether batches are computed as one row unless told otherwise."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""

    def logits(self, batch: Batch, *, pack: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Start and end logits, float32 of shape (batch, length); −inf at padding."""


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
    reader.model.eval()
    pack = reader.packs if pack is None else pack
    if pack:
        require("pack", reader.model)
    chunks = list(in_chunks(corpus))
    with ThreadPoolExecutor(1) as ahead, progress(doing, len(corpus), "questions") as advance:
        coming = [ahead.submit(make_windows, chunk, reader.tokenizer, reader.options) for chunk in chunks[:1]]
        for place, chunk in enumerate(chunks):
            windows = coming.pop().result()
            if place + 1 < len(chunks):
                coming = [ahead.submit(make_windows, chunks[place + 1], reader.tokenizer, reader.options)]
            if unknown is not None:
                for ids in (windows.contexts.ids, windows.questions.ids):
                    unknown.update(pieces=len(ids), unknown=int((ids == reader.tokenizer.unk_token_id).sum()))
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
    waiting: list[Decoded] = []
    done = 0
    with torch.inference_mode():
        for rows in by_tokens(lengths, token_budget or budget_of(reader.device)):
            batch = collate(windows, reader.layout, rows)
            waiting.append(sums.decode(batch, *reader.logits(batch.to(reader.device), pack=pack)))
            if len(waiting) > 1:  # one batch behind, so that a GPU never waits for the host
                sums.take(waiting.pop(0))
            before, done = done, done + len(rows)
            advance(done * questions // len(windows) - before * questions // len(windows), "")
        for decoded in waiting:
            sums.take(decoded)
    return sums.found()


def budget_of(device: torch.device) -> int:
    """The pieces of a batch where nobody says otherwise."""
    return 2048 if device.type == "cpu" else 65536


class Decoded(NamedTuple):
    """A batch on the device: the masked logits of its rows, their best spans and null scores.

    `pieces` (batch, length) and `inside`, on the host, say which piece of all contexts stands at a position.
    """

    rows: Ints
    pieces: NDArray[np.int64]
    inside: NDArray[np.bool_]
    start: torch.Tensor
    end: torch.Tensor
    spans: Spans
    null: torch.Tensor


def _sharing(places: Ints, allowed: NDArray[np.bool_]) -> int:
    """The most allowed pieces of a window with one place: so many spans may be the same characters."""
    keys = (np.nonzero(allowed)[0] << 32) + places[allowed]  # equal ones are neighbours
    return int(np.diff(np.flatnonzero(np.diff(keys, prepend=-1, append=-1))).max(initial=1))


def _only(logits: torch.Tensor, allowed: NDArray[np.bool_]) -> torch.Tensor:
    """−inf wherever it is not allowed."""
    return logits.masked_fill(torch.from_numpy(~allowed).to(logits.device), _NEVER)


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

    def decode(self, batch: Batch, start: torch.Tensor, end: torch.Tensor) -> Decoded:
        """What a batch of these windows holds by its logits, on the device where they are."""
        windows, contexts, rows, decoding = self.windows, self.windows.contexts, batch.rows, self.decoding
        begin = (contexts.pointers[windows.paragraph[rows]] + windows.first[rows])[:, None]  # first piece of each
        null_at = batch.null[:, None].to(start.device)
        null = (start.gather(1, null_at) + end.gather(1, null_at))[:, 0]
        pieces = begin - batch.context[:, :1].numpy() + np.arange(start.shape[1])
        inside = (pieces >= begin) & (pieces < begin + windows.length[rows, None])
        startable = inside & (pieces >= begin + self.own[0][rows, None])
        startable &= pieces < begin + self.own[1][rows, None]
        first, last = np.zeros((2, *pieces.shape), np.int32)
        first[inside], last[inside] = contexts.starts[pieces[inside]], contexts.ends[pieces[inside]]
        # A start may stand before its first visible character, an end not behind it.
        endable = inside & (first < last)
        k = decoding.n_best * _sharing(first, startable) * _sharing(last, endable)
        start, end = _only(start, startable), _only(end, endable)
        return Decoded(rows, pieces, inside, start, end, best_spans(start, end, decoding.reach, k), null)

    def take(self, batch: Decoded) -> None:
        """Bring a batch to the host."""
        question = self.windows.question[batch.rows]
        start, end = batch.start.cpu().numpy(), batch.end.cpu().numpy()
        self.logits.put(batch.rows, batch.pieces, batch.inside, start, end)
        np.minimum.at(self.null, question, batch.null.cpu().numpy())
        decoding = self.decoding
        np.logaddexp.at(self.totals, question, log_totals(start, end, decoding.reach, decoding.temperatures))
        self._take_spans(question, batch)

    def _take_spans(self, question: Ints, batch: Decoded) -> None:
        starts, ends, scores = (part.cpu().numpy() for part in batch.spans)
        line, place = np.nonzero(scores != _NEVER)
        contexts = self.windows.contexts
        first = contexts.starts[batch.pieces[line, starts[line, place]]].astype(np.int64)
        last = contexts.ends[batch.pieces[line, ends[line, place]]].astype(np.int64)
        self.parts.append((question[line].astype(np.int64), first, last, scores[line, place]))
        self.waiting += len(line)
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
