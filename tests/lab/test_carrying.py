"""Results carried between machines: a report from an archive alone, and a study that grows seed by seed."""

import json
from pathlib import Path

import pytest

from polyspan.data import mini
from polyspan.data.write import write
from polyspan.errors import PolyspanError
from polyspan.lab.carrying import export_store, import_store, report_archive
from polyspan.lab.engine.schedule import take_stock
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.run import described, run
from polyspan.lab.store.archive import unpack
from polyspan.lab.store.store import Store

STUDY = """
name: study
title: A small study
paper: hsu2019
model: {model}
preset: cpu
settings: {{epochs: 1, max_length: 64, stride: 16, max_question_length: 16, batch_size: 16}}
seeds: [1, 2]
corpora:
  En: {{data: "${{POLYSPAN_DATA}}/train.json", language: en, limit: 8}}
  Fr: {{data: "mini:fr/train", limit: 8}}
tests:
  En: {{data: "${{POLYSPAN_DATA}}/test.json", language: en, limit: 8}}
  Zh: {{data: "mini:fr/test", limit: 8}}
  mixed:
    data: "make:codeswitch(${{POLYSPAN_DATA}}/test.json, dictionary=mini:fr, target=fr)"
    language: en
    limit: 8
    metric: hsu.v1
readers: {{En: [En], Zh: [Fr]}}
beside: [lexical]
tables:
  table2: {{rows: [En, Zh], columns: [En, Zh]}}
  table4: {{rows: [En], columns: {{None: En, French: mixed}}}}
  table5: {{rows: [En], columns: {{French: mixed}}, show: examples}}
probes:
  figure2: {{kind: cosine, readers: {{En: [En, Zh]}}, layers: [-1]}}
statistics:
  claims: {{of: [table2, table4], draws: 20}}
  compare: [{{a: En, b: Zh, tests: [Zh]}}]
"""
pytestmark = pytest.mark.slow
ELSEWHERE = ("command", "made_of", "training", "examples", "remarks", "timing", "machine", "recipe")
"""What differs between reports of one study on two machines."""


def data(folder):
    """The data of the study in a folder of their own."""
    for name in ("train", "test"):
        folder.mkdir(exist_ok=True)
        write(mini.load("en", name), folder / f"{name}.json")
    return str(folder)


@pytest.fixture(scope="module")
def study(tiny, tmp_path_factory):
    """A study that was run: its folder, with the recipe, the data, the store and the report."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.yaml").write_text(STUDY.format(model=tiny), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYSPAN_DATA", data(folder / "data"))
        run(folder / "study.yaml", folder / "run", store=folder / "store")
    return folder


@pytest.fixture(scope="module")
def archives(study):
    """The study's archives: without weights, and without weights and text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYSPAN_DATA", str(study / "data"))
        for name, text in (("light", False), ("public", True)):
            out = study / f"{name}.tar.zst"
            done = export_store(
                out, [study / "study.yaml"], store=study / "store", without_weights=True, without_text=text
            )
            assert done["missing"] == {"study": []}
    return study


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Another machine: the data in another folder."""
    monkeypatch.setenv("POLYSPAN_DATA", data(tmp_path / "corpora"))
    return tmp_path


def report(folder):
    return json.loads((folder / "report.json").read_text("utf-8"))


def same(one, other, *more):
    """Two reports, but for what differs between machines; keys are those of a machine's paths."""
    for name in sorted({*one, *other} - {*ELSEWHERE, *more}):
        assert _plain(one[name]) == _plain(other[name]), name


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name not in ("key", "predictions", "commands")}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def test_a_report_from_an_archive_alone(archives, tmp_path, monkeypatch):
    monkeypatch.delenv("POLYSPAN_DATA", raising=False)
    there = report(archives / "run")
    (light,) = report_archive(archives / "light.tar.zst", tmp_path / "light").values()
    same(there, light)
    assert light["examples"] == there["examples"]
    assert light["tables"]["table4"]["cells"][1]["against"]["p"] is not None  # by another rule than its own
    (public,) = report_archive(archives / "public.tar.zst", tmp_path / "public").values()
    same(there | {"tables": {}}, public | {"tables": {}})
    assert public["examples"] == public["tables"]["table5"]["pairs"] == []
    for name in ("table2", "table4"):
        assert _plain(public["tables"][name]) == _plain(there["tables"][name])
    tables = {path.name: path.read_bytes() for path in (archives / "run" / "tables").glob("*.md")}
    assert tables == {path.name: path.read_bytes() for path in (tmp_path / "public" / "tables").glob("*.md")}
    assert not any(one["folder"] for one in public["training"])
    again = report_archive(archives / "public.tar.zst", tmp_path / "again")
    first = [path.relative_to(tmp_path / "public") for path in (tmp_path / "public").rglob("*") if path.is_file()]
    assert list(again) == [str(tmp_path / "again")]
    for name in first:
        assert (tmp_path / "public" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_an_archive_without_text_has_no_words_of_the_corpora_and_no_paths(archives, tmp_path):
    unpack(archives / "public.tar.zst", tmp_path)
    whole = "".join(path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file())
    assert str(archives) not in whole.replace(report(archives / "run")["recipe"]["model"], "")
    for language in ("en", "fr"):
        for paragraph, question in mini.load(language, "test").questions():
            assert paragraph.context not in whole
            assert question.text not in whole
    names = {path.name for path in tmp_path.rglob("*")}
    assert names.isdisjoint({"corpus.json", "predictions.json", "model.safetensors", "tokenizer.json"})
    assert {"spans.json", "scores.json", "about.json", "run.json", "study.json", "questions.json"} <= names


def test_a_study_grows_on_another_machine(archives, elsewhere):
    recipe, store = archives / "study.yaml", elsewhere / "store"
    done = import_store(archives / "public.tar.zst", recipe, store=store)
    assert (done["new"], done["there"]) == (done["stages"], 0)
    assert done["recipe"]["missing"] == []
    before = report(archives / "run")
    found = run(recipe, elsewhere / "run", store=store, policy="never")  # nothing is made
    same(before, found, "tables")
    assert _plain(found["tables"]["table2"]) == _plain(before["tables"]["table2"])

    grown = ["seeds=[1,2,3]"]
    planned = plan(read_recipe(recipe, grown))
    missing = [row["name"] for row in described(planned, Store(store))["stages"] if not row["cached"]]
    assert {name for name in missing if "train" in name} == {"train En, seed 3", "train Zh, seed 3"}
    assert {name for name in missing if "seed" not in name} == {
        "corpus En",
        "corpus Fr",
        "test En",
        "test Zh",
        "test mixed",
    }
    stock = take_stock(planned.stages, Store(store))
    assert [stage.name for stage in stock.todo] == missing
    assert stock.damaged[planned.stage("corpus En").key] == "imported without text, and read now"
    found = run(recipe, elsewhere / "grown", grown, store=store)
    assert not any(Store(store).lacks(planned.stage(name)) for name in missing)
    for at, cell in enumerate(found["tables"]["table2"]["cells"]):
        old = before["tables"]["table2"]["cells"][at]
        assert [run["seed"] for run in cell["runs"]] == [1, 2, 3]
        assert [run["f1"] for run in cell["runs"]][:2] == [run["f1"] for run in old["runs"]]

    text = recipe.read_text("utf-8").replace("columns: [En, Zh]", "columns: [En, Zh, Fr]")
    new_test = elsewhere / "new-test.yaml"
    new_test.write_text(text.replace("tests:\n", 'tests:\n  Fr: {data: "mini:fr/test", limit: 4}\n'), "utf-8")
    rows = described(plan(read_recipe(new_test)), Store(store))["stages"]
    trained = [row["name"] for row in rows if not row["cached"] and row["kind"] == "train"]
    assert trained == [
        f"train {name}, seed {seed}" for name in ("En", "Zh") for seed in (1, 2)
    ]  # Readers are not there
    done = import_store(archives / "light.tar.zst", recipe, grown, store=store)
    assert (done["new"], done["there"] + done["completed"]) == (0, done["stages"])  # what is whole stays whole
    assert done["recipe"]["missing"] == []


def test_a_corpus_that_has_changed_since_is_missing_with_all_that_was_made_of_it(archives, elsewhere):
    recipe, store = archives / "study.yaml", elsewhere / "store"
    import_store(archives / "public.tar.zst", store=store)
    test = elsewhere / "corpora" / "test.json"
    test.write_text(test.read_text("utf-8").replace("the", "that", 1), "utf-8")
    missing = {
        row["name"] for row in described(plan(read_recipe(recipe)), Store(store))["stages"] if not row["cached"]
    }
    assert {
        "test En",
        "test mixed",
        "predict En on En, seed 1",
        "probe figure2, En, seed 1",
        "lexical on En",
    } <= missing
    assert not missing & {"predict En on Zh, seed 1", "predict Zh on Zh, seed 1", "lexical on Zh"}
    with pytest.raises(PolyspanError, match="nothing is to be made"):
        run(recipe, elsewhere / "run", store=store, policy="never")


def test_a_test_that_only_chooses_a_checkpoint(archives, tmp_path, monkeypatch):
    """Nothing stands beside its answers: the baseline is no stage of the plan."""
    monkeypatch.setenv("POLYSPAN_DATA", str(archives / "data"))
    recipe = tmp_path / "chosen.yaml"
    text = (archives / "study.yaml").read_text("utf-8").replace("name: study", "name: chosen")
    text = text.replace("  table4: {rows: [En], columns: {None: En, French: mixed}}\n", "")
    text = text.replace("  table5: {rows: [En], columns: {French: mixed}, show: examples}\n", "")
    text = text.replace("{En: [En], Zh: [Fr]}", "{En: {data: [En], checkpoints: 2}, Zh: [Fr]}")
    text = text.replace("{of: [table2, table4], draws: 20}", "{of: [table2], draws: 20}")
    recipe.write_text(f"{text}  selection: {{readers: [En], source: mixed, tests: [Zh]}}\n", "utf-8")
    export_store(tmp_path / "chosen.tar.zst", [recipe], store=archives / "store", without_weights=True)
    (found,) = report_archive(tmp_path / "chosen.tar.zst", tmp_path / "chosen").values()
    assert found["statistics"]["selection"]["source"] == "mixed"


PUBLISHED = Path(__file__).parents[2] / "docs" / "public"


@pytest.mark.parametrize("archive", sorted(PUBLISHED.glob("*.tar.zst")), ids=lambda archive: archive.name)
def test_the_published_study_is_what_its_archive_gives(archive, tmp_path, monkeypatch):
    """As `make study-report` draws it; pictures depend on the version of matplotlib."""
    monkeypatch.delenv("POLYSPAN_DATA", raising=False)
    name = archive.name.removesuffix(".tar.zst")
    report_archive(archive, tmp_path)
    assert (PUBLISHED / name / "report.md").read_text("utf-8") == (tmp_path / "report.md").read_text("utf-8")
    figures = list((PUBLISHED / name / "figures").iterdir())
    assert figures
    assert all((tmp_path / "figures" / file.name).is_file() for file in figures)
    if name == "study":
        assert (PUBLISHED / "numbers.csv").read_bytes() == (tmp_path / "tables/numbers.csv").read_bytes()


def test_an_archive_of_another_recipe(archives, elsewhere):
    other = elsewhere / "other.yaml"
    text = (archives / "study.yaml").read_text("utf-8").replace("name: study", "name: other")
    other.write_text(text.replace("seeds: [1, 2]", "seeds: [1, 7]"), "utf-8")
    done = import_store(archives / "public.tar.zst", other, store=elsewhere / "store")
    assert done["recipe"]["name"] == "other"
    assert {name for name in done["recipe"]["missing"] if "train" in name} == {
        "train En, seed 7",
        "train Zh, seed 7",
    }
