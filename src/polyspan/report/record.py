"""`report.json` as typed records: read, checked, and free of what cannot be shown."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BeforeValidator, Field, PlainValidator, TypeAdapter, ValidationError, ValidationInfo
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from polyspan.errors import PolyspanError, shorten

_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: JSON can hold it, UTF-8 cannot
_FIX = "write it again with `polyspan quickstart` or `polyspan run`"
_EXPECTED = {"dataclass_type": "an object", "dict_type": "an object", "tuple_type": "a list"}  # in JSON's words


def _span(value: Any, info: ValidationInfo) -> tuple[int, int]:
    length = len(info.data.get("context", ""))
    match value:
        case [start, end] if type(start) is type(end) is int and 0 <= start <= end <= length:
            return start, end
    raise PydanticCustomError("span", f"[start, end] within a context of {length:,} code points")


_Item = TypeVar("_Item")
_List = Annotated[tuple[_Item, ...], BeforeValidator(lambda value: () if value is None else value)]
_Object = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
_Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
_AsText = Annotated[str, BeforeValidator(str)]
_Span = Annotated[tuple[int, int], PlainValidator(_span)]
_Whole = Annotated[int, Field(strict=True)]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Seconds = Annotated[_Number, Field(ge=0)]
_Percentage = Annotated[_Number, Field(ge=0, le=100)]
_Share = Annotated[_Number, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Row:
    """One trained Reader on one test set. Scores are percentages, None where they were not computed."""

    train: str
    test: str
    language: str | None
    metric: str | None
    seed: _Whole | None
    n: _Whole | None
    exact_match: _Percentage | None
    f1: _Percentage | None
    baseline_f1: _Percentage | None
    untrained_f1: _Percentage | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of questions. `sha256` is that of its content."""

    name: str
    language: str | None = None
    metric: str | None = None
    questions: _Whole | None = None
    sha256: _Text = ""


@dataclass(frozen=True, slots=True)
class Training:
    """How one Reader came about; `folder` is beside the report. `loss` has one value a step; `settings` nest."""

    name: str
    folder: _Text = ""
    model: _Text = ""
    data: _List[Dataset] = ()
    seed: _Whole | None = None
    limit: _Whole | None = None
    windows: _Whole | None = None
    steps: _Whole | None = None
    seconds: _Seconds | None = None
    settings: _Object = Field(default_factory=dict)
    loss: _List[_Number] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its answer. Spans are (start, end) code points of `context`; scores are from 0 to 1."""

    train: str
    test: str
    language: str | None
    id: _AsText
    context: str
    question: str
    gold: _List[_Span]
    predicted: _Span | None
    exact_match: _Share
    f1: _Share


@dataclass(frozen=True, slots=True)
class Record:
    """All that a report shows. Seconds in `timing`; `machine` may be empty and `command` ""."""

    matrix: tuple[Row, ...]
    timing: dict[str, _Seconds | None]
    versions: dict[str, _AsText]
    machine: _Object = Field(default_factory=dict)
    command: _Text = ""
    training: _List[Training] = ()
    tests: _List[Dataset] = ()
    examples: _List[Example] = ()


def read_record(path: Path) -> Record:
    """Read a `report.json`. `matrix`, `timing` and `versions` must be there; the rest may be missing.

    Raises PolyspanError, naming the key, where the file is missing or is not what DESIGN says.
    """
    try:
        content = json.loads(path.read_text("utf-8"), parse_constant=_not_json)
        shown = _SURROGATE.sub("\ufffd", json.dumps(content, ensure_ascii=False))  # one for one: offsets stay
        return TypeAdapter(Record).validate_python(json.loads(shown))
    except FileNotFoundError as error:
        raise PolyspanError("there is no report.json", where=str(path), fix=_FIX) from error
    except OSError as error:
        raise PolyspanError(f"cannot read {path}", found=error.strerror or str(error)) from error
    except ValidationError as error:
        raise _fault(path, error) from error
    except (ValueError, RecursionError) as error:
        raise PolyspanError("report.json is not JSON", where=str(path), found=str(error), fix=_FIX) from error


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _fault(path: Path, error: ValidationError) -> PolyspanError:
    """The first fault in the file, with its place in it (`matrix[0].f1`)."""
    faults = error.errors(include_url=False)
    kind, place, found = faults[0]["type"], faults[0]["loc"], faults[0]["input"]
    expected = _EXPECTED.get(kind, faults[0]["msg"].removeprefix("Input should be "))
    if kind == "missing":
        place, found = place[:-1], sorted(found)
        keys = [one["loc"][-1] for one in faults if one["type"] == kind and one["loc"][:-1] == place]
        expected = "the key " + " and ".join(map(repr, keys))
    at = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).removeprefix(".")
    where = f"{path}: {at}" if at else str(path)
    message = "report.json lacks something or is broken"
    return PolyspanError(message, where=where, found=shorten(found), expected=expected, fix=_FIX)
