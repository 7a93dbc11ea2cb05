"""What the parts of a recipe have in common: they take nothing but what they name, in these types."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from polyspan.data.languages import language_tag
from polyspan.errors import UsageError, nearest

Item = TypeVar("Item")
Listed = BeforeValidator(lambda value: value if isinstance(value, list) else [value])
Many = Annotated[list[Item], Listed, Field(min_length=1)]
Label = Annotated[str, StringConstraints(pattern=r"^[^\s./\\:][^./\\:\n]{0,59}$")]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Text = Annotated[str, Field(coerce_numbers_to_str=True)]
Share = Annotated[float, Field(gt=0, le=1)]
Dtype = Literal["fp32", "bf16"]


def _tag(given: Any) -> Any:
    """The normal form of a language's tag. Norwegian's `no` is YAML's word for false."""
    given = "no" if given is False else given
    if not isinstance(given, str):
        return given
    try:
        return language_tag(given)
    except UsageError as error:
        raise PydanticCustomError("language", "{wanted}", {"wanted": error.expected, "fix": error.fix}) from error


def one_of(records: Mapping[str, Any], name: str) -> str:
    """The name, where one of the records has it."""
    if name not in records:
        wanted = {"wanted": ", ".join(records), "fix": nearest(name, records)}
        raise PydanticCustomError("unknown_name", "{wanted}", wanted)
    return name


Language = Annotated[str, BeforeValidator(_tag)]


class Part(BaseModel):
    """A part of a recipe: nothing but what is named here, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), use_attribute_docstrings=True)
