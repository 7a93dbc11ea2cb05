"""Texts as pieces with character offsets, in flat arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import PolyspanError, shorten
from polyspan.model.windows.bytelevel import BLANK, added_spellings, byte_places, spells_bytes
from polyspan.text import is_mark, is_visible, places_of

Ints = NDArray[np.int32]

_CHUNK = 1000  # texts a call: enough for the tokenizer's threads, little enough to keep memory flat
_WORD_MARK = "▁"  # SentencePiece's
_PLAIN: set[str] = set()  # characters met so far that are visible and no marks: nearly all of a text's
_PROBE = "Anna met 12 men (by day) in old Leiden, 1840."


@dataclass(frozen=True, slots=True)
class Tokens:
    """Pieces of many texts, one after another: text i owns the pieces `pointers[i]:pointers[i + 1]`.

    `ids` are vocabulary numbers; `starts` and `ends` are code-point offsets into the piece's own text, from its
    first visible character to its last, marks included. A piece without any, such as a lone `▁`, has the place of
    the next visible character as its start and the end of the last one as its end, so that start ≥ end. All arrays
    are int32 but `pointers` (int64).
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
    PolyspanError for a text with half of a surrogate pair, which no tokenizer can read, and for one whose letters
    the tokenizer does not place.
    """
    cutting = getattr(tokenizer, "cutting", None)  # of a `PlainTokenizer`, which need not be built whole
    backend = tokenizer.backend_tokenizer if cutting is None else cutting(texts)
    backend.no_truncation()
    backend.no_padding()
    place = _placer(backend)
    ids, starts, ends, counts = [], [], [], [0]
    for first in range(0, len(texts), _CHUNK):
        chunk = list(texts[first : first + _CHUNK])
        if not places:
            for encoding in encode(chunk, backend.encode_batch_fast):
                ids.append(np.array(encoding.ids, np.int32))
                counts.append(len(encoding))
            continue
        for text, encoding in zip(chunk, encode(chunk, backend.encode_batch), strict=True):
            ids.append(np.array(encoding.ids, np.int32))
            begins, finishes = _to_visible(text, *place(text, encoding))
            starts.append(begins)
            ends.append(finishes)
            counts.append(len(encoding))
    empty = np.zeros(0, np.int32)
    return Tokens(
        ids=np.concatenate([empty, *ids]),
        starts=np.concatenate([empty, *starts]),
        ends=np.concatenate([empty, *ends]),
        pointers=np.cumsum(counts, dtype=np.int64),
    )


def require_places(tokenizer: Any, name: str) -> None:
    """Raise PolyspanError for a tokenizer that does not say where the letters of a plain text stand."""
    tags = (f" The tag {token}closes {token} here." for token in tokenizer.all_special_tokens if token.isascii())
    text = _PROBE + "".join(tags)
    tokens = tokenise([text], tokenizer)
    missed = _letters_without_a_piece(text, tokens.starts, tokens.ends)
    if len(missed):
        raise _unplaced(f"the tokenizer of {name}", text, int(missed[0]))


def join_tokens(parts: Sequence[Tokens]) -> Tokens:
    """The pieces of several lists of texts as one list."""
    counts = np.concatenate([np.diff(part.pointers) for part in parts])
    return Tokens(
        ids=np.concatenate([part.ids for part in parts]),
        starts=np.concatenate([part.starts for part in parts]),
        ends=np.concatenate([part.ends for part in parts]),
        pointers=np.concatenate([[0], np.cumsum(counts)]),
    )


def encode(texts: list[str], encode_batch: Any) -> list[Any]:
    """What a tokenizer's method makes of each text, without special tokens. Raises as `tokenise` does."""
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


def _placer(backend: Any) -> Callable[[str, Any], tuple[Ints, Ints]]:
    """What finds the characters that each piece of an encoded text claims."""
    blank = backend.token_to_id(_WORD_MARK)
    if not spells_bytes(backend):
        return lambda text, encoding: _claimed(text, encoding, blank, _WORD_MARK)
    spellings = {piece: spelled for piece, spelled in added_spellings(backend).items() if piece != spelled}
    # An added token may take the space beside it along, as RoBERTa's <mask> does: " <mask>".
    taking = any(token.lstrip or token.rstrip for token in backend.get_added_tokens_decoder().values())
    space = backend.token_to_id(BLANK)

    def place(text: str, encoding: Any) -> tuple[Ints, Ints]:
        pieces = encoding.tokens
        if taking:
            pieces = [piece if piece in spellings else piece.strip() or piece for piece in pieces]
        if spellings:
            pieces = [spellings.get(piece, piece) for piece in pieces]
        if (found := byte_places(text, pieces)) is not None:
            return found
        # A text that the tokenizer normalised, or with pieces of no bytes: its own offsets, if they hold.
        starts, ends = _claimed(text, encoding, space, BLANK)
        missed = _letters_without_a_piece(text, starts, ends)
        if len(missed):
            raise _unplaced("this tokenizer", text, int(missed[0]))
        return starts, ends

    return place


def _claimed(text: str, encoding: Any, blank: int | None, mark: str) -> tuple[Ints, Ints]:
    """The offsets that a tokenizer reports.

    A word mark that stands alone has no characters, though it may claim the one that follows.
    """
    offsets = np.fromiter(chain.from_iterable(encoding.offsets), np.int32, 2 * len(encoding))
    starts, ends = offsets[0::2], offsets[1::2]
    if blank is None:
        return starts, ends
    alone = np.array(encoding.ids, np.int32) == blank
    if mark in text:  # there it may stand for itself
        alone &= ~np.append(places_of(text, mark.__eq__), False)[starts]
    return starts, np.where(alone, starts, ends)


def _to_visible(text: str, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Pieces from their first visible character to their last, and over the marks behind it that no piece has.

    Variation selectors, which are marks and invisible, go with the character before them whatever has them. A
    piece without visible characters gets the place of the next one and the end of the last one.
    """
    odd = set(text) - _PLAIN
    _PLAIN.update(char for char in odd if is_visible(char) and not is_mark(char))
    if not (odd := odd - _PLAIN):
        return starts, ends
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    seen = ~np.isin(points, [ord(char) for char in odd if not is_visible(char)])
    loose = None
    if found := [ord(char) for char in odd if is_mark(char)]:
        marks = np.isin(points, found)
        borders = np.zeros(len(text) + 1, np.int32)
        np.add.at(borders, starts, 1)
        np.add.at(borders, ends, -1)
        loose = marks & ((np.cumsum(borders[:-1]) == 0) | ~seen)
        seen &= ~loose
    if not seen.all():
        last = np.where(seen, np.arange(1, len(text) + 1, dtype=np.int32), 0)
        starts, ends = _next(seen)[starts], np.maximum.accumulate(np.append(np.int32(0), last))[ends]
    if loose is not None and loose.any():
        ends = _next(~loose)[ends]
    return starts, ends


def _next(wanted: NDArray[np.bool_]) -> Ints:
    """For each place, and for the end of the text, the first one from there on that is wanted."""
    size = len(wanted)
    places = np.append(np.where(wanted, np.arange(size, dtype=np.int32), size), np.int32(size))
    return np.minimum.accumulate(places[::-1])[::-1].astype(np.int32)


def _letters_without_a_piece(text: str, starts: Ints, ends: Ints) -> NDArray[np.int64]:
    """Places of letters and digits that no piece has."""
    borders = np.zeros(len(text) + 1, np.int32)
    has = starts < ends
    np.add.at(borders, starts[has], 1)
    np.add.at(borders, ends[has], -1)
    return np.flatnonzero((np.cumsum(borders[:-1]) == 0) & places_of(text, str.isalnum))


def _unplaced(who: str, text: str, place: int) -> PolyspanError:
    return PolyspanError(
        f"{who} does not say where its pieces stand",
        found=f"no piece has the {text[place]!r} of {shorten(text[place:])}",
        expected="character offsets that leave no letter out: answers are cut by them",
        fix="save the tokenizer with a post-processor that does not trim offsets, or choose another model",
    )
