"""The answers of a Reader: n-best spans of each question, merged over its windows, as text of the context."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.data.schema import Corpus, Paragraph
from polyspan.errors import UsageError
from polyspan.model.abilities import require
from polyspan.model.batch import Batch, by_tokens, collate, input_lengths
from polyspan.model.decode import Spans, best_spans
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Layout, WindowOptions, Windows, make_windows, owned
from polyspan.progress import Advance, progress

_NEVER = float("-inf")
_MERGED = 20_000  # spans kept before all but the best go
_CHUNK = 2_000_000  # characters tokenised at a time, contexts counted once a question


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer: `context[start:end]`, its start + end logit, and its share among the candidates."""

    text: str
    start: int
    end: int
    score: float
    probability: float


class SpanReader(Protocol):
    """What answering needs of a Reader."""

    model: Any
    tokenizer: Any
    options: WindowOptions

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


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How answers are read off the logits. The defaults are those of BERT's `run_squad.py`."""

    n_best: int = 1
    """Candidates kept for each question."""
    max_answer_length: int = 30
    """Pieces in an answer at most."""
    max_context: bool = False
    """Let an answer start only in the window that sees most context around its first piece (BERT's rule)."""
    null_threshold: float | None = None
    """SQuAD 2.0: answer "" where the null score exceeds the best span's by more than this. None: always answer."""

    def __post_init__(self) -> None:
        for name in ("n_best", "max_answer_length"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1", found=str(getattr(self, name)))


@dataclass(slots=True)
class _Found:
    """Spans of many windows in characters of their contexts, and the null score of each question.

    `parts` are arrays of question, start, end and score. No more than the best `k` of a question outlive a merge.
    """

    null: NDArray[np.float32]
    k: int
    parts: list[tuple[NDArray[Any], ...]] = field(default_factory=list)
    waiting: int = 0

    def add(self, *part: NDArray[Any]) -> None:
        """Take the spans of a batch in."""
        self.parts.append(part)
        self.waiting += len(part[0])
        if self.waiting > _MERGED:
            self._merge()

    def _merge(self) -> None:
        """The k best spans of each question, best first; one that two windows see is kept once, at its best."""
        question, start, end, score = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        order = np.lexsort((-score, end, start, question))
        same = np.ones(len(order), bool)
        for column in (question, start, end):
            same[1:] &= column[order[1:]] == column[order[:-1]]
        same[:1] = False
        order = order[~same]
        order = order[np.lexsort((end[order], start[order], -score[order], question[order]))]
        rank = np.arange(len(order)) - np.searchsorted(question[order], question[order])
        kept = order[rank < self.k]
        self.parts, self.waiting = [(question[kept], start[kept], end[kept], score[kept])], 0

    def best(self) -> list[list[tuple[int, int, float]]]:
        """The k best (start, end, score) of each question."""
        if not self.parts:
            return [[] for _ in self.null]
        self._merge()
        question, start, end, score = self.parts[0]
        bounds = np.searchsorted(question, np.arange(len(self.null) + 1)).tolist()
        spans = list(zip(start.tolist(), end.tolist(), score.tolist(), strict=True))
        return [spans[first:last] for first, last in itertools.pairwise(bounds)]


def answer_corpus(
    reader: SpanReader,
    corpus: Corpus,
    options: AnswerOptions,
    *,
    token_budget: int | None = None,
    pack: bool | None = None,
    doing: str = "",
    unknown: Counter[str] | None = None,
) -> Iterator[list[Candidate]]:
    """The candidates of every question, best first, in file order.

    The corpus is read in chunks; the next one is tokenised while the encoder works on this one. Logits never
    outlive their batch, so memory grows with neither the number nor the length of the contexts beyond their
    pieces. `pack` computes a batch as one row (None: where that is faster). A question on an empty context, and
    one whose null score wins, gets the candidate "". `doing` names the work where progress is wanted; `unknown`
    counts the pieces and those that are `<unk>` to the encoder.
    """
    reader.model.eval()
    pack = reader.packs if pack is None else pack
    if pack:
        require("pack", reader.model)
    chunks = list(_chunks(corpus))
    with ThreadPoolExecutor(1) as ahead, progress(doing, len(corpus), "questions") as advance:
        coming = [ahead.submit(make_windows, chunk, reader.tokenizer, reader.options) for chunk in chunks[:1]]
        for place, chunk in enumerate(chunks):
            windows = coming.pop().result()
            if place + 1 < len(chunks):
                coming = [ahead.submit(make_windows, chunks[place + 1], reader.tokenizer, reader.options)]
            if unknown is not None:
                for ids in (windows.contexts.ids, windows.questions.ids):
                    unknown.update(pieces=len(ids), unknown=int((ids == reader.tokenizer.unk_token_id).sum()))
            found = _search(reader, windows, options, token_budget, pack, advance)
            contexts = (paragraph.context for paragraph, _ in chunk.questions())
            for context, spans, null in zip(contexts, found.best(), found.null, strict=True):
                yield _candidates(context, spans, float(null), options)


def _chunks(corpus: Corpus) -> Iterator[Corpus]:
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
    options: AnswerOptions,
    token_budget: int | None,
    pack: bool,
    advance: Advance,
) -> _Found:
    lengths = input_lengths(windows, reader.layout)
    budget = token_budget or (2048 if reader.device.type == "cpu" else 65536)
    questions = len(windows.questions.pointers) - 1
    found = _Found(np.full(questions, np.inf, np.float32), options.n_best)
    first, last = owned(windows) if options.max_context else (np.zeros(len(windows), np.int32), windows.length)
    waiting: list[tuple[Ints, NDArray[np.int64], Spans, torch.Tensor]] = []
    done = 0
    with torch.inference_mode():
        for rows in by_tokens(lengths, budget):
            waiting.append(_best_of_batch(reader, windows, rows, (first, last), options, pack))
            if len(waiting) > 1:  # one batch behind, so that a GPU never waits for the host
                _keep(found, windows, *waiting.pop(0))
            before, done = done, done + len(rows)
            advance(done * questions // len(windows) - before * questions // len(windows), "")
        for batch in waiting:
            _keep(found, windows, *batch)
    return found


def _best_of_batch(
    reader: SpanReader,
    windows: Windows,
    rows: Ints,
    own: tuple[Ints, Ints],
    options: AnswerOptions,
    pack: bool,
) -> tuple[Ints, NDArray[np.int64], Spans, torch.Tensor]:
    """The rows, the step from their positions to pieces, their best spans and null scores, both on the device."""
    contexts = windows.contexts
    begin = (contexts.pointers[windows.paragraph[rows]] + windows.first[rows])[:, None]  # first piece of each
    batch = collate(windows, reader.layout, rows)
    shift = begin[:, 0] - batch.context[:, 0].numpy()  # from a position in the row to a piece
    start, end = reader.logits(batch.to(reader.device), pack=pack)
    pieces = shift[:, None] + np.arange(start.shape[1])
    inside = (pieces >= begin) & (pieces < begin + windows.length[rows, None])
    startable = inside & (pieces >= begin + own[0][rows, None]) & (pieces < begin + own[1][rows, None])
    first, last = np.zeros((2, *pieces.shape), np.int32)
    first[inside], last[inside] = contexts.starts[pieces[inside]], contexts.ends[pieces[inside]]
    endable = inside & (first < last)  # a start may stand before its first visible character, an end not behind it
    k = options.n_best * _sharing(first, startable) * _sharing(last, endable)
    spans = best_spans(_only(start, startable), _only(end, endable), options.max_answer_length, k)
    null = batch.null[:, None].to(reader.device)
    return rows, shift, spans, (start.gather(1, null) + end.gather(1, null))[:, 0]


def _keep(found: _Found, windows: Windows, rows: Ints, shift: NDArray[np.int64], spans: Spans, null: Any) -> None:
    """Bring the spans of a batch to the host, as characters."""
    starts, ends, scores = (part.cpu().numpy() for part in spans)
    line, place = np.nonzero(scores != _NEVER)
    first = windows.contexts.starts[starts[line, place] + shift[line]].astype(np.int64)
    last = windows.contexts.ends[ends[line, place] + shift[line]].astype(np.int64)
    found.add(windows.question[rows][line].astype(np.int64), first, last, scores[line, place])
    np.minimum.at(found.null, windows.question[rows], null.cpu().numpy())


def _sharing(places: Ints, allowed: NDArray[np.bool_]) -> int:
    """The most allowed pieces of a window with one place: so many spans may be the same characters."""
    keys = (np.nonzero(allowed)[0] << 32) + places[allowed]  # equal ones are neighbours
    return int(np.diff(np.flatnonzero(np.diff(keys, prepend=-1, append=-1))).max(initial=1))


def _only(logits: torch.Tensor, allowed: NDArray[np.bool_]) -> torch.Tensor:
    """−inf wherever it is not allowed."""
    return logits.masked_fill(torch.from_numpy(~allowed).to(logits.device), _NEVER)


def _candidates(
    context: str, spans: list[tuple[int, int, float]], null: float, options: AnswerOptions
) -> list[Candidate]:
    """Best first; the answer "" is one of them for SQuAD 2.0, and first where its score says so."""
    nothing = (0, 0, null if math.isfinite(null) else 0.0)
    if not spans:
        spans = [nothing]
    elif options.null_threshold is not None:
        answered = null - spans[0][2] <= options.null_threshold
        chosen = spans[0] if answered else nothing
        rest = sorted([*spans[1:], nothing] if answered else spans, key=lambda span: -span[2])
        spans = [chosen, *rest][: max(options.n_best, 1)]
    top = max(score for _, _, score in spans)
    weights = [math.exp(score - top) for _, _, score in spans]
    return [
        Candidate(context[start:end], start, end, score, weight / sum(weights))
        for (start, end, score), weight in zip(spans, weights, strict=True)
    ]
