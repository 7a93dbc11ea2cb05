"""A Reader put on a hub and read back from a commit of it; what the hub refuses is one sentence."""

import json

import pytest

import polyspan as ps
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.model.card.card import Learnt, ReaderCard
from polyspan.model.card.readme import read_card, write_card
from polyspan.model.push import push


@pytest.fixture
def saved(tiny, tmp_path):
    """The folder of a Reader with windows of its own, and its answer to a question."""
    reader = ps.Reader.load(str(tiny), ps.WindowOptions(max_length=40, stride=10))
    reader.model.fresh_head = False
    reader.card = ReaderCard(name="mine", data=(Learnt("squad:train", "en", 5, "", {"squad": "CC BY-SA 4.0"}),))
    reader.save(tmp_path / "mine")
    (tmp_path / "mine" / "run.json").write_text(json.dumps({"model": str(tmp_path)}), "utf-8")
    (tmp_path / "mine" / "checkpoints").mkdir()
    return tmp_path / "mine"


def test_what_is_pushed_can_be_read_back_by_its_commit(hub, saved):
    pushed = push(saved, "me/reader", private=True)
    assert (pushed.repository, pushed.url, pushed.private) == ("me/reader", f"{hub.url}/me/reader", True)
    files = hub.files("me/reader")
    assert tuple(sorted(files)) == pushed.files
    assert {"config.json", "model.safetensors", "tokenizer.json", "reader.json", "README.md"} <= set(files)
    assert "run.json" not in files
    assert files["model.safetensors"] == (saved / "model.safetensors").read_bytes()
    assert b'ps.Reader.load("me/reader")' in files["README.md"]
    assert hub.cards == [files["README.md"].decode()]  # the hub is asked first whether it takes the card
    assert read_card(saved).name == "mine"

    here = ps.Reader.load(str(saved))
    hub.make("me/reader")["commits"].append(("f" * 40, {}))  # main has moved on
    there = ps.Reader.load(f"me/reader@{pushed.commit}")
    assert there.options == here.options == ps.WindowOptions(max_length=40, stride=10)
    assert there.card.data == here.card.data
    question = ("who won", "The cup was won by leeds in 1920.")
    assert there.answer(*question) == here.answer(*question)


def test_a_reader_in_memory_is_pushed_whole(hub, saved):
    pushed = ps.Reader.load(str(saved)).push_to_hub("me/reader")
    assert "model.safetensors" in hub.files("me/reader")
    assert push(saved, "me/reader").repository == pushed.repository  # once more: a commit more
    assert len(hub.repos["model", "me/reader"]["commits"]) == 3


def test_one_that_was_never_trained_is_refused(hub, tiny):
    with pytest.raises(PolyspanError, match="was never trained to answer"):
        ps.Reader.load(str(tiny), ps.WindowOptions(max_length=40, stride=10)).push_to_hub("me/reader")
    assert not hub.asked


def test_a_clash_of_licences_is_told(hub, saved):
    card = read_card(saved)
    write_card(ReaderCard(name=card.name, data=card.data, licence="mit"), saved)
    with pytest.warns(PolyspanWarning, match="the licence mit is not what the data allow: that of squad"):
        push(saved, "me/reader")


@pytest.mark.parametrize(
    ("repo", "token", "told"),
    [
        ("you/reader", "hf_mine", "the token may not write to what is you's"),
        ("me/reader", "hf_other", "the hub does not know the token"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(hub, saved, monkeypatch, repo, token, told):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(PolyspanError) as caught:
        push(saved, repo)
    assert (caught.value.message, caught.value.found) == (f"cannot push {repo}", told)
    assert "hf auth login" in caught.value.fix
    assert not hub.repos


def test_somebody_else_s_repository_stays_as_it_is(hub, saved):
    hub.make("you/reader")
    with pytest.raises(PolyspanError) as caught:
        push(saved, "you/reader")
    assert caught.value.found == "the token may not write to what is you's"
    assert hub.files("you/reader") == {}


@pytest.mark.parametrize("cut", ["POST .*/commit/", "PUT /lfs/", "POST .*/preupload/", "POST /api/repos/create"])
def test_a_connection_that_breaks_leaves_nothing(hub, saved, monkeypatch, cut):
    monkeypatch.setattr("time.sleep", lambda _: None)  # between tries
    hub.cut = cut
    with pytest.raises(PolyspanError) as caught:
        push(saved, "me/reader")
    assert caught.value.found.startswith("the connection broke, or there is none: ")
    assert caught.value.fix == "push it again: all of it is there, or nothing"
    assert not hub.repos or hub.files("me/reader") == {}
    hub.cut = ""
    push(saved, "me/reader")
    assert "model.safetensors" in hub.files("me/reader")


def test_without_a_token_or_a_network_nothing_is_asked(hub, saved, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(PolyspanError, match="cannot push me/reader"):
        push(saved, "me/reader")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(PolyspanError) as caught:
        push(saved, "me/reader")
    assert caught.value.found == "no token of the hub"
    assert not hub.asked


def test_private_is_not_asked_of_a_public_repository(hub, saved):
    hub.make("me/reader")
    with pytest.raises(PolyspanError, match="me/reader is there already, and it is public"):
        push(saved, "me/reader", private=True)
    assert hub.files("me/reader") == {}


@pytest.mark.parametrize(
    "repo", ["reader", "me/", "/reader", "me/re ader", "a/b/c", "https://huggingface.co/me/r"]
)
def test_a_name_that_the_hub_cannot_have_is_refused(hub, saved, repo):
    with pytest.raises(UsageError, match="this is no name of a repository"):
        push(saved, repo)


def test_what_is_no_reader_here_is_refused(hub, tmp_path):
    with pytest.raises(UsageError, match="owner/name is no Reader on this machine"):
        push("owner/name", "me/reader")
    with pytest.raises(PolyspanError, match="no model at"):
        push(tmp_path / "nothing", "me/reader")


def test_a_download_that_breaks_is_one_sentence_and_leaves_no_half(hub, saved, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    push(saved, "me/reader")
    hub.half = "model.safetensors"
    with pytest.raises(PolyspanError, match="cannot load the model 'me/reader'"):
        ps.Reader.load("me/reader")
    hub.half = ""
    assert ps.Reader.load("me/reader").options == ps.Reader.load(str(saved)).options


@pytest.mark.parametrize("name", ["me/nothing", f"me/reader@{'0' * 40}"])
def test_what_is_not_there_cannot_be_loaded(hub, name):
    hub.make("me/reader")
    with pytest.raises(PolyspanError, match="cannot load the model"):
        ps.Reader.load(name)
