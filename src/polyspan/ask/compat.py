"""The numbers of the question-answering pipeline that transformers had until 5.2, also where they are odd.

The softmax is over one window, its context and its first piece, so that scores of two windows do not compare.
Each window gives its best spans; a span becomes the words that it touches, a whole sentence where a tokenizer
parts words at spaces and the language has none; spans whose texts are equal but for case are one answer, at the
place of the first one and with the sum of their scores. "" has the least score of any window. Offsets are those
that the tokenizer reports.
Source: transformers 4.57, `pipelines/question_answering.py`, by its behaviour.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.ask.parameters import Parameters, PipelineAnswer
from polyspan.data.schema import Corpus
from polyspan.model.batch import Batch, by_tokens, collate, input_lengths, on_host
from polyspan.model.decode import best_spans
from polyspan.model.reader import Reader
from polyspan.model.search import budget_of, in_chunks
from polyspan.model.windows.tokens import Ints, Tokens, encode, tokenise
from polyspan.model.windows.windows import Windows, cut_windows

_ALL = 1_000_000  # pieces of a question that are kept: fast tokenizers cut none

_Span = tuple[int, int, float]  # start, end, score


def old_answers(reader: Reader, corpus: Corpus, parameters: Parameters) -> Iterator[list[PipelineAnswer]]:
    """The answers that the old pipeline had for each question of a corpus, in file order, best first.

    Where it wanted more spans than a window has, it took spans of score 0 that end before they begin, or lie
    outside the context; these are left out.
    """
    options = replace(reader.options, max_question_length=_ALL)
    for chunk in in_chunks(corpus):
        contexts = _Contexts.of([paragraph.context for paragraph in chunk.paragraphs], reader.cutter)
        questions = tokenise([one.text for _, one in chunk.questions()], reader.cutter, places=False)
        windows = cut_windows(chunk, contexts.tokens, questions, reader.layout, options)
        spans, null = _read(reader, windows, contexts, parameters)
        edges = np.flatnonzero(np.diff(windows.question, prepend=-1, append=-1)).tolist()
        for (paragraph, _), (first, last) in zip(chunk.questions(), pairwise(edges), strict=True):
            found = _summed(paragraph.context, chain.from_iterable(spans[first:last]))
            if parameters.handle_impossible_answer:
                found.append({"score": float(null[first:last].min()), "start": 0, "end": 0, "answer": ""})
            yield sorted(found, key=lambda answer: -answer["score"])


def _summed(context: str, spans: Iterable[_Span]) -> list[PipelineAnswer]:
    """One answer for each text, whatever its case, where it was found first."""
    found: dict[str, PipelineAnswer] = {}
    for start, end, score in spans:
        text = context[start:end]
        known = found.setdefault(text.lower(), {"score": 0.0, "start": start, "end": end, "answer": text})
        known["score"] += score
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Contexts:
    """The pieces of contexts at the places that the tokenizer reports, and the words that they are parts of.

    `first` and `last` are the first and the last piece of each one's word; −1 where the tokenizer knows no words.
    """

    tokens: Tokens
    first: Ints
    last: Ints

    @classmethod
    def of(cls, texts: list[str], tokenizer: Any) -> "_Contexts":
        """Tokenise contexts."""
        backend = tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        encodings = encode(texts, backend.encode_batch)
        sizes = [len(one) for one in encodings]
        ids, words = _flat(one.ids for one in encodings), _flat(_word_numbers(one) for one in encodings)
        offsets = np.array([place for one in encodings for place in one.offsets], np.int32).reshape(-1, 2)
        text = np.repeat(np.arange(len(texts)), sizes)
        begins = np.flatnonzero(np.diff(words, prepend=-2) | np.diff(text, prepend=-1))
        word = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(words)))
        known = words >= 0
        first = np.where(known, begins[word], -1).astype(np.int32)
        last = np.where(known, np.append(begins[1:], len(words))[word] - 1, -1).astype(np.int32)
        return cls(Tokens(ids, offsets[:, 0], offsets[:, 1], np.cumsum([0, *sizes], dtype=np.int64)), first, last)

    def characters(self, one: Ints, other: Ints, begin: Ints, end: Ints) -> tuple[list[int], list[int]]:
        """Where the words of the pieces `one` to `other` stand, as far as a window from `begin` to `end` sees
        them; where the pieces stand if one of the two is no part of a word."""
        worded = (self.first[one] >= 0) & (self.first[other] >= 0)
        one = np.where(worded, np.maximum(self.first[one], begin), one)
        other = np.where(worded, np.minimum(self.last[other], end - 1), other)
        return self.tokens.starts[one].tolist(), self.tokens.ends[other].tolist()


def _word_numbers(encoding: Any) -> list[int]:
    return [-1 if word is None else word for word in encoding.word_ids]


def _flat(lists: Iterable[list[int]]) -> Ints:
    return np.fromiter(chain.from_iterable(lists), np.int32)


def _read(
    reader: Reader, windows: Windows, contexts: _Contexts, parameters: Parameters
) -> tuple[list[list[_Span]], NDArray[np.float32]]:
    """The best spans of each window, best first, and the score of "" in it."""
    spans: list[list[_Span]] = [[] for _ in range(len(windows))]
    null = np.zeros(len(windows), np.float32)
    wanted = 2 * parameters.top_k + 10 if parameters.align_to_words else parameters.top_k
    for rows in by_tokens(input_lengths(windows, reader.layout), budget_of(reader.device)):
        batch = collate(windows, reader.layout, rows)
        shares = _Shares.of(reader, batch)
        null[rows] = shares.null
        line, one, other, scores = shares.best(parameters.max_answer_len, wanted)
        begin = (contexts.tokens.pointers[windows.paragraph[rows]] + windows.first[rows])[line]
        shift, end = begin - batch.context[line, 0], begin + windows.length[rows][line]
        if parameters.align_to_words:
            places = contexts.characters(one + shift, other + shift, begin, end)
        else:
            places = contexts.tokens.starts[one + shift].tolist(), contexts.tokens.ends[other + shift].tolist()
        for row, *span in zip(rows[line].tolist(), *places, scores, strict=True):
            spans[row].append(tuple(span))
    return spans, null


class _Shares(NamedTuple):
    """What each position of a batch has of its window's start and end, and the score of "" in each window.

    `logits` are those of the start and the end, −inf but in the context.
    """

    start: torch.Tensor
    end: torch.Tensor
    logits: tuple[torch.Tensor, torch.Tensor]
    null: NDArray[np.float32]

    @classmethod
    def of(cls, reader: Reader, batch: Batch) -> "_Shares":
        """Compute a batch."""
        with reader.answering(pack=reader.packs):
            start, end = (torch.from_numpy(on_host(part)) for part in reader.logits(batch, pack=reader.packs))
        places = torch.arange(start.shape[1])
        first, last = torch.from_numpy(batch.context[:, :1]), torch.from_numpy(batch.context[:, 1:])
        inside = (places >= first) & (places < last)
        null = (places == 0) & (reader.layout.prefix[:1] == (reader.cutter.cls_token_id,))
        starts, ends = (part.masked_fill(~(inside | null), -torch.inf).softmax(1) for part in (start, end))
        logits = start.masked_fill(~inside, -torch.inf), end.masked_fill(~inside, -torch.inf)
        return cls(starts, ends, logits, (starts[:, 0] * ends[:, 0]).nan_to_num().numpy())

    def best(self, reach: int, wanted: int) -> tuple[Ints, Ints, Ints, list[float]]:
        """The best spans of each window: line of the batch, first and last position, score."""
        found = best_spans(*self.logits, reach, wanted)
        line, place = found.score.isfinite().nonzero(as_tuple=True)
        one, other = found.start[line, place], found.end[line, place]
        return line.numpy(), one.numpy(), other.numpy(), (self.start[line, one] * self.end[line, other]).tolist()
