"""A turn of the report: the whole paper at full size, every stage in the store, and the report made anew.

What the stages would have left is made up: corpora of the true sizes, scores drawn at random, figures of one
pixel.
"""

import base64
import functools
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.files import write_json
from polyspan.lab.outputs import READER
from polyspan.lab.plan.data_facts import facts
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.run import run
from polyspan.lab.stage import Stage
from polyspan.lab.store.store import Store
from polyspan.lab.work.corpus import about
from polyspan.score import default_metric

RECIPE = "hsu2019/paper"
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
_CONTEXT = "The stone was found in the year 1799 by soldiers who built a fort near the river. " * 8
_QUESTIONS = 5  # on one context


def cached_report() -> tuple[float, float]:
    """Seconds of `polyspan run` on the paper's recipe where all is in the store: into a new folder, and again."""
    store, seconds = _filled(), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            began = time.perf_counter()
            report = run(RECIPE, Path(folder) / "paper", store=store.name)
            seconds.append(time.perf_counter() - began)
    assert not report["missing"], report["missing"]
    assert len(report["tables"]) == 7
    return seconds[0], seconds[1]


@functools.cache
def _filled() -> "tempfile.TemporaryDirectory[str]":
    """A store with an output for each stage of the recipe; it goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="polyspan-store-")
    store = Store(folder.name)
    store.prepare()
    for stage in plan(read_recipe(RECIPE)).stages:
        lease = store.lease(stage)
        assert lease is not None
        with lease:
            _WRITERS[stage.kind](stage, lease.out, store)
            record: dict[str, Any] = {"kind": stage.kind, "name": stage.name, "key": stage.key, "seconds": 1.0}
            needs = {role: need.key for role, need in stage.needs.items()}
            store.keep(stage, lease, record | {"options": dict(stage.options), "needs": needs})
    return folder


def _corpus(stage: Stage, out: Path, store: Store) -> None:
    """A test of the size of its data set; of a training corpus one context is enough."""
    options = stage.options
    known = facts(options["data"], options["language"])
    count = (known.questions or _QUESTIONS) if "name" in options else _QUESTIONS
    words = _CONTEXT.split()
    paragraphs = [
        Paragraph(
            f"{number} {_CONTEXT}",
            tuple(
                Question(f"{number}-{place}", f"Which word is number {place}?", (Answer(words[place], 0),))
                for place in range(_QUESTIONS)
            ),
        )
        for number in range(count // _QUESTIONS + 1)
    ]
    name = options.get("name") or stage.name.partition(" ")[2]
    metric = options["metric"] or known.metric
    made = Corpus(tuple(paragraphs), name, known.language, metric, options["data"])
    write(made, out / "corpus.json")
    write_json(out / "about.json", about(made, len(made), options["data"]) | {"card": None})


def _answers(stage: Stage, out: Path, store: Store) -> None:
    """Scores that differ from stage to stage, question by question."""
    told = json.loads((store.path(stage.needs["test"]) / "about.json").read_text("utf-8"))
    count, generator = told["questions"], np.random.default_rng(int(stage.key[:8], 16))
    skill = generator.uniform(0.3, 0.8)
    exact, share = generator.random(count) < skill * 0.8, generator.random(count).round(3)
    f1 = np.where(exact, 1.0, share * (share < skill))
    ids = [f"{number // _QUESTIONS}-{number % _QUESTIONS}" for number in range(count)]
    each = {"ids": ids, "exact_match": exact.astype(int).tolist(), "f1": f1.tolist()}
    metric = told["metric"] or default_metric(told["language"])
    scores = {"test": told["name"], "language": told["language"], "metric": metric, "n": count, "missing": 0}
    scores |= {"exact_match": 100 * float(exact.mean()), "f1": 100 * float(f1.mean()), "unknown": 0}
    write_json(out / "scores.json", scores | {"by_question": each}, indent=None)
    write_json(out / "predictions.json", dict.fromkeys(ids, "soldiers"), indent=None)
    write_json(out / "spans.json", {key: [2, 5] for key in ids}, indent=None)


def _reader(stage: Stage, out: Path, store: Store) -> None:
    record: dict[str, Any] = {"model": "made up", "data": [], "seed": stage.options["seed"], "settings": {}}
    record |= {"windows": 90_000, "steps": 8_000, "seconds": 1.0, "loss": [1.0]}
    write_json(out / READER / "run.json", record)


def _study(stage: Stage, out: Path, store: Store) -> None:
    """Likeness that has something to do with nothing, in the form that a probe leaves it."""
    generator = np.random.default_rng(int(stage.key[:8], 16))
    sides = []
    for number in range(sum(role.startswith("data.") for role in stage.needs)):
        told = json.loads((store.path(stage.needs[f"data.{number}"]) / "about.json").read_text("utf-8"))
        sides.append({"name": told["name"], "language": told["language"]})
    rows: list[dict[str, Any]] = [
        {"state": "after", "layer": 12, "value": float(generator.random()), "baseline": 0.3}
        | {"a": sides[0]["name"], "b": side["name"]}
        | {"language_a": sides[0]["language"], "language_b": side["language"]}
        for side in sides[1:]
    ]
    kind = stage.options["kind"]
    study = {"probe": kind, "model": stage.options["name"], "corpora": sides, "rows": rows, "heat": {}}
    write_json(out / "study.json", study)
    for ending in ("png", "pdf"):
        (out / f"{kind}.{ending}").write_bytes(_PIXEL)


def _map(stage: Stage, out: Path, store: Store) -> None:
    write_json(out / "map.json", {name: stage.options[name] for name in ("method", "layer", "seed")})


def _encoder(stage: Stage, out: Path, store: Store) -> None:
    write_json(out / "made-up.json", {})


_WRITERS: dict[str, Callable[[Stage, Path, Store], None]] = {
    "corpus": _corpus,
    "predict": _answers,
    "baseline": _answers,
    "train": _reader,
    "probe": _study,
    "map": _map,
    "encoder": _encoder,
}
