"""Byte-level pieces: which characters each of them stands for, counted in the bytes that it spells.

Tokenizers that put a space before words, split at white space first or trim their offsets report places that miss
the first letter of a word, and each combination of these misses others. What the pieces spell is sure: laid end to
end they are the UTF-8 of the text, but for white space. The alphabet is GPT-2's (openai/gpt-2 `encoder.py`).
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.text import places_of

Places = tuple[NDArray[np.int32], NDArray[np.int32]]

_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_UNPRINTABLE = tuple(sorted(set(range(0x100)) - set(_PRINTABLE)))
_LETTERS = {byte: chr(byte) for byte in _PRINTABLE} | {
    byte: chr(0x100 + number) for number, byte in enumerate(_UNPRINTABLE)
}
_BYTES = np.zeros(0x100 + len(_UNPRINTABLE), np.uint8)
_BYTES[[ord(letter) for letter in _LETTERS.values()]] = list(_LETTERS)

BLANK = _LETTERS[0x20]
"""The letter of the space, `Ġ`."""


def spells_bytes(backend: Any) -> bool:
    """Whether the pieces of a tokenizer spell bytes."""
    parts = (part.__getstate__() for part in (backend.normalizer, backend.pre_tokenizer) if part is not None)
    return any(_is_byte_level(json.loads(part)) for part in parts)


def added_spellings(backend: Any) -> dict[str, str]:
    """Pieces added to a tokenizer as they stand in a text, and how byte-level pieces would spell them."""
    added = (token.content for token in backend.get_added_tokens_decoder().values())
    return {content: "".join(_LETTERS[byte] for byte in content.encode()) for content in added}


def byte_places(text: str, pieces: list[str]) -> Places | None:
    """First and one past the last character of each piece, without white space; None if they spell another text.

    A piece of white space alone gets the next character and the end of the one before, an empty stretch.
    """
    letters = np.frombuffer("".join(pieces).encode("utf-32-le"), np.uint32)
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    if not len(letters) or letters.max() >= len(_BYTES) or not lengths.all():
        return None
    spelled = _BYTES[letters]
    try:
        said = spelled.tobytes().decode()
    except UnicodeDecodeError:
        return None
    ends = np.cumsum(lengths)
    char = np.cumsum((spelled & 0xC0) != 0x80) - 1  # that each byte belongs to
    first, last = char[ends - lengths], char[ends - 1] + 1
    if said == text:
        return first.astype(np.int32), last.astype(np.int32)
    if "".join(said.split()) != "".join(text.split()):
        return None
    before = np.concatenate([[0], np.cumsum(~places_of(said, str.isspace))])  # characters other than white space
    places = np.flatnonzero(~places_of(text, str.isspace))
    starts, finishes = np.append(places, len(text)), np.append(0, places + 1)
    return starts[before[first]].astype(np.int32), finishes[before[last]].astype(np.int32)


def _is_byte_level(part: Any) -> bool:
    if isinstance(part, dict):
        return part.get("type") == "ByteLevel" or any(map(_is_byte_level, part.values()))
    return isinstance(part, list) and any(map(_is_byte_level, part))
