"""Tests that are translations of other tests: answers are brought back, and scored there (translate-test)."""

import json

import pytest

from polyspan.errors import PolyspanError
from polyspan.lab.engine.local import run_local
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.results.results import write_results
from polyspan.lab.store.store import Store
from polyspan.make.translation import word_alignment

TESTS = {"fr": {"data": "mini:fr/test"}, "by-en": {"data": "mini:en/test", "limit": 8, "answers_in": "fr"}}


def recipe(model: str, **changes) -> Recipe:
    windows = {"epochs": 1, "max_length": 64, "stride": 16, "max_question_length": 16, "batch_size": 16}
    content = {
        "name": "by-en",
        "model": model,
        "preset": "cpu",
        "settings": windows,
        "corpora": {"En": {"data": "mini:en/train", "limit": 8}},
        "tests": TESTS,
        "readers": {"En": {"data": ["En"]}},
        "beside": ["lexical", "untrained"],
        "tables": {"t": {"rows": ["En"], "columns": ["fr", "by-en"]}},
    }
    return Recipe.model_validate(content | changes)


def cells(**changes):
    return {cell.test: cell for cell in plan(recipe("bundled:e5-small", **changes)).cells}


def test_the_other_text_is_needed_whole_and_the_key_of_a_plain_test_stays():
    made = cells()
    back = made["by-en"]
    assert set(back.predict.needs) == {"reader", "test", "original"}
    assert back.predict.answered is back.corpus is made["fr"].corpus
    assert back.baseline is made["fr"].baseline
    assert set(back.untrained.needs) == {"test", "original"}
    cut = {"fr": TESTS["fr"] | {"limit": 4}, "by-en": TESTS["by-en"]}
    whole = cells(tests=cut)["by-en"].corpus
    assert (whole.name, whole.options["limit"]) == ("test fr, whole", None)
    assert whole.key == made["fr"].corpus.key
    alone = cells(tests={"fr": TESTS["fr"]}, tables={"t": {"rows": ["En"], "columns": ["fr"]}})["fr"]
    assert alone.predict.key == made["fr"].predict.key


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"tests": TESTS | {"by-en": TESTS["by-en"] | {"answers_in": "de"}}}, "unknown test 'de'"),
        ({"tests": TESTS | {"fr": {"data": "mini:fr/test", "answers_in": "by-en"}}}, "is a translation too"),
        (
            {
                "statistics": {"confidence": {"readers": ["En"], "fit": {"a": ["fr"]}, "tests": ["by-en"]}},
                "draw": ["confidence"],
            },
            "which have no probabilities",
        ),
        ({"readers": {"En": {"model": "llm:http://127.0.0.1:1#m", "llm": {}}}}, "language model's answers"),
    ],
)
def test_mistakes(changes, part):
    with pytest.raises(PolyspanError, match=part):
        plan(recipe("bundled:e5-small", **changes))


def test_answers_are_scored_where_they_are_brought_back_to(tiny, tmp_path, monkeypatch):
    class Words:
        def project(self, source, start, end, target):
            return 0, len(target)

    monkeypatch.setattr(word_alignment, "WordAligner", Words)
    given = recipe(tiny)
    planned, store = plan(given), Store(tmp_path / "store")
    assert not run_local(planned.stages, store).failed
    cell = next(cell for cell in planned.cells if cell.test == "by-en")
    scores = json.loads((store.path(cell.predict) / "scores.json").read_text("utf-8"))
    assert (scores["language"], scores["n"]) == ("fr", 8)
    assert scores["brought_back"]["aligned"] > 0
    row = next(
        one for one in write_results(given, planned, store, tmp_path, "x")["matrix"] if one["test"] == "by-en"
    )
    assert row["language"] == "fr"
