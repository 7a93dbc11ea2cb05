"""Texts as pieces with character offsets, in flat arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import PolyspanError, shorten

Ints = NDArray[np.int32]

_CHUNK = 1000  # texts a call: enough for the tokenizer's threads, little enough to keep memory flat


@dataclass(frozen=True, slots=True)
class Tokens:
    """Pieces of many texts, one after another: text i owns the pieces `pointers[i]:pointers[i + 1]`.

    `ids` are vocabulary numbers; `starts` and `ends` are code-point offsets into the piece's own text, with the
    white space that a piece may carry left out. All arrays are int32 but `pointers` (int64).
    """

    ids: Ints
    starts: Ints
    ends: Ints
    pointers: NDArray[np.int64]

    def of(self, text: int) -> Ints:
        """The ids of one text."""
        return self.ids[self.pointers[text] : self.pointers[text + 1]]

    def spans(self, text: int) -> tuple[Ints, Ints]:
        """Starts and ends of one text's pieces."""
        own = slice(self.pointers[text], self.pointers[text + 1])
        return self.starts[own], self.ends[own]


def tokenise(texts: Sequence[str], tokenizer: Any, *, places: bool = True) -> Tokens:
    """Tokenise texts without special tokens, cutting or padding.

    Without `places` only the ids are made, in half the time; `starts` and `ends` are empty then. Raises
    PolyspanError for a text with half of a surrogate pair, which no tokenizer can read.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    blank = backend.token_to_id("▁")
    ids, starts, ends, counts = [], [], [], [0]
    for first in range(0, len(texts), _CHUNK):
        chunk = list(texts[first : first + _CHUNK])
        if not places:
            for encoding in _encode(chunk, backend.encode_batch_fast):
                ids.append(np.array(encoding.ids, np.int32))
                counts.append(len(encoding))
            continue
        for text, encoding in zip(chunk, _encode(chunk, backend.encode_batch), strict=True):
            offsets = np.fromiter(chain.from_iterable(encoding.offsets), np.int32, 2 * len(encoding))
            pieces = np.array(encoding.ids, np.int32)
            begins = _without_space(text, offsets[0::2], offsets[1::2])
            ids.append(pieces)
            starts.append(begins)
            # SentencePiece's lone word mark has no characters, though it claims the one that follows.
            ends.append(np.where(pieces == blank, begins, offsets[1::2]) if blank is not None else offsets[1::2])
            counts.append(len(encoding))
    empty = np.zeros(0, np.int32)
    return Tokens(
        ids=np.concatenate([empty, *ids]),
        starts=np.concatenate([empty, *starts]),
        ends=np.concatenate([empty, *ends]),
        pointers=np.cumsum(counts, dtype=np.int64),
    )


def join_tokens(parts: Sequence[Tokens]) -> Tokens:
    """The pieces of several lists of texts as one list."""
    counts = np.concatenate([np.diff(part.pointers) for part in parts])
    return Tokens(
        ids=np.concatenate([part.ids for part in parts]),
        starts=np.concatenate([part.starts for part in parts]),
        ends=np.concatenate([part.ends for part in parts]),
        pointers=np.concatenate([[0], np.cumsum(counts)]),
    )


def _encode(texts: list[str], encode_batch: Any) -> list[Any]:
    try:
        encodings: list[Any] = encode_batch(texts, add_special_tokens=False)
        return encodings
    except (TypeError, UnicodeEncodeError) as error:
        for text in texts:
            if any("\ud800" <= char <= "\udfff" for char in text):
                raise PolyspanError(
                    "a text holds half of a surrogate pair",
                    found=shorten(text),
                    fix="polyspan check names the place; the file was probably cut inside an emoji",
                ) from error
        raise


def _without_space(text: str, starts: Ints, ends: Ints) -> Ints:
    """Move each start past white space: SentencePiece and byte-level pieces count the space before a word."""
    spaces = [ord(char) for char in set(text) if char.isspace()]
    if not spaces or not len(starts):
        return starts
    code_points = np.frombuffer((text + "\0").encode("utf-32-le"), np.uint32)
    starts = starts.copy()
    while True:
        at_space = np.isin(code_points[starts], spaces) & (starts < ends)
        if not at_space.any():
            return starts
        starts += at_space
