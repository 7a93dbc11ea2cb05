"""The rows of the benchmark: what is compared, how a ratio and its noise come from pairs of turns."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from polyspan.bench import arithmetic, makers, probes
from polyspan.bench import cached_report as cached
from polyspan.bench import overhead as lab
from polyspan.bench import solvers as alignment
from polyspan.bench.busy import busy
from polyspan.bench.material import SCALES
from polyspan.bench.page_table import table
from polyspan.bench.runtimes import runtimes, runtimes_table
from polyspan.bench.worker import Worker
from polyspan.errors import UsageError
from polyspan.lab.machine import machine
from polyspan.model.fast.precision import has_bf16
from polyspan.progress import progress
from polyspan.training.versions import versions

GOALS = {
    "windows_squad": 6.0,
    "windows_drcd": 6.0,
    "decode": 30.0,
    "predict_xquad": 3.0,
    "predict_korquad": 3.0,
    "predict_xquad_bf16": 3.0,
    "predict_korquad_bf16": 3.0,
    "train_same_settings": 4.5,
    "train_well_set_up": 1.25,
    "train_cpu_preset": 14.0,
    "arithmetic_rate": 0.72,
    "train_beside_busy": 0.45,
    "train_sleeping": 0.95,
    "score_squad": 1.0,
    "recover": 1000.0,
    "permute_words": 100_000.0,
    "codeswitch_words": 100_000.0,
    "reorder_words": 50_000.0,
    "svcca": 10.0,
    "csls": 2.0,
}
"""The least ratio that each row is to reach, or, without a peer, the least speed."""
LIMITS = {
    "probe_overhead": 1.15,
    "predict_memory": 1.1,
    "help_cold": 0.35,
    "score_cold": 0.6,
    "ask_cold": 1.5,
    "train_memory": 2500.0,
    "lab_overhead": 5.0,
    "plan": 2.0,
    "cached_report": 10.0,
}
"""The greatest ratio that a row may have, or, without one, the greatest value of ours."""

_SHARED = {
    "windows_squad": ("windows", "squad:dev"),
    "windows_drcd": ("windows", "drcd:dev"),
    "decode": ("decode",),
    "score_squad": ("score",),
}
_ANSWERED = {"predict_xquad": "xquad:en", "predict_korquad": "korquad:dev"}
Turn = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BenchRow:
    """Medians of both sides in `unit`, the median of the pairs' ratios, and how far the pairs stray from it.

    `noise` is the median deviation of the ratios, scaled to a standard deviation, as a share of their median.
    """

    name: str
    ours: float
    peer: float | None
    ratio: float | None
    noise: float | None
    unit: str
    goal: float | None = None
    limit: float | None = None
    pairs: int = 0
    notes: dict[str, Any] = field(default_factory=dict)


def bench(scale: str = "quick", model: str = "bundled:e5-small") -> dict[str, Any]:
    """Measure both sides in turns; returns `{"machine", "rows", …}` as `polyspan bench --json` prints it.

    Needs the corpora (POLYSPAN_DATA, or a network) and the package `datasets`, which the peer's way goes through.
    """
    if scale not in SCALES:
        raise UsageError(f"no scale {scale!r}", expected=" or ".join(SCALES))
    try:
        import datasets  # noqa: F401
        import fuzzysearch  # type: ignore  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "the peers are datasets and fuzzysearch", found=str(error), fix="pip install datasets fuzzysearch"
        ) from error
    began = time.monotonic()
    workers = {
        "ours": Worker("ours", model, scale),
        "trainer": Worker("ours", model, scale),
        "peer": Worker("peer", model, scale),
        "well": Worker("peer", model, scale, raised=True),
    }
    try:
        turns = _take_turns(workers, SCALES[scale].pairs)
    finally:
        for worker in workers.values():
            worker.close()
    pairs = SCALES[scale].pairs
    rows = [*_rows(turns), *_maker_rows(pairs), *_cold_rows(), _memory_row()]
    rows += _busy_rows(busy(pairs, model, scale))
    rows += [*_probe_rows(pairs, model, scale), *_lab_rows(pairs)]  # last: a child inherits its parent's peak
    return {
        "machine": machine()
        | {"threads": torch.get_num_threads(), "versions": versions()}
        | {"sgemm": median(turns["sgemm"]), "copy_gb_s": arithmetic.copy_rate()},
        "rows": [asdict(row) for row in rows],
        "scale": scale,
        "model": model,
        "runtimes": runtimes() if scale == "full" else [],
        "seconds": round(time.monotonic() - began, 1),
    }


def _take_turns(workers: dict[str, Worker], pairs: int) -> dict[str, list[Any]]:
    """Everything once a round, one side after the other, so that a slow minute of the machine meets both."""
    tasks: dict[str, tuple[str, ...]] = {}  # label → worker, what it is to do
    for name, what in _SHARED.items():
        tasks[f"ours {name}"], tasks[f"peer {name}"] = ("ours", *what), ("peer", *what)
    for name, corpus in _ANSWERED.items():
        tasks[f"ours {name}"] = ("ours", "predict", corpus, "fp32")
        tasks[f"peer {name}"] = ("peer", "predict", corpus)
        if has_bf16():
            tasks[f"ours {name}_bf16"] = ("ours", "predict", corpus, "bf16")
    tasks |= {
        "same": ("trainer", "train", "same"),
        "padded": ("peer", "train", "padded"),
        "bucketed": ("well", "train", "bucketed"),
        "cpu": ("ours", "train", "cpu"),
    }
    for worker in workers.values():
        worker.send("load")
    for worker in workers.values():
        worker.receive("load")
    for name, (side, *once) in tasks.items():  # once unmeasured: caches, thread pools, fresh memory
        if name != "padded" and "korquad" not in name:
            workers[side].call(*once, 10_000)
    turns: dict[str, list[Any]] = {name: [] for name in [*tasks, "sgemm"]}
    with progress("measuring in turns", pairs * len(tasks), "turns") as advance:
        for turn in range(pairs):
            for name, (side, *work) in tasks.items():
                turns[name].append(workers[side].call(*work, turn))
                advance(1, name)
            turns["sgemm"].append(arithmetic.sgemm())  # right after the preset's steps, which it is compared with
    turns["missed"] = [workers["ours"].call("missed", 0)]
    return turns


def _rows(turns: dict[str, list[Any]]) -> list[BenchRow]:
    rows = [
        _compared(name, turns[f"ours {name}"], turns[f"peer {name}"], unit)
        for name, unit in (
            ("windows_squad", "windows/s"),
            ("windows_drcd", "windows/s"),
            ("decode", "windows/s"),
            ("score_squad", "questions/s"),
        )
    ]
    scores = {tuple(round(value, 6) for value in turn["scores"]) for turn in turns["ours score_squad"]}
    scores |= {tuple(round(value, 6) for value in turn["scores"]) for turn in turns["peer score_squad"]}
    rows[-1].notes.update(
        seconds=median(turn["seconds"] for turn in turns["ours score_squad"]), equal=len(scores) == 1
    )
    for name in (*_ANSWERED, *(f"{name}_bf16" for name in _ANSWERED)):
        if ours := turns.get(f"ours {name}"):
            theirs = turns[f"peer {name.removesuffix('_bf16')}"]
            rows.append(_compared(name, ours, theirs, "questions/s"))
            rows[-1].notes.update(_agreement(ours, theirs))
    missed = turns["missed"][0]
    rows.append(
        BenchRow("decode_missed", missed["ours"], missed["peer"], None, None, f"of {missed['count']} windows")
    )
    trained = "windows/s"
    rows += [
        _compared("train_same_settings", turns["same"], turns["padded"], trained),
        _compared("train_well_set_up", turns["same"], turns["bucketed"], trained),
        _compared("train_cpu_preset", turns["cpu"], turns["padded"], trained),
    ]
    rates = [turn["rate"] for turn in turns["cpu"]]
    rows.append(_row("arithmetic_rate", rates, turns["sgemm"], "GFLOP/s"))
    ours, theirs = (turns[name][-1]["peak"] for name in ("same", "padded"))
    rows.append(BenchRow("train_memory", ours, theirs, None, None, "MB", limit=LIMITS["train_memory"]))
    return rows


def _busy_rows(turns: list[dict[str, float]]) -> list[BenchRow]:
    """Training beside busy cores to training on quiet ones; there, threads that sleep to threads that spin."""
    rates = {name: [turn[name] for turn in turns] for name in turns[0]}
    return [
        _row("train_beside_busy", rates["beside"], rates["sleeping"], "windows/s"),
        _row("train_sleeping", rates["sleeping"], rates["spinning"], "windows/s"),
    ]


def _maker_rows(pairs: int) -> list[BenchRow]:
    """The makers of artificial corpora: recovery against fuzzysearch, the others in words a second on one core."""
    turns = [makers.recover(turn) for turn in range(pairs)]
    recover = _row(
        "recover", [1 / turn["ours"] for turn in turns], [1 / turn["peer"] for turn in turns], "answers/s"
    )
    recover.notes["worse"] = sum(turn["worse"] for turn in turns)
    rows = [recover]
    for measure in (makers.permute_words, makers.codeswitch_words, makers.reorder_words):
        speeds = [speed for speed in map(measure, range(pairs)) if speed is not None]
        if speeds:
            name = measure.__name__
            goal = GOALS[name]
            rows.append(BenchRow(name, median(speeds), None, None, None, "words/s", goal, pairs=len(speeds)))
    return rows


def _probe_rows(pairs: int, model: str, scale: str) -> list[BenchRow]:
    """The probes and the search for neighbours; `probe_overhead` is the time of all layers over a plain pass."""
    turns = [probes.svcca(turn) for turn in range(pairs)]
    svcca = _row("svcca", [1 / turn["ours"] for turn in turns], [1 / turn["peer"] for turn in turns], "studies/s")
    svcca.notes["apart"] = max(turn["apart"] for turn in turns)
    turns = [alignment.csls(turn, alignment.WORDS[scale]) for turn in range(pairs)]
    csls = _row("csls", [turn["ours"] for turn in turns], [turn["peer"] for turn in turns], "words/s")
    csls.notes.update(words=alignment.WORDS[scale], different=sum(turn["different"] for turn in turns))
    turns = [probes.probe_overhead(turn, model) for turn in range(pairs)]
    overhead = _row("probe_overhead", [t["all_layers"] for t in turns], [t["plain"] for t in turns], "s")
    return [svcca, csls, overhead]


def _lab_rows(pairs: int) -> list[BenchRow]:
    """The lab's own time: 200 stages that do nothing, a plan of 5,000, and the paper's report from a store."""
    rows = []
    for measure in (lab.lab_overhead, lab.plan):
        seconds, name = [measure(turn) for turn in range(pairs)], measure.__name__
        rows.append(BenchRow(name, median(seconds), None, None, None, "s", limit=LIMITS[name], pairs=pairs))
    first, again = cached.cached_report()
    rows.append(BenchRow("cached_report", again, None, None, None, "s", limit=LIMITS["cached_report"], pairs=1))
    rows[-1].notes["new_folder"] = first
    return rows


def _compared(name: str, ours: list[Turn], theirs: list[Turn], unit: str) -> BenchRow:
    one, two = ([turn["count"] / turn["seconds"] for turn in turns] for turns in (ours, theirs))
    return _row(name, one, two, unit)


def _row(name: str, ours: list[float], theirs: list[float], unit: str) -> BenchRow:
    ratios = [one / two for one, two in zip(ours, theirs, strict=True)]
    middle = median(ratios)
    noise = 1.4826 * median(abs(ratio - middle) for ratio in ratios) / middle
    found = BenchRow(name, median(ours), median(theirs), middle, noise, unit, pairs=len(ratios))
    return replace(found, goal=GOALS.get(name), limit=LIMITS.get(name))


def _agreement(ours: list[Turn], theirs: list[Turn]) -> dict[str, int]:
    """How the answers compare: the same text, else an equal score, else a better span on our side, else other."""
    counts = {"same": 0, "tied": 0, "better": 0, "other": 0}
    for one, two in zip(ours, theirs, strict=True):
        for key, (text, score) in one["answers"].items():
            text_there, score_there = two["answers"][key]
            if text.strip() == text_there.strip():
                counts["same"] += 1
            elif abs(score - score_there) < 1e-4:
                counts["tied"] += 1
            else:
                counts["better" if score > score_there else "other"] += 1
    return counts


def _cold_rows(times: int = 5) -> list[BenchRow]:
    """A command from its start to its end, without anything in memory but the files' pages."""
    folder = Path(tempfile.mkdtemp())
    try:
        data, answers = folder / "ten.json", folder / "answers.json"
        _ten_questions(data, answers)
        commands = {
            "help_cold": ["--help"],
            "score_cold": ["score", str(data), str(answers), "--metric", "squad.v1", "--language", "en", "--json"],
        }
        rows = []
        for name, arguments in commands.items():
            spent = [_seconds(_polyspan(*arguments)) for _ in range(times)]
            rows.append(BenchRow(name, median(spent), None, None, None, "s", limit=LIMITS[name], pairs=times))
        page = folder / "page.txt"
        page.write_text("The mill at Arnfeld was built in 1840 by Bente Roos. It ground rye until 1951.")
        asking = _polyspan("ask", "When was the mill built?", str(page))
        _seconds(asking)  # once unmeasured: what is bundled is unpacked
        importing = [sys.executable, "-c", "import torch, transformers"]
        turns = [(_seconds(asking), _seconds(importing)) for _ in range(times)]
        return [*rows, _row("ask_cold", [ours for ours, _ in turns], [peer for _, peer in turns], "s")]
    finally:
        shutil.rmtree(folder)


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _ten_questions(data: Path, answers: Path) -> None:
    import json

    from polyspan.data.mini import load
    from polyspan.data.sample import sample
    from polyspan.data.write import write

    given = sample(load("en", "test"), 10)
    write(given, data)
    answers.write_text(json.dumps({question.id: question.answers[0].text for _, question in given.questions()}))


def _polyspan(*arguments: str) -> list[str]:
    beside = Path(sys.executable).parent / "polyspan"
    return [str(beside) if beside.exists() else "polyspan", *arguments]


def _memory_row() -> BenchRow:
    """Peak memory of `predict` on 20,000 windows and on 2,000, with a tiny encoder."""
    peaks = []
    for windows in (20_000, 2_000):
        command = [sys.executable, "-m", "polyspan.bench.peak_memory", str(windows)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
        peaks.append(float(done.stdout))
    unit, limit = "MB, 20,000 and 2,000 windows", LIMITS["predict_memory"]
    return BenchRow("predict_memory", peaks[0], peaks[1], peaks[0] / peaks[1], None, unit, limit=limit)


def markdown(result: dict[str, Any]) -> str:
    """The rows as a Markdown table, and below it what a trained Reader does in several runtimes."""
    lines = []
    for row in result["rows"]:
        shown = [_shown(row[name]) for name in ("ours", "peer", "ratio")]
        noise = "" if row["noise"] is None else f"±{100 * row['noise']:.0f} %"
        bounds = (("≥", row["goal"]), ("≤", row["limit"]))
        goal = " ".join(f"{sign} {value:g}" for sign, value in bounds if value is not None)
        lines.append([row["name"], *shown, noise, goal, row["unit"]])
    text = table(["what", "ours", "peer", "ratio", "noise", "goal", "unit"], lines)
    return f"{text}\n{runtimes_table(result['runtimes'])}" if result.get("runtimes") else text


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
