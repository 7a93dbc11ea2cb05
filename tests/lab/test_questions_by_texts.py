"""Tables of one reader: questions of the row's test on texts of the column's (G-XLT), planned and really run."""

import json

import pytest

from polyspan.errors import PolyspanError
from polyspan.lab.engine.local import run_local
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.results.results import write_results
from polyspan.lab.store.store import Store

LANGUAGES = ["en", "fr", "ko"]


def recipe(model: str, **changes) -> Recipe:
    content = {
        "name": "gxlt",
        "model": model,
        "preset": "cpu",
        "settings": {
            **{"epochs": 1, "max_length": 64, "stride": 16, "max_question_length": 16},
            "batch_size": 16,
        },
        "corpora": {"En": {"data": "mini:en/train", "limit": 8}},
        "tests": {one: {"data": f"mini:{one}/test", "limit": 8} for one in LANGUAGES},
        "readers": {"En": {"data": ["En"]}},
        "tables": {"gxlt": {"reader": "En", "rows": LANGUAGES, "columns": {"English": "en", "Korean": "ko"}}},
    }
    return Recipe.model_validate(content | changes)


def test_a_pair_of_tests_is_a_test_of_its_own():
    made = plan(recipe("bundled:e5-small"))
    tests = {cell.test: cell.corpus.options for cell in made.cells}
    assert list(tests) == ["en", "en on ko", "fr on en", "fr on ko", "ko on en", "ko"]
    assert tests["fr on ko"]["data"] == "make:pair(mini:fr/test, contexts=mini:ko/test)"
    assert tests["fr on ko"]["limit"] == 8
    places = [(row, column, cell.test) for row, column, cell in made.of_table("gxlt")]
    assert places[:3] == [("en", "English", "en"), ("en", "Korean", "en on ko"), ("fr", "English", "fr on en")]
    assert [stage.name for stage in made.stages if stage.kind == "train"] == ["train En, seed 42"]
    facts = {stage.name: stage for stage in made.stages}
    assert facts["test ko on en"].content.keys() == {"mini:ko/test", "mini:en/test"}


def test_the_scale_and_other_parts_of_a_recipe_know_the_pairs():
    compare = {"compare": [{"a": "En", "b": "Two", "tests": ["ko on en"]}]}
    readers = {"En": {"data": ["En"]}, "Two": {"data": ["En"], "settings": {"epochs": 2}}}
    made = plan(
        recipe("bundled:e5-small", readers=readers, statistics=compare, scale={"test_limit": 5}, draw=["compare"])
    )
    assert {cell.test for cell in made.cells} == {"ko on en"}
    assert made.cells[0].corpus.options["limit"] == 5


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"reader": "Em"}, "unknown reader 'Em'"),
        ({"rows": ["en", "de"]}, "unknown test 'de'"),
        ({"columns": ["xx"]}, "unknown test 'xx'"),
    ],
)
def test_mistakes(changes, part):
    table = {"reader": "En", "rows": LANGUAGES, "columns": LANGUAGES} | changes
    with pytest.raises(PolyspanError, match=part):
        plan(recipe("bundled:e5-small", tables={"gxlt": table}))


def test_a_sweep_is_not_one_reader():
    with pytest.raises(PolyspanError, match="one reader, no sweep") as caught:
        plan(recipe("bundled:e5-small", readers={"En": {"data": ["En"], "limit": [4, 8]}}))
    assert caught.value.expected == "one of En-4, En-8"


def test_the_matrix_on_xquad_is_planned_whole():
    made = plan(read_recipe("beyond/gxlt"))
    assert [len(made.of_table(name)) for name in ("English", "Pairs")] == [36, 36]
    assert len({cell.test for cell in made.cells}) == 36


@pytest.fixture(scope="module")
def report(tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("gxlt")
    given = recipe(tiny)
    planned, store = plan(given), Store(out / "store")
    assert not run_local(planned.stages, store).failed
    return write_results(given, planned, store, out, "polyspan run gxlt.yaml"), out


def test_what_the_report_has(report):
    content, out = report
    rows = {row["test"]: row for row in content["matrix"]}
    assert set(rows) == {"en", "en on ko", "fr on en", "fr on ko", "ko on en", "ko"}
    assert {test: row["language"] for test, row in rows.items() if test.endswith("en")} == {
        "en": "en",
        "fr on en": "en",
        "ko on en": "en",
    }
    assert rows["fr on ko"]["metric"] == rows["ko"]["metric"]
    table = content["tables"]["gxlt"]
    assert (table["rows"], table["columns"]) == (LANGUAGES, ["English", "Korean"])
    assert {(cell["row"], cell["column"]): cell["test"] for cell in table["cells"]}["fr", "Korean"] == "fr on ko"
    told = "Questions of the row on texts of the column (G-XLT), answered by En."
    assert table["text"] == told
    assert told in (out / "report.html").read_text("utf-8")
    text = (out / "tables" / "gxlt.md").read_text("utf-8")
    assert "lexical baseline" not in text  # it is another one in each cell, and stands in numbers.csv
    assert json.loads((out / "report.json").read_text("utf-8")) == content
    assert [card["name"] for card in content["cards"]][:1] == ["en on ko"]
