"""The same trained Reader in what people could run it with: speed, latency, memory, equal answers, installed size.

`python -m polyspan.bench.runtimes docs/benchmarks` writes `runtimes.csv` and prints it as a table; `--page
docs/benchmarks.md` puts that into the page. Each way is a process of its own; all take turns in one run, so that a
slow minute of the machine meets all of them. The old pipeline and OpenVINO have environments of their own, made at
the first run or named by POLYSPAN_BENCH_ENVIRONMENTS; what cannot be had is left out with a remark.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from polyspan.bench import plain_peer
from polyspan.bench.environments import packages_of, python_of
from polyspan.bench.material import questions
from polyspan.bench.page_table import show, table
from polyspan.errors import PolyspanError
from polyspan.files import csv_rows, csv_text, write_text
from polyspan.lab.machine import machine, usable_cores
from polyspan.model.fast.own_process import CHOICES, SLEEPING
from polyspan.model.fast.precision import has_bf16
from polyspan.model.onnx.exported import GRAPH
from polyspan.progress import progress

TESTS = ("xquad:en", "xquad:zh")
WAYS = {
    "fp32": "**polyspan**",
    "bf16": "**polyspan** `--dtype bf16`",
    "exported": "**polyspan**, exported",
    "exported-int8": "**polyspan**, exported `--int8`",
    "exported-openvino": "**polyspan**, exported `--runtime openvino --bf16`",
    "pipeline": "transformers 4.57, `pipeline`",
    "onnxruntime": "onnxruntime by hand",
    "onnxruntime-int8": "onnxruntime by hand, `quantize_dynamic`",
    "openvino-fp32": "OpenVINO by hand, float32",
    "openvino": "OpenVINO by hand, as it is by itself",
}
_SAVED = ("fp32", "bf16", "pipeline")
_EXPORTS: dict[str, dict[str, Any]] = {
    "exported": {"precision": "fp32"},
    "exported-int8": {"precision": "int8"},
    "exported-openvino": {"precision": "bf16", "runtime": "openvino"},
}

Row = dict[str, Any]


class Way:
    """One way of answering, in a process that waits for lists of questions with their contexts."""

    def __init__(self, name: str, folders: Path) -> None:
        """Raises PolyspanError where its environment cannot be had."""
        ours = name in ("fp32", "bf16", *_EXPORTS)
        folder = folders / ("saved" if name in _SAVED else name if name in _EXPORTS else "exported")
        environment = {key: value for key, value in os.environ.items() if key not in ("OMP_NUM_THREADS", *CHOICES)}
        environment |= {"CUDA_VISIBLE_DEVICES": "", **(SLEEPING if ours else {})}
        python, elsewhere = Path(sys.executable), None
        if "openvino" in name:
            elsewhere = python_of("openvino", ["openvino", "tokenizers", "numpy"])
        elif name == "pipeline":
            torch = f"torch=={version('torch').split('+')[0]}"
            elsewhere = python_of("transformers-4", ["transformers==4.57.6", torch])
        more = [packages_of(elsewhere)] if ours and elsewhere else []
        python = python if ours else elsewhere or python
        program = ["-m", "polyspan.bench.runtime_ours"] if ours else [plain_peer.__file__]
        command: list[str | Path] = [python, *program, name, folder, *more]
        self.name, pipe = name, subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True)

    def call(self, pairs: Sequence[plain_peer.Pair]) -> dict[str, Any]:
        """Texts, seconds and the peak of memory. Raises PolyspanError where the process ended instead."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            print(json.dumps(pairs), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PolyspanError(f"{self.name} ended while it answered", found="see the lines above")
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()


def written(reader: str, folders: Path) -> None:
    """A Reader saved and exported into `folders`, but for what lies there already."""
    from onnxruntime.quantization import quantize_dynamic

    from polyspan.model.export.exporting import as_exported, write_export
    from polyspan.model.reader import Reader

    if not (folders / "saved").exists():
        Reader.load(reader).save(folders / "saved")
    for name, options in _EXPORTS.items():
        if not (folders / name).exists():
            (folders / name).mkdir(parents=True)
            write_export(as_exported(reader), folders / name, **options)
    whole, rounded = folders / "exported" / GRAPH, folders / "exported" / plain_peer.ROUNDED
    if not rounded.exists():
        quantize_dynamic(whole, rounded, op_types_to_quantize=["MatMul", "Gather"])  # it fails on Attention


def runtimes(
    reader: str = "bundled:reader",
    ways: Sequence[str] = tuple(WAYS),
    tests: Sequence[str] = TESTS,
    n: int = 32,
    turns: int = 3,
    folders: Path | None = None,
) -> list[Row]:
    """A row for each way: `n` questions of each test in a turn, and as many as in two turns one by one.

    `folders` keeps what is written of the Reader. A way that cannot be had here is left out, with a remark.
    """
    if folders is None:
        with tempfile.TemporaryDirectory() as place:
            return runtimes(reader, ways, tests, n, turns, Path(place))
    written(reader, folders)
    begun: list[Way] = []
    try:
        for name in ways:
            if name != "bf16" or has_bf16():
                with _left_out(name):
                    begun.append(Way(name, folders))
        installed = {}
        for way in begun:
            with _left_out(way.name):
                way.call(_pairs(tests[0], 8, 1000))  # once unmeasured
                installed[way] = round(way.call([])["installed"])
        return _measured(installed, tests, n, turns)
    finally:
        for way in begun:
            way.close()


@contextlib.contextmanager
def _left_out(name: str) -> Iterator[None]:
    """Tell what fails, and go on without it."""
    try:
        yield
    except PolyspanError as error:
        print(f"left out {name}: {error}", file=sys.stderr)


def _measured(installed: Mapping[Way, int], tests: Sequence[str], n: int, turns: int) -> list[Row]:
    ways = list(installed)
    rows: dict[str, Row] = {way.name: {"way": way.name, "installed_mb": size} for way, size in installed.items()}
    texts: dict[str, list[str]] = {way.name: [] for way in ways}
    with progress("answering in turns", (len(tests) * turns + 1) * len(ways), "turns") as advance:
        for test in tests:
            rates: dict[str, list[float]] = {way.name: [] for way in ways}
            for turn in range(turns):
                pairs = _pairs(test, n, turn)
                for way in ways:
                    told = way.call(pairs)
                    rates[way.name].append(len(pairs) / told["seconds"])
                    texts[way.name] += told["texts"]
                    advance(1, way.name)
            for way in ways:
                rows[way.name][f"rate_{test}"] = round(median(rates[way.name]), 2)
        waited: dict[str, list[float]] = {way.name: [] for way in ways}
        for pair in _pairs(tests[0], 2 * n, 2000):
            for way in ways:
                told = way.call([pair])
                waited[way.name].append(1000 * told["seconds"])
                rows[way.name]["peak_mb"] = round(told["peak"])
        advance(len(ways), "one by one")
    first = [text.strip() for text in texts[ways[0].name]]
    for way in ways:
        cuts = quantiles(waited[way.name], n=20, method="inclusive")
        rows[way.name] |= {"p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1)}
        equal = sum(one == other.strip() for one, other in zip(first, texts[way.name], strict=True))
        rows[way.name] |= {"same": round(100 * equal / len(first), 1), "n": len(first), "turns": turns}
        rows[way.name] |= {"cpu": machine()["cpu"], "cores": usable_cores()}
    return list(rows.values())


def _pairs(test: str, n: int, seed: int) -> list[plain_peer.Pair]:
    return [(question.text, paragraph.context) for paragraph, question in questions(test, n, seed).questions()]


def runtimes_table(rows: Sequence[Row]) -> str:
    """A line for each way."""
    tests = [name.removeprefix("rate_") for name in rows[0] if name.startswith("rate_")]
    head = ["answered by", *(f"{test}, questions/s" for test in tests), "one question, p50 / p95", "peak memory"]
    lines = []
    for row in rows:
        speeds = [f"{float(row[f'rate_{test}']):.1f}" for test in tests]
        wait = f"{float(row['p50_ms']):.0f} / {float(row['p95_ms']):.0f} ms"
        sizes = [f"{float(row[name]):,.0f} MB" for name in ("peak_mb", "installed_mb")]
        lines.append([WAYS[row["way"]], *speeds, wait, *sizes, f"{float(row['same']):.0f} %"])
    first = rows[0]
    text = table([*head, "installed", "same answers"], lines, len(head) + 1)
    return (
        f"{text}\nMedian of {first['turns']} turns; one question at a time from {tests[0]}; the share of "
        f"{first['n']} answers that are those of line 1. Machine: {first['cpu']}, {first['cores']} cores.\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m polyspan.bench.runtimes", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for runtimes.csv")
    parser.add_argument("--reader", default="bundled:reader", help="what answers (bundled:reader)")
    parser.add_argument("--way", action="append", choices=tuple(WAYS), help="all unless named")
    parser.add_argument("--test", action="append", help="XQuAD in English and Chinese unless named")
    parser.add_argument("--questions", type=int, default=32, help="of each test in a turn (32)")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder that keeps what is exported for the next time")
    parser.add_argument("--page", type=Path, help="a page whose table is to be this one")
    given = parser.parse_args(arguments)
    ways, tests = given.way or tuple(WAYS), given.test or TESTS
    rows = runtimes(given.reader, ways, tests, given.questions, given.turns, given.keep)
    file = given.out / "runtimes.csv"
    write_text(file, csv_text(rows))
    show(runtimes_table(csv_rows(file)), given.page, "runtimes")


if __name__ == "__main__":
    main()
