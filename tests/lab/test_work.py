"""The work of stages: the files they promise, the same ones for the same inputs."""

import hashlib
import json
from pathlib import Path

import pytest

import polyspan as ps
from polyspan.errors import UsageError
from polyspan.lab.stage import Stage
from polyspan.lab.work import work_of
from polyspan.lab.work.answers import kept_scores, write_answers
from polyspan.lab.work.corpus import kept_corpus, root
from polyspan.model.reader import Reader
from polyspan.training.settings import as_options, preset

CHANGES = {"epochs": 1, "max_length": 64, "stride": 16, "max_question_length": 16, "batch_size": 16}
SETTINGS = as_options(preset("cpu", **CHANGES))


def do(stage: Stage, folder: Path) -> Path:
    """A stage's output, made with all that it needs."""
    out = folder / stage.key[:16]
    if not out.is_dir():
        inputs = {role: do(need, folder) for role, need in stage.needs.items()}
        out.mkdir(parents=True)
        work_of(stage.kind)(stage.options, inputs, out)
    return out


def corpus(data: str, limit: int | None = 10, **options) -> Stage:
    return Stage("corpus", data, {"data": data, "limit": limit, "seed": 1, **options})


def trained(model: str, needs: dict[str, Stage] | None = None, **options) -> Stage:
    given = {"model": model, "settings": SETTINGS, "seed": 3, "limit": None, "weights": None}
    return Stage("train", "train", given | options, {"data.0": corpus("mini:en/train")} | (needs or {}))


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file but run records, which have seconds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "run.json")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_corpus_is_kept_as_it_is_used(tmp_path):
    out = do(corpus("mini:zh/test", name="Zh", metric="hsu.v1"), tmp_path)
    kept = kept_corpus(out)
    assert (kept.name, kept.language, kept.metric, len(kept)) == ("Zh", "zh-Hant", "hsu.v1", 10)
    assert kept.fingerprint() == ps.sample(ps.read("mini:zh/test"), 10, 1).fingerprint()
    about = json.loads((out / "about.json").read_text("utf-8"))
    assert about["sha256"] == kept.fingerprint()
    assert (about["root"], about["set"]["licence"], about["of"]) == ("mini:zh/test", "CC0-1.0", 96)
    assert not (out / "card.yaml").exists()


def test_a_made_corpus_has_its_card(tmp_path):
    out = do(corpus("make:permute(make:sample(mini:en/test, size=5), seed=1)", None), tmp_path)
    assert "maker: permute" in (out / "card.yaml").read_text("utf-8")
    about = json.loads((out / "about.json").read_text("utf-8"))
    assert about["root"] == "mini:en/test"
    assert about["card"]["options"]["seed"] == 1


def test_the_root_of_a_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text("{}")
    assert root(f"make:permute({path}, seed=1)") == ("mine.json", None)
    assert root("hub:me/mine/train") == ("hub:me/mine/train", None)


def test_scores_are_kept_in_columns_and_were_by_id_before(tmp_path):
    corpus = ps.read("mini:en/test")
    texts = {question.id: question.answers[0].text[:9] for _, question in corpus.questions()}
    write_answers(tmp_path, corpus, texts)
    found, told = kept_scores(tmp_path)
    assert dict(found.questions) == dict(ps.score(corpus, texts).questions)
    columns = json.loads((tmp_path / "scores.json").read_text("utf-8"))["by_question"]
    lists = zip(columns["exact_match"], columns["f1"], strict=True)
    before = told | {"questions": dict(zip(columns["ids"], lists, strict=True))}
    (tmp_path / "scores.json").write_text(json.dumps(before), "utf-8")
    known = {found.questions.ids: found.questions.ids}
    again, _ = kept_scores(tmp_path, known)
    assert again == found
    assert again.questions.ids is found.questions.ids


def test_reader_and_answers(tiny, tmp_path):
    train, test = trained(tiny), corpus("mini:en/test")
    predict = Stage("predict", "predict", {"pack": None}, {"reader": train, "test": test})
    out = do(predict, tmp_path)
    assert (do(train, tmp_path) / "reader" / "run.json").is_file()
    answers = json.loads((out / "predictions.json").read_text("utf-8"))
    spans = json.loads((out / "spans.json").read_text("utf-8"))
    asked = kept_corpus(do(test, tmp_path))
    for paragraph, question in asked.questions():
        start, end = spans[question.id]
        assert paragraph.context[start:end] == answers[question.id]
    scores, facts = kept_scores(out)
    assert scores == ps.score(asked, answers, "squad.v1")
    assert facts["pieces"] > 0
    assert contents(do(predict, tmp_path / "again")) == contents(out)
    assert contents(do(train, tmp_path / "again")) == contents(do(train, tmp_path))


def test_answers_are_computed_in_the_dtype_asked_for(tiny, tmp_path, monkeypatch):
    train, test, load, asked = trained(tiny), corpus("mini:en/test"), Reader.load, []

    def loaded(name, options=None, seed=0, dtype=None, **others):
        asked.append(dtype)
        return load(name, options, seed, **others)

    monkeypatch.setattr(Reader, "load", loaded)
    for given in ({}, {"dtype": "bf16"}):
        do(Stage("predict", "predict", {"pack": None} | given, {"reader": train, "test": test}), tmp_path)
    assert [dtype for dtype in asked if dtype] == ["fp32", "bf16"]


def test_untrained_and_lexical(tiny, tmp_path):
    test = corpus("mini:en/test")
    options = {"untrained": tiny, "windows": SETTINGS["windows"], "seed": 5, "pack": None}
    fresh = do(Stage("predict", "untrained", options, {"test": test}), tmp_path)
    lexical = do(Stage("baseline", "lexical", {}, {"test": test}), tmp_path)
    assert kept_scores(fresh)[0].n == kept_scores(lexical)[0].n == 10
    assert not (lexical / "spans.json").exists()


def test_map_adversary_and_augmentation_are_in_the_record(tiny, tmp_path):
    sides = {"source": corpus("mini:en/train", None), "target": corpus("mini:fr/train", None)}
    sides["reader"] = trained(tiny)
    options = {"method": "mean", "layer": 1, "most": 40, "limit": 5, "seed": 2}
    fitted = Stage("map", "map", options, sides)
    train = trained(tiny, {"map": fitted})
    record = json.loads((do(train, tmp_path) / "reader" / "run.json").read_text("utf-8"))
    assert record["align"]["layer"] == 1
    assert json.loads((do(fitted, tmp_path) / "map.json").read_text("utf-8"))["target"] == "mini:fr/train"
    more = {"adversary": {"layer": 1, "weight": 0.1}, "augment": {"dictionaries": ["mini:fr"], "rate": 0.5}}
    train = trained(tiny, {"adversary.0": corpus("mini:fr/test")}, **more)
    record = json.loads((do(train, tmp_path) / "reader" / "run.json").read_text("utf-8"))
    assert record["adversary"]["data"][0]["name"] == "mini:fr/test"
    assert "augment" in record


@pytest.mark.parametrize(
    "options", [{"how": "trim", "languages": ["en"]}, {"how": "graft", "projection": "pca", "most": 5, "seed": 0}]
)
def test_an_encoder_is_the_same_wherever_it_is_made(tiny, tmp_path, options):
    needs = {"data.0": corpus("mini:en/train", None)}
    if options["how"] == "graft":
        given = {"how": "vectors", "width": 16, "fewest": 2, "seed": 0}
        needs["vectors"] = Stage("encoder", "words", given, {"data.0": corpus("mini:ja/train", None)})
    stage = Stage("encoder", "small", options | {"model": tiny}, needs)
    one, two = (do(stage, tmp_path / name) for name in ("one", "two"))
    assert contents(one) == contents(two)
    assert "model/config.json" in contents(one)
    train = trained("", {"model": stage})
    assert (do(train, tmp_path / "one") / "reader" / "model.safetensors").is_file()


def test_an_unknown_way_to_an_encoder(tmp_path):
    with pytest.raises(UsageError, match="way to make an encoder"):
        do(Stage("encoder", "x", {"how": "grift"}), tmp_path)


def test_a_probe_has_numbers_and_figures(tiny, tmp_path):
    needs = {"reader": trained(tiny), "data.0": corpus("mini:en/test"), "data.1": corpus("mini:fr/test")}
    options = {"kind": "cosine", "name": "En", "before": tiny, "layers": [-1], "seed": 0}
    out = do(Stage("probe", "probe", options, needs), tmp_path)
    study = json.loads((out / "study.json").read_text("utf-8"))
    assert (study["model"], study["before"]) == ("En", tiny)
    assert {row["state"] for row in study["rows"]} == {"before", "after"}
    assert (out / "cosine.png").stat().st_size > 1000
    assert (out / "study.csv").read_text("utf-8").startswith("state,")
