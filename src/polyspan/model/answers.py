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
from polyspan.model.batch import Batch, by_tokens, collate, input_lengths
from polyspan.model.decode import best_spans
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
    """The k best spans of each question so far: arrays (questions, k); −inf where there is none yet."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    score: NDArray[np.float32]
    null: NDArray[np.float32]

    @classmethod
    def empty(cls, questions: int, k: int) -> "_Best":
        return cls(
            np.zeros((questions, k), np.int64),
            np.zeros((questions, k), np.int64),
            np.full((questions, k), _NEVER, np.float32),
            np.full(questions, np.inf, np.float32),
        )

    def add(
        self, question: int, start: NDArray[np.int64], end: NDArray[np.int64], score: NDArray[np.float32]
    ) -> None:
        """Merge spans (in pieces of the context) of one more window; the same span is kept once."""
        if self.score[question, 0] == _NEVER:
            k = len(score)
            self.start[question, :k], self.end[question, :k], self.score[question, :k] = start, end, score
            return
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
    for place, paragraph in enumerate(corpus.paragraphs):
        starts, ends = windows.contexts.spans(place)
        for _ in paragraph.questions:
            spans = [
                (int(starts[start]), int(ends[end]), float(score))
                for start, end, score in zip(best.start[number], best.end[number], best.score[number], strict=True)
                if score != _NEVER
            ]
            yield _candidates(paragraph.context, spans, float(best.null[number]), options.null_threshold)
            number += 1


def _search(
    reader: "Reader", windows: Windows, options: AnswerOptions, token_budget: int | None, doing: str
) -> _Best:
    lengths = input_lengths(windows, reader.layout)
    budget = token_budget or (2048 if reader.device.type == "cpu" else 65536)
    first, last = owned(windows) if options.max_context else (np.zeros(len(windows), np.int32), windows.length)
    best = _Best.empty(len(windows.questions.pointers) - 1, options.n_best)
    reader.model.eval()
    with torch.inference_mode(), progress(doing, len(windows), "windows") as advance:
        for rows in by_tokens(lengths, budget):
            batch = collate(windows, reader.layout, rows)
            start, end = reader.logits(batch.to(reader.device))
            null = (start[:, 0] + end[:, 0]).cpu().numpy()
            start, end = _allowed(start, end, batch, first[rows], last[rows])
            found = [
                part.cpu().numpy() for part in best_spans(start, end, options.max_answer_length, options.n_best)
            ]
            shift = (windows.first[rows] - batch.context[:, 0].numpy())[:, None]
            for line, row in enumerate(rows):
                question = windows.question[row]
                best.null[question] = min(best.null[question], null[line])
                best.add(question, found[0][line] + shift[line], found[1][line] + shift[line], found[2][line])
            advance(len(rows), "")
    return best


def _allowed(
    start: torch.Tensor, end: torch.Tensor, batch: Batch, first: NDArray[np.int32], last: NDArray[np.int32]
) -> tuple[torch.Tensor, torch.Tensor]:
    """−inf outside the context; an answer may start only in [first, last) of the window's pieces."""
    positions = torch.arange(start.shape[1], device=start.device)
    begin, stop = (batch.context[:, column, None].to(start.device) for column in (0, 1))
    lowest, highest = (torch.from_numpy(bound)[:, None].to(start.device) for bound in (first, last))
    startable = (positions >= begin + lowest) & (positions < begin + highest)
    endable = (positions >= begin) & (positions < stop)
    return start.masked_fill(~startable, _NEVER), end.masked_fill(~endable, _NEVER)


def _candidates(
    context: str, spans: list[tuple[int, int, float]], null: float, threshold: float | None
) -> list[Candidate]:
    nothing = (0, 0, null if math.isfinite(null) else 0.0)
    if not spans:
        spans = [nothing]
    elif threshold is not None:
        unanswerable = null - spans[0][2] > threshold
        spans = [nothing, *spans] if unanswerable else [*spans, nothing]
    top = max(score for _, _, score in spans)
    weights = [math.exp(score - top) for _, _, score in spans]
    return [
        Candidate(context[start:end], start, end, score, weight / sum(weights))
        for (start, end, score), weight in zip(spans, weights, strict=True)
    ]
