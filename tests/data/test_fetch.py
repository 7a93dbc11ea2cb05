"""Fetching with a made-up hub and files from disk: no network."""

import hashlib
import json
import logging
import sys
import types
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from polyspan.data import cards, fetch
from polyspan.errors import PolyspanError, UsageError
from polyspan.reading import read, resolve

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROWS = [
    {
        "id": f"{language}-{number}",
        "title": "t",
        "context": context,
        "question": "?",
        "answers": {"text": [context[:2]], "answer_start": [0]},
    }
    for language, context in (("korean", "서울은 크다"), ("english", "Rome is old"))
    for number in range(2)
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no variable that says offline."""
    monkeypatch.setenv("POLYSPAN_CACHE", str(tmp_path / "cache"))
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "cache" / "data"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A hub that holds ROWS under every name; the list fills with the calls."""
    calls: list[tuple[Any, ...]] = []

    def load_dataset(repo: str, config: str | None, *, split: str, revision: str) -> list[dict[str, Any]]:
        calls.append((repo, config, split, revision))
        if split == "nosuch":
            raise ValueError("Unknown split 'nosuch'. Should be one of ['train'].\nmore")
        return [] if split == "empty" else ROWS

    class HfApi:
        def dataset_info(self, repo: str, revision: str | None, timeout: float) -> types.SimpleNamespace:
            assert timeout <= 10
            known = len(revision or "") == 40
            return types.SimpleNamespace(sha=revision if known else COMMIT)

    module = types.ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    monkeypatch.setattr("huggingface_hub.HfApi", HfApi)
    return calls


def test_a_named_split_comes_at_its_pinned_revision_and_once(hub: list[Any], cache: Path) -> None:
    revision = cards.cards()["squad"].revision
    path = fetch.fetch("squad:dev")
    assert path == cache / f"squad-dev-{revision}.json"
    assert hub == [("rajpurkar/squad", "plain_text", "validation", revision)]
    assert len(read(path)) == 4
    assert fetch.fetch("squad:dev") == path
    assert len(hub) == 1
    assert [entry.name for entry in cache.iterdir()] == [path.name]


def test_one_language_of_a_shared_table(hub: list[Any]) -> None:
    corpus = resolve("tydiqa-goldp:ko/dev")
    assert [question.id for _, question in corpus.questions()] == ["korean-0", "korean-1"]
    assert corpus.language == "ko"


def test_a_free_hub_name_takes_the_newest_revision_and_records_it(
    hub: list[Any], cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        path = fetch.fetch("hub:owner/name/plain/train")
    assert path.name == f"hub-owner-name-plain-train-{COMMIT}.json"
    assert hub == [("owner/name", "plain", "train", COMMIT)]
    assert COMMIT in caplog.text
    assert fetch.fetch("hub:owner/name/plain/train") == path
    assert len(hub) == 1
    corpus = resolve("hub:owner/name/plain/train", "ko")
    assert (corpus.name, corpus.language, corpus.source) == (
        "hub:owner/name/plain/train",
        "ko",
        "hub:owner/name",
    )


def test_a_free_hub_name_may_fix_its_revision(hub: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    other = COMMIT[::-1]
    with caplog.at_level(logging.WARNING):
        assert fetch.fetch(f"hub:owner/name@{other}/train").name.endswith(f"{other}.json")
        assert fetch.fetch(f"hub:owner/name@{other}/train").exists()
        assert caplog.text == ""
        assert fetch.fetch("hub:owner/name@main/train").name.endswith(f"{COMMIT}.json")
    assert [call[3] for call in hub] == [other, COMMIT]


@pytest.mark.parametrize("part", ["nosuch", "empty"])
def test_what_the_hub_refuses_is_one_message(hub: list[Any], cache: Path, part: str) -> None:
    with pytest.raises(PolyspanError) as caught:
        fetch.fetch(f"hub:owner/name/{part}")
    assert "owner/name" in str(caught.value)
    assert "more" not in str(caught.value).split()
    assert not cache.exists()


@pytest.mark.parametrize("name", ["squad:dev", "drcd:dev", "mlqa:zh/dev", "hub:owner/name/train"])
def test_offline_is_one_message_with_the_manual_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(PolyspanError) as caught:
        fetch.fetch(name)
    assert not isinstance(caught.value, UsageError)
    text = str(caught.value)
    assert f"cannot fetch {name}" in text
    assert "HF_HUB_OFFLINE is set" in text
    assert "https://" in text
    assert "give the file's path" in text


@pytest.mark.usefixtures("hub")
def test_no_network_is_found_out_by_one_short_question(monkeypatch: pytest.MonkeyPatch) -> None:
    class HfApi:
        def dataset_info(self, *_: object, **__: object) -> None:
            raise ConnectionError("[Errno -2] Name or service not known")

    monkeypatch.setattr("huggingface_hub.HfApi", HfApi)
    with pytest.raises(PolyspanError, match="give the file's path") as caught:
        fetch.fetch("squad:dev")
    assert "https://huggingface.co/datasets/rajpurkar/squad" in str(caught.value)


def test_a_missing_package_is_named_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    for name in ("squad:dev", "xquad:zh"):
        with pytest.raises(PolyspanError, match=r"pip install datasets") as caught:
            fetch.fetch(name)
        assert "https://" in caught.value.where
        assert "give the file's path" in caught.value.fix


def test_bundled_data_need_no_fetching() -> None:
    with pytest.raises(UsageError, match="nothing to fetch"):
        fetch.fetch("mini:en/test")


def _document(name: str) -> bytes:
    answers = [{"text": "Rome", "answer_start": 0}]
    questions = [{"id": name, "question": "?", "answers": answers}]
    paragraphs = [{"context": "Rome is old", "qas": questions}]
    document = {"version": "1", "data": [{"title": name, "paragraphs": paragraphs}]}
    return json.dumps(document).encode()


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, dict[str, bytes]], None]:
    """Serve a split's files from disk: web(card, key, {path: content}) puts their hashes on the card."""

    def serve(name: str, key: str, contents: dict[str, bytes]) -> None:
        card = cards.cards()[name]
        files = tuple(cards.File(path, hashlib.sha256(content).hexdigest()) for path, content in contents.items())
        for path, content in contents.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
        splits = {**card.splits, key: replace(card.splits[key], files=files)}
        monkeypatch.setitem(cards.cards(), name, replace(card, splits=splits))
        monkeypatch.setattr(
            fetch, "_addresses", lambda _, split: [(tmp_path / file.path).as_uri() for file in split.files]
        )

    return serve


def test_one_plain_file_is_kept_as_it_came(web: Callable[..., None], cache: Path) -> None:
    content = _document("a")
    web("drcd", "dev", {"DRCD_dev.json": content})
    path = fetch.fetch("drcd:dev")
    assert path.name == f"drcd-dev-{cards.cards()['drcd'].revision}.json"
    assert path.read_bytes() == content


def test_several_plain_files_become_one(web: Callable[..., None], cache: Path) -> None:
    web("jaquad", "dev", {f"data/dev/{letter}.json": _document(letter) for letter in "abc"})
    corpus = resolve("jaquad:dev")
    assert [paragraph.title for paragraph in corpus.paragraphs] == ["a", "b", "c"]
    assert corpus.language == "ja"
    assert len(list(cache.iterdir())) == 1


def test_a_broken_off_fetch_goes_on_with_what_it_has(
    web: Callable[..., None], tmp_path: Path, cache: Path
) -> None:
    web("jaquad", "dev", {f"data/dev/{letter}.json": _document(letter) for letter in "ab"})
    (tmp_path / "data/dev/b.json").unlink()
    with pytest.raises(PolyspanError, match="cannot fetch jaquad:dev"):
        fetch.fetch("jaquad:dev")
    (tmp_path / "data/dev/a.json").unlink()
    (tmp_path / "data/dev/b.json").write_bytes(_document("b"))
    assert len(read(fetch.fetch("jaquad:dev"))) == 2
    assert len(list(cache.iterdir())) == 1


def test_a_file_that_is_not_the_cards_is_not_kept(web: Callable[..., None], tmp_path: Path, cache: Path) -> None:
    web("drcd", "dev", {"DRCD_dev.json": _document("a")})
    (tmp_path / "DRCD_dev.json").write_bytes(_document("b"))
    with pytest.raises(PolyspanError, match="not the file that the card describes"):
        fetch.fetch("drcd:dev")
    assert list(cache.iterdir()) == []


def test_a_member_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    card, split = cards.find("mlqa:zh/dev")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(split.files[0].path, _document("zh"))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(cards.cards(), "mlqa", replace(card, source=archive.as_uri(), archive_sha256=digest))
    assert read(fetch.fetch("mlqa:zh/dev")).paragraphs[0].title == "zh"
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".zip"]


def test_addresses_are_fixed_to_the_commit() -> None:
    card, split = cards.find("drcd:dev")
    assert fetch._addresses(card, split) == [
        f"https://raw.githubusercontent.com/DRCKnowledgeTeam/DRCD/{card.revision}/DRCD_dev.json"
    ]
