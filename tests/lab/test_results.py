"""The report of a small recipe that is really run: what is promised, what is missing, nothing computed twice."""

import json
import shlex
import shutil

import pytest

from polyspan.lab.engine.local import run_local
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.results.inference import movement
from polyspan.lab.results.results import write_results
from polyspan.lab.store.store import Store
from polyspan.report.record.record import read_record

PAPER = {"paper": "hsu2019"}
OF_PAPER = {"anova": {"table": "table2"}, "claims": {"of": ["table2", "table4", "table7"], "draws": 50}}
ROW = {"train", "test", "language", "metric", "seed", "n", "exact_match", "f1", "baseline_f1", "untrained_f1"}


def recipe(model: str, *, paper: bool = True) -> Recipe:
    """The recipe, one that repeats the paper or one of its own: the same readers, tests and tables."""
    return Recipe.model_validate(
        {
            "name": "small",
            "title": "A small run",
            **(PAPER if paper else {}),
            "model": model,
            "preset": "cpu",
            "settings": {
                **{"epochs": 1, "max_length": 64, "stride": 16, "max_question_length": 16},
                "batch_size": 16,
            },
            "seeds": [1, 2],
            "corpora": {"En": {"data": "mini:en/train", "limit": 8}, "Fr": {"data": "mini:fr/train", "limit": 8}},
            "tests": {
                "En": {"data": "mini:en/test", "limit": 8},
                "Zh": {"data": "mini:fr/test", "limit": 8},
                "mixed": {
                    "data": "make:codeswitch(mini:en/test, dictionary=mini:fr, target=fr)",
                    "limit": 8,
                    "metric": "hsu.v1",
                },
            },
            "readers": {
                "En": {"data": ["En"], "checkpoints": 3},
                "Zh": {"data": ["Fr"]},
                "GAN": {"data": ["En"], "adversary": {"layer": 1, "data": ["Fr"]}},
            },
            "tables": {
                "table2": {"rows": ["En", "Zh"], "columns": ["En", "Zh"]},
                "table4": {"rows": ["En"], "columns": {"None": "En", "French": "mixed"}},
                "table5": {"rows": ["En"], "columns": {"French": "mixed"}, "show": "examples"},
                "table7": {"rows": {"GAN-layer-8": "GAN"}, "columns": ["Zh"]},
            },
            "probes": {"figure2": {"kind": "cosine", "readers": {"En": ["En", "Zh"]}, "layers": [-1]}},
            "statistics": {
                **(OF_PAPER if paper else {}),
                "compare": [{"a": "En", "b": "Zh", "tests": ["Zh"]}],
                "selection": {"readers": ["En"], "source": "En", "tests": ["Zh"]},
            },
        }
    )


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """The recipe, its plan, and a store in which it was run."""
    folder = tmp_path_factory.mktemp("run")
    given = recipe(tiny)
    planned = plan(given)
    store = Store(folder / "store")
    outcome = run_local(planned.stages, store)
    assert not outcome.failed
    return given, planned, store


@pytest.fixture(scope="module")
def report(made, tmp_path_factory):
    """The report and its folder."""
    out = tmp_path_factory.mktemp("report")
    return write_results(*made, out, "polyspan run small.yaml"), out


def test_report_json_keeps_the_contract(report):
    content, out = report
    assert json.loads((out / "report.json").read_text("utf-8")) == content
    assert {"matrix", "timing", "versions", "machine", "command", "training", "tests", "examples"} <= set(content)
    assert all(set(row) == ROW for row in content["matrix"])
    assert len(content["matrix"]) == 2 * (2 * 2 + 1 + 1)  # what two tables show is one row
    assert all(row["baseline_f1"] is not None and row["untrained_f1"] is not None for row in content["matrix"])
    assert content["missing"] == []
    read_record(out / "report.json")


def test_cells_are_means_over_seeds_beside_the_papers(report):
    content, _ = report
    cell = content["tables"]["table2"]["cells"][1]
    runs = [row["f1"] for row in content["matrix"] if (row["train"], row["test"]) == ("En", "Zh")]
    assert cell["f1"]["mean"] == pytest.approx(sum(runs) / 2, abs=0.001)
    assert cell["f1"]["paper"] == 78.8
    assert [run["seed"] for run in cell["runs"]] == [1, 2]
    french = content["tables"]["table4"]["cells"][1]
    assert french["against"]["name"] == "unmixed, by hsu.v1"
    assert french["against"]["p"] is not None
    assert content["tables"]["table7"]["cells"][0]["against"]["name"] == "no alignment"
    assert len(content["tables"]["table5"]["pairs"]) == 2


def test_a_recipe_of_one_s_own_is_not_set_beside_the_paper(made, tiny, tmp_path):
    given = recipe(tiny, paper=False)
    content = write_results(given, plan(given), made[2], tmp_path, "polyspan run own.yaml")
    assert content["missing"] == content["deviations"] == content["claims"] == []
    assert [table["title"] for table in content["tables"].values()] == list(content["tables"])
    cells = [cell for table in content["tables"].values() for cell in table["cells"]]
    assert {cell["f1"]["paper"] for cell in cells} == {cell["exact_match"]["paper"] for cell in cells} == {None}
    assert not any(cell["against"] for cell in cells)
    assert all(cell["f1"]["low"] <= cell["f1"]["mean"] <= cell["f1"]["high"] for cell in cells)
    assert [one["metric"] for one in content["tests"]] == ["squad.v1", "squad.v1", "hsu.v1"]
    for file in (
        "report.html",
        *(f"tables/{name}.{kind}" for name in content["tables"] for kind in ("md", "tex")),
    ):
        shown = (tmp_path / file).read_text("utf-8")
        shown = shown[shown.find("</style>") :]
        for word in ("the paper", "Table 2", "78.8", "multilingual BERT", "Google", "electric motors"):
            assert word not in shown, (file, word)
    assert not (tmp_path / "tables/claims.md").exists()


def test_checkpoints_are_chosen_by_three_rules(report):
    content, out = report
    found = content["statistics"]["selection"]
    assert len(found["scores"]) == 2 * 2 * 3  # tests, seeds, checkpoints
    assert found["why"] == []
    last = [row["f1"] for row in content["matrix"] if (row["train"], row["test"]) == ("En", "Zh")]
    rows = {row["rule"]: row for row in found["rows"] if row["measure"] == "f1"}
    assert rows["last"]["checkpoints"] == [3, 3]
    assert rows["last"]["mean"] == pytest.approx(sum(last) / 2, abs=0.001)
    assert rows["oracle"]["mean"] >= max(rows["last"]["mean"], rows["source-dev"]["mean"])
    assert "Which checkpoint" in (out / "report.html").read_text("utf-8")


def test_what_figure_1_shows_is_judged_by_its_numbers():
    """H12: the last layer's likeness of English and Chinese answers, and how well the plane tells them apart."""
    tags = {"language_a": "en", "language_b": "zh-Hans"}
    values = {("before", 4): 0.5, ("before", 12): 0.3, ("after", 4): 0.6, ("after", 12): 0.4}
    rows = [{"state": state, "layer": layer, "value": value} | tags for (state, layer), value in values.items()]
    other = {"state": "after", "layer": 12, "value": 0.9, "language_a": "en", "language_b": "es"}
    apart = {"separability_in_plane": {"accuracy": 0.7}, "layer": 12}
    panels = [
        {"state": state, "axes": axes} | apart for state in ("before", "after") for axes in ("each", "before")
    ]
    pca = {"probe": "pca", "corpora": [{"language": "zh-Hans"}, {"language": "en"}], "panels": panels}
    found = movement(
        {
            "likeness": {"En": {"probe": "cka", "rows": [*rows, other]}, "Zh": {"probe": "cka", "rows": []}},
            "figure1": {"En": pca},
            "figure2": {"En": {"probe": "cosine", "rows": rows, "corpora": []}},
        }
    )
    assert {place.row: cell.similarity for place, (cell,) in found.items()} == {
        "CKA before": 0.3,
        "CKA after": 0.4,
        "told apart in the plane": 0.7,
    }


def test_files_that_the_report_links_to_are_there(report):
    content, out = report
    for table in content["tables"].values():
        assert (out / "tables" / f"{table['name']}.md").is_file()
        for cell in table["cells"]:
            for run in cell["runs"]:
                assert json.loads((out / run["predictions"]).read_text("utf-8"))
                assert json.loads((out / run["record"]).read_text("utf-8"))["seed"] == run["seed"]
    assert all((out / picture["file"]).is_file() for picture in content["pictures"])
    assert [card["maker"] for card in content["cards"]] == ["codeswitch"]
    assert content["sources"][0]["licence"] == "CC0-1.0"


def test_deviations_claims_and_statistics_are_told(report):
    content, _ = report
    told = " ".join(content["deviations"])
    for word in ("multilingual BERT", "mini:en/train", "8 questions", "Means over 2 seeds", "transductive"):
        assert word in told, word
    claims = {(one["claim"], one["measure"]): one for one in content["claims"]}
    assert claims["H4", "f1"]["status"] == "not testable"  # no Korean here
    assert "table2 Kr on Kr" in claims["H4", "f1"]["words"]
    assert content["statistics"]["compare"][0]["p"] is not None
    assert content["statistics"]["anova"]["not_testable"]


def test_the_same_outputs_give_the_same_bytes(made, report, tmp_path):
    content, out = report
    again = write_results(*made, tmp_path, "polyspan run small.yaml")
    assert again == content
    for name in ("tables/numbers.csv", "tables/table2.tex", "tables/claims.md", "figures/matrix.png"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name


def test_nothing_is_computed_again(made, report, monkeypatch):
    """The second report of the same outputs reads no scores, and is drawn anew."""
    _, out = report
    (out / "report.html").unlink()
    monkeypatch.setattr("polyspan.lab.results.gathered.kept_scores", None)
    write_results(*made, out, "polyspan run small.yaml")
    assert (out / "report.html").is_file()


def test_stages_of_other_versions_are_told(made, report, tmp_path):
    given, planned, store = made
    assert report[0]["remarks"] == []
    other = Store(shutil.copytree(store.folder, tmp_path / "store"))
    for cell in {cell.train.key: cell for cell in planned.cells}.values():
        path = other.path(cell.train) / "stage.json"
        path.write_text(path.read_text("utf-8").replace('"torch": "', '"torch": "0.'), "utf-8")
    content = write_results(given, planned, other, tmp_path / "out", "")
    (remark,) = content["remarks"]
    assert f"of {len(planned.stages)} stages were made with torch 0." in remark
    assert "--policy versions" in remark
    assert remark in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_what_is_missing_is_named_and_the_rest_is_there(made, tmp_path):
    given, planned, store = made
    broken = Store(shutil.copytree(store.folder, tmp_path / "store"))
    lost = next(cell for cell in planned.cells if (cell.reader, cell.test, cell.seed) == ("Zh", "Zh", 2))
    whole = [cell for cell in planned.cells if cell.reader == "GAN"]
    for stage in (lost.predict, *(cell.predict for cell in whole), *(cell.train for cell in whole)):
        broken.discard(stage)
    failed = {whole[0].train.name: "training diverged by step 3\n  found:    a loss of nan\n  log:      /x/y.log"}
    content = write_results(given, planned, broken, tmp_path / "out", "", failed)
    why = {one["stage"]: one["why"] for one in content["missing"]}
    assert why[whole[0].train.name] == "training diverged by step 3; a loss of nan"
    assert why[whole[0].predict.name] == f"it needs {whole[0].train.name}, which failed"
    assert why[lost.predict.name] == "it was not run to its end"
    cell = content["tables"]["table2"]["cells"][3]
    assert (len(cell["runs"]), cell["missing"]) == (1, "not made: seed 2")
    assert content["tables"]["table7"]["cells"][0]["f1"]["mean"] is None
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "This run is not complete" in html


def test_a_cell_says_how_it_is_made_alone(made, report):
    content, _ = report
    _, planned, _ = made
    (line,) = content["tables"]["table7"]["cells"][0]["commands"]
    *command, option, name = shlex.split(line)
    assert (command, option) == (["polyspan", "run", "small.yaml"], "--stage")
    assert planned.stage(name).kind == "predict"
