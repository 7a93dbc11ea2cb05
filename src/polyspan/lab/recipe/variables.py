"""`${NAME}` in the texts of a recipe: its own variables, and those of the environment, such as the folder of one's
corpora."""

import os
import re
from collections.abc import Mapping
from typing import Any

from polyspan.lab.recipe.part import Part
from polyspan.lab.recipe.recipe import Recipe

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def filled(recipe: Recipe) -> Recipe:
    """The recipe with its variables filled in. Raises PolyspanError for one that is not set, with its place."""
    known: dict[str, str] = {name: value for name, value in os.environ.items() if value}
    for name, text in recipe.variables.items():  # each may have those before it
        known[name] = _filled(recipe, text, known, ("variables", name))
    return _filled(recipe, recipe, known, ())  # type: ignore[no-any-return]


def _filled(recipe: Recipe, value: Any, known: Mapping[str, str], path: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for name in _VARIABLE.findall(value):
            if name not in known:
                raise recipe.fault(f"the variable {name} is not set", *path, found=value, fix=f"export {name}=…")
        return _VARIABLE.sub(lambda found: known[found[1]], value)
    if isinstance(value, Part):
        given = [
            name for name in type(value).model_fields if name in value.model_fields_set
        ]  # in order: a set has none
        inner = {name: getattr(value, name) for name in given}
        return value.model_copy(update=_filled(recipe, inner, known, path))
    if isinstance(value, dict):
        return {key: _filled(recipe, one, known, (*path, key)) for key, one in value.items()}
    return [_filled(recipe, one, known, path) for one in value] if isinstance(value, list) else value
