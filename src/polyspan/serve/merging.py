"""Candidates as answers: those of several documents together, and those in the hub's format."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from polyspan.ask.best_passage import best_passage

if TYPE_CHECKING:
    from polyspan.model.answers import Candidate


def of_documents(
    question: str, names: Sequence[str | None], found: "Sequence[Sequence[Candidate]]", top: int
) -> dict[str, Any]:
    """The answer to a question from what each document has, the best `top` spans among it.

    Each document is answered by itself, as `predict` does; `best_passage` says which of them answers. "" is as
    sure as in that document.
    """
    best = best_passage(found)
    assert best.null is not None
    no_answer = best.null.probability
    spans = [_span(names[number], one) for number, one in best.spans]
    none = {"text": "", "document": None, "start": 0, "end": 0, "probability": no_answer}
    answer, *others = spans if best.given else [none, *spans]
    return {"question": question, **answer, "no_answer": no_answer, "alternatives": others[: top - 1]}


def of_hub(candidates: "Sequence[Candidate]", silent: bool) -> list[dict[str, Any]]:
    """Candidates in the hub's format; "" is among them where that may be an answer, or where there is no span."""
    listed = [one for one in candidates if silent or _is_span(one)] or candidates
    return [{"answer": one.text, "score": one.probability, "start": one.start, "end": one.end} for one in listed]


def _is_span(candidate: "Candidate") -> bool:
    return candidate.end > candidate.start


def _span(document: str | None, span: "Candidate") -> dict[str, Any]:
    return {
        "text": span.text,
        "document": document,
        "start": span.start,
        "end": span.end,
        "probability": span.probability,
    }
