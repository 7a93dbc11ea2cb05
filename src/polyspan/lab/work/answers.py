"""Answers to a test as a stage keeps them: texts, spans, and the score of every question."""

import json
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.data.schema import Corpus
from polyspan.files import write_json
from polyspan.score import Scores, score
from polyspan.score.by_id import QuestionIds, ScoresById


def write_answers(
    out: Path,
    test: Corpus,
    texts: Mapping[str, str],
    spans: Mapping[str, tuple[int, int]] | None = None,
    **facts: Any,
) -> None:
    """Write `predictions.json` {id: text}, `spans.json` {id: [start, end]} and `scores.json`, of every question.

    The last has the ids and their scores as three lists, under `by_question`. The metric is that of `score` where
    none is named: the test's own, or else its language's.
    """
    write_json(out / "predictions.json", dict(texts))
    if spans is not None:
        write_json(out / "spans.json", {key: list(span) for key, span in spans.items()}, indent=None)
    found = score(test, texts)
    about = {"test": test.name, "language": test.language}
    write_json(out / "scores.json", written_scores(found, about, facts), indent=None)


def written_scores(
    found: Scores, about: Mapping[str, Any] | None = None, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What `scores.json` holds, with what is told of the test before the numbers, and of answers behind."""
    each = ScoresById.of(found.questions)
    columns = {"ids": each.ids, "exact_match": list(each.exact), "f1": list(each.f1)}
    summary = {**(about or {}), **found.summary(), "unknown": found.unknown}
    return summary | dict(facts or {}) | {"by_question": columns}


def kept_scores(
    folder: Path, known: dict[QuestionIds, QuestionIds] | None = None, name: str = "scores.json"
) -> tuple[Scores, dict[str, Any]]:
    """The scores of a finished stage, and everything else that it says of itself.

    `known` are the ids of other stages' questions: where they are these, they are taken, and sorted once for all.
    """
    content = json.loads((folder / name).read_text("utf-8"))
    if (columns := content.pop("by_question", None)) is None:  # {id: [exact match, F1]}, as it once was
        questions = content.pop("questions")
        exact, f1 = zip(*questions.values(), strict=True)
        columns = {"ids": questions, "exact_match": exact, "f1": f1}
    ids = QuestionIds(columns["ids"])
    ids = ids if known is None else known.setdefault(ids, ids)
    found = ScoresById(ids, bytes(columns["exact_match"]), array("d", columns["f1"]))
    names = ("metric", "exact_match", "f1", "n", "missing", "unknown")
    return Scores(**{name: content[name] for name in names}, questions=found), content
