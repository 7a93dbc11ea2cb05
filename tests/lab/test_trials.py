"""How sure readers are, in a recipe that is really run: what answers keep, what is fitted, tried and shown."""

import csv
import json
import shutil

import numpy as np
import pytest

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError
from polyspan.lab.engine.local import run_local
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.results.gathered import Gathered
from polyspan.lab.results.results import write_results
from polyspan.lab.results.sources import confidence_pictures
from polyspan.lab.results.trials import confidence
from polyspan.lab.store.store import Store
from polyspan.lab.work import work_of
from polyspan.report import write_report
from polyspan.report.figures.drawing import write_figure
from polyspan.report.figures.reliability import risk_figure
from polyspan.stats.evidence import TEMPERATURES, Evidence

TEXT = """\
name: sure
model: bundled:e5-small
preset: cpu
corpora: {En: mini:en/train}
tests: {En: mini:en/test, Zh: mini:zh/test, Fr: mini:fr/test, En-dev: mini:en/train, Zh-dev: mini:zh/train}
readers: {En: [En], few: {data: [En], limit: 50}}
tables: {all: {rows: [En], columns: [Zh]}}
statistics:
  confidence: {readers: [En, few], fit: {English: En-dev, Chinese: [Zh-dev]}, tests: [En, Zh, Fr]}
"""


@pytest.fixture
def planned(tmp_path):
    """Plan the recipe with some changes."""

    def call(*changes: str, text: str = TEXT):
        path = tmp_path / "sure.yaml"
        path.write_text(text, "utf-8")
        return plan(read_recipe(path, changes))

    return call


def test_answers_that_are_asked_for_keep_evidence_and_no_others(planned):
    made = planned("draw=confidence", "seeds=[1, 2]")
    answers = {stage.name for stage in made.stages if stage.kind == "predict"}
    tests = ("En-dev", "Zh-dev", "En", "Zh", "Fr")
    assert answers == {f"predict {r} on {t}, seed {s}" for r in ("En", "few") for t in tests for s in (1, 2)}
    assert all(stage.options["evidence"] for stage in made.stages if stage.kind == "predict")
    assert {(cell.reader, cell.test, cell.seed) for cell in made.cells} == {
        (r, t, s) for r in ("En", "few") for t in tests for s in (1, 2)
    }
    without = planned(text=TEXT.partition("statistics:")[0])
    assert "evidence" not in without.stage("predict En on Zh, seed 42").options


def test_what_is_drawn_changes_no_key(planned):
    with_, without = planned(), planned("draw=all")
    name = "predict En on Zh, seed 42"
    assert with_.stage(name).key == without.stage(name).key
    assert len([stage for stage in with_.stages if stage.name == name]) == 1
    checkpoint = planned("readers.En.checkpoints=2", "draw=all").stage(name)
    assert checkpoint.options["evidence"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("En-dev", {"En-dev": ["En-dev"]}),
        ("[En-dev, Zh-dev]", {"En-dev": ["En-dev"], "Zh-dev": ["Zh-dev"]}),
        ("{both: [En-dev, Zh-dev]}", {"both": ["En-dev", "Zh-dev"]}),
    ],
)
def test_a_fit_is_named_after_its_test_where_it_has_no_name(planned, given, meant):
    asked = planned(f"statistics.confidence.fit={given}").recipe.statistics.confidence
    assert asked is not None
    assert asked.fit == meant


def test_a_sweep_is_all_its_readers(planned):
    made = planned("readers.few.limit=[20, 40]", "draw=confidence")
    assert made.recipe.statistics.confidence.readers == ["En", "few-20", "few-40"]
    assert all(stage.options["evidence"] for stage in made.stages if stage.kind == "predict")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("readers=[Em]", "did you mean 'En'"),
        ("tests=[Zu]", "unknown test 'Zu'"),
        ("fit={English: En-dve}", "did you mean 'En-dev'"),
        ("tests=[En-dev]", "not tried on what it was fitted on"),
        ("fit={pooled: En-dev}", "a fit needs another name"),
        ("fit={}", "statistics.confidence.fit cannot be so"),
        ("accuracy=80", "less than or equal to 1"),
        ("goal=f1", "there is no 'statistics.confidence.goal' to set"),
    ],
)
def test_mistakes(planned, change, words):
    with pytest.raises(PolyspanError) as caught:
        planned(f"statistics.confidence.{change}")
    assert words in str(caught.value)


def test_a_threshold_has_one_goal_and_the_fault_its_line(planned):
    with pytest.raises(PolyspanError, match="one goal") as caught:
        planned(text=TEXT.replace("Fr]}", "Fr], accuracy: 0.8, coverage: 0.5}"))
    assert caught.value.where.endswith("sure.yaml:9")


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """A small recipe of two languages and two seeds, its plan, and a store in which it was run."""
    sizes = {"epochs": 1, "max_length": 128, "stride": 64, "max_question_length": 16, "batch_size": 16}
    given = Recipe.model_validate(
        {
            **{"name": "sure", "model": tiny, "preset": "cpu", "settings": sizes, "seeds": [1, 2]},
            "corpora": {"En": {"data": "mini:en/train", "limit": 8}},
            "tests": {
                **{name: {"data": f"mini:{name}/test", "limit": 6} for name in ("en", "fr")},
                **{f"{name}-dev": {"data": f"mini:{name}/train", "limit": 6} for name in ("en", "fr")},
                "twin": {"data": "mini:en/test", "limit": 6},
            },
            "readers": {"En": {"data": ["En"]}},
            "statistics": {
                "confidence": {
                    **{"readers": ["En"], "tests": ["en", "fr"]},
                    "fit": {"English": ["en-dev"], "French": ["fr-dev"], "twin": ["twin"]},
                }
            },
        }
    )
    planned = plan(given)
    store = Store(tmp_path_factory.mktemp("run") / "store")
    assert not run_local(planned.stages, store).failed
    return given, planned, store


def test_evidence_stands_beside_the_answers(made, tmp_path):
    _, planned, store = made
    gathered = Gathered(store, store.folder, frozenset(stage.key for stage in planned.stages))
    for cell in planned.cells:
        found = gathered.evidence(cell.predict)
        assert dict(zip(found.ids, found.texts, strict=True)) == gathered.json(cell.predict, "predictions.json")
    cell = planned.cells[0]
    needs = {role: store.path(stage) for role, stage in cell.predict.needs.items()}
    work_of("predict")({"pack": None}, needs, tmp_path)
    for name in ("predictions.json", "spans.json", "scores.json"):
        assert json.loads((tmp_path / name).read_text("utf-8")) == gathered.json(cell.predict, name)
    out = store.folder.parent / "report"
    content = write_results(*made, out, "")
    assert content["missing"] == []
    assert len(content["matrix"]) == 5 * 2
    found = content["statistics"]["confidence"]
    assert "English has 0 questions without an answer and 6 with one: no threshold is fitted." in found["why"]
    assert {row["fit"] for row in found["rows"]} == {"uncalibrated", "English", "French", "twin", "pooled"}
    assert [one["file"] for one in content["pictures"]] == [
        *("figures/confidence-En-reliability.png", "figures/confidence-En-risk.png")
    ]
    assert all((out / file).is_file() for one in content["pictures"] for file in (one["file"], *one["others"]))
    assert "How sure the readers are" in (out / "report.html").read_text("utf-8")


def test_what_cannot_be_fitted_is_told_and_the_rest_is_there(made, tmp_path):
    given, _, store = made
    asked = given.statistics.confidence.model_copy(update={"accuracy": 1.0})
    changed = given.model_copy(update={"statistics": given.statistics.model_copy(update={"confidence": asked})})
    planned = plan(changed)
    other = Store(shutil.copytree(store.folder, tmp_path / "store"))
    lost = next(cell for cell in planned.cells if (cell.test, cell.seed) == ("fr-dev", 2))
    other.discard(lost.predict)
    content = write_results(changed, planned, other, tmp_path / "out", "")
    found = content["statistics"]["confidence"]
    told = " ".join(found["why"])
    assert "6 of 6 questions of en are in twin too" in told
    assert "En, seed 1, not fitted on English: no threshold holds an accuracy of 1" in told
    assert not any(one["seed"] == 2 and one["fit"] in ("French", "pooled") for one in found["fits"])
    assert [one["stage"] for one in content["missing"]] == [lost.predict.name]
    assert told.partition(".")[0] in (tmp_path / "out" / "report.html").read_text("utf-8")


SHARP = {"en": 4.0, "fr": 1.0, "ko": 2.0}
"""How much too sure the synthetic reader is, by language."""


class Synthetic:
    """Stands for what a run left: evidence of a reader that knows its own chances but for a temperature."""

    def __init__(self, out, lost=(), without_text=()):
        self.out, self.lost, self.without_text = out, lost, without_text
        self.made = {}

    def has_text(self, predict):
        return predict.name not in self.without_text

    def is_done(self, stage):
        return stage.name not in self.lost

    def about(self, stage):
        return {"language": stage.name.removeprefix("test ").removesuffix("-dev")}

    def corpus(self, stage):
        return self.of(stage)[0]

    def evidence(self, predict):
        return self.of(predict.needs["test"])[1]

    def of(self, stage):
        if stage.name not in self.made:
            self.made[stage.name] = synthetic(self.about(stage)["language"], len(self.made))
        return self.made[stage.name]


def test_answers_without_their_text_are_told():
    planned = plan(Recipe.model_validate(RECIPE))
    every = [cell.predict.name for cell in planned.cells]
    found = confidence(planned, Synthetic(None, without_text=every))
    assert (found["rows"], found["fits"], found["curves"]) == ([], [], [])
    assert found["why"] == [
        f"{len(every)} outputs were imported without the text that confidence is computed from."
    ]


def synthetic(language: str, seed: int, n: int = 2000) -> tuple[Corpus, Evidence]:
    """A corpus of one word a question, and evidence on six spans and no answer."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, 7))  # the last is that of no answer
    gold = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    best = logits[:, :6].argmax(axis=1)
    logits *= SHARP[language]
    scaled = logits[:, :, None] / TEMPERATURES
    logs = scaled - np.logaddexp.reduce(scaled, axis=1)[:, None]
    words = np.array([*"abcdef", ""])
    questions = tuple(
        Question(f"{seed}-{at}", f"{seed} {at}?", (Answer(word, "abcdef".index(word)),) if word else (), not word)
        for at, word in enumerate(words[gold].tolist())
    )
    corpus = Corpus((Paragraph("abcdef", questions),), language, language, "squad.v2")
    odds = logits[:, 6] - logits[:, :6].max(axis=1)
    ids = [question.id for question in questions]
    return corpus, Evidence(ids, words[best].tolist(), odds, logs[np.arange(n), best], logs[:, 6])


RECIPE = {
    "name": "sure",
    "model": "bundled:e5-small",
    "preset": "cpu",
    "seeds": [1, 2],
    "corpora": {"En": {"data": "mini:en/train"}},
    "tests": {
        name + part: {"data": f"mini:{name}/{side}"}
        for name in ("en", "fr", "ko")
        for part, side in (("", "test"), ("-dev", "train"))
    },
    "readers": {"En": {"data": ["En"]}},
    "statistics": {
        "confidence": {
            **{"readers": ["En"], "tests": ["en", "fr", "ko"]},
            "fit": {"English": ["en-dev"], "French": ["fr-dev"]},
        }
    },
}


@pytest.fixture(scope="module")
def found():
    """The statistic on synthetic evidence."""
    return confidence(plan(Recipe.model_validate(RECIPE)), Synthetic(None))


def row(found, fit: str, test: str) -> dict:
    return next(one for one in found["rows"] if (one["fit"], one["test"]) == (fit, test))


def test_a_fit_holds_in_its_own_language_and_not_in_another(found):
    for language, own, other in (("en", "English", "French"), ("fr", "French", "English")):
        assert row(found, own, language)["ece_mean"] < 0.04 < row(found, other, language)["ece_mean"]
        assert row(found, own, language)["own"]
        assert not row(found, other, language)["own"]
        assert row(found, own, language)["f1_mean"] > row(found, "uncalibrated", language)["f1_mean"]
    fits = {one["fit"]: one["temperature"] for one in found["fits"]}
    assert fits["English"] == pytest.approx(4, rel=0.1)
    assert fits["French"] == pytest.approx(1, rel=0.1)
    assert fits["French"] < fits["pooled"] < fits["English"]


def test_every_trial_is_told(found):
    assert len(found["rows"]) == 4 * 3
    plain, fitted = row(found, "uncalibrated", "ko"), row(found, "pooled", "ko")
    assert fitted["span_ece_mean"] < plain["span_ece_mean"]
    assert plain["span_ece_mean"] == plain["ece_mean"]
    assert fitted["span_ece_mean"] != fitted["ece_mean"]
    assert (plain["answered_mean"], plain["lost_f1_mean"], plain["temperature_mean"]) == (1, 0, 1)
    assert fitted["answered_mean"] < 1
    lost = plain["answerable_f1_mean"] - fitted["answerable_f1_mean"]
    assert fitted["lost_f1_mean"] == pytest.approx(lost, abs=1e-4)
    assert (plain["seeds"], plain["ece_sd"], plain["language"], plain["n"]) == (2, 0, "ko", 2000)
    assert 0 < plain["unanswerable"] < 2000
    assert found["why"] == []
    assert [one["n"] for one in found["fits"]] == [2000, 2000, 4000] * 2
    (panel,) = [one for one in found["curves"] if one["test"] == "fr"]
    kinds = [("uncalibrated", "uncalibrated"), ("source", "English"), ("own", "French"), ("pooled", "pooled")]
    assert [(line["kind"], line["fit"]) for line in panel["lines"]] == kinds
    assert panel["lines"][2]["span_ece"] < panel["lines"][1]["span_ece"]
    assert all(len(line["bins"]) == 15 and line["risk"][-1][0] == 1 for line in panel["lines"])
    assert [line["kind"] for line in found["curves"][0]["lines"]] == ["uncalibrated", "own", "pooled"]


def test_it_is_shown_and_written(found, tmp_path):
    content = {"matrix": [], "timing": {}, "versions": {}, "statistics": {"confidence": found}}
    content["pictures"] = confidence_pictures(found, Synthetic(tmp_path))
    (tmp_path / "report.json").write_text(json.dumps(content, allow_nan=False), "utf-8")
    write_report(tmp_path)
    html = (tmp_path / "report.html").read_text("utf-8")
    for part in ("How sure the readers are", "fitted on the language of the test", "the best F1", "Korean"):
        assert part in html, part
    with (tmp_path / "tables" / "confidence.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(one["ece_mean"]) for one in rows] == [one["ece_mean"] for one in found["rows"]]
    assert "English" in (tmp_path / "tables" / "confidence.md").read_text("utf-8")
    assert "\\toprule" in (tmp_path / "tables" / "confidence.tex").read_text("utf-8")


def test_names_in_any_script_are_drawn(found, tmp_path):
    for name, kind in (("zh-test", b"CIDFontType2"), ("測試、시험", b"Type3")):
        _, pdf = write_figure(tmp_path, name, risk_figure, [found["curves"][0] | {"test": name}])
        assert b"/Subtype /" + kind in pdf.read_bytes()
