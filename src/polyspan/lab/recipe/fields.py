"""The names and types of what can be set: training settings, options of aligners and of makers of encoders."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from polyspan.align import METHODS
from polyspan.errors import nearest

Fields = Mapping[str, Any]
"""Name → type."""

ENCODERS: dict[str, dict[str, Any]] = {
    "graft": {"projection": str, "most": int},
    "qanet": {"unit": str, "width": int, "heads": int, "blocks": int, "fewest": int},
    "trim": {},
    "vectors": {"unit": str, "width": int, "window": int, "fewest": int},
}
"""Makers of encoders, with the options that a recipe may give them."""


@cache
def of_training() -> Fields:
    """The settings of training and of windows, all on one level, as presets take them."""
    from polyspan.model.windows.windows import WindowOptions
    from polyspan.training.settings import TrainSettings

    known = get_type_hints(TrainSettings) | get_type_hints(WindowOptions)
    del known["windows"]
    return known


def of_aligner(method: str) -> Fields:
    """The options of an alignment method."""
    return METHODS[method].options()


def of_encoder(how: str) -> Fields:
    """The options of a maker of encoders."""
    return ENCODERS[how]


def checked(fields: Fields, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values in their types; a list of values where one is expected stays a list, for a sweep.

    Raises PydanticCustomError, with the key in its context, for an unknown key or a value of another type.
    """
    return {key: _value(fields, key, value) for key, value in given.items()}


def _value(fields: Fields, key: str, value: Any) -> Any:
    if key not in fields:
        hint = nearest(key, fields) if fields else "it takes none"
        raise PydanticCustomError("unknown_option", "unknown key {key!r}", {"key": key, "fix": hint})
    convert: Callable[[Any], Any] = TypeAdapter(fields[key]).validate_python
    try:
        return _plain(convert(value))
    except ValidationError as error:
        if isinstance(value, list) and value and not takes_lists(fields[key]):
            return [_value(fields, key, one) for one in value]
        wanted = error.errors(include_url=False)[0]["msg"].removeprefix("Input should be ")
        raise PydanticCustomError("option", "{wanted}", {"key": key, "wanted": wanted}) from error


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def takes_lists(kind: Any) -> bool:
    """Whether a value of this type is a list."""
    return getattr(kind, "__origin__", None) is tuple


def is_sweep(key: str, value: Any) -> bool:
    """Whether a training setting has several values to try, rather than one that is a list."""
    return isinstance(value, list) and not takes_lists(of_training()[key])
