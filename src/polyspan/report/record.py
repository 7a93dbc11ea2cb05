"""`report.json` as typed records: read, checked, and free of what cannot be shown."""

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from polyspan.errors import PolyspanError, shorten

_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: JSON can hold it, UTF-8 cannot
_FIX = "write it again with `polyspan quickstart` or `polyspan run`"


@dataclass(frozen=True, slots=True)
class Row:
    """One trained Reader on one test set. Scores are percentages, None where they were not computed."""

    train: str
    test: str
    language: str | None
    metric: str | None
    seed: int | None
    n: int | None
    exact_match: float | None
    f1: float | None
    baseline_f1: float | None
    untrained_f1: float | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of questions. `sha256` is that of its content."""

    name: str
    language: str | None = None
    metric: str | None = None
    questions: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """How one Reader came about; `folder` is beside the report. `loss` has one value a step; `settings` nest."""

    name: str
    folder: str = ""
    model: str = ""
    data: tuple[Dataset, ...] = ()
    seed: int | None = None
    limit: int | None = None
    windows: int | None = None
    steps: int | None = None
    seconds: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    loss: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its answer. Spans are (start, end) code points of `context`; scores are from 0 to 1."""

    train: str
    test: str
    language: str | None
    id: str
    context: str
    question: str
    gold: tuple[tuple[int, int], ...]
    predicted: tuple[int, int] | None
    exact_match: float
    f1: float


@dataclass(frozen=True, slots=True)
class Record:
    """All that a report shows. Seconds in `timing`; `machine` may be empty and `command` ""."""

    matrix: tuple[Row, ...]
    timing: dict[str, float | None]
    versions: dict[str, str]
    machine: dict[str, Any]
    command: str
    training: tuple[Training, ...]
    tests: tuple[Dataset, ...]
    examples: tuple[Example, ...]


def read_record(path: Path) -> Record:
    """Read a `report.json`. `matrix`, `timing` and `versions` must be there; the rest may be missing.

    Raises PolyspanError, naming the key, where the file is missing or is not what DESIGN says.
    """
    try:
        content = json.loads(path.read_text("utf-8"), parse_constant=_not_json)
    except FileNotFoundError as error:
        raise PolyspanError("there is no report.json", where=str(path), fix=_FIX) from error
    except OSError as error:
        raise PolyspanError(f"cannot read {path}", found=error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise PolyspanError("report.json is not JSON", where=str(path), found=str(error), fix=_FIX) from error
    return _Checked(path).record(_shown(content))


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _shown(value: Any) -> Any:
    """The value with halves of characters replaced, code point by code point, so that offsets stay."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {_shown(key): _shown(item) for key, item in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class _Checked:
    """Takes values out of the content of a file and says where one is not of its kind."""

    path: Path

    def record(self, content: Any) -> Record:
        whole = self.mapping(content, "", "matrix", "timing", "versions")
        return Record(
            tuple(self.row(item, at) for item, at in self.items(whole, "matrix", "")),
            {
                name: self.number(seconds, f"timing.{name}", 0, math.inf)
                for name, seconds in self.mapping(whole["timing"], "timing").items()
            },
            {name: str(version) for name, version in self.mapping(whole["versions"], "versions").items()},
            self.mapping(whole.get("machine") or {}, "machine"),
            str(whole.get("command") or ""),
            tuple(self.training(item, at) for item, at in self.items(whole, "training", "")),
            tuple(self.dataset(item, at) for item, at in self.items(whole, "tests", "")),
            tuple(self.example(item, at) for item, at in self.items(whole, "examples", "")),
        )

    def row(self, value: Any, at: str) -> Row:
        row = self.mapping(value, at, *Row.__slots__)
        return Row(
            self.text(row["train"], f"{at}.train"),
            self.text(row["test"], f"{at}.test"),
            self.maybe_text(row["language"], f"{at}.language"),
            self.maybe_text(row["metric"], f"{at}.metric"),
            self.whole(row["seed"], f"{at}.seed"),
            self.whole(row["n"], f"{at}.n"),
            *(self.number(row[name], f"{at}.{name}", 0, 100) for name in Row.__slots__[6:]),
        )

    def dataset(self, value: Any, at: str) -> Dataset:
        item = self.mapping(value, at, "name")
        return Dataset(
            self.text(item["name"], f"{at}.name"),
            self.maybe_text(item.get("language"), f"{at}.language"),
            self.maybe_text(item.get("metric"), f"{at}.metric"),
            self.whole(item.get("questions"), f"{at}.questions"),
            self.maybe_text(item.get("sha256"), f"{at}.sha256") or "",
        )

    def training(self, value: Any, at: str) -> Training:
        run = self.mapping(value, at, "name")
        losses = self.items(run, "loss", f"{at}.")
        return Training(
            self.text(run["name"], f"{at}.name"),
            self.maybe_text(run.get("folder"), f"{at}.folder") or "",
            self.maybe_text(run.get("model"), f"{at}.model") or "",
            tuple(self.dataset(item, where) for item, where in self.items(run, "data", f"{at}.")),
            seed=self.whole(run.get("seed"), f"{at}.seed"),
            limit=self.whole(run.get("limit"), f"{at}.limit"),
            windows=self.whole(run.get("windows"), f"{at}.windows"),
            steps=self.whole(run.get("steps"), f"{at}.steps"),
            seconds=self.number(run.get("seconds"), f"{at}.seconds", 0, math.inf),
            settings=self.mapping(run.get("settings") or {}, f"{at}.settings"),
            loss=tuple(self.given(loss, where, -math.inf, math.inf) for loss, where in losses),
        )

    def example(self, value: Any, at: str) -> Example:
        item = self.mapping(value, at, *Example.__slots__)
        context = self.text(item["context"], f"{at}.context")
        predicted = item["predicted"]
        return Example(
            self.text(item["train"], f"{at}.train"),
            self.text(item["test"], f"{at}.test"),
            self.maybe_text(item["language"], f"{at}.language"),
            str(item["id"]),
            context,
            self.text(item["question"], f"{at}.question"),
            tuple(self.span(span, where, len(context)) for span, where in self.items(item, "gold", f"{at}.")),
            None if predicted is None else self.span(predicted, f"{at}.predicted", len(context)),
            self.given(item["exact_match"], f"{at}.exact_match", 0, 1),
            self.given(item["f1"], f"{at}.f1", 0, 1),
        )

    def span(self, value: Any, at: str, length: int) -> tuple[int, int]:
        match value:
            case [int(start), int(end)] if 0 <= start <= end <= length:
                return start, end
        raise self.fault(at, value, f"[start, end] within a context of {length:,} code points")

    def mapping(self, value: Any, at: str, *keys: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fault(at, value, "an object")
        if missing := [key for key in keys if key not in value]:
            raise self.fault(at, sorted(value), "the key " + " and ".join(map(repr, missing)))
        return value

    def items(self, holder: dict[str, Any], key: str, at: str) -> list[tuple[Any, str]]:
        value = holder.get(key) or []
        if not isinstance(value, list):
            raise self.fault(f"{at}{key}", value, "a list")
        return [(item, f"{at}{key}[{index}]") for index, item in enumerate(value)]

    def text(self, value: Any, at: str) -> str:
        if not isinstance(value, str):
            raise self.fault(at, value, "a text")
        return value

    def maybe_text(self, value: Any, at: str) -> str | None:
        return None if value is None else self.text(value, at)

    def whole(self, value: Any, at: str) -> int | None:
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise self.fault(at, value, "a whole number or null")

    def number(self, value: Any, at: str, least: float, most: float) -> float | None:
        return None if value is None else self.given(value, at, least, most)

    def given(self, value: Any, at: str, least: float, most: float) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        raise self.fault(at, value, "a number" if math.isinf(most) else f"a number from {least} to {most}")

    def fault(self, at: str, found: Any, expected: str) -> PolyspanError:
        where = f"{self.path}: {at}" if at else str(self.path)
        return PolyspanError(
            "report.json lacks something or is broken",
            where=where,
            found=shorten(found),
            expected=expected,
            fix=_FIX,
        )
