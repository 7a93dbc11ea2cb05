"""Answers to a test as a stage keeps them: texts, spans, and the score of every question."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.data.schema import Corpus
from polyspan.files import write_json
from polyspan.score import Scores, score
from polyspan.score.scores import QuestionScore


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


def kept_scores(folder: Path) -> tuple[Scores, dict[str, Any]]:
    """The scores of a finished stage, and everything else that it says of itself."""
    content = json.loads((folder / "scores.json").read_text("utf-8"))
    questions = {key: QuestionScore(bool(exact), f1) for key, (exact, f1) in content.pop("questions").items()}
    names = ("metric", "exact_match", "f1", "n", "missing", "unknown")
    return Scores(**{name: content[name] for name in names}, questions=questions), content
