"""What is nothing without its base, by a name on the hub: an adapter, and a difference."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import polyspan as ps
from polyspan.errors import PolyspanError
from polyspan.model.adapters import load_adapters
from polyspan.model.encoders.encoder import load_encoder, weights_sha256

WINDOWS = ps.WindowOptions(max_length=64, stride=16, max_question_length=16)
ASKED = ("who won", "The cup was won by leeds in 1920.")


@pytest.fixture(scope="module", params=["adapter", "difference"])
def small(request, tiny, tmp_path_factory) -> Path:
    """The folder of either, made from the tiny encoder."""
    folder = tmp_path_factory.mktemp("small") / request.param
    settings = replace(ps.preset("cpu"), lora=2, epochs=1.0, windows=WINDOWS)
    few = [ps.sample(ps.read("mini:en/test"), 4)]
    if request.param == "adapter":
        ps.train(few, tiny, folder, settings)
    else:
        ps.train(few, tiny, folder.parent / "whole", replace(settings, lora=None)).save(folder, base=tiny)
    return folder


def test_it_is_merged_into_its_base(hub, small):
    commit = hub.put("me/small", small)
    here, there = ps.Reader.load(small), ps.Reader.load(f"me/small@{commit}")
    assert not there.fresh_head
    assert there.options == here.options == WINDOWS
    assert there.card.data == here.card.data
    assert weights_sha256(there.model) == weights_sha256(here.model)
    assert there.answer(*ASKED) == here.answer(*ASKED)
    assert weights_sha256(load_encoder("me/small")[0]) == weights_sha256(here.model)  # to go on from


def test_it_is_fetched_once_and_there_without_a_network(hub, small):
    name = f"me/small@{hub.put('me/small', small)}"
    answer = ps.Reader.load(name).answer(*ASKED)
    hub.asked.clear()
    assert ps.Reader.load(name).answer(*ASKED) == answer
    assert [one for one in hub.asked if "/resolve/" in one] == []
    hub.cut = "."
    assert ps.Reader.load(name).answer(*ASKED) == answer


def test_another_base_than_it_was_made_from_is_told(hub, small, tmp_path):
    changed = Path(shutil.copytree(small, tmp_path / "changed"))
    content = (changed / "base.json").read_text("utf-8")
    hashed = content.partition('.safetensors": "')[2][:64]
    (changed / "base.json").write_text(content.replace(hashed, "0" * 64), "utf-8")
    hub.put("me/small", changed)
    with pytest.raises(PolyspanError, match=f"the base of the {small.name} is not the one"):
        ps.Reader.load("me/small")


def test_a_download_that_breaks_is_one_sentence(hub, small, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    commit = hub.put("me/small", small)
    hub.half = "base.json"
    with pytest.raises(PolyspanError, match=f"cannot load the model 'me/small@{commit}'"):
        ps.Reader.load(f"me/small@{commit}")
    hub.half = ""
    assert not ps.Reader.load(f"me/small@{commit}").fresh_head


def test_adapters_share_a_base_by_their_names(hub, small):
    hub.put("me/small", small)
    if small.name == "adapter":
        found = load_adapters({"hub": "me/small", "here": small})
        assert [one.answer(*ASKED).text for one in found.values()] == [
            ps.Reader.load(small).answer(*ASKED).text
        ] * 2
    else:
        with pytest.raises(PolyspanError, match="this is no adapter"):
            load_adapters({"hub": "me/small"})


def test_the_client_of_the_hub_may_not_be_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(PolyspanError, match=r"me/reader, .* needs huggingface_hub, which is not installed"):
        ps.Reader.load("me/reader")
