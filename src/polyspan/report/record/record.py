"""`report.json` as typed records: read, checked, and free of what cannot be shown."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import Field, PlainValidator, TypeAdapter, ValidationError, ValidationInfo
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from polyspan.errors import PolyspanError, shorten
from polyspan.report.record.kinds import AsText, List, Number, Object, Percentage, Seconds, Share, Text, Whole
from polyspan.report.record.paper_record import CardRecord, HypothesisRecord, Missing, PaperTable, Picture, Source

_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: JSON can hold it, UTF-8 cannot
_FIX = "write it again with `polyspan quickstart` or `polyspan run`"
_EXPECTED = {"dataclass_type": "an object", "dict_type": "an object", "tuple_type": "a list"}  # in JSON's words


def _span(value: Any, info: ValidationInfo) -> tuple[int, int]:
    length = len(info.data.get("context", ""))
    match value:
        case [start, end] if type(start) is type(end) is int and 0 <= start <= end <= length:
            return start, end
    raise PydanticCustomError("span", f"[start, end] within a context of {length:,} code points")


_Span = Annotated[tuple[int, int], PlainValidator(_span)]


@dataclass(frozen=True, slots=True)
class Row:
    """One trained Reader on one test set. Scores are percentages, None where they were not computed."""

    train: str
    test: str
    language: str | None
    metric: str | None
    seed: Whole | None
    n: Whole | None
    exact_match: Percentage | None
    f1: Percentage | None
    baseline_f1: Percentage | None
    untrained_f1: Percentage | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of questions. `sha256` is that of its content."""

    name: str
    language: str | None = None
    metric: str | None = None
    questions: Whole | None = None
    sha256: Text = ""


@dataclass(frozen=True, slots=True)
class Training:
    """How one Reader came about; `folder` is beside the report. `loss` has one value a step; `settings` nest."""

    name: str
    folder: Text = ""
    model: Text = ""
    data: List[Dataset] = ()
    seed: Whole | None = None
    limit: Whole | None = None
    windows: Whole | None = None
    steps: Whole | None = None
    seconds: Seconds | None = None
    settings: Object = Field(default_factory=dict)
    loss: List[Number] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its answer. Spans are (start, end) code points of `context`; scores are from 0 to 1."""

    train: str
    test: str
    language: str | None
    id: AsText
    context: str
    question: str
    gold: List[_Span]
    predicted: _Span | None
    exact_match: Share
    f1: Share


@dataclass(frozen=True, slots=True)
class Record:
    """All that a report shows. Seconds in `timing`; `machine` may be empty and `command` "".

    From `title` on it is what the run of a recipe adds.
    """

    matrix: tuple[Row, ...]
    timing: dict[str, Seconds | None]
    versions: dict[str, AsText]
    machine: Object = Field(default_factory=dict)
    command: Text = ""
    training: List[Training] = ()
    tests: List[Dataset] = ()
    examples: List[Example] = ()
    title: Text = ""
    deviations: List[Text] = ()
    missing: List[Missing] = ()
    tables: dict[str, PaperTable] = Field(default_factory=dict)
    claims: List[HypothesisRecord] = ()
    statistics: Object = Field(default_factory=dict)
    pictures: List[Picture] = ()
    sources: List[Source] = ()
    cards: List[CardRecord] = ()
    alignment: List[Object] = ()
    probes: Object = Field(default_factory=dict)
    recipe: Object = Field(default_factory=dict)
    remarks: List[Text] = ()


def read_record(path: Path) -> Record:
    """Read a `report.json`. `matrix`, `timing` and `versions` must be there; the rest may be missing.

    Raises PolyspanError, naming the key, where the file is missing or is not a report (docs/reports.md).
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
