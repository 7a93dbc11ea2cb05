"""Turns of the lab: what it costs beside the work itself, when stages are many and do nothing."""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.lab.engine.local import run_local
from polyspan.lab.plan.plan import plan as plan_recipe
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.stage import KINDS, Inputs, Kind, Stage
from polyspan.lab.store.store import Store
from polyspan.lab.work import WORK

STAGES, PLANNED = 200, 5000

_RECIPE = """
name: many
model: bundled:e5-small
preset: cpu
seeds: [{seeds}]
corpora: {{En: mini:en/train, Zh: mini:zh/train, Kr: mini:ko/train}}
tests: {{En: mini:en/test, Zh: mini:zh/test, Kr: mini:ko/test, Jp: mini:ja/test, Fr: mini:fr/test}}
readers: {{En: [En], Zh: [Zh], Kr: [Kr], both: [En, Zh]}}
tables:
  all:
    rows: {{En: En, Zh: Zh, Kr: Kr, both: both}}
    columns: [En, Zh, Kr, Jp, Fr]
"""


def lab_overhead(turn: int) -> float:
    """Seconds for a run of 200 stages that do nothing: four corpora, 16 readers, 180 predictions; a log, a record
    and hashes for each, every file flushed to the disk."""
    corpora = [Stage("nothing", f"corpus {number}", {"turn": turn, "corpus": number}) for number in range(4)]
    readers = [
        Stage("nothing", f"train {number}", {"reader": number}, {"data": corpora[number % 4]})
        for number in range(16)
    ]
    KINDS["nothing"], WORK["nothing"] = Kind(), _nothing
    wanted = [
        Stage("nothing", f"predict {number}", {"test": number}, {"reader": readers[number % 16]})
        for number in range(STAGES - len(corpora) - len(readers))
    ]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        outcome = run_local(wanted, Store(Path(folder) / "store"), logs=Path(folder) / "logs")
        seconds = time.perf_counter() - began
    assert len(outcome.made) == STAGES
    return seconds


def _nothing(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    (out / "nothing.json").write_text(json.dumps(dict(options)), "utf-8")


def plan(turn: int) -> float:
    """Seconds to read and plan a recipe of 5,000 stages: four readers on five tests, over some 200 seeds."""
    seeds = range(turn * PLANNED, turn * PLANNED + PLANNED // 24)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.yaml"
        path.write_text(_RECIPE.format(seeds=", ".join(map(str, seeds))), "utf-8")
        began = time.perf_counter()
        planned = plan_recipe(read_recipe(path))
        keys = {stage.key for stage in planned.stages}
        seconds = time.perf_counter() - began
    assert len(keys) >= PLANNED, len(keys)
    return seconds
