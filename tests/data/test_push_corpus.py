"""A corpus put on a hub as Parquet with a card: `datasets` and polyspan read it back."""

import pytest

import polyspan as ps
from polyspan.data.push import push_corpus
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.reading import build


def _front(text: str) -> dict:
    import yaml

    return yaml.safe_load(text.split("---")[1])


@pytest.fixture
def datasets(hub, monkeypatch, tmp_path):
    """The library `datasets`, speaking to the hub here."""
    datasets = pytest.importorskip("datasets")
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.url)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    return datasets


def test_datasets_and_polyspan_read_it_back(hub, datasets, corpus):
    pushed = push_corpus(corpus, "me/questions", split="test", private=True)
    assert pushed.url == f"{hub.url}/datasets/me/questions"
    assert pushed.files == ("README.md", "data/test-00000-of-00001.parquet")
    (row, *rows) = datasets.load_dataset("me/questions", split="test", revision=pushed.commit)
    assert len(rows) == len(corpus) - 1
    assert (row["question"], row["answers"]["text"]) == ("who won", ["leeds"])
    back = ps.read(f"hub:me/questions@{pushed.commit}/test")
    assert back.fingerprint() == corpus.fingerprint()
    assert "licence" not in _front(hub.cards[-1])
    front = _front(hub.cards[-1])
    assert (front["language"], front["license"], front["task_categories"]) == (
        ["en"], "unknown", ["question-answering"])  # fmt: skip


def test_two_splits_are_pushed_one_after_the_other(hub, datasets, corpus):
    push_corpus(corpus, "me/questions", split="train")
    push_corpus(corpus, "me/questions", split="test")
    assert set(datasets.load_dataset("me/questions")) == {"train", "test"}


def test_the_card_of_what_was_made_says_how(hub):
    made = build("make:sample(mini:ko/test, size=3, seed=1)")
    push_corpus(made.corpus, "me/three", made=made.card())
    text = hub.files("me/three", "dataset")["README.md"].decode()
    assert _front(text)["license"] == "cc0-1.0"
    assert "maker: sample" in text
    assert f"`{made.corpus.fingerprint()}`" in text
    assert "It rests on mini (CC0-1.0)." in text


def test_a_licence_that_forbids_it_is_told(hub, corpus):
    from dataclasses import replace

    with pytest.warns(PolyspanWarning, match="korquad, CC BY-ND 2.0 KR, forbids to share what is changed"):
        push_corpus(replace(corpus, name="make:sample(korquad:dev, size=5)"), "me/five")


def test_nothing_and_odd_splits_are_refused(hub, corpus):
    with pytest.raises(UsageError, match="a split's name"):
        push_corpus(corpus, "me/questions", split="my split")
    with pytest.raises(PolyspanError, match="has no questions"):
        push_corpus(ps.Corpus(()), "me/questions")
    assert not hub.asked
