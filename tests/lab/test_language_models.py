"""A recipe's readers that are language models: planned, asked, kept and drawn."""

import json

import pytest

from llm_server import says
from polyspan.errors import PolyspanError
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.run import open_store, run

ALONE = """\
name: asked
model: MODEL
seeds: [1, 2]
tests:
  en: {data: "mini:en/test", limit: 4}
  ko: {data: "mini:ko/test", limit: 4}
corpora:
  shots: {data: "mini:en/train", limit: 50}
readers:
  zero: {}
  words: {llm: {recover: none}}
  few: {data: shots, llm: {shots: 2}}
tables:
  table: {rows: [zero, words, few], columns: [en, ko]}
"""


def written(tmp_path, model: str, text: str = ALONE) -> str:
    file = tmp_path / "asked.yaml"
    file.write_text(text.replace("MODEL", model), "utf-8")
    return str(file)


@pytest.mark.slow
def test_language_models_are_rows_like_others(server, tmp_path):
    server.answers = lambda prompt: f"“{prompt.split()[1]}” nowhere"
    recipe, out = written(tmp_path, server.name), tmp_path / "out"
    report = run(recipe, out)
    rows = [(row["train"], row["test"], row["seed"]) for row in report["matrix"]]
    seeds = {"zero": [1], "words": [1], "few": [1, 2]}
    assert rows == [(name, test, at) for name, some in seeds.items() for test in ("en", "ko") for at in some]
    assert all(row["untrained_f1"] is None and row["baseline_f1"] is not None for row in report["matrix"])
    assert report["training"] == []
    assert (out / "report.html").stat().st_size > 10_000
    assert "zero" in (out / "tables" / "table.md").read_text("utf-8")
    asked = len(server.asked)
    assert asked == 4 * 2 + 4 * 2 * 2  # the words of `zero` serve `words` too
    planned, store = plan(read_recipe(recipe)), open_store()
    cells = {(cell.reader, cell.test): store.path(cell.predict) for cell in planned.cells}
    zero, words = cells["zero", "en"], cells["words", "en"]
    said = json.loads((zero / "said.json").read_text("utf-8"))
    assert json.loads((words / "predictions.json").read_text("utf-8")) == said
    assert json.loads((zero / "predictions.json").read_text("utf-8")) != said
    scores = json.loads((zero / "scores.json").read_text("utf-8"))
    assert scores["prompt_tokens"] == 40
    assert scores["said_f1"] == json.loads((words / "scores.json").read_text("utf-8"))["f1"]
    assert len(server.asked[-1]["messages"]) == 5
    run(recipe, out)
    run(recipe, tmp_path / "again", ["readers.zero.llm={recover: boundary}"])
    assert len(server.asked) == asked


@pytest.mark.slow
def test_an_endpoint_that_fails_costs_its_row_alone(server, tmp_path):
    server.always = says(200, "<html>Welcome</html>", "text/html")
    with pytest.raises(PolyspanError, match="a web page"):
        run(written(tmp_path, server.name), tmp_path / "out", ["draw=table"])
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert "web page" in report["missing"][0]["why"]
    server.always = None
    assert not run(written(tmp_path, server.name), tmp_path / "out")["missing"]


def test_keys_tell_what_is_asked(tmp_path):
    name = "llm:http://127.0.0.1:1/v1#x"

    def keys(*changes: str, model: str = name) -> dict[tuple[str, str, int], str]:
        planned = plan(read_recipe(written(tmp_path, model), changes))
        return {(cell.reader, cell.test, cell.seed): cell.predict.key for cell in planned.cells}

    known = keys()
    assert len(set(known.values())) == len(known) == 8
    assert not set(keys(model=f"{name}y").values()) & set(known.values())
    for change in ("no_answer=true", "max_tokens=5", "body={top_p: 1}"):
        assert keys(f"readers.zero.llm.{change}")["zero", "en", 1] != known["zero", "en", 1]
    templates = tmp_path / "t.yaml"
    templates.write_text("en: {task: Reply.}", "utf-8")
    first = keys(f"readers.zero.llm.templates={templates}")
    templates.write_text("en: {task: Answer.}", "utf-8")
    assert keys(f"readers.zero.llm.templates={templates}")["zero", "en", 1] != first["zero", "en", 1]
    model = tmp_path / "m.gguf"
    model.write_bytes(b"1")
    first = keys(model=f"llm:{model}")
    model.write_bytes(b"23")
    assert not set(keys(model=f"llm:{model}").values()) & set(first.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("readers.zero.preset=cpu", "which is asked and not trained"),
        ("readers.zero.checkpoints=3", "which is asked and not trained"),
        ("readers.zero.llm.shots=2", "needs `data` and `llm.shots`"),
        ("readers.zero.data=shots", "needs `data` and `llm.shots`"),
        ("readers.zero.llm.recover=nearest", "unknown recovery policy 'nearest'"),
        ("readers.zero.llm.templates=none.yaml", "cannot read none.yaml"),
        ("readers.zero.model=llm:http://h/v1", "does not say which model"),
        ("readers.zero.model=llm:./none", "no model at ./none"),
        ("readers.zero.model=bundled:e5-small", "'zero' has nothing to be trained on"),
        ("readers.few.model=bundled:e5-small", "'few' is no language model"),
        ("probes={look: {kind: cosine, readers: {zero: [en, ko]}}}", "'zero' is a language model: it has no"),
        ("statistics.confidence={readers: zero, fit: en, tests: ko}", "'zero' is a language model"),
    ],
)  # fmt: skip
def test_what_a_language_model_cannot_be_asked_for(tmp_path, change, message):
    with pytest.raises(PolyspanError, match=message):
        plan(read_recipe(written(tmp_path, "llm:http://127.0.0.1:1/v1#x"), [change]))


def test_no_training_goes_on_from_a_language_model(tmp_path):
    text = ALONE.replace("  few:", "  later: {start: zero, data: shots}\n  few:").replace("[zero, ", "[later, ")
    with pytest.raises(PolyspanError, match="which is asked and not trained") as caught:
        plan(read_recipe(written(tmp_path, "llm:http://127.0.0.1:1/v1#x", text)))
    assert caught.value.found == "start: zero"
    assert caught.value.where.endswith("asked.yaml:12")
