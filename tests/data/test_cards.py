"""The catalogue: complete, consistent, and right about the real files."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from polyspan.data import cards
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import sha256
from polyspan.reading import resolve
from polyspan.score import registry

HASH = re.compile("[0-9a-f]{64}")
NAMES = [
    "mini",
    "squad",
    "squad_v2",
    "xquad",
    "mlqa",
    "tydiqa-goldp",
    "drcd",
    "korquad",
    "cmrc2018",
    "jaquad",
    "hsu2019",
]


def test_every_named_set_has_a_card() -> None:
    assert list(cards.cards()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_complete(name: str) -> None:
    card = cards.cards()[name]
    assert card.title
    assert card.licence
    assert card.homepage.startswith("https://")
    assert card.citation
    kind = card.source.partition(":")[0]
    assert kind in ("bundled", "hub", "github", "https")
    if kind in ("hub", "github"):
        assert re.fullmatch("[0-9a-f]{40}", card.revision or "")
    if kind == "https":
        assert HASH.fullmatch(card.archive_sha256 or "")
    for key, split in card.splits.items():
        assert split.name == f"{name}:{key}"
        registry.find(split.metric, split.language)
        assert split.part if kind == "hub" else split.files or kind == "bundled"
        for file in split.files:
            assert file.sha256 is None or HASH.fullmatch(file.sha256)


def test_counts_add_up_to_the_published_totals() -> None:
    def total(name: str, ending: str) -> int:
        splits = cards.cards()[name].splits.values()
        return sum(split.questions or 0 for split in splits if split.name.endswith(ending))

    assert (total("tydiqa-goldp", "train"), total("tydiqa-goldp", "dev")) == (49_881, 5_077)
    assert total("jaquad", "train") + total("jaquad", "dev") + 4_009 == 39_696
    assert total("xquad", "") == 12 * 1_190


def test_no_two_files_share_a_hash_or_a_telling_name() -> None:
    files = [file for card in cards.cards().values() for file, _ in card.known]
    hashes = [file.sha256 for file in files if file.sha256]
    names = [file.name for file in files if not file.generic]
    assert len(set(hashes)) == len(hashes)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("squad:nosuch", "squad:train, squad:dev"),
        ("squad", "squad:train, squad:dev"),
        ("sqad:dev", "did you mean 'squad'?"),
        ("mlqa:zh", "mlqa:zh/dev"),
        ("hub:squad/dev", "hub:OWNER/NAME"),
        ("hub:a/b//c", "hub:OWNER/NAME"),
        ("mini:de/test", "mini:fr/test"),
    ],
)
def test_an_unknown_name_is_answered_without_a_network(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("touched the network")

    monkeypatch.setattr("socket.socket.connect", connect)
    with pytest.raises(UsageError) as caught:
        resolve(name)
    assert message in str(caught.value)


def test_resolving_a_bundled_name() -> None:
    corpus = resolve("mini:zh/test")
    assert (corpus.name, corpus.language, corpus.metric) == ("mini:zh/test", "zh-Hant", "drcd.v1")
    assert resolve("mini:zh/test", "zh").language == "zh"


def test_resolving_a_cached_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYSPAN_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    card, split = cards.find("xquad:zh")
    path = cards.cached_path(split.name, card.pin or "")
    path.parent.mkdir()
    path.write_text(
        '{"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "臺北很大", "qas": [{"id": "1",'
        ' "question": "哪裡?", "answers": [{"text": "臺北", "answer_start": 0}]}]}]}]}',
        encoding="utf-8",
    )
    corpus = resolve("xquad:zh")
    assert len(corpus) == 1
    assert (corpus.name, corpus.language, corpus.metric) == ("xquad:zh", "zh-Hans", "drcd.v1")
    assert corpus.source == f"hub:google/xquad@{card.revision}"
    xquad = next(row for row in cards.listing() if row["name"] == "xquad")
    assert xquad["where"] == "partly cached"
    assert [row["name"] for row in xquad["splits"] if row["where"] == "cached"] == ["xquad:zh"]


def test_listing_has_a_row_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYSPAN_CACHE", str(tmp_path))
    rows = {row["name"]: row for row in cards.listing()}
    assert list(rows) == NAMES
    assert rows["mini"]["where"] == "bundled"
    assert rows["mini"]["questions"] >= 5 * (240 + 96)
    assert rows["squad"]["questions"] == 87_599 + 10_570
    assert {rows[name]["where"] for name in ("squad", "drcd", "mlqa")} == {"hub", "github", "web"}
    assert rows["hsu2019"]["questions"] is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("some/where/DRCD_dev.json", ("drcd:dev", "zh-Hant", "drcd.v1")),
        ("DRCD_dev.json.gz", ("drcd:dev", "zh-Hant", "drcd.v1")),
        ("KorQuAD_v1.0_dev.json", ("korquad:dev", "ko", "korquad.v1")),
        ("xquad.zh.json", ("xquad:zh", "zh-Hans", "drcd.v1")),
        ("xquad.ar.json", ("xquad:ar", "ar", "squad.v1")),
        ("dev-context-de-question-de.json", ("mlqa:de/dev", "de", "mlqa.v1")),
        ("zh-tw_ja_dev.json", ("hsu2019:zh-ja/dev", "ja", "hsu.v1")),
        ("tydiqa-goldp-v1.1-dev.json", ("tydiqa-goldp:dev", None, "squad.v1")),
    ],
)
def test_a_telling_file_name_is_recognised(path: str, expected: tuple[str, str | None, str]) -> None:
    known = cards.recognise(path, "0" * 64)
    assert known is not None
    assert (known.name, known.language, known.metric) == expected
    assert known.by == "name"


@pytest.mark.parametrize("path", ["train_00.json", "dev.json", "train-svo.json", "my.jsonl", ""])
def test_a_common_file_name_tells_nothing(path: str) -> None:
    assert cards.recognise(path, "0" * 64) is None


@pytest.mark.realdata
def test_every_real_data_file_is_recognised_by_its_content(data: Path) -> None:
    expected = {
        "squad_v1.1/squad_v1.1_train_44articles.json": ("squad:train", "44 of 442 articles"),
        "squad_v1.1/squad_v1.1_dev_part1of2.json": ("squad:dev", "first half"),
        "squad_v1.1/squad_v1.1_dev_part2of2.json": ("squad:dev", "second half"),
        "drcd/DRCD_dev.json": ("drcd:dev", ""),
        "drcd/DRCD_test.json": ("drcd:test", ""),
        "korquad_v1.0/KorQuAD_v1.0_dev.json": ("korquad:dev", ""),
        "cmrc2018/cmrc2018_dev.json": ("cmrc2018:dev", ""),
        "cmrc2018/train-pseudo-cmrc2018.zip": ("cmrc2018:train", ""),
        **{f"xquad/xquad.{code}.json": (f"xquad:{code}", "") for code in ("en", "zh", "es", "ar")},
        **{f"jaquad/train_0{n}.json": ("jaquad:train", f"file {n + 1} of 30") for n in range(6)},
        **{f"jaquad/dev_{n}.json": ("jaquad:dev", f"file {n + 1} of 4") for n in range(2)},
        **{f"drcd_translated/zh-tw_{c}_dev.json": (f"hsu2019:zh-{c}/dev", "") for c in ("en", "fr", "ja", "ko")},
    }
    for path, (name, extent) in expected.items():
        known = cards.recognise("renamed.bin", sha256(data / path))
        assert known is not None, path
        assert (known.name, known.extent, known.by) == (name, extent, "content"), path


@pytest.mark.realdata
def test_counts_of_the_cards_are_those_of_the_files(data: Path, tmp_path: Path) -> None:
    from polyspan.reading import read

    for path in ("drcd/DRCD_dev.json", "korquad_v1.0/KorQuAD_v1.0_dev.json", "xquad/xquad.es.json"):
        copy = shutil.copy(data / path, tmp_path / "copy.json")
        corpus = read(copy)
        _, split = cards.find(corpus.name)
        assert (split.paragraphs, split.questions) == (len(corpus.paragraphs), len(corpus)), path
        assert (split.language, split.metric) == (corpus.language, corpus.metric), path


def test_importing_the_catalogue_is_light() -> None:
    heavy = ("yaml", "datasets", "torch", "rich")
    code = f"import sys, polyspan.data.cards; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_mini_file_leaves_the_listing_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(_: str) -> None:
        raise PolyspanError("missing")

    monkeypatch.setattr("polyspan.data.mini.rows", rows)
    assert cards.listing()[0]["questions"] is None
