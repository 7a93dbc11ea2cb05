"""Where a text comes nearest to a pattern: every span at the least edit distance (insert, delete, substitute).

Two engines give the same answer: `edlib` (compiled) and, where it is not installed, Myers' bit-parallel algorithm
on Python's integers (Myers 1999 in Hyyrö's form, where one integer holds a whole column of the matrix).
"""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def _installed() -> Any:
    try:
        return importlib.import_module("edlib")
    except ImportError:
        return None


_edlib = _installed()

# (pattern, text, bound, anywhere) -> the least distance and, ascending, the ends of all spans that have it, or
# None beyond the bound. A span starts at the text's first symbol or, with `anywhere`, wherever it is best.
Engine = Callable[[str | bytes, str | bytes, int, bool], tuple[int, list[int]] | None]


def nearest(
    pattern: str, text: str, bound: int, engine: Engine | None = None
) -> tuple[int, list[tuple[int, int]]] | None:
    """The least edit distance between the pattern and any span of the text, and every span that has it.

    Spans are (start, end) in code points, never empty, in order of their ends, then starts. None where the least
    distance exceeds `bound`, which counts as `len(pattern) - 1` if larger: at `len(pattern)` any place would do.
    Time: one pass over the text, and one over the neighbourhood of each end.
    """
    bound = min(bound, len(pattern) - 1)
    if bound < 0:
        return None
    if exact := list(_occurrences(pattern, text)):
        return 0, [(start, start + len(pattern)) for start in exact]
    if bound == 0:
        return None
    needle, hay, engine = _prepared(pattern, text, engine)
    found = engine(needle, hay, bound, True)
    if found is None:
        return None
    distance, ends = found
    backwards, reach = needle[::-1], len(needle) + distance
    spans = []
    for end in ends:
        lengths = engine(backwards, hay[max(0, end - reach) : end][::-1], distance, False)
        assert lengths is not None, "a span that ends here has this distance"
        spans += [(end - length, end) for length in reversed(lengths[1])]
    return distance, spans


def within(pattern: str, text: str, bound: int) -> bool:
    """Whether any span of the text is within `bound` edits of the pattern (see `nearest`)."""
    bound = min(bound, len(pattern) - 1)
    if bound < 0 or pattern in text:
        return bound >= 0
    needle, hay, engine = _prepared(pattern, text, None)
    return engine(needle, hay, bound, True) is not None


def between(one: str, other: str) -> int:
    """The edit distance of two whole texts."""
    return [len(one), *prefix_distances(one, other)][-1]


def prefix_distances(pattern: str, text: str) -> Iterator[int]:
    """The edit distance of the pattern from `text[:1]`, `text[:2]` and so on to the whole text."""
    return _columns(pattern, text, anywhere=False) if pattern else iter(range(1, len(text) + 1))


def end_distances(pattern: str, text: str) -> Iterator[int]:
    """The least edit distance of the pattern from a span that ends at 1, at 2 and so on to the text's length."""
    return _columns(pattern, text, anywhere=True)


def bit_parallel(
    pattern: str | bytes, text: str | bytes, bound: int, anywhere: bool
) -> tuple[int, list[int]] | None:
    """The engine in pure Python: about 0.5 µs a symbol of the text for patterns of up to 60 symbols."""
    least, ends = bound, []
    for end, score in enumerate(_columns(pattern, text, anywhere), 1):
        if score < least:
            least, ends = score, [end]
        elif score == least:
            ends.append(end)
    return (least, ends) if ends else None


def compiled(pattern: str | bytes, text: str | bytes, bound: int, anywhere: bool) -> tuple[int, list[int]] | None:
    """The engine of `edlib`. Both texts together have at most 256 different symbols (edlib's limit)."""
    mode = "HW" if anywhere else "SHW"
    result = _edlib.align(pattern, text, mode=mode, task="distance", k=bound)
    if not 0 <= result["editDistance"] <= bound:  # an empty text: edlib does not look at k
        return None
    return result["editDistance"], [end + 1 for _, end in result["locations"]]


def _columns(pattern: str | bytes, text: str | bytes, anywhere: bool) -> Iterator[int]:
    # The last cell of each column. Bit i of `up` (`down`) says that row i+1 is one more (less) than row i.
    where: dict[object, int] = {}
    for row, symbol in enumerate(pattern):
        where[symbol] = where.get(symbol, 0) | 1 << row
    full = (1 << len(pattern)) - 1
    last = 1 << len(pattern) - 1
    up, down, score = full, 0, len(pattern)
    first = 0 if anywhere else 1  # the row above the pattern costs nothing, or one a symbol
    for symbol in text:
        same = where.get(symbol, 0)
        diagonal = (((same & up) + up) ^ up) | same | down
        right = down | (full & ~(diagonal | up))
        left = up & diagonal
        score += bool(right & last) - bool(left & last)
        right = right << 1 | first
        up = (left << 1 | ~(diagonal | right)) & full
        down = right & diagonal
        yield score


def _occurrences(pattern: str, text: str) -> Iterator[int]:
    start = text.find(pattern)
    while start >= 0:
        yield start
        start = text.find(pattern, start + 1)


def _prepared(pattern: str, text: str, engine: Engine | None) -> tuple[str | bytes, str | bytes, Engine]:
    if engine is not None:
        return pattern, text, engine
    coded = _as_bytes(pattern, text) if _edlib is not None else None
    return (*coded, compiled) if coded else (pattern, text, bit_parallel)


def _as_bytes(pattern: str, text: str) -> tuple[bytes, bytes] | None:
    # Both texts with one byte a symbol; symbols of the text that the pattern lacks are all alike. None where the
    # pattern alone has more symbols than that allows.
    if "?" not in pattern:
        try:
            return pattern.encode("latin-1"), text.encode("latin-1", "replace")
        except UnicodeEncodeError:
            pass
    needle, hay = (np.frombuffer(each.encode("utf-32-le", "surrogatepass"), "<u4") for each in (pattern, text))
    symbols, needle_codes = np.unique(needle, return_inverse=True)
    if len(symbols) > 255:
        return None
    codes = np.searchsorted(symbols, hay).clip(max=len(symbols) - 1)
    codes = np.where(symbols[codes] == hay, codes, 255)
    return needle_codes.astype(np.uint8).tobytes(), codes.astype(np.uint8).tobytes()
