"""Several Readers as one: what their mean is, and which have none."""

import json
from dataclasses import replace

import pytest
import torch

import polyspan as ps
from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.engine.local import run_local
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.results.results import write_results
from polyspan.lab.store.store import Store
from polyspan.training.settings import TrainSettings

FAST = TrainSettings(
    learning_rate=1e-2, batch_size=4, epochs=1, windows=ps.WindowOptions(max_length=64, stride=16)
)
RECIPE = """
name: soups
model: MODEL
preset: cpu
settings: {epochs: 1, max_length: 128, stride: 32}
seeds: [1, 2]
corpora: {En: {data: "mini:en/train", limit: 8}}
tests: {Fr: {data: "mini:fr/test", limit: 8}}
readers: {plain: {data: [En], checkpoints: 2}, soup: {mean_of: plain}}
tables: {both: {rows: [plain, soup], columns: [Fr]}}
beside: []
"""


@pytest.fixture
def runs(tiny, corpus, tmp_path):
    for seed in (1, 2, 3):
        ps.train([corpus], tiny, tmp_path / str(seed), FAST, seed=seed)
    return [tmp_path / str(seed) for seed in (1, 2, 3)]


@pytest.fixture
def soups(tmp_path):
    def written(model, *changes):
        (tmp_path / "soups.yaml").write_text(RECIPE.replace("MODEL", str(model)), "utf-8")
        return read_recipe(tmp_path / "soups.yaml", changes)

    return written


def test_weights_are_the_means(runs, corpus, tmp_path):
    made = ps.average(runs, tmp_path / "mean")
    parts = [dict(ps.Reader.load(run).model.named_parameters()) for run in runs]
    for reader in (made, ps.Reader.load(tmp_path / "mean")):
        for name, weight in reader.model.named_parameters():
            assert torch.allclose(weight, torch.stack([part[name] for part in parts]).mean(0), atol=1e-6)
    record = json.loads((tmp_path / "mean" / "run.json").read_text("utf-8"))
    assert (record["averaged"], record["data"][0]["questions"]) == ([1, 2, 3], len(corpus))
    assert 'ps.average(["1", "2", "3"]' in (tmp_path / "mean" / "README.md").read_text("utf-8")
    assert ps.predict(made, corpus).texts == ps.predict(ps.Reader.load(tmp_path / "mean"), corpus).texts


def test_the_mean_of_one_is_itself_and_adapters_are_whole(runs, tiny, corpus, tmp_path):
    ps.train([corpus], tiny, tmp_path / "adapter", replace(FAST, lora=4))
    for name in ("1", "adapter"):
        one, same = ps.Reader.load(tmp_path / name), ps.average([tmp_path / name], tmp_path / f"mean-{name}")
        assert ps.predict(same, corpus).texts == ps.predict(one, corpus).texts
    assert (tmp_path / "mean-adapter" / "model.safetensors").is_file()


def test_readers_without_a_mean(runs, tiny, corpus, tmp_path):
    with pytest.raises(UsageError, match="no Reader to average"):
        ps.average([], tmp_path / "none")
    with pytest.raises(PolyspanError, match="was never trained"):
        ps.average([runs[0], "bundled:e5-small"], tmp_path / "fresh")
    ps.train([corpus], tiny, tmp_path / "long", FAST.__class__(epochs=1, windows=ps.WindowOptions(max_length=96)))
    with pytest.raises(PolyspanError, match="these Readers have no mean") as caught:
        ps.average([runs[0], tmp_path / "long"], tmp_path / "windows")
    assert "max_length=96" in caught.value.found
    with pytest.raises(PolyspanError, match="these Readers have no mean") as caught:
        ps.average([runs[0], "bundled:reader"], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_in_a_recipe(tiny, tmp_path, soups):
    given = soups(tiny)
    planned, store = plan(given), Store(tmp_path / "store")
    assert not run_local(planned.stages, store).failed
    report = write_results(given, planned, store, tmp_path, "x")
    assert [(row["train"], row["seed"]) for row in report["matrix"]] == [("plain", 1), ("plain", 2), ("soup", 1)]
    readers = [
        store.path(planned.stage(name)) / "reader" for name in ("train plain, seed 1", "train plain, seed 2")
    ]
    again = ps.average(readers, tmp_path / "again")
    kept = ps.Reader.load(store.path(planned.stage("average soup")) / "reader")
    assert all(map(torch.equal, again.model.state_dict().values(), kept.model.state_dict().values()))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ("readers.soup.mean_of=plian", "unknown reader 'plian'"),
        ("readers.soup.preset=cpu", "is the mean of 'plain', and not trained"),
        ("readers={plain: [En], soup: {mean_of: plain}, again: {mean_of: soup}}", "'soup' is a mean itself"),
        ("readers.plain={start: soup, data: [En]}", "in a circle"),
        ("readers.plain.preset=[cpu, readme]", "is a sweep"),
    ],
)
def test_mistakes(soups, changes, part):
    with pytest.raises(PolyspanError, match=part):
        plan(soups("bundled:e5-small", changes))
