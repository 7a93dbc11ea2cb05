"""The README.md of a Reader: the hub's client reads it, it comes back as it was, and a person's words stay."""

import json
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard as HubCard

from polyspan.model.card.card import Learnt, Measured, ReaderCard
from polyspan.model.card.readme import card_of, read_card, redraw, write_card

SQUAD = {"squad": "CC BY-SA 4.0"}
CARD = ReaderCard(
    name="mine",
    base="bundled:e5-small",
    base_model="intfloat/multilingual-e5-small",
    base_licence="MIT",
    hashes={"weights": "ab" * 32},
    data=(
        Learnt("squad:train", "en", 1000, "cd" * 32, SQUAD),
        Learnt("mini:zh/train", "zh-Hant", 30, "", {"mini": "CC0-1.0"}),
    ),
    settings={"epochs": 2.0, "windows": {"max_length": 384}},
    seed=42,
    command='ps.train([ps.read("squad:train")], "bundled:e5-small", "reader")',
    results=(
        Measured("xquad:zh", "drcd.v1", 100, "zh-Hans", 40.0, 60.0),
        Measured("mine.json", "squad.v1", 5, "en", None, 20.0),
    ),
)
FIT = {"n": 300, "unanswerable": 100}
CALIBRATION = {"languages": {"en": FIT, "zh": FIT}, "ece_before": 0.2, "ece_after": 0.013}


def _text(folder):
    return (folder / "README.md").read_text("utf-8")


def test_the_hub_s_client_reads_it(tmp_path):
    found = HubCard.load(write_card(CARD, tmp_path)).data
    told = found.to_dict()
    assert told["language"] == ["en", "zh"]
    assert told["license"] == "cc-by-sa-4.0"
    assert told["base_model"] == "intfloat/multilingual-e5-small"
    assert told["datasets"] == ["rajpurkar/squad"]  # of the two the hub has one
    assert (told["library_name"], told["pipeline_tag"]) == ("polyspan", "question-answering")
    assert told["model-index"][0]["name"] == "mine"
    exact, f1, local = found.eval_results
    assert (exact.metric_type, exact.metric_value, exact.metric_name) == (
        "exact_match",
        40.0,
        "Exact match (drcd.v1)",
    )
    assert (f1.dataset_type, f1.dataset_config, f1.dataset_split) == ("google/xquad", "xquad.zh", "validation")
    assert f1.metric_args == {"rule": "drcd.v1", "n": 100, "interval": [50.57, 69.43]}
    assert (local.dataset_type, local.metric_type) == ("mine.json", "f1")


def test_it_comes_back_as_it_was(tmp_path):
    write_card(CARD, tmp_path)
    before = _text(tmp_path)
    assert read_card(tmp_path) == CARD
    write_card(read_card(tmp_path), tmp_path)
    assert _text(tmp_path) == before


def test_the_text_says_what_is_known(tmp_path):
    (tmp_path / "reader.json").write_text(json.dumps({"max_length": 256}))
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 12, "hidden_size": 384}))
    (tmp_path / "difference.safetensors").write_bytes(bytes(7_540_000))
    write_card(CARD, tmp_path)
    for told in (
        "12 layers and 384 numbers a piece",
        "difference in four bits a weight: 7.5 MB",
        "windows of 256 pieces",
        "| English | 1,000 |\n| Chinese | 30 |\n",
        "* `squad:train`, 1,000 questions; squad: CC BY-SA 4.0; `cdcd",
        'ps.train([ps.read("squad:train")]',
        "| xquad:zh | Chinese (Simplified) | 30 | drcd.v1 | 100 | 40.0 ± 9.4 | 60.0 ± 9.4 |\n",
        "| mine.json | English | 1,000 | squad.v1 | 5 | – | 20.0 ± ",
        "It is not calibrated",
        "cc-by-sa-4.0, as what it was made from asks.",
    ):
        assert told in _text(tmp_path), told
    (tmp_path / "calibration.json").write_text(json.dumps(CALIBRATION))
    redraw(tmp_path)
    asked = "(300 questions, 100 without an answer)"
    assert f"Calibrated on English {asked}, Chinese {asked}." in _text(tmp_path)
    assert "is 0.013 (0.200 before)" in _text(tmp_path)


def test_where_nothing_is_known_nothing_is_claimed(tmp_path):
    told = HubCard.load(write_card(ReaderCard(), tmp_path)).data.to_dict()
    assert not {"language", "base_model", "datasets", "model-index"} & set(told)
    assert told["license"] == "unknown"
    assert "Nothing is known of its training here." in _text(tmp_path)
    assert "It has not been measured." in _text(tmp_path)


def test_what_a_person_wrote_stays(tmp_path):
    path = write_card(CARD, tmp_path)
    changed = (
        _text(tmp_path)
        .replace("# mine", "# Of our archive")
        .replace("pipeline_tag", "thumbnail: a.png\npipeline_tag")
    )
    path.write_text(changed, "utf-8")
    more = Measured("mini:en/test", "squad.v1", 96, "en", 30.0, 50.0)
    write_card(read_card(tmp_path).measured([more]), tmp_path)
    assert "# Of our archive" in _text(tmp_path)
    told = HubCard.load(path).data
    assert told.to_dict()["thumbnail"] == "a.png"
    assert len(told.eval_results) == 5
    redraw(tmp_path)
    assert "# Of our archive" in _text(tmp_path)


def test_a_person_s_licence_is_kept_and_its_clash_told(tmp_path):
    path = write_card(CARD, tmp_path)
    path.write_text(_text(tmp_path).replace("license: cc-by-sa-4.0", "license: mit"), "utf-8")
    card = read_card(tmp_path)
    assert (card.own_licence, card.clash) == (
        "mit",
        "the licence mit is not what the data allow: that of squad, CC BY-SA 4.0, asks that what is made of it "
        "has its licence",
    )
    write_card(card, tmp_path)
    assert f"Mind: {card.clash}." in _text(tmp_path)


def test_the_licence_is_unknown_where_one_source_s_is(tmp_path):
    card = replace(CARD, data=(*CARD.data, Learnt("my.json", "de", 10)))
    write_card(card, tmp_path)
    assert "license: unknown" in _text(tmp_path)
    assert "Not known: nothing tells the licence of `my.json`." in _text(tmp_path)


def test_a_newer_result_takes_the_place_of_an_older_one():
    newer = replace(CARD.results[0], f1=70.0)
    assert CARD.measured([newer]).results == (newer, CARD.results[1])


def test_another_model_is_the_base_and_no_more(tmp_path):
    head = "license: apache-2.0\nbase_model: FacebookAI/xlm-roberta-base\nlibrary_name: transformers\n"
    (tmp_path / "README.md").write_text(f"---\n{head}---\n\n# Theirs\n", "utf-8")
    card = card_of(str(tmp_path), tmp_path)
    assert card == ReaderCard(
        base=tmp_path.name, base_model="FacebookAI/xlm-roberta-base", base_licence="apache-2.0"
    )
    assert card_of("owner/name@abc", None) == ReaderCard(base="owner/name@abc", base_model="owner/name")


@pytest.mark.parametrize(
    "content", ["---\n- no\n---\n", "---\n{\n---\nHello", "Hello", "---\nlibrary_name: polyspan\n---"]
)
def test_a_card_that_cannot_be_read_is_none(tmp_path, content):
    (tmp_path / "README.md").write_text(content, "utf-8")
    assert read_card(tmp_path) == ReaderCard()
    write_card(CARD, tmp_path)
    assert read_card(tmp_path) == CARD
    assert ("Hello" in _text(tmp_path)) == ("Hello" in content)


def test_a_card_of_another_version_is_read_as_far_as_it_goes(tmp_path):
    head = "license: mit\nlibrary_name: polyspan\npolyspan: {name: x, data: [{nom: y}], future: 1}\n"
    (tmp_path / "README.md").write_text(f"---\n{head}---\n", "utf-8")
    assert read_card(tmp_path) == ReaderCard(licence="mit")
