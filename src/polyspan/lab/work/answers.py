"""Answers to a test as a stage keeps them: texts, spans, and the score of every question."""

import json
from array import array
from collections.abc import Mapping
from itertools import chain
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
    """Write `predictions.json` {id: text}, `spans.json` {id: [start, end]} and `scores.json`, all by question id.

    The metric is that of `score` where none is named: the test's own, or else its language's.
    """
    write_json(out / "predictions.json", dict(texts))
    if spans is not None:
        write_json(out / "spans.json", {key: list(span) for key, span in spans.items()}, indent=None)
    found = score(test, texts)
    summary = {"test": test.name, "language": test.language, **found.summary(), "unknown": found.unknown}
    questions = {key: [int(one.exact_match), one.f1] for key, one in found.questions.items()}
    write_json(out / "scores.json", summary | facts | {"questions": questions}, indent=None)


def kept_scores(
    folder: Path, known: dict[QuestionIds, QuestionIds] | None = None
) -> tuple[Scores, dict[str, Any]]:
    """The scores of a finished stage, and everything else that it says of itself.

    `known` are the ids of other stages' questions: where they are these, they are taken, and sorted once for all.
    """
    content = json.loads((folder / "scores.json").read_text("utf-8"))
    questions = content.pop("questions")
    values = list(chain.from_iterable(questions.values()))
    ids = QuestionIds(questions)
    ids = ids if known is None else known.setdefault(ids, ids)
    found = ScoresById(ids, bytes(values[::2]), array("d", values[1::2]))
    names = ("metric", "exact_match", "f1", "n", "missing", "unknown")
    return Scores(**{name: content[name] for name in names}, questions=found), content
