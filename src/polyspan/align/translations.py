"""Which rows of two vocabularies belong together: identical strings, and a dictionary's translations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.align.aligner import Aligner
from polyspan.align.csls import precision
from polyspan.errors import PolyspanError
from polyspan.make.dictionary import Dictionary, read_dictionary
from polyspan.model.map import Map
from polyspan.model.vocabulary.word_vectors import WordVectors
from polyspan.text import stands_alone

_MARKS = ("▁", "Ġ")  # before the first piece of a word: SentencePiece, byte-level BPE

Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WordPairs:
    """`pairs` of rows (source, target), shape (pairs, 2), and how many of a dictionary's words have any.

    `words` are the dictionary's source words, `found` those that are in the source vocabulary with at least one of
    their translations in the target's; the others are left out, as MUSE does.
    """

    pairs: Pairs
    words: int
    found: int


def identical(source: Sequence[str], target: Sequence[str]) -> Pairs:
    """Rows of the same string on both sides, shape (pairs, 2), in the source's order.

    A string that is there several times pairs its first instance with the first one, its second with the second, …
    """
    places: dict[str, list[int]] = {}
    for row in range(len(target) - 1, -1, -1):
        places.setdefault(target[row], []).append(row)
    pairs = [(row, places[word].pop()) for row, word in enumerate(source) if places.get(word)]
    return np.array(pairs, np.int64).reshape(-1, 2)


def translated(source: Sequence[str], target: Sequence[str], dictionary: Dictionary) -> WordPairs:
    """The rows that a dictionary joins. Letter case does not matter, and the most frequent spelling is taken.

    Of an encoder's pieces those count that are a whole word: begun by a word mark, or written in a script without
    spaces. Raises PolyspanError where no pair is left.
    """
    here, there = whole_words(source), whole_words(target)
    pairs, found = [], 0
    for word, translations in dictionary.entries.items():
        rows = dict.fromkeys(there[other.lower()] for other in translations if other.lower() in there)
        if word in here and rows:
            found += 1
            pairs += [(here[word], row) for row in rows]
    if not pairs:
        raise PolyspanError(
            "no word of the dictionary has vectors on both sides",
            found=f"{len(dictionary.entries):,} in {dictionary.name}; {len(here):,} and {len(there):,} here",
            fix="check that the dictionary's languages are those of source and target",
        )
    return WordPairs(np.array(pairs, np.int64), len(dictionary.entries), found)


def whole_words(pieces: Sequence[str]) -> dict[str, int]:
    """The first row of each whole word, in lower case."""
    marked = any(piece.startswith(_MARKS) for piece in pieces)
    rows: dict[str, int] = {}
    for row, piece in enumerate(pieces):
        bare = piece[1:] if piece.startswith(_MARKS) and len(piece) > 1 else piece
        inside = piece.startswith("##") or (marked and bare == piece)
        if not inside or any(map(stands_alone, bare)):
            rows.setdefault(bare.removeprefix("##").lower(), row)
    return rows


def seed_pairs(method: Aligner, chosen: str | None, x: WordVectors, y: WordVectors) -> Pairs | None:
    """Rows that a method is given as known pairs: of `identical` strings, `none`, or those of a dictionary.

    By default what the method takes. Raises PolyspanError where it needs pairs and there are none.
    """
    chosen = chosen or method.seeds
    if chosen not in ("none", "identical"):
        return translated(x.words, y.words, read_dictionary(chosen)).pairs
    pairs = identical(x.words, y.words) if chosen == "identical" else np.zeros((0, 2), np.int64)
    if method.needs_pairs and not len(pairs):
        raise PolyspanError(
            f"{type(method).__name__} needs pairs", found=f"{chosen}: none", fix="give a dictionary as pairs"
        )
    return pairs if len(pairs) else None


def fit_words(
    method: Aligner,
    x: WordVectors,
    y: WordVectors,
    *,
    pairs: str | None = None,
    dictionary: str | None = None,
    seed: int = 0,
    doing: str = "",
) -> Map:
    """A method's Map of two vocabularies, with `pairs` as in `seed_pairs`.

    Its record also says which pairs these were and, where a `dictionary` is given, P@k on it.
    """
    found = method.fit(x.matrix, y.matrix, pairs=seed_pairs(method, pairs, x, y), seed=seed, doing=doing)
    scores = {} if dictionary is None else dictionary_precision(found, x, y, dictionary)
    return replace(found, record=found.record | {"seed": seed, "seeds": pairs or method.seeds} | scores)


def dictionary_precision(found: Map, x: WordVectors, y: WordVectors, name: str) -> dict[str, Any]:
    """P@1, 5 and 10 of a map on a dictionary, and how many of its words could be looked up, for records."""
    known = translated(x.words, y.words, read_dictionary(name))
    at = precision(found, x.matrix, y.matrix, known.pairs)
    rounded = {str(k): round(value, 2) for k, value in at.items()}
    return {"dictionary": name, "precision": rounded, "words": known.found, "of": known.words}
