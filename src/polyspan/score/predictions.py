"""Predictions in a file: one JSON object, from question id to answer text."""

import os
from collections import Counter
from collections.abc import Mapping

from polyspan.errors import PolyspanError, shorten

_EXPECTED = 'one JSON object {"question id": "answer text", …}'


def read_predictions(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read {id: text}. Raises PolyspanError if the file cannot be read, is not such JSON, or has an id twice."""
    import json

    from polyspan.files import explained

    where = str(path)
    with explained(path, "read"), open(path, "rb") as file:
        content = file.read()
    if not content.strip():
        raise PolyspanError("the predictions file is empty", where=where, expected=_EXPECTED)
    try:
        value = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise PolyspanError(
            "the predictions file is not UTF-8", where=f"{where}, byte {error.start}", expected=_EXPECTED
        ) from error
    except (ValueError, RecursionError) as error:
        raise PolyspanError(
            "the predictions file is not valid JSON", where=where, found=str(error), expected=_EXPECTED
        ) from error
    except PolyspanError as error:
        error.where = where
        raise
    check_predictions(value, where)
    predictions: dict[str, str] = value
    return predictions


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
                fix="the n-best answers are another file: give that of predict --out" if _is_nbest(text) else "",
            )


def _is_nbest(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and "text" in value[0]


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise PolyspanError(f"the id {twice!r} has two predictions", expected="each id once")
    return value
