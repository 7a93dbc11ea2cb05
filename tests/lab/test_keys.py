"""Keys of stages: what each depends on changes it, nothing else does."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from polyspan.data import mini
from polyspan.errors import PolyspanError
from polyspan.lab.engine.local import run_local
from polyspan.lab.engine.schedule import take_stock
from polyspan.lab.plan.plan import Plan, plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.recipe.shipped import shipped
from polyspan.lab.stage import Stage
from polyspan.lab.store.store import RECORD, Store
from polyspan.lab.work import work_of
from polyspan.lab.work.encoder import encoder_name
from polyspan.model.encoders import model_name
from polyspan.training.settings import PRESETS

GOLDEN = Path(__file__).with_name("keys.mini.json")
COMMITS = ["1" * 40, "2" * 40]


def keys(made: Plan) -> dict[str, str]:
    return {stage.name: stage.key for stage in made.stages}


def mini_paper(*changes: str) -> dict[str, str]:
    return keys(plan(read_recipe("mini/paper", changes)))


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name, key in after.items() if key != before[name]}


def readers(names: set[str]) -> set[str]:
    return {name.removeprefix("train ").partition(",")[0] for name in names if name.startswith("train ")}


def test_the_keys_of_the_paper_in_small():
    """Other keys mean that what stores hold today is made again. Where that is meant (a `Kind.version` raised, a
    setting added, the mini corpus edited), `python -m tests.lab.test_keys` writes the file anew."""
    assert mini_paper() == json.loads(GOLDEN.read_text("utf-8"))


def test_names_seeds_of_others_and_what_is_drawn_change_no_key():
    before, after = mini_paper(), mini_paper("name=other", "title=Another", "seeds=[42, 43]", "draw=[table2]")
    assert set(after.items()) & set(before.items())
    assert all(after[name] == before[name] for name in after.keys() & before.keys())


def test_in_what_answers_are_computed_is_in_their_keys_alone():
    before = mini_paper()
    after = mini_paper("dtype=bf16", "readers.QANet.dtype=fp32")
    answered = {name for name in before if name.startswith("predict ") and "QANet" not in name}
    assert answered
    assert changed(before, after) == answered
    assert mini_paper("dtype=fp32") == before


def test_a_preset_counts_by_its_values_not_by_its_name(monkeypatch):
    before = mini_paper()
    monkeypatch.setitem(PRESETS, "qanet", replace(PRESETS["qanet"], clip=4.0))
    after = changed(before, mini_paper())
    assert readers(after) == {"QANet"}
    assert {name.partition(" on ")[0] for name in after} <= {"train QANet, seed 42", "predict QANet"}
    monkeypatch.undo()
    monkeypatch.setitem(PRESETS, "mine", PRESETS["cpu"])
    assert changed(before, mini_paper("preset=mine")) == set()
    monkeypatch.setitem(PRESETS, "mine", replace(PRESETS["cpu"], weight_decay=0.1))
    trained = {name for name in before if name.startswith("train ")} - {"train QANet, seed 42"}
    after = changed(before, mini_paper("preset=mine"))
    assert trained == {name for name in after if name.startswith("train ")}
    assert not any(name.startswith(("corpus ", "test ", "map ", "predict untrained")) for name in after)


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """The mini corpus in a folder of its own, to be edited."""
    folder = shutil.copytree(Path(mini.__file__).parent, tmp_path / "mini")
    monkeypatch.setattr(mini, "_FOLDER", folder)
    return folder


def edit(path: Path, change) -> None:
    lines = path.read_text("utf-8").split("\n")
    lines[0] = change(lines[0])
    path.write_text("\n".join(lines), "utf-8")


def test_a_word_of_the_mini_corpus(copy):
    before = mini_paper()

    def other_word(line: str) -> str:
        row = json.loads(line)
        row["questions"][0]["question"]["ko"] += "?"
        return json.dumps(row, ensure_ascii=False)

    edit(copy / "train.jsonl", other_word)
    after = changed(before, mini_paper())
    assert {name for name in after if name.startswith(("corpus ", "test "))} == {"corpus Kr", "corpus Zh-Kr"}
    assert readers(after) == {"Kr", "Zh-Kr"}


@pytest.mark.parametrize(
    ("file", "corpora"),
    [
        ("words.en-fr.txt", {"corpus En-Fr", "test French"}),
        (
            "trees.en.conllu",
            {f"corpus En-{order}" for order in ("SOV", "VOS", "VSO", "OSV", "OVS")},
        ),
    ],
)
def test_a_dictionary_and_the_trees(copy, file, corpora):
    before = mini_paper()
    edit(copy / file, lambda line: line + " ")
    after = changed(before, mini_paper())
    assert {name for name in after if name.startswith(("corpus ", "test "))} == corpora


RECIPE = """\
name: small
model: MODEL
preset: cpu
settings: {max_length: 64, stride: 16, max_question_length: 16}
corpora:
  En: mini:en/train
  Fr: mini:fr/train
  Worse: make:codeswitch(mini:en/train, dictionary=WORDS, target=fr)
tests: {Fr: mini:fr/test}
readers:
  En: [En]
  Worse: [Worse]
  Switched: {data: [En], augment: {dictionaries: [WORDS, mini:fr]}}
  Mapped:
    data: [En]
    align: {method: procrustes, layer: 1, source: En, target: Fr, pairs: PAIRS, dictionary: WORDS}
tables: {all: {rows: [En, Worse, Switched, Mapped], columns: [Fr]}}
"""


@pytest.fixture
def small(tmp_path):
    """Plans a small recipe with files of its own."""
    for name in ("words", "pairs"):
        (tmp_path / name).write_text("cup coupe\n", "utf-8")

    def call(model: str) -> Plan:
        text = RECIPE.replace("MODEL", model)
        for name in ("words", "pairs"):
            text = text.replace(name.upper(), str(tmp_path / name))
        (tmp_path / "small.yaml").write_text(text, "utf-8")
        return plan(read_recipe(tmp_path / "small.yaml"))

    return call


def test_files_that_the_recipe_names(small, tiny, tmp_path):
    model = str(shutil.copytree(tiny, tmp_path / "tiny"))
    before = keys(small(model))
    (tmp_path / "words").write_text("cup tasse\n", "utf-8")
    words = keys(small(model))
    assert readers(changed(before, words)) == {"Worse", "Switched", "Mapped"}
    (tmp_path / "pairs").write_text("cup tasse\n", "utf-8")
    assert readers(changed(words, keys(small(model)))) == {"Mapped"}
    before = keys(small(model))
    (tmp_path / "tiny" / "run.json").write_text("{}")
    assert keys(small(model)) == before
    (tmp_path / "tiny" / "tokenizer_config.json").write_text("{}")
    after = changed(before, keys(small(model)))
    assert {name for name in before if not name.startswith(("corpus", "test", "lexical"))} == after


@pytest.fixture
def hub(tmp_path, tiny, monkeypatch):
    """A hub's cache with two commits of me/tiny; `main` is set to one by its number."""
    import huggingface_hub

    folder = tmp_path / "hub" / "models--me--tiny"
    for commit in COMMITS:
        shutil.copytree(tiny, folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def main(number: int) -> None:
        (folder / "refs" / "main").write_text(COMMITS[number])

    main(0)
    return main


def test_a_model_of_the_hub_counts_by_its_commit(small, hub):
    first = small("me/tiny")
    assert first.stage("train En, seed 42").options["model"] == f"me/tiny@{COMMITS[0]}"
    assert keys(small(f"me/tiny@{COMMITS[0]}")) == keys(first) == keys(small("me/tiny@main"))
    hub(1)
    second = small("me/tiny")
    after = changed(keys(first), keys(second))
    assert after == {name for name in keys(first) if not name.startswith(("corpus", "test", "lexical"))}
    assert keys(small(f"me/tiny@{COMMITS[0]}")) == keys(first)


def test_a_model_whose_commit_nobody_knew_is_not_used(small, hub, monkeypatch):
    planned = small("me/other")
    options = planned.stage("train En, seed 42").options
    assert options["model"] == "me/other"
    with pytest.raises(PolyspanError, match="cannot load the model 'me/other'"):
        encoder_name(options, {})
    monkeypatch.setattr(model_name, "hub_commit", lambda repo, revision: COMMITS[1])  # the network is back
    with pytest.raises(PolyspanError, match="cannot tell which commit") as caught:
        encoder_name(options, {})
    assert caught.value.fix.endswith(f"me/other@{COMMITS[1]}")


def test_a_data_set_of_the_hub_counts_by_its_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("POLYSPAN_CACHE", str(tmp_path))
    text = RECIPE.partition("readers:")[0].replace("mini:fr/train", "hub:me/mine/train")
    text = text.replace("MODEL", "bundled:e5-small").replace("WORDS", "mini:fr")
    text += "readers: {Fr: [Fr]}\ntables: {all: {rows: [Fr], columns: [Fr]}}\n"
    (tmp_path / "small.yaml").write_text(text, "utf-8")
    (tmp_path / "data").mkdir()

    def corpus(*changes: str) -> Stage:
        return plan(read_recipe(tmp_path / "small.yaml", changes)).stage("corpus Fr")

    assert corpus().options["data"] == "hub:me/mine/train"  # neither network nor copy
    (tmp_path / "data" / f"hub-me-mine-train-{COMMITS[0]}.json").write_text("{}")
    known = corpus()
    assert known.options["data"] == f"hub:me/mine@{COMMITS[0]}/train"
    with pytest.raises(PolyspanError, match="cannot tell which commit of 'hub:me/mine/train'"):
        work_of("corpus")({"data": "hub:me/mine/train"}, {}, tmp_path)
    assert corpus(f"corpora.Fr.data=hub:me/mine@{COMMITS[0]}/train").key == known.key
    assert corpus(f"corpora.Fr.data=hub:me/mine@{COMMITS[1]}/train").key != known.key


def test_recipes_name_the_commits_of_their_models():
    for path in shipped().values():
        for name in re.findall(
            r"(?:google-bert|FacebookAI|facebook|microsoft)/[^\s,})]+", path.read_text("utf-8")
        ):
            assert model_name.is_commit(model_name.repository(name)[1]), f"{path}: {name}"


def test_other_versions_count_where_they_are_to(tmp_path):
    corpus = Stage("nothing", "corpus")
    reader = Stage("nothing", "reader", {"r": 1}, {"data": corpus})
    test = Stage("nothing", "test", {"t": 1})
    answers = Stage("nothing", "answers", {}, {"reader": reader, "test": test})
    store = Store(tmp_path / "store")
    run_local([answers], store).require_whole()
    assert take_stock([answers], store, "versions").todo == []
    path = store.path(reader) / RECORD
    record = json.loads(path.read_text("utf-8"))
    record["versions"]["torch"] = "0.1"
    record["versions"]["numpy"] = "0.1"  # not counted
    path.write_text(json.dumps(record), "utf-8")
    assert take_stock([answers], store).todo == []
    stock = take_stock([answers], store, "versions")
    assert [stage.name for stage in stock.todo] == ["reader", "answers"]
    assert list(stock.damaged.values()) == ["made with torch 0.1", "made of reader"]
    assert run_local([answers], store, policy="versions").made == ["reader", "answers"]
    assert run_local([answers], store, policy="versions").made == []


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(mini_paper(), indent=1) + "\n", "utf-8")
