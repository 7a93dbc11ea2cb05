"""A tokenizer.json, of which no more is built than the texts at hand ask for.

Building a vocabulary of 250,000 pieces takes a second, as long as all else that one answer from a page of text
needs. But a Unigram model cuts a text by the pieces that stand in it and by no others: with those alone in their
places, and nothing in the places of the others, it gives the same pieces, ids and offsets.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, models

_FEW = 20_000
"""Characters: for as many, all in all, looking for their pieces takes a tenth of the time that all pieces take."""
_TURNS = 10
"""How often pieces are added: each time takes a fifteenth of that."""


class TokenizerFile:
    """What a tokenizer.json says; it is read when first needed. That raises whatever json, tokenizers and a wrong
    key raise for a broken one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def pieces(self) -> "UnigramPieces | None":
        """Those of a Unigram tokenizer; None for others, which are built soon, and where added tokens take part in
        what a text becomes."""
        state = json.loads(self.path.read_bytes())
        model, added = state["model"], state["added_tokens"]
        plain = not model.get("byte_fallback") and not any(token["normalized"] for token in added)
        found = UnigramPieces(state) if model["type"] == "Unigram" and plain else None
        return found if found is not None and len(found) == len(model["vocab"]) else None

    @cached_property
    def whole(self) -> Tokenizer:
        """The tokenizer with all its pieces."""
        pieces, self.pieces = self.pieces, None  # which are not needed any more
        return Tokenizer.from_file(str(self.path)) if pieces is None else pieces.whole()

    def cutting(self, texts: Sequence[str]) -> Tokenizer:
        """One that cuts these texts as the whole one does."""
        if "whole" in vars(self) or self.pieces is None:
            return self.whole
        return self.pieces.cutting(texts) or self.whole


class UnigramPieces:
    """The pieces of a Unigram tokenizer, and one that has those of the texts seen so far."""

    def __init__(self, state: dict[str, Any]) -> None:
        vocabulary, self._unknown = state["model"]["vocab"], state["model"]["unk_id"]
        self._places = {piece: place for place, (piece, _) in enumerate(vocabulary)}
        self._scores = [score for _, score in vocabulary]
        self._longest = max(map(len, self._places))
        self._added = sorted(state["added_tokens"], key=lambda token: int(token["id"]))
        rest = state | {"added_tokens": [], "model": {"type": "Unigram", "unk_id": None, "vocab": []}}
        self._rest = json.dumps(rest)
        self._few = Tokenizer.from_str(self._rest)
        self._read = self._turns = 0
        self._known: set[str] = set()
        self._always = {vocabulary[self._unknown][0], "▁"}

    def __len__(self) -> int:
        return len(self._places)

    def whole(self) -> Tokenizer:
        """The tokenizer with all its pieces."""
        made = Tokenizer.from_str(self._rest)
        made.model = self._model(list(zip(self._places, self._scores, strict=True)))
        for token in self._added:
            own = AddedToken(**{name: value for name, value in token.items() if name != "id"})
            (made.add_special_tokens if token["special"] else made.add_tokens)([own])
        return made

    def cutting(self, texts: Sequence[str]) -> Tokenizer | None:
        """One with the pieces of these texts too; None where they are too many, or name added tokens, or one is no
        text."""
        self._read += sum(map(len, texts))
        named = any(token["content"] in text for token in self._added for text in texts)
        if named or self._read > _FEW or self._turns >= _TURNS:
            return None
        try:
            words = set(self._words(texts))
        except (TypeError, UnicodeEncodeError):  # half of a surrogate pair
            return None
        self._take(self._always.union(*map(self._inside, words)))
        return self._few

    def _take(self, pieces: set[str]) -> None:
        if new := (pieces & self._places.keys()) - self._known:
            self._known |= new
            self._turns += 1
            vocabulary = list(zip(repeat(""), self._scores))  # all scores: the unknown piece's is below the least
            for piece in self._known:
                vocabulary[self._places[piece]] = piece, self._scores[self._places[piece]]
            self._few.model = self._model(vocabulary)

    def _model(self, vocabulary: list[tuple[str, float]]) -> models.Unigram:
        return models.Unigram(vocabulary, unk_id=self._unknown, byte_fallback=False)

    def _words(self, texts: Sequence[str]) -> Iterator[str]:
        """What the model is given, a stretch between two pieces of white space or the like at a time."""
        normaliser, parter = self._few.normalizer, self._few.pre_tokenizer
        for text in texts:
            text = text if normaliser is None else normaliser.normalize_str(text)
            if parter is None:
                yield text
            else:
                yield from (word for word, _ in parter.pre_tokenize_str(text))

    def _inside(self, word: str) -> Iterator[str]:
        """All that a piece in a word could be."""
        for first in range(len(word)):
            for last in range(first + 1, min(first + self._longest, len(word)) + 1):
                yield word[first:last]
