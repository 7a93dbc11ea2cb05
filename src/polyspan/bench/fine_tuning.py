"""Full fine-tuning, the preset `cpu` and LoRA, each for the same time: speed, memory, size and F1.

`python -m polyspan.bench.fine_tuning docs/training` writes `lora.csv` and prints it as a table; `--page
docs/training.md` puts that into the page. A short training of each way tells how many questions fit into the time;
then every way learns with every seed, in a process of its own, warm-up and decay within that time, and answers
questions in four languages. What stands in the file is not done again.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from polyspan.bench.material import corpus
from polyspan.bench.page_table import show, table
from polyspan.bench.worker import peak_megabytes
from polyspan.data.sample import sample
from polyspan.errors import UsageError
from polyspan.files import csv_rows, csv_text, write_text
from polyspan.lab.machine import machine, usable_cores

WAYS: dict[str, dict[str, Any]] = {
    "full": {"freeze": (), "freeze_layers": 0},
    "cpu": {},
    "lora-8": {"lora": 8, "learning_rate": 1e-3},
    "lora-16": {"lora": 16, "learning_rate": 1e-3},
}
"""What each way changes in the preset `cpu`."""
TESTS = tuple(f"xquad:{code}" for code in ("en", "zh", "es", "ar"))
_NAMES = {
    "full": "full: nothing frozen",
    "cpu": "preset `cpu`",
    "lora-8": "`cpu` with `--lora 8 --learning-rate 1e-3`",
    "lora-16": "`cpu` with `--lora 16 --learning-rate 1e-3`",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EqualTime:
    """What all ways have in common: `seconds` of training from `model` on `data`, `n` questions of each test."""

    seconds: float = 120.0
    n: int = 300
    model: str = "bundled:e5-small"
    data: str = "squad:train"
    tests: tuple[str, ...] = TESTS
    settings: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> Row:
        """As columns of the file."""
        settings = " ".join(f"{name}={value}" for name, value in sorted(self.settings.items()))
        told: Row = {"seconds_asked": self.seconds, "n": self.n, "model": self.model, "data": self.data}
        return told | {"settings": settings, "cpu": machine()["cpu"], "cores": usable_cores()}


def timed(asked: EqualTime, way: str) -> Row:
    """A training of a fifth of the time, at a guess: how many questions are learnt in a second."""
    with tempfile.TemporaryDirectory() as folder:
        _, run = _train(asked, way, 0, max(16, round(2 * asked.seconds)), Path(folder) / "reader")
    return {"rate": run["asked"] / run["seconds"]}


def trained(asked: EqualTime, way: str, seed: int, questions: int) -> Row:
    """A training with its measurements, and F1 on each test."""
    from polyspan.prediction import predict
    from polyspan.score import score

    with tempfile.TemporaryDirectory() as folder:
        reader, run = _train(asked, way, seed, questions, Path(folder) / "reader")
        row: Row = {"way": way, "seed": seed, "questions": questions}
        row |= {name: run[name] for name in ("windows", "steps", "seconds")}
        row["windows_per_second"] = round(run["learnt"] / run["seconds"], 2)
        row["peak_mb"] = round(peak_megabytes())
        files = [path for path in (Path(folder) / "reader").rglob("*") if path.is_file()]
        row["folder_mb"] = round(sum(path.stat().st_size for path in files) / 1e6, 1)
    for name in asked.tests:
        test = sample(corpus(name), asked.n, seed=1)
        row[f"f1_{name}"] = round(score(test, predict(reader, test).texts).f1, 2)
        row[f"n_{name}"] = len(test)
    return row | {"trained": _trained_numbers(asked, way)} | asked.told()


def _train(asked: EqualTime, way: str, seed: int, questions: int, folder: Path) -> tuple[Any, Row]:
    """A Reader that has learnt from so many questions, in several passes where there are fewer, and its record."""
    from polyspan.training.loop import train

    given = corpus(asked.data)
    passes = max(1.0, questions / len(given))
    limit, never = min(questions, len(given)), float("inf")
    settings = _settings(asked, way, passes)
    reader = train([given], asked.model, folder, settings, seed=seed, limit=limit, checkpoint_seconds=never)
    run: Row = json.loads((folder / "run.json").read_text("utf-8"))
    return reader, run | {"asked": limit * passes, "learnt": run["windows"] * passes}


def _settings(asked: EqualTime, way: str, passes: float) -> Any:
    from polyspan.training.settings import preset

    return preset("cpu", **{"epochs": passes, **WAYS[way], **asked.settings})


def _trained_numbers(asked: EqualTime, way: str) -> int:
    """How many numbers of the model a way changes; of the word embeddings all, though those that occur move."""
    from polyspan.model.encoders.base import base_of
    from polyspan.model.reader import Reader
    from polyspan.training.lora import add_adapter
    from polyspan.training.optimizer import prepare

    settings = _settings(asked, way, 1.0)
    model = Reader.load(asked.model, settings.windows).model
    prepare(model, settings)
    if settings.lora is not None:
        add_adapter(model, settings, base_of(asked.model), 0)
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def measured(asked: EqualTime, ways: Sequence[str], seeds: Sequence[int], file: Path) -> list[Row]:
    """The rows of a file, with those that it lacks made and written one by one.

    Raises UsageError where the file has another comparison.
    """
    rows: list[Row] = csv_rows(file) if file.is_file() else []
    told = {name: str(value) for name, value in asked.told().items()}
    if other := [name for row in rows for name, value in told.items() if str(row[name]) != value]:
        found = f"{other[0]} {rows[0][other[0]]}, asked for {told[other[0]]}"
        raise UsageError("the file has another comparison", where=str(file), found=found, fix="another folder")
    size = {row["way"]: int(row["questions"]) for row in rows}
    known = {(row["way"], int(row["seed"])) for row in rows}
    for way in ways:
        if way not in size and any((way, seed) not in known for seed in seeds):
            size[way] = max(1, int(asked.seconds * _alone(timed, asked, way)["rate"]))
    for seed in seeds:  # a slow minute of the machine meets all ways
        for way in ways:
            if (way, seed) not in known:
                rows.append(_alone(trained, asked, way, seed, size[way]))
                write_text(file, csv_text(rows))
    return csv_rows(file)


def _alone(work: Callable[..., Row], *given: Any) -> Row:
    """Done in a process of its own, which has its own peak of memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def fine_tuning_table(rows: Sequence[Row]) -> str:
    """A line for each way: means over seeds, of F1 with their standard deviation; below it what they are of."""
    tests = [name.removeprefix("f1_") for name in rows[0] if name.startswith("f1_")]
    first = rows[0]
    head = ["", "numbers trained", "questions", "windows/s", "seconds", "peak memory", "folder", *tests]
    lines = []
    for way in dict.fromkeys(row["way"] for row in rows):
        own = [row for row in rows if row["way"] == way]
        mean = {name: statistics.mean(float(row[name]) for row in own) for name in _MEANS}
        line = [_NAMES.get(way, way), f"{int(own[0]['trained']):,}", f"{int(own[0]['questions']):,}"]
        line += [f"{mean['windows_per_second']:.1f}", f"{mean['seconds']:.0f}", f"{mean['peak_mb']:,.0f} MB"]
        line.append(f"{mean['folder_mb']:,.1f} MB")
        line += [_spread([float(row[f"f1_{test}"]) for row in own]) for test in tests]
        lines.append(line)
    seeds = ", ".join(dict.fromkeys(str(row["seed"]) for row in rows))
    asked = ", ".join(dict.fromkeys(str(row[f"n_{test}"]) for row in rows for test in tests))
    more = f", all with {first['settings']}" if first["settings"] else ""
    text = table(head, lines, len(head) - 1)
    return (
        f"{text}\nF1: mean ± standard deviation over the seeds {seeds}; {asked} questions of each test. Every "
        f"training had {float(first['seconds_asked']):g} seconds, from `{first['model']}` on {first['data']}"
        f"{more}. Machine: {first['cpu']}, {first['cores']} cores.\n"
    )


_MEANS = ("windows_per_second", "seconds", "peak_mb", "folder_mb")


def _spread(values: Sequence[float]) -> str:
    mean = f"{statistics.mean(values):.1f}"
    return f"{mean} ± {statistics.stdev(values):.1f}" if len(values) > 1 else mean


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m polyspan.bench.fine_tuning", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for lora.csv")
    parser.add_argument("--seconds", type=float, default=120.0, help="of each training (120)")
    parser.add_argument("--questions", type=int, default=300, help="answered of each test (300)")
    parser.add_argument("--seed", type=int, action="append", help="42, 43 and 44 unless named")
    parser.add_argument("--way", action="append", choices=tuple(WAYS), help="all unless named")
    parser.add_argument("--model", default="bundled:e5-small")
    parser.add_argument("--data", default="squad:train", help="to learn from (squad:train)")
    parser.add_argument(
        "--test", action="append", help="XQuAD in English, Chinese, Spanish and Arabic unless named"
    )
    parser.add_argument("--set", action="append", default=[], help="a setting of all ways, such as max_length=256")
    parser.add_argument("--page", type=Path, help="a page whose table is to be this one")
    given = parser.parse_args(arguments)
    settings = {name: _value(value) for name, _, value in (one.partition("=") for one in given.set)}
    tests = tuple(given.test or TESTS)
    asked = EqualTime(given.seconds, given.questions, given.model, given.data, tests, settings)
    rows = measured(asked, given.way or list(WAYS), given.seed or [42, 43, 44], given.out / "lora.csv")
    show(fine_tuning_table(rows), given.page, "fine-tuning")


def _value(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)


if __name__ == "__main__":
    main()
