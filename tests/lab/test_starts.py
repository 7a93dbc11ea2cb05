"""Readers that go on from another of the recipe's readers: `start`."""

import hashlib
import json
from pathlib import Path

import pytest

import polyspan as ps
from polyspan.errors import PolyspanError
from polyspan.lab.engine.local import run_local
from polyspan.lab.plan.plan import Plan, plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.store.store import Store
from polyspan.lab.work.corpus import kept_corpus

RECIPE = """\
name: passes
model: MODEL
preset: cpu
settings: {max_length: 64, stride: 16, max_question_length: 16, batch_size: 16, epochs: 1}
corpora:
  En: {data: mini:en/train, limit: 12}
  Fr: {data: mini:fr/train, limit: 12}
tests:
  Fr: {data: mini:fr/test, limit: 6}
  Ja: {data: mini:ja/test, limit: 6}
readers:
  first: {data: [En]}
  second: {data: [Fr], start: first, settings: {learning_rate: 1.0e-3}}
tables: {all: {rows: [second], columns: [Fr]}}
"""


@pytest.fixture
def planned(tmp_path, tiny):
    """Plan the recipe with lines replaced and values changed."""

    def call(*changes: str, lines: dict[str, str] | None = None) -> Plan:
        text = RECIPE.replace("MODEL", tiny)
        for old, new in (lines or {}).items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "passes.yaml").write_text(text, "utf-8")
        return plan(read_recipe(tmp_path / "passes.yaml", changes))

    return call


def key(made: Plan, name: str = "train second, seed 42") -> str:
    return made.stage(name).key


def test_the_training_of_the_first_is_needed_and_decides(planned):
    made = planned()
    train = made.stage("train second, seed 42")
    assert train.needs["start"] is made.stage("train first, seed 42")
    assert "model" not in train.options
    assert list(train.content) == []
    assert made.recipe.readers["second"].model is None
    for change in ("readers.first.settings.epochs=2", "readers.first.limit=5", "corpora.En.limit=11"):
        assert key(planned(change)) != key(made), change
    renamed = planned(lines={"  first: ": "  one: ", "start: first": "start: one"})
    assert key(renamed) == key(made)
    assert key(planned("readers.second.start=null")) != key(made)


def test_a_chain_is_as_long_as_one_likes(planned):
    third = "  third: {data: [En], start: second}\ntables"
    made = planned(lines={"tables": third, "rows: [second]": "rows: [third]"})
    assert [stage.name for stage in made.stages if stage.kind == "train"] == [
        f"train {name}, seed 42" for name in ("first", "second", "third")
    ]
    untrained = next(stage for stage in made.stages if "untrained" in stage.name)
    assert "untrained" in untrained.options, "the encoder that the chain begins with"


def test_seeds_go_together_or_to_the_only_one(planned):
    made = planned("seeds=[1, 2]")
    assert made.stage("train second, seed 2").needs["start"].name == "train first, seed 2"
    made = planned("readers.second.seeds=[1, 2]", "readers.first.seeds=7")
    assert made.stage("train second, seed 2").needs["start"].name == "train first, seed 7"
    with pytest.raises(PolyspanError, match="a seed that 'first'") as caught:
        planned("readers.second.seeds=3", "seeds=[1, 2]")
    assert caught.value.found == "seed 3; 'first' has 1, 2"
    assert caught.value.where.endswith("passes.yaml:13")


def test_a_reader_may_go_on_from_several_by_a_sweep(planned):
    other = "  other: {data: [Fr]}\n  second: {data: [Fr], start: [first, other], "
    made = planned(lines={"  second: {data: [Fr], start: first, ": other})
    assert [made.stage(f"train second-{name}, seed 42").needs["start"].name for name in ("first", "other")] == [
        "train first, seed 42",
        "train other, seed 42",
    ]
    swept = planned("readers.first.limit=[5, 6]", "readers.second.start=first-6")
    assert swept.stage("train second, seed 42").needs["start"].options["limit"] == 6


@pytest.mark.parametrize(
    ("change", "message", "more"),
    [
        ("readers.second.start=frist", "unknown reader 'frist'", "did you mean 'first'?"),
        ("readers.second.start=second", "readers go on from each other in a circle", "second → second"),
        ("readers.first.start=second", "readers go on from each other in a circle", "first → second → first"),
        ("readers.second.model=bundled:e5-small", "'second' has a model and goes on", "e5-small and first"),
        ("readers.first.limit=[5, 6]", "a reader goes on from one, and 'first' is a sweep", "first-5, first-6"),
        ("readers.second.settings.max_length=200", "the model of 'second' does not take windows so", "200"),
        ("readers.first.data=[Em]", "unknown corpus 'Em'", "'En'"),
    ],
)  # fmt: skip
def test_what_cannot_be_gone_on_from(planned, change, message, more):
    with pytest.raises(PolyspanError) as caught:
        planned(change)
    assert caught.value.message.startswith(message), str(caught.value)
    assert more in str(caught.value)
    assert "passes.yaml:13" in caught.value.where or change in caught.value.where


def test_a_probe_looks_at_what_the_first_one_left(planned):
    probe = "probes: {look: {kind: cosine, readers: {second: [Fr, Ja]}, before: true}}\ntables"
    made = planned("draw=look", lines={"tables": probe})
    (look,) = made.looks
    assert look.stage.needs["start"] is made.stage("train first, seed 42")
    assert "before" not in look.stage.options


def test_a_map_is_fitted_to_what_the_first_one_left(planned):
    align = "readers.second.align={method: mean, layer: 1, source: En, target: Fr}"
    made = planned(align)
    fitted = made.stage("train second, seed 42").needs["map"]
    assert fitted.needs["start"] is made.stage("train first, seed 42")


def weights(folder: Path) -> dict[str, str]:
    """The hash of every file but run record and card, which name the model by its place."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and path.name not in ("run.json", "README.md")
    }


@pytest.mark.parametrize("lora", [None, 2])
def test_the_result_is_that_of_a_training_from_the_folder_of_the_first(planned, tmp_path, lora):
    made = planned(f"readers.first.settings.lora={'null' if lora is None else lora}")
    store = Store(tmp_path / "store")
    run_local(made.stages, store).require_whole()
    first, second = (made.stage(f"train {name}, seed 42") for name in ("first", "second"))
    folder = store.path(first) / "reader"
    assert (folder / "adapter_config.json").exists() == (lora is not None)
    data = kept_corpus(store.path(second.needs["data.0"]))
    windows = {"max_length": 64, "stride": 16, "max_question_length": 16}
    settings = ps.preset("cpu", learning_rate=1e-3, batch_size=16, epochs=1, **windows)
    ps.train([data], str(folder), tmp_path / "own", settings, seed=42)
    assert weights(store.path(second) / "reader") == weights(tmp_path / "own")


def test_an_adapter_upon_a_stage_is_merged(planned, tmp_path):
    """A store may let go of the stage that its base would be."""
    made = planned("readers.second.settings.lora=2")
    store = Store(tmp_path / "store")
    run_local(made.stages, store).require_whole()
    assert (store.path(made.stage("train second, seed 42")) / "reader" / "model.safetensors").is_file()


def test_the_report_tells_where_a_reader_started(planned, tiny, tmp_path):
    planned()
    out = tmp_path / "out"
    report = ps.run(tmp_path / "passes.yaml", out, store=tmp_path / "store")
    training, before = report["training"]
    assert (training["name"], before["name"]) == ("second", "first")
    assert (training["model"], training["settings"]["start"]) == (tiny, "train first, seed 42")
    assert before["model"] == tiny
    assert report["recipe"]["readers"]["second"]["start"] == "first"
    assert json.loads((out / "report.json").read_text("utf-8"))["missing"] == []
    assert "train first, seed 42" in (out / "report.html").read_text("utf-8")
