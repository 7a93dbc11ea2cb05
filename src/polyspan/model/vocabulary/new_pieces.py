"""A tokenizer with more pieces: words of a new language, spelt as its vocabulary spells them."""

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from polyspan.errors import PolyspanError
from polyspan.text import stands_alone, units

_UNUSED = re.compile(
    r"\[unused\d+\]|<unused\d+>|<0x..>"
)  # rows that nothing, or single bytes, were ever learnt for


@dataclass(frozen=True, slots=True)
class NewPieces:
    """Which words become pieces.

    Piece `pieces[i]` is word `rows[i]` and gets the number `first + i`. `shared` are pairs of a word and the piece
    that it is already. `folded` words are spelt like a new piece before them; `unusable` ones are cut apart before
    the vocabulary is asked. `reserved` are the numbers of special and unused pieces.
    """

    pieces: tuple[str, ...]
    rows: tuple[int, ...]
    first: int
    shared: tuple[tuple[int, int], ...]
    folded: int
    unusable: int
    reserved: frozenset[int]


def new_pieces(tokenizer: Any, words: Sequence[str], most: int | None = None) -> NewPieces:
    """Find out which of the words a tokenizer would look up and does not know; at most the first `most` of them.

    The tokenizer is one of WordPiece or Unigram. Raises PolyspanError where no word is new.
    """
    kind = type(tokenizer.backend_tokenizer.model).__name__
    vocabulary = tokenizer.get_vocab()
    special = set(tokenizer.all_special_ids)
    found: dict[str, int] = {}
    shared: list[tuple[int, int]] = []
    folded = unusable = 0
    for row, word in enumerate(words):
        piece = _spelt(tokenizer.backend_tokenizer, word, kind)
        number = None if piece is None else vocabulary.get(piece)
        if piece is None or number in special:
            unusable += 1
        elif number is not None:
            shared.append((row, number))
        elif piece in found:
            folded += 1
        elif most is None or len(found) < most:
            found[piece] = row
    if not found:
        raise PolyspanError(
            "none of the words is new to the tokenizer",
            found=f"{len(shared)} words that it knows, {unusable} that it would cut apart",
            fix="give vectors of another language; for Chinese with BERT's tokenizer, those of characters",
        )
    unused = {number for piece, number in vocabulary.items() if _UNUSED.fullmatch(piece)}
    first = 1 + max(vocabulary.values())
    reserved = frozenset(special | unused)
    return NewPieces(tuple(found), tuple(found.values()), first, tuple(shared), folded, unusable, reserved)


def add_pieces(tokenizer: Any, new: NewPieces) -> Any:
    """The tokenizer with the new pieces in its own vocabulary, where they are found as fast as the old ones.

    In a Unigram vocabulary they are as likely as the likeliest piece, so that none is cut into others.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    model = state["model"]
    if model["type"] == "WordPiece":
        model["vocab"] |= {piece: new.first + number for number, piece in enumerate(new.pieces)}
    else:
        added = {token["id"]: token["content"] for token in state["added_tokens"]}
        likely = max(score for number, (_, score) in enumerate(model["vocab"]) if number not in new.reserved)
        later = [
            [added[number], 0.0] for number in range(len(model["vocab"]), new.first)
        ]  # outside the list so far
        model["vocab"] += [*later, *([piece, likely] for piece in new.pieces)]
    grown = copy.deepcopy(tokenizer)
    grown._tokenizer = Tokenizer.from_str(json.dumps(state, ensure_ascii=False))
    return grown


def _spelt(backend: Any, word: str, kind: str) -> str | None:
    """A word as it comes before the vocabulary, or None where it comes in parts or not at all."""
    text = backend.normalizer.normalize_str(word) if backend.normalizer is not None else word
    parts = backend.pre_tokenizer.pre_tokenize_str(text) if backend.pre_tokenizer is not None else [(text, None)]
    if len(parts) != 1 or not parts[0][0].strip("▁ "):
        return None
    piece: str = parts[0][0]
    # SentencePiece marks the space before a word; scripts without spaces have none to mark.
    bare = piece.removeprefix("▁")
    spans = units(bare)
    alone = sum(end - start for start, end in spans) == len(bare) and all(stands_alone(bare[s]) for s, _ in spans)
    return bare if kind == "Unigram" and alone else piece
