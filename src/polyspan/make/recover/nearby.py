"""The near match that `fuzzysearch` 0.6.2 lists first: what the paper's translated files were made with.

It lists the matches of a search that is not exhaustive, groups those
that overlap (through others, too), takes of each group the one with the least distance, then the longest, and
sorts them by start: the first is the leftmost and seldom the best. Ties within a group, which there depend on the
order of a set, go to the leftmost here. Its Python code is meant, which is the same from 0.6.2 to 0.8.1.
"""

from collections.abc import Iterable, Iterator

from polyspan.make.recover.distance import end_distances, prefix_distances

# Where bound + 1 pieces of a pattern have at least this many symbols, it is found by an unchanged piece.
_PIECE = 3
_SHORT = 10  # symbols: a longer pattern that is also longer than twice the bound is searched in another way

Match = tuple[int, int, int]


def first_match(pattern: str, text: str, bound: int) -> Match | None:
    """(start, end, distance) of the first near match that it would list, or None where it would list none.

    `bound` counts as `len(pattern) - 1` if larger. The distance is the one of the search, which may be larger than
    the edit distance of the span.
    """
    bound = min(bound, len(pattern) - 1)
    if bound < 0:
        return None
    if bound == 0:
        start = text.find(pattern)
        return (start, start + len(pattern), 0) if start >= 0 else None
    if len(pattern) // (bound + 1) >= _PIECE:
        return _best_of_first_group(sorted(_by_pieces(pattern, text, bound)))
    return _best_of_first_group(_by_automaton(pattern, text, bound))


def _best_of_first_group(matches: Iterable[Match]) -> Match | None:
    # Matches come in order of their starts, so a match that starts at or behind the group's end closes the group.
    best: Match | None = None
    group_end = 0
    for match in matches:
        start, end, distance = match
        if best is None:
            best, group_end = match, end
            continue
        if start >= group_end:
            break
        group_end = max(group_end, end)
        if (distance, start - end) < (best[2], best[0] - best[1]):
            best = match
    return best


def _by_automaton(pattern: str, text: str, bound: int) -> Iterator[Match]:
    """All matches of the forward search, by start. A match starts at one of the first bound + 1 symbols of the
    pattern, those before it counting as missing."""
    places: dict[str, int] = {}
    for index, symbol in enumerate(pattern):
        places[symbol] = places.get(symbol, 0) | 1 << index
    first = {symbol: index for index, symbol in reversed(list(enumerate(pattern[: bound + 1])))}
    for start in _promising(pattern, text, bound):
        if (skipped := first.get(text[start])) is not None:
            for end, distance in _from(start, text, places, len(pattern), skipped, bound):
                yield start, end, distance


def _promising(pattern: str, text: str, bound: int) -> Iterable[int]:
    # The starts from which the pattern is within the bound at all. At len - 1 that is nearly everywhere, and the
    # first match not far: looking would take longer than trying.
    if bound == len(pattern) - 1:
        return range(len(text))
    backwards = end_distances(pattern[::-1], text[::-1])
    return reversed([len(text) - end for end, distance in enumerate(backwards, 1) if distance <= bound])


def _from(
    start: int, text: str, places: dict[str, int], size: int, skipped: int, bound: int
) -> Iterator[tuple[int, int]]:
    """(end, distance) of the matches with one start.

    Bit i of `reached[d]` says that i symbols of the pattern are consumed at distance d. A state whose next symbol
    stands in the text only moves on; another one skips a symbol of the text, exchanges one (not at the end), or
    skips symbols of the pattern up to the next one that stands here.
    """
    inner, done = (1 << size) - 1, 1 << size
    if skipped + 1 == size:
        yield start + 1, skipped
        return
    reached = [0] * (bound + 1)
    reached[skipped] = 1 << skipped + 1
    low = skipped
    for index in range(start + 1, len(text)):
        here = places.get(text[index], 0)
        exchange = inner if index + 1 < len(text) else 0
        following = [0] * (bound + 2)
        skipping = 0
        for distance in range(low, bound + 1):
            skipping <<= 1
            states = reached[distance]
            missed = states & ~here
            moved = ((states | skipping) & here) << 1
            if (moved | skipping) & done:
                yield index + 1, distance
            following[distance] |= moved & inner
            following[distance + 1] = missed | missed << 1 & exchange
            skipping = skipping & ~here & inner | missed
        reached = following
        while not reached[low]:
            low += 1
            if low > bound:
                return
    for distance, states in enumerate(reached[: bound + 1]):
        for consumed in range(size):
            if states >> consumed & 1 and distance + size - consumed <= bound:
                yield len(text), distance + size - consumed


def _by_pieces(pattern: str, text: str, bound: int) -> Iterator[Match]:
    """Matches around every occurrence of a piece of the pattern, grown to the right, then to the left."""
    size, piece = len(pattern), len(pattern) // (bound + 1)
    for begin in range(0, size - piece + 1, piece):
        stop = begin + piece
        limit = min(len(text), len(text) - size + stop + bound)
        at = text.find(pattern[begin:stop], max(0, begin - bound), max(0, limit))
        while at >= 0:
            right = _grown(pattern[stop:], text[at + piece : at - begin + size + bound], bound)
            if right is not None:
                rest = bound - right[0]
                before = text[max(0, at - begin - rest) : at]
                left = _grown(pattern[:begin][::-1], before[::-1], rest)
                if left is not None:
                    yield at - left[1], at + piece + right[1], left[0] + right[0]
            at = text.find(pattern[begin:stop], at + 1, max(0, limit))


def _grown(pattern: str, text: str, bound: int) -> tuple[int, int] | None:
    """The least distance of the pattern to a prefix of the text and the longest such prefix that the search comes
    to; None beyond the bound. For a short pattern it may end before the longest of all (`_short_distances`)."""
    if not pattern:
        return 0, 0
    short = len(pattern) <= max(2 * bound, _SHORT)
    distances = [len(pattern), *(_short_distances if short else prefix_distances)(pattern, text)]
    least = min(distances)
    return (least, len(distances) - 1 - distances[::-1].index(least)) if least <= bound else None


def _short_distances(pattern: str, text: str) -> Iterator[int]:
    """The distances of the pattern from `text[:1]`, `text[:2]` and so on, up to the first that is more than the
    least so far where no beginning of the pattern is nearer than that least: from there on none can be less. One
    that is as little could still come, by way of a beginning at just that distance; this search misses it."""
    row = list(range(len(pattern) + 1))
    least = len(pattern)
    for end, symbol in enumerate(text, 1):
        above, row = row, [end]
        for at, wanted in enumerate(pattern):
            row.append(min(above[at] + (symbol != wanted), above[at + 1] + 1, row[at] + 1))
        if row[-1] > least <= min(row[1:]):
            return
        least = min(least, row[-1])
        yield row[-1]
