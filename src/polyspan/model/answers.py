"""The answers of a Reader: n-best spans of each question, merged over its windows, as text of the context."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.model.batch import by_tokens, collate, input_lengths
from polyspan.model.decode import best_spans
from polyspan.model.tokens import Tokens
from polyspan.model.windows import Windows, make_windows, owned
from polyspan.progress import progress

if TYPE_CHECKING:
    from polyspan.model.reader import Reader

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer: `context[start:end]`, its start + end logit, and its share among the candidates."""

    text: str
    start: int
    end: int
    score: float
    probability: float


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
class _Best:
    """The k best spans of each question so far, in characters: arrays (questions, k); −inf where there is none."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    score: NDArray[np.float32]
    null: NDArray[np.float32]

    @classmethod
    def empty(cls, questions: int, k: int) -> "_Best":
        places = np.zeros((questions, k), np.int64)
        scores = np.full((questions, k), _NEVER, np.float32)
        return cls(places, places.copy(), scores, np.full(questions, np.inf, np.float32))

    def add(
        self, question: int, start: NDArray[np.int64], end: NDArray[np.int64], score: NDArray[np.float32]
    ) -> None:
        """Merge the spans of one more window; the same span is kept once, with its best score."""
        starts = np.concatenate([self.start[question], start])
        ends = np.concatenate([self.end[question], end])
        scores = np.concatenate([self.score[question], score])
        order = np.argsort(-scores, kind="stable")
        _, first_seen = np.unique(np.stack([starts, ends])[:, order], axis=1, return_index=True)
        kept = order[np.sort(first_seen)][: self.score.shape[1]]
        k = len(kept)
        self.score[question] = _NEVER
        self.start[question, :k], self.end[question, :k] = starts[kept], ends[kept]
        self.score[question, :k] = scores[kept]


def answer_corpus(
    reader: "Reader", corpus: Corpus, options: AnswerOptions, *, token_budget: int | None = None, doing: str = ""
) -> Iterator[list[Candidate]]:
    """The candidates of every question, best first, in file order.

    Logits never outlive their batch: only the `n_best` spans of each question are kept, so memory grows with
    neither the number nor the length of the contexts beyond their pieces. A question on an empty context, and
    one whose null score wins, gets the candidate "". `doing` names the work where progress is wanted.
    """
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    best = _search(reader, windows, options, token_budget, doing)
    number = 0
    for paragraph in corpus.paragraphs:
        for _ in paragraph.questions:
            spans = [
                (int(start), int(end), float(score))
                for start, end, score in zip(best.start[number], best.end[number], best.score[number], strict=True)
                if score != _NEVER
            ]
            yield _candidates(paragraph.context, spans, float(best.null[number]), options)
            number += 1


def _search(
    reader: "Reader", windows: Windows, options: AnswerOptions, token_budget: int | None, doing: str
) -> _Best:
    lengths = input_lengths(windows, reader.layout)
    budget = token_budget or (2048 if reader.device.type == "cpu" else 65536)
    contexts = windows.contexts
    begin = contexts.pointers[windows.paragraph] + windows.first  # each window's first piece among all
    first, last = owned(windows) if options.max_context else (np.zeros(len(windows), np.int32), windows.length)
    best = _Best.empty(len(windows.questions.pointers) - 1, options.n_best)
    reader.model.eval()
    with torch.inference_mode(), progress(doing, len(windows), "windows") as advance:
        for rows in by_tokens(lengths, budget):
            batch = collate(windows, reader.layout, rows)
            shift = begin[rows] - batch.context[:, 0].numpy()  # from a position in the row to a piece
            batch = batch.to(reader.device)
            start, end = reader.logits(batch)
            null = (start[:, 0] + end[:, 0]).cpu().numpy()
            pieces = shift[:, None] + np.arange(start.shape[1])
            inside = (pieces >= begin[rows, None]) & (pieces < (begin + windows.length)[rows, None])
            inside &= _visible(contexts, pieces)
            startable = (pieces >= (begin + first)[rows, None]) & (pieces < (begin + last)[rows, None]) & inside
            found = best_spans(
                _only(start, startable), _only(end, inside), options.max_answer_length, options.n_best
            )
            starts, ends, scores = (part.cpu().numpy() for part in found)
            for line, question in enumerate(windows.question[rows]):
                own = scores[line] != _NEVER
                at = (starts[line][own] + shift[line], ends[line][own] + shift[line])
                best.add(question, contexts.starts[at[0]], contexts.ends[at[1]], scores[line][own])
                best.null[question] = min(best.null[question], null[line])
            advance(len(rows), "")
    return best


def _visible(contexts: Tokens, pieces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pieces have characters of their own: an answer must not begin or end with white space alone."""
    if not len(contexts.ids):
        return np.zeros(pieces.shape, bool)
    known = pieces.clip(0, len(contexts.ids) - 1)
    visible: NDArray[np.bool_] = contexts.starts[known] < contexts.ends[known]
    return visible


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
