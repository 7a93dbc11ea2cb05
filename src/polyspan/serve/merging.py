"""Candidates as answers: those of several documents together, and those in the hub's format."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polyspan.model.answers import Candidate

_Named = tuple[str | None, "Candidate"]


def of_documents(
    question: str, names: Sequence[str | None], found: "Sequence[Sequence[Candidate]]", top: int
) -> dict[str, Any]:
    """The answer to a question from what each document has, the best `top` spans among it.

    Each document is answered by itself, as `predict` does. The surest answer is given; "" where all of them have
    "", as sure as the document that is the least sure of it.
    """
    no_answer = min(_null(candidates).probability for candidates in found)
    spans = [
        (name, one) for name, candidates in zip(names, found, strict=True) for one in candidates if _is_span(one)
    ]
    given = [
        (name, candidates[0]) for name, candidates in zip(names, found, strict=True) if _is_span(candidates[0])
    ]
    if len(names) > 1:  # one document's stay in the order of their scores
        spans.sort(key=lambda span: -span[1].probability)
    best = max(given, key=lambda span: span[1].probability, default=None)
    others = [_span(*span) for span in spans if best is None or span[1] is not best[1]]
    none = {"text": "", "document": None, "start": 0, "end": 0, "probability": no_answer}
    answer = none if best is None else _span(*best)
    return {"question": question, **answer, "no_answer": no_answer, "alternatives": others[: top - 1]}


def of_hub(candidates: "Sequence[Candidate]", silent: bool) -> list[dict[str, Any]]:
    """Candidates in the hub's format; "" is among them where that may be an answer, or where there is no span."""
    listed = [one for one in candidates if silent or _is_span(one)] or candidates
    return [{"answer": one.text, "score": one.probability, "start": one.start, "end": one.end} for one in listed]


def _is_span(candidate: "Candidate") -> bool:
    return candidate.end > candidate.start


def _null(candidates: "Sequence[Candidate]") -> "Candidate":
    return next(one for one in candidates if not _is_span(one))


def _span(document: str | None, span: "Candidate") -> dict[str, Any]:
    return {
        "text": span.text,
        "document": document,
        "start": span.start,
        "end": span.end,
        "probability": span.probability,
    }
