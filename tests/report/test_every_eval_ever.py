"""Scores in Every Eval Ever's schema (0.3.0): its required keys, and what it asks of a continuous score."""

import json

import pytest

from polyspan.model.card.card import ReaderCard
from polyspan.model.card.readme import write_card
from polyspan.report.every_eval_ever import every_eval_ever
from polyspan.score import score
from polyspan.stats import standings

REQUIRED = {
    "": "schema_version evaluation_id retrieved_timestamp source_metadata model_info eval_library "
    "evaluation_results",
    "source_metadata": "source_type source_organization_name evaluator_relationship",
    "model_info": "name id additional_details",
    "eval_library": "name version",
    "result": "evaluation_name source_data metric_config score_details",
}


def _record(corpus, **options):
    gold = {question.id: question.answers[0].text for _, question in corpus.questions()}
    answers = dict(gold, **{next(iter(gold)): "hull"})
    (standing,) = standings({"answers.json": score(corpus, answers)}, draws=50)
    return every_eval_ever(standing, corpus, draws=50, **options)


def test_the_record_has_what_the_schema_requires(corpus):
    record = _record(corpus)
    assert set(record) == set(REQUIRED[""].split())
    for part in ("source_metadata", "model_info", "eval_library"):
        assert set(REQUIRED[part].split()) <= set(record[part])
    assert {"deployment_type", "model_availability"} <= set(record["model_info"]["additional_details"])
    exact, f1 = record["evaluation_results"]
    assert set(REQUIRED["result"].split()) <= set(exact)
    assert exact["source_data"]["source_type"] == "other"
    assert exact["source_data"]["additional_details"]["sha256"] == corpus.fingerprint()
    assert all(isinstance(value, str) for value in exact["source_data"]["additional_details"].values())
    config = f1["metric_config"]
    assert (config["metric_id"], config["min_score"], config["max_score"]) == ("polyspan.squad.v1.f1", 0, 100)
    interval = exact["score_details"]["uncertainty"]["confidence_interval"]
    assert interval["lower"] <= exact["score_details"]["score"] == 80 <= interval["upper"]
    assert float(record["retrieved_timestamp"]) > 0


def test_the_hub_s_data_are_named_as_there(corpus):
    from dataclasses import replace

    (source, _) = (one["source_data"] for one in _record(replace(corpus, name="xquad:en"))["evaluation_results"])
    assert (source["source_type"], source["hf_repo"], source["hf_split"]) == (
        "hf_dataset", "google/xquad", "validation")  # fmt: skip
    assert source["samples_number"] == 5


@pytest.fixture
def files(corpus, tmp_path, monkeypatch):
    from polyspan.data.write import write

    monkeypatch.chdir(tmp_path)
    write(corpus, "dev.json")
    gold = {question.id: question.answers[0].text for _, question in corpus.questions()}
    (tmp_path / "a.json").write_text(json.dumps(gold), "utf-8")
    return tmp_path


def test_the_command_prints_one_record(run, files):
    code, out, _ = run("score", "dev.json", "a.json", "--format", "every-eval-ever", "--draws", 50)
    assert code == 0
    record = json.loads(out)
    assert (record["model_info"]["name"], record["schema_version"]) == ("a", "0.3.0")
    code, _, err = run("score", "dev.json", "a.json", "--format", "every")
    assert code == 2
    assert "every-eval-ever" in err


def test_scores_go_into_the_cards_of_readers_alone(run, files, tiny):
    code, _, err = run("score", "dev.json", "a.json", "--card")
    assert (code, "--card writes into the folders of Readers" in err) == (2, True)
    from polyspan.model.card.readme import read_card
    from polyspan.model.reader import Reader
    from polyspan.model.windows.windows import WindowOptions

    Reader.load(tiny, WindowOptions(max_length=64, stride=16)).save("reader")
    write_card(ReaderCard(name="mine", base="bundled:e5-small"), "reader")
    code, out, err = run("score", "dev.json", "reader", "--card", "--format", "every-eval-ever", "--draws", 50)
    assert code == 0, err
    assert json.loads(out)["model_info"]["name"] == "mine"
    (result,) = read_card("reader").results
    assert (result.data, result.metric, result.n) == ("dev", "squad.v1", 5)
