"""Names of models: folders, and names on the hub with their revisions."""

import shutil

import huggingface_hub
import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.encoders.model_name import hub_commit, model_folder, pinned, repository
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions

COMMITS = ["1" * 40, "2" * 40]
WINDOWS = WindowOptions(max_length=64, stride=16, max_question_length=16)


@pytest.fixture
def hub(tmp_path, tiny, monkeypatch):
    """A hub's cache with two commits of me/tiny, the second of other weights; the hub itself answers nothing."""
    folder = tmp_path / "models--me--tiny"
    for commit in COMMITS:
        shutil.copytree(tiny, folder / "snapshots" / commit)
    (folder / "snapshots" / COMMITS[1] / "tokenizer.json").unlink()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMITS[0])
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    asked: list[tuple[str, str | None]] = []

    class HfApi:
        def model_info(self, repo, *, revision, timeout):
            asked.append((repo, revision))
            raise ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub, "HfApi", HfApi)
    return asked


def test_a_name_and_its_commit(hub, tiny, tmp_path, monkeypatch):
    assert repository("me/tiny@v1") == ("me/tiny", "v1")
    assert repository("me/tiny") == ("me/tiny", None)
    assert pinned("bundled:e5-small") == "bundled:e5-small"
    assert pinned(tiny) == tiny
    assert pinned(f"me/tiny@{COMMITS[1]}") == f"me/tiny@{COMMITS[1]}"
    assert pinned("me/tiny") == f"me/tiny@{COMMITS[0]}"
    assert hub == []  # the copy in the cache is what the name means
    assert pinned("me/tiny@main") == f"me/tiny@{COMMITS[0]}"
    assert hub == [("me/tiny", "main")]  # a branch is looked up, and the cache has it too
    with pytest.raises(PolyspanError, match="cannot load the model 'me/none@v1'") as caught:
        hub_commit("me/none", "v1")
    assert "no network" in caught.value.found
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny, tmp_path / "me@home")
    assert str(model_folder("me@home")) == "me@home"
    assert model_folder("me/tiny@refs/pr/1") is None


def test_a_reader_on_a_commit(hub, tmp_path, corpus):
    from polyspan.training.loop import train
    from polyspan.training.settings import preset

    reader = Reader.load("me/tiny", WINDOWS)
    assert reader.answer("who won", "the cup was won by hull").text
    with pytest.raises(PolyspanError, match="tokenizer"):
        Reader.load(f"me/tiny@{COMMITS[1]}", WINDOWS)
    changes = {"epochs": 1, "max_length": 64, "stride": 16, "max_question_length": 16, "freeze_layers": 0}
    train([corpus], "me/tiny", tmp_path / "reader", preset("cpu", **changes))
    record = (tmp_path / "reader" / "run.json").read_text("utf-8")
    assert f'"model": "me/tiny@{COMMITS[0]}"' in record


def test_a_language_model_is_no_reader():
    with pytest.raises(UsageError, match="asked by predict and in recipes"):
        Reader.load("llm:http://127.0.0.1:1/v1#x")
