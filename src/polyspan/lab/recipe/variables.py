"""`${NAME}` in the texts of a recipe: values of the environment, such as the folder of one's corpora."""

import os
import re
from typing import Any

from polyspan.lab.recipe.recipe import Part, Recipe

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def filled(recipe: Recipe) -> Recipe:
    """The recipe with its variables filled in. Raises PolyspanError for one that is not set, with its place."""
    return _filled(recipe, recipe, ())  # type: ignore[no-any-return]


def _filled(recipe: Recipe, value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for name in _VARIABLE.findall(value):
            if not os.environ.get(name):
                raise recipe.fault(f"the variable {name} is not set", *path, found=value, fix=f"export {name}=…")
        return _VARIABLE.sub(lambda found: os.environ[found[1]], value)
    if isinstance(value, Part):
        given = [
            name for name in type(value).model_fields if name in value.model_fields_set
        ]  # in order: a set has none
        inner = {name: getattr(value, name) for name in given}
        return value.model_copy(update={key: _filled(recipe, one, (*path, key)) for key, one in inner.items()})
    if isinstance(value, dict):
        return {key: _filled(recipe, one, (*path, key)) for key, one in value.items()}
    return [_filled(recipe, one, path) for one in value] if isinstance(value, list) else value
