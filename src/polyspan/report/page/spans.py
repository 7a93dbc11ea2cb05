"""A context cut for showing: segments that are predicted, gold, both or neither, without what is far from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of context. `answers` are the indices of the predictions over it; `cut` marks text left out."""

    text: str
    gold: bool = False
    answers: tuple[int, ...] = ()
    cut: bool = False


def segments(
    context: str, gold: Sequence[Span], predicted: Sequence[Span | None], limit: int = 600, around: int = 130
) -> list[Segment]:
    """The context in order, cut at every border of a span (code points, end exclusive).

    Of a context longer than `limit`, text further than `around` code points from any span is left out, with a
    segment "…" in its place. Where there is no span at all, the beginning is shown.
    """
    spans = [span for span in (*gold, *predicted) if span is not None and span[0] < span[1]]
    kept = (
        [(0, len(context))]
        if len(context) <= limit
        else _kept(context, spans or [(0, limit - 2 * around)], around)
    )
    borders = {border for span in (*spans, *kept) for border in span}
    made: list[Segment] = []
    shown = 0
    for start, end in kept:
        if start > shown:
            made.append(Segment("…", cut=True))
        cuts = sorted(border for border in borders if start <= border <= end)
        for left, right in pairwise(cuts):
            answers = tuple(index for index, span in enumerate(predicted) if span and _inside(left, right, span))
            made.append(Segment(context[left:right], any(_inside(left, right, span) for span in gold), answers))
        shown = end
    return [*made, Segment("…", cut=True)] if shown < len(context) else made


def _inside(start: int, end: int, span: Span) -> bool:
    return span[0] <= start and end <= span[1]


def _kept(context: str, spans: Sequence[Span], around: int) -> list[Span]:
    """Stretches around the spans, at borders of words where there are any, joined where they nearly touch."""
    kept: list[Span] = []
    for start, end in sorted(spans):
        left, right = _word_start(context, start - around), _word_end(context, end + around)
        if kept and left <= kept[-1][1] + around // 2:
            kept[-1] = (kept[-1][0], max(kept[-1][1], right))
        else:
            kept.append((left, right))
    if kept[0][0] <= around // 2:
        kept[0] = (0, kept[0][1])
    if len(context) - kept[-1][1] <= around // 2:
        kept[-1] = (kept[-1][0], len(context))
    return kept


def _word_start(context: str, place: int) -> int:
    """The first border of a word at or after `place`; `place` itself in a script without spaces."""
    if place <= 0:
        return 0
    space = context.find(" ", place - 1, place + 24)
    return space + 1 if space >= 0 else place


def _word_end(context: str, place: int) -> int:
    """The last border of a word at or before `place`; `place` itself in a script without spaces."""
    if place >= len(context):
        return len(context)
    space = context.rfind(" ", place - 24, place + 1)
    return space if space >= 0 else place
