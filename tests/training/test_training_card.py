"""The card that a training gives its Reader, with the call that makes it again."""

import json
from pathlib import Path

import polyspan as ps
from polyspan.model.card.readme import read_card
from polyspan.training.command import command
from polyspan.training.settings import as_options, preset


def test_a_trained_reader_says_what_it_came_from(tiny, corpus, tmp_path):
    settings = preset("cpu", epochs=1, max_length=64, stride=16, batch_size=4)
    reader = ps.train([corpus], str(tiny), tmp_path / "mine", settings)
    card = read_card(tmp_path / "mine")
    assert card == reader.card
    assert (card.name, card.base, card.seed) == ("mine", Path(tiny).name, 42)
    assert str(tmp_path) not in (tmp_path / "mine" / "README.md").read_text("utf-8")
    (learnt,) = card.data
    assert (learnt.questions, learnt.sha256) == (len(corpus), corpus.fingerprint())
    record = json.loads((tmp_path / "mine" / "run.json").read_text("utf-8"))
    assert card.settings == record["settings"]
    assert card.hashes == {"weights": record["encoder"]}
    changes = "batch_size=4, epochs=1, max_length=64, stride=16"
    assert f'"reader", ps.preset("cpu", {changes}), seed=42)' in card.command

    ps.Reader.load(tmp_path / "mine").save(tmp_path / "copy")
    assert read_card(tmp_path / "copy") == card
    again = ps.train([corpus], str(tmp_path / "mine"), tmp_path / "further", settings, seed=1)
    assert [one.name for one in again.card.data] == [corpus.name, corpus.name]
    assert (again.card.base, again.card.name) == ("mine", "further")


def test_the_call_names_the_nearest_preset_and_what_is_beside():
    settings = preset("readme", lora=8, negatives="some")
    record = {
        "data": [{"name": "squad:train"}, {"name": "mini:ko/train"}],
        "seed": 3,
        "settings": as_options(settings),
    }
    record |= {"limit": 500, "weights": None, "merge": True, "augment": {}}
    assert command(record, settings, "owner/name@abc") == (
        'ps.train([ps.read("squad:train"), ps.read("mini:ko/train")], "owner/name@abc", "reader", '
        "ps.preset(\"readme\", lora=8, negatives='some'), seed=3, limit=500, merge=True, augment=…)"
    )
