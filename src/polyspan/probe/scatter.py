"""Likeness of languages against zero-shot scores: one point a pair of corpora (Hsu et al., Fig. 2 and 3)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError, UsageError
from polyspan.probe.similarity import rank_correlation

_SCORES = ("exact_match", "f1")


def study_scatter(
    studies: Sequence[Mapping[str, Any]],
    matrix: Sequence[Mapping[str, Any]],
    *,
    layer: int | None = None,
    value: str = "value",
    seed: int = 0,
) -> dict[str, Any]:
    """Join studies of answers, one for each reader, with the rows of a report's matrix.

    A study's first corpus is in the language that its reader was trained on: the pair of it and another corpus is
    a point, with the score of that reader on that corpus. Reader and corpora are found in the matrix by name, a
    corpus else by its language. `layer` is the last one by default; `value` may be `centred`. Returns the points
    and, with at least three, Spearman's ρ for exact match and F1. Raises PolyspanError where no score is found.
    """
    if not studies:
        raise UsageError("there is no study of likeness", fix="give --similarity FILE")
    points: list[dict[str, Any]] = []
    for study in studies:
        points += _points(study, matrix, layer, value)
    if not points:
        raise PolyspanError(
            "no pair of corpora has a score",
            found=f"readers {_listed(study['model'] for study in studies)}",
            expected=f"those of the report: {_listed(row['train'] for row in matrix)}",
            fix="give the report of the same readers and corpora",
        )
    result = {"probe": "scatter", "of": studies[0]["probe"], "layer": points[0]["layer"], "value": value}
    return result | {"points": points, "correlation": _correlations(points, seed), "seed": seed}


def _points(
    study: Mapping[str, Any], matrix: Sequence[Mapping[str, Any]], layer: int | None, value: str
) -> list[dict[str, Any]]:
    rows = [row for row in study.get("rows", []) if row["state"] == "after"]
    if not rows or value not in rows[0]:
        raise PolyspanError(
            "this is no study of the answers' likeness" if not rows else f"the study has no {value!r}",
            expected="what polyspan probe cosine, svcca or cka wrote",
        )
    last = max(row["layer"] for row in rows) if layer is None else layer
    if last not in {row["layer"] for row in rows}:
        layers = sorted({row["layer"] for row in rows})
        raise UsageError(f"the study has no layer {last}", expected=", ".join(map(str, layers)))
    source = study["corpora"][0]["name"]
    found = []
    for row in rows:
        if row["a"] != source or row["layer"] != last:
            continue
        if scored := _scored(study["model"], row["b"], row["language_b"], matrix):
            facts = {"label": f"{_code(row['language_a'])} → {_code(row['language_b'])}", "layer": last}
            scores = {name: _mean(scored, name) for name in _SCORES}
            found.append(facts | {"a": source, "b": row["b"], "similarity": row[value]} | scores)
    return found


def _scored(
    model: str, test: str, language: str | None, matrix: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The rows, one a seed, of a reader on a corpus."""
    trains = {row["train"] for row in matrix}
    own = [row for row in matrix if _key(row["train"]) == _key(Path(model).name)]
    own = own or (list(matrix) if len(trains) == 1 else [])
    named = [row for row in own if _key(row["test"]) == _key(test)]
    same = [row for row in own if _code(row["language"]) == _code(language)]
    return named or (same if len({row["test"] for row in same}) == 1 else [])


def _correlations(points: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Any]:
    if len(points) < 3:
        return {}
    values = [point["similarity"] for point in points]
    return {name: asdict(rank_correlation(values, [point[name] for point in points], seed)) for name in _SCORES}


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    return float(sum(row[name] for row in rows) / len(rows))


def _key(name: str) -> str:
    return re.sub(r"\W+", "-", name).strip("-").lower()


def _code(language: str | None) -> str:
    return (language or "?").replace("_", "-").split("-")[0].lower()


def _listed(names: Any) -> str:
    return ", ".join(sorted({Path(name).name for name in names}))
