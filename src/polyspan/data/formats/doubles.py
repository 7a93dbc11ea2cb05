"""JSON in which one object has a key twice: kept, where Python's own reading drops all values but the last."""

import json
from typing import Any


class Doubled(dict[str, Any]):
    """A JSON object with a key that stands in it twice; its last value counts.

    Under the key `doubled` are the earlier values, a list for each such key, so that setting the object aside
    loses nothing.
    """


def load(text: str) -> Any:
    """The value of a JSON text, each object with a double key a `Doubled`. Raises as `json.loads` does.

    Raw control characters inside texts are let through: the rules on content tell them with their question.
    """
    return _DECODER.decode(text)


def load_from(text: str, at: int) -> tuple[Any, int]:
    """As `load`, the value that begins at a place of a text, and where it ends."""
    return _DECODER.raw_decode(text, at)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    values: dict[str, list[Any]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    earlier = {key: several[:-1] for key, several in values.items() if len(several) > 1}
    return Doubled({**found, "doubled": earlier})


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_object)
