"""Single context tokens and their hidden states, drawn evenly from a corpus."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Windows, make_windows, owned
from polyspan.probe.answer_vectors import Vectors
from polyspan.probe.hidden import Places, resolve_layers, stream_windows

if TYPE_CHECKING:
    from polyspan.model.reader import Reader


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """Context tokens of a corpus: `vectors[layer]` is (tokens, width), a row for each of `pieces`.

    `pieces` are vocabulary numbers, `paragraph` the number of each one's paragraph among those with questions.
    They were drawn from `among` tokens.
    """

    name: str
    language: str | None
    pieces: Ints
    paragraph: Ints
    vectors: dict[int, Vectors]
    among: int


def token_vectors(
    reader: "Reader", corpus: Corpus, layers: Sequence[int], most: int, seed: int = 0, *, doing: str = ""
) -> TokenVectors:
    """A sample of at most `most` context tokens with their states, in file order.

    All tokens of all contexts are equally likely, and none is drawn twice: of a context's questions the first one
    is encoded with it, and where its windows overlap, a token belongs to the one with most context around it.
    Special tokens and questions are left out.
    """
    chosen = resolve_layers(reader, layers)
    if most < 1:
        raise UsageError("the number of tokens must be at least 1", found=str(most))
    once = tuple(replace(part, questions=part.questions[:1]) for part in corpus.paragraphs if part.questions)
    windows = make_windows(replace(corpus, paragraphs=once), reader.tokenizer, reader.options)
    among = len(windows.contexts.ids)
    if not among:
        raise PolyspanError(f"{corpus.name} has no context with a question to look at", where=corpus.source)
    drawn = np.random.default_rng(seed).choice(among, min(most, among), replace=False, shuffle=False)
    drawn = np.sort(drawn)
    rows, within = _owners(windows, drawn)
    needed = np.unique(rows).astype(np.int32)
    vectors: dict[int, Vectors] = {}
    for batch in stream_windows(reader, windows, chosen, needed, doing=doing):
        for line, row in enumerate(batch.rows):
            mine = slice(*np.searchsorted(rows, [row, row + 1]))
            places = batch.context[line, 0] + within[mine]
            for layer, states in batch.states.items():
                if layer not in vectors:
                    vectors[layer] = np.empty((len(drawn), states.shape[1]), np.float32)
                vectors[layer][mine] = states[places].float().cpu().numpy()
    pieces = windows.contexts.ids[drawn]
    return TokenVectors(corpus.name, corpus.language, pieces, windows.paragraph[rows], vectors, among)


def _owners(windows: Windows, pieces: Places) -> tuple[Places, Places]:
    """The window that each of the contexts' pieces, given in order, belongs to, and its place in it."""
    first, last = owned(windows)
    begin = windows.contexts.pointers[windows.paragraph] + windows.first
    owning = np.flatnonzero(last > first)
    rows = owning[np.searchsorted((begin + first)[owning], pieces, side="right") - 1]
    return rows, pieces - begin[rows]
