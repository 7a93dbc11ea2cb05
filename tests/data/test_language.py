"""The language stays with the data: written into every format, read again, guessed where the script allows."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from polyspan.data.formats.parse import parse
from polyspan.data.guess import guess_language
from polyspan.data.languages import letters
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.split import split
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.reading import check, read, repair

TEXTS = {
    "en": "Ada Lovelace wrote the first program in 1843.",
    "fr": "Le moulin fut construit à Sète en 1840.",
    "ko": "물레방아는 1840년에 부산에서 지어졌다.",
    "ja": "水車は1840年に大阪で建てられた。",
    "zh": "水磨坊於一八四〇年在臺北建成。",
    "th": "โรงสีสร้างขึ้นที่เชียงใหม่ในปี 1840",
    "vi": "Cối xay được xây ở Huế năm 1840.",
    "sr": "Mlin je sagrađen u Nišu 1840. godine.",
    "pt": "O moinho foi construído em Évora em 1840.",
}


def corpus(text: str, language: str | None = None) -> Corpus:
    """Two articles on a text."""
    one = Paragraph(text, (Question("1", "?", (Answer(text[:3], 0),)),), "one")
    two = Paragraph(text + text, (Question("2", "?", (Answer(text[:3], 0),)),), "two")
    return Corpus((one, two), language=language)


def saved(path: Path, text: str, **more: object) -> Path:
    """The two articles as SQuAD JSON, with more keys on top."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(corpus(text), path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | more), "utf-8")
    return path


@pytest.mark.parametrize(
    "name", ["a.json", "a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.json.gz", "squad_en.json"]
)
def test_every_format_keeps_it(tmp_path: Path, name: str) -> None:
    if name == "a.parquet":
        pytest.importorskip("pyarrow")
    given = corpus(TEXTS["zh"], "zh-TW")
    write(given, tmp_path / name)
    again = read(tmp_path / name)
    assert again.language == "zh-TW"
    assert again.fingerprint() == given.fingerprint()
    assert read(tmp_path / name, "ja").language == "ja"
    for number, part in enumerate(split(again, size=1)):
        write(part, tmp_path / f"{number}.json")
        assert read(tmp_path / f"{number}.json").language == "zh-TW"


def test_an_unknown_language_is_not_written(tmp_path: Path) -> None:
    write(corpus(TEXTS["en"]), tmp_path / "a.json")
    assert "language" not in json.loads((tmp_path / "a.json").read_text("utf-8"))


def test_fix_keeps_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json", TEXTS["ko"], language="ko")
    document = json.loads(path.read_text("utf-8"))
    document["data"][0]["paragraphs"][0]["qas"][0]["answers"].append({"text": "없다", "answer_start": 0})
    path.write_text(json.dumps(document), "utf-8")
    repair(path, tmp_path / "b.json")
    assert read(tmp_path / "b.json").language == "ko"
    assert read(tmp_path / "b.json.quarantine.json").language == "ko"
    repair(path, tmp_path / "c.json", "kor")
    assert read(tmp_path / "c.json").language == "ko"
    repair(replace(read(path), language="x-mine"), tmp_path / "d.json")
    assert read(tmp_path / "d.json").language == "x-mine"


def test_the_file_says_it_by_tag_or_in_english(tmp_path: Path) -> None:
    assert read(saved(tmp_path / "en.json", TEXTS["zh"], language="zh_TW")).language == "zh-TW"
    assert read(saved(tmp_path / "a.json", TEXTS["ko"], language="Korean")).language == "ko"
    for blank in ("", " ", None, "und"):
        assert read(saved(tmp_path / "b.json", TEXTS["ko"], language=blank)).language is None


def test_what_the_file_says_wrong_is_a_fault_that_the_reader_can_overrule(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json", TEXTS["ko"], language="klingon")
    with pytest.raises(PolyspanError, match="tlh") as caught:
        read(path)
    assert "language" in caught.value.where
    assert [(fault.rule, fault.field) for fault in check(path).faults] == [("wrong-type", "language")]
    assert read(path, "ko").language == "ko"
    assert check(path, "ko").ok
    with pytest.raises(PolyspanError, match="int 5"):
        read(saved(tmp_path / "b.json", TEXTS["ko"], language=5))


def test_rows_in_several_languages_are_in_none(tmp_path: Path) -> None:
    rows = [
        {
            "id": str(n),
            "context": TEXTS[code or "ja"],
            "question": "?",
            "answers": {"text": [], "answer_start": []},
        }
        | {"language": code}
        for n, code in enumerate(("ko", "ja", ""))
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert read(path).language is None
    path.write_text("\n".join(map(json.dumps, rows[1:])), "utf-8")
    assert read(path).language == "ja"


def test_files_in_several_languages_are_in_none(tmp_path: Path) -> None:
    saved(tmp_path / "a" / "x.ko.json", TEXTS["ko"])
    saved(tmp_path / "a" / "x.ja.json", TEXTS["ja"])
    assert read(str(tmp_path / "a" / "x.*.json")).language is None
    assert read(str(tmp_path / "a" / "x.j*.json")).language == "ja"


def test_a_known_name_does_not_stand_against_the_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "DRCD_dev.json", TEXTS["en"], language="en")
    assert (read(path).language, read(path).metric) == ("en", None)


@pytest.mark.parametrize(
    ("name", "version", "text", "language"),
    [
        ("squad_french_test.json", "1.1", "fr", "fr"),
        ("korean_dev.json", "TyDiQA-GoldP-1.1-for-SQuAD-1.1", "ko", "ko"),
        ("dev.json", "TyDiQA-GoldP-1.1-for-SQuAD-1.1", "ko", None),
        ("dev.json", "TyDiQA-GoldP-1.1-for-SQuAD-1.1", "fr", None),
        *((f"squad_{word}.json", "1.1", "fr", None) for word in ("Welsh", "deutsch", "swa", "nb", "translated")),
        ("SQuADfr.json", "1.1", "fr", None),
        ("squad_dev.json", "1.1", "ko", None),
        ("squad_dev.json", "1.1", "en", "en"),
        ("xquad.th.json", "1.1", "th", "th"),
        ("xquad.th.json", "1.1", "en", None),
        ("ko_train_en.json", "1.1", "ko", "ko"),
        ("my_data.json", "1.1", "en", None),
        ("dev_mt.json", "1.1", "en", None),  # by machine translation
        ("train.ja.json", "1.1", "zh", None),
        ("train.zh.json", "1.1", "ja", None),
        ("chinese_traditional.json", "1.1", "zh", "zh-Hant"),
        ("simplified-chinese.json", "1.1", "zh", "zh-Hans"),
        ("dev.sr.json", "1.1", "sr", "sr"),
        ("faquad_dev.json", "1.1", "pt", "pt"),
        ("mine.json", "KorQuAD_v1.0_dev", "ko", "ko"),
        ("mine.json", "KorQuAD_v1.0_dev", "en", None),
    ],
)
def test_a_guess_never_contradicts_the_script(
    tmp_path: Path, name: str, version: str, text: str, language: str | None
) -> None:
    assert read(saved(tmp_path / "0" / name, TEXTS[text], version=version)).language == language


@pytest.mark.parametrize(
    ("text", "language"), [("ko", "ko"), ("ja", "ja"), ("zh", "zh"), ("th", "th"), ("fr", None), ("sr", None)]
)
def test_without_a_name_a_script_tells_its_one_language(tmp_path: Path, text: str, language: str | None) -> None:
    assert read(saved(tmp_path / "0" / "mine.json", TEXTS[text] * 10)).language == language


@pytest.mark.parametrize("language", ["klingon", "French", ""])
def test_no_language_is_refused(tmp_path: Path, language: str) -> None:
    path = saved(tmp_path / "a.json", TEXTS["fr"])
    for refusing in (read, check, lambda data, tag: repair(data, tmp_path / "b.json", tag)):
        with pytest.raises(UsageError, match="unknown language"):
            refusing(path, language)
    with pytest.raises(UsageError, match="unknown language"):
        read("mini:en/test", language)


def test_the_mini_corpus_goes_by_any_tag_of_its_languages() -> None:
    from polyspan.data import mini

    assert mini.load("jpn", "test").language == "ja"
    assert mini.dictionary("kor") == mini.dictionary("ko")
    for other in ("klingon", "de", "zh-Hans"):
        with pytest.raises(UsageError, match="no language"):
            mini.load(other, "test")


@pytest.mark.realdata
def test_guesses_on_real_files(data: Path) -> None:
    """Of every corpus: the guess is none, or a language in whose script most letters are written."""
    import unicodedata

    guesses = {}
    for folder, _, names in os.walk(data):
        for name in sorted(names):
            if not name.endswith((".json", ".zip")):
                continue
            (part,) = parse(Path(folder, name))
            if not part.paragraphs:
                continue
            guess = guesses[name] = guess_language(part)
            text = "".join(paragraph.context for paragraph in part.paragraphs[:40])
            words = [unicodedata.name(char, "?").split()[0] for char in text if char.isalpha()]
            assert guess is None or 2 * sum(word in letters(guess) for word in words) > len(words), name
    assert guesses["KorQuAD_v1.0_dev.json"] == "ko"
    assert guesses["DRCD_test.json"] == "zh-Hant"
    assert guesses["zh-tw_fr_dev.json"] == "fr"
    assert None not in guesses.values()
