"""The transfer matrix: train on each language, test on each, as in Table 2 of Hsu, Liu & Lee (2019)."""

import hashlib
import json
import platform
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from polyspan.data.sample import sample
from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.files import Source, require_writable, write_json
from polyspan.model.reader import Reader
from polyspan.prediction import predict
from polyspan.score import Scores, default_metric, score
from polyspan.score.baseline import lexical_baseline
from polyspan.training.loop import train
from polyspan.training.settings import TrainSettings
from polyspan.training.versions import versions

_EXAMPLES = 4  # shown for each test set


def transfer_matrix(
    training: Mapping[str, Sequence[Corpus]],
    tests: Sequence[Corpus],
    model: str,
    out: Source,
    settings: TrainSettings,
    *,
    seed: int = 42,
    limit: int | None = None,
    test_limit: int | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Train a Reader on each of the named sets of corpora, answer each test set, and score by its own metric.

    `limit` and `test_limit` sample that many questions of each corpus by the seed. Beside each score stand the
    lexical baseline's and that of the same encoder with an untrained head. Everything is kept in the folder
    `out`: `readers/`, `predictions/` ({id: text}), `spans/` and `report.json`, whose content is returned. A
    killed run goes on where it was: finished readers and predictions are used again.
    """
    out = Path(out)
    if not (out / "predictions").is_dir():
        require_writable(out, folder=True)
    if test_limit is not None:
        tests = [sample(test, test_limit, seed) for test in tests]
    if len({test.name for test in tests}) < len(tests):
        raise UsageError("two test sets have one name", found=", ".join(test.name for test in tests))
    head = [model, seed, asdict(settings.windows)]
    cells = [_Cell("untrained", test, out, head) for test in tests]
    fresh = [cell.kept() or cell.answered(Reader.load(model, settings.windows, seed)) for cell in cells]
    untrained = [_scores(each["texts"], test) for test, each in zip(tests, fresh, strict=True)]
    baselines = [_scores(lexical_baseline(test), test) for test in tests]
    rows, runs, examples = [], [], []
    seconds = {
        f"predict untrained → {test.name}": each["seconds"] for test, each in zip(tests, fresh, strict=True)
    }
    for name, corpora in training.items():
        folder = out / "readers" / _slug(name)
        reader = train(corpora, model, folder, settings, seed=seed, limit=limit, resume=True)
        run = json.loads((folder / "run.json").read_text("utf-8"))
        runs.append({"name": name, "folder": str(folder.relative_to(out))} | run)
        chosen = [run[key] for key in ("model", "data", "settings", "seed", "limit", "weights")]
        for test, baseline, without in zip(tests, baselines, untrained, strict=True):
            cell = _Cell(name, test, out, chosen)
            answered = cell.kept() or cell.answered(reader)
            scores = _scores(answered["texts"], test)
            rows.append(_row(name, test, seed, scores, baseline, without))
            examples += _examples(name, test, answered, scores, seed)
            seconds[f"predict {name} → {test.name}"] = answered["seconds"]
        del reader
    timing = {f"train {run['name']}": run["seconds"] for run in runs} | seconds
    timing["total"] = round(sum(timing.values()), 1)
    report = {
        "matrix": rows,
        "timing": timing,
        "versions": versions(),
        "machine": machine(),
        "command": command,
        "training": runs,
        "tests": [_described(test) for test in tests],
        "examples": examples,
    }
    write_json(out / "report.json", report)
    return report


@dataclass(frozen=True, slots=True)
class _Cell:
    """One Reader on one test set; `chosen` is all that decides the answers besides the test set."""

    name: str
    test: Corpus
    out: Path
    chosen: Any

    @property
    def paths(self) -> tuple[Path, Path]:
        """Where the answers are kept, as {id: text}, and where their spans and the key are."""
        name = f"{_slug(self.name)}--{_slug(self.test.name)}.json"
        return self.out / "predictions" / name, self.out / "spans" / name

    def key(self) -> str:
        """Tells whether kept answers are those of this very cell."""
        content = json.dumps([self.chosen, self.test.fingerprint(), versions()], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def kept(self) -> dict[str, Any] | None:
        """Texts and spans by question id from the disk, where this very cell was answered before."""
        if not all(path.is_file() for path in self.paths):
            return None
        texts, found = (json.loads(path.read_text("utf-8")) for path in self.paths)
        return {"texts": texts, **found} if found["key"] == self.key() else None

    def answered(self, reader: Reader) -> dict[str, Any]:
        """Answer the test set, and keep what comes out."""
        began = time.monotonic()
        predictions = predict(reader, self.test)
        spans = {name: [found[0].start, found[0].end] for name, found in predictions.candidates.items()}
        seconds = round(time.monotonic() - began, 1)
        found = {"key": self.key(), "seconds": seconds, "spans": spans}
        texts, other = self.paths
        write_json(texts, predictions.texts)
        write_json(other, found)
        return {"texts": predictions.texts, **found}


def _scores(texts: Mapping[str, str], test: Corpus) -> Scores:
    return score(test, texts, test.metric or default_metric(test.language), test.language)


def _row(
    name: str, test: Corpus, seed: int, scores: Scores, baseline: Scores, untrained: Scores
) -> dict[str, Any]:
    return {
        "train": name,
        "test": test.name,
        "language": test.language,
        "metric": scores.metric,
        "seed": seed,
        "n": scores.n,
        "exact_match": round(scores.exact_match, 3),
        "f1": round(scores.f1, 3),
        "baseline_f1": round(baseline.f1, 3),
        "untrained_f1": round(untrained.f1, 3),
    }


def _examples(
    name: str, test: Corpus, answered: dict[str, Any], scores: Scores, seed: int
) -> list[dict[str, Any]]:
    """A few questions drawn by the seed, right or wrong, with everything needed to show them."""
    questions = list(test.questions())
    drawn = random.Random(seed).sample(questions, min(_EXAMPLES, len(questions)))
    return [
        {
            "train": name,
            "test": test.name,
            "language": test.language,
            "id": question.id,
            "context": paragraph.context,
            "question": question.text,
            "gold": [[answer.start, answer.end] for answer in question.answers],
            "predicted": list(answered["spans"][question.id]),
            "exact_match": float(scores.questions[question.id].exact_match),
            "f1": round(scores.questions[question.id].f1, 3),
        }
        for paragraph, question in drawn
    ]


def _described(test: Corpus) -> dict[str, Any]:
    return {
        "name": test.name,
        "language": test.language,
        "metric": test.metric or default_metric(test.language),
        "questions": len(test),
        "sha256": test.fingerprint(),
    }


def machine() -> dict[str, Any]:
    """The machine in words, for reports."""
    import os

    import torch

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text("utf-8").splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "gpu": gpu,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _slug(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in name)
