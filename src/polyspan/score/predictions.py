"""Predictions in a file: one JSON object, from question id to answer text."""

import os
from collections.abc import Mapping
from typing import cast

from polyspan.errors import PolyspanError, shorten
from polyspan.score.by_question import is_nbest, read_object

_EXPECTED = 'one JSON object {"question id": "answer text", …}'


def read_predictions(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read {id: text}. Raises PolyspanError if the file cannot be read, is not such JSON, or has an id twice."""
    value = read_object(path, "predictions", _EXPECTED)
    check_predictions(value, str(path))
    return cast(dict[str, str], value)


def check_predictions(predictions: object, where: str = "") -> None:
    """Raise PolyspanError, naming the id, unless the value maps ids (text) to answers (text)."""
    if not isinstance(predictions, Mapping):
        raise PolyspanError(
            "predictions must map question ids to answers",
            where=where,
            found=f"{type(predictions).__name__}: {shorten(predictions)}",
            expected=_EXPECTED,
        )
    if {"key", "texts"} <= set(predictions):
        fix = "run polyspan quickstart again with the same --out"
        found = "a file of a quickstart before answers were plain"
        raise PolyspanError("this is no {id: text}", where=where, found=found, expected=_EXPECTED, fix=fix)
    for name, text in predictions.items():
        if not isinstance(name, str):
            raise PolyspanError(f"the question id {name!r} is not text", where=where, expected=_EXPECTED)
        if not isinstance(text, str):
            raise PolyspanError(
                f"the prediction for {name!r} is not text",
                where=where,
                found=f"{type(text).__name__}: {shorten(text)}",
                expected='an answer\'s text; an empty one is ""',
                fix="the n-best answers are another file: give that of predict --out" if is_nbest(text) else "",
            )
