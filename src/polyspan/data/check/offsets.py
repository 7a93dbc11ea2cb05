"""Where a misplaced answer stands, and what its offset was counting instead of code points."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polyspan.data.schema import Answer


@dataclass(frozen=True, slots=True)
class Misplaced:
    """An answer whose text occurs in its context, though not at its `answer_start`.

    `paragraph` is a number that tells the contexts of one file apart.
    """

    paragraph: int
    context: str
    answer: Answer


def fits(context: str, text: str, start: int) -> bool:
    """Whether the text stands at that code point of the context."""
    return start >= 0 and context.startswith(text, start)


def occurrences(context: str, text: str) -> Iterator[int]:
    """Every start of a text in its context, overlapping ones too, from left to right."""
    start = context.find(text)
    while start >= 0:
        yield start
        start = context.find(text, start + 1)


def from_utf16(context: str, start: int) -> int | None:
    """The code point at an offset in UTF-16 units (as JavaScript, Java and C# count), None where there is none."""
    return _prefix(context.encode("utf-16-le", "surrogatepass"), 2 * start, "utf-16-le")


def from_bytes(context: str, start: int) -> int | None:
    """The code point at an offset in bytes of UTF-8, None where there is none."""
    return _prefix(context.encode("utf-8", "surrogatepass"), start, "utf-8")


def explain(misplaced: Sequence[Misplaced], right: int) -> list[tuple[str, int | None]]:
    """The reason and, where it is certain, the true start of every misplaced answer of one file.

    `utf16-offset` and `byte-offset` where that reading finds at least half of them; `constant-shift` where no
    answer of the file is in place (`right` is how many are) and one shift finds all. The others are `offset`:
    their start is certain where the text occurs once, or where it occurs at the one shift that all the answers of
    this context that occur once have in common.
    """
    for rule, convert in (("utf16-offset", from_utf16), ("byte-offset", from_bytes)):
        places = [_checked(item, convert(item.context, item.answer.start)) for item in misplaced]
        found = sum(place is not None for place in places)
        if found and 2 * found >= len(misplaced):
            rest = iter(_by_occurrence([item for item, at in zip(misplaced, places, strict=True) if at is None]))
            return [next(rest) if place is None else (rule, place) for place in places]
    if right == 0 and len(misplaced) > 1:
        shared = set.intersection(*(_shifts(item) for item in misplaced))
        if len(shared) == 1:
            shift = shared.pop()
            return [("constant-shift", item.answer.start + shift) for item in misplaced]
    return _by_occurrence(misplaced)


def _by_occurrence(misplaced: Sequence[Misplaced]) -> list[tuple[str, int | None]]:
    shifts = [_shifts(item) for item in misplaced]
    single: dict[int, set[int]] = {}
    for item, own in zip(misplaced, shifts, strict=True):
        if len(own) == 1:
            single.setdefault(item.paragraph, set()).update(own)
    result: list[tuple[str, int | None]] = []
    for item, own in zip(misplaced, shifts, strict=True):
        shared = own if len(own) == 1 else single.get(item.paragraph, set())
        certain = len(shared) == 1 and shared <= own
        result.append(("offset", item.answer.start + next(iter(shared)) if certain else None))
    return result


def _shifts(item: Misplaced) -> set[int]:
    return {start - item.answer.start for start in occurrences(item.context, item.answer.text)}


def _checked(item: Misplaced, start: int | None) -> int | None:
    return start if start is not None and fits(item.context, item.answer.text, start) else None


def _prefix(data: bytes, length: int, encoding: str) -> int | None:
    if not 0 <= length <= len(data):
        return None
    try:
        return len(data[:length].decode(encoding))
    except UnicodeDecodeError:
        return None
