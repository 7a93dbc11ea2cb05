"""The kinds of fields of `report.json`: what may be missing, and what a number may be."""

from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

_Item = TypeVar("_Item")


def _beside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ":" in name or "\\" in name:
        raise PydanticCustomError("file", "the path of a file beside the report")
    return name


List = Annotated[tuple[_Item, ...], BeforeValidator(lambda value: () if value is None else value)]
Object = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
AsText = Annotated[str, BeforeValidator(str)]
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Seconds = Annotated[Number, Field(ge=0)]
Percentage = Annotated[Number, Field(ge=0, le=100)]
Share = Annotated[Number, Field(ge=0, le=1)]
File = Annotated[str, AfterValidator(_beside)]
"""A path from the report's folder into it, or ""."""
