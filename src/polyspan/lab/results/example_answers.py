"""Questions of a run with the answers that its Readers gave."""

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polyspan.lab.results.gathered import Gathered
from polyspan.paper import Place

if TYPE_CHECKING:
    from polyspan.data.schema import Paragraph, Question
    from polyspan.lab.plan.plan import PlannedCell

_QUESTIONS, _READERS = 3, 3  # of each test; readers whose answers to them are shown
_PAIRS = 2  # of each place of a table of examples
_SEED = 42


def examples(cells: Sequence["PlannedCell"], gathered: Gathered) -> list[dict[str, Any]]:
    """A few questions of each test, drawn by a seed, with the answers of the first Readers that took it; none of
    what was imported without its text."""
    by_test: dict[str, dict[str, PlannedCell]] = {}
    for cell in (cell for cell in cells if gathered.has_text(cell.predict)):
        by_test.setdefault(cell.test, {}).setdefault(cell.reader, cell)
    found = []
    for test, readers in by_test.items():
        chosen = list(readers.values())[:_READERS]
        drawn = _drawn(chosen[0], gathered, _QUESTIONS)
        for cell in chosen:
            spans = gathered.json(cell.predict, "spans.json")
            scores = gathered.scores(cell.predict).questions
            language = gathered.about(cell.corpus)["language"]
            found += [
                {
                    "train": cell.reader,
                    "test": test,
                    "language": language,
                    "id": question.id,
                    "context": paragraph.context,
                    "question": question.text,
                    "gold": [[one.start, one.end] for one in question.answers if one.start >= 0],
                    "predicted": spans[question.id],
                    "exact_match": float(scores[question.id].exact_match),
                    "f1": round(scores[question.id].f1, 3),
                }
                for paragraph, question in drawn
                if question.id in scores
            ]
    return found


def pairs_shown(cells: Mapping[Place, "PlannedCell"], gathered: Gathered) -> list[dict[str, str]]:
    """Predicted and gold answers of each place, as Table 5 prints them: questions half answered come first."""
    found = []
    for place, cell in cells.items():
        scores = gathered.scores(cell.predict).questions
        texts = gathered.json(cell.predict, "predictions.json")
        questions = sorted(_drawn(cell, gathered, 40 * _PAIRS), key=lambda pair: abs(scores[pair[1].id].f1 - 0.5))
        found += [
            {
                "row": place.row,
                "column": place.column,
                "question": question.text,
                "predicted": texts[question.id],
                "gold": question.answers[0].text if question.answers else "",
            }
            for _, question in questions[:_PAIRS]
        ]
    return found


def _drawn(cell: "PlannedCell", gathered: Gathered, many: int) -> "list[tuple[Paragraph, Question]]":
    scored = gathered.scores(cell.predict).questions
    asked = [pair for pair in gathered.corpus(cell.corpus).questions() if pair[1].id in scored]
    return random.Random(_SEED).sample(asked, min(many, len(asked)))
