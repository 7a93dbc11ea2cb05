"""Each rule found where it is broken, and only there."""

import json
import re
import sys
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from polyspan.data.check import rules
from polyspan.data.formats.parsed import STRUCTURE, remedy
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError
from polyspan.reading import check, read

CONTEXT = "Ada Lovelace wrote the first program in 1843."


def question(text: str = "1843", start: Any = 40, **more: Any) -> dict[str, Any]:
    return {"id": "q1", "question": "When?", "answers": [{"text": text, "answer_start": start}]} | more


def save(path: Path, *questions: Any, context: str = CONTEXT, **more: Any) -> Path:
    data = [{"title": "Ada", "paragraphs": [{"context": context, "qas": list(questions)}]}]
    path.write_text(json.dumps({"version": "1.1", "data": data} | more), encoding="utf-8")
    return path


def rules_of(path: Path) -> list[str]:
    return [fault.rule for fault in check(path).faults]


def test_clean(tmp_path: Path) -> None:
    report = check(save(tmp_path / "a.json", question()))
    assert report.as_json() == {"ok": True, "questions": 1, "faults": [], "warnings": []}


def test_a_fault_says_all(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question(start=39))
    assert check(path).as_json()["faults"] == [
        {
            "file": str(path),
            "id": "q1",
            "field": "answers[0].answer_start",
            "rule": "offset",
            "found": "' 184' at 39",
            "expected": "'1843', which is at 40",
            "fix": f"polyspan check {path} --fix a-fixed.json makes it 40",
        }
    ]


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        (question(start=-1), "offset"),
        (question("1844"), "answer-missing"),
        (question("", "0"), "answer-empty"),
        (question(" "), "answer-empty"),
        (question(answers=[]), "no-answer"),
        ({"id": "q1", "question": "When?"}, "no-answer"),
        (question(question=" "), "question-empty"),
        (question(question="Wh\x01en?"), "control-character"),
        (question(question="Wh\x85en?"), "control-character"),
        (question(question="Wh\0en?"), "nul"),
        (question(question="Wh\ud83den?"), "encoding"),
        (question(question=unicodedata.normalize("NFD", "언제?")), "nfd-hangul"),
        (question(question="où, à l’été".encode().decode("cp1252", "ignore")), "mojibake"),
        (question(answers=[{"answer_start": 1}]), "missing-key"),
        (question(answers=[{"text": "1843"}]), "missing-key"),
        (question(start=[40]), "wrong-type"),
    ],
)
def test_one_fault(tmp_path: Path, item: Any, rule: str) -> None:
    report = check(save(tmp_path / "a.json", question(id="q0"), item))
    assert [fault.rule for fault in report.faults] == [rule]
    assert all(isinstance(value, str) for value in report.faults[0].as_json().values())
    # A question with a broken structure is set aside, but for one whose answer only lacks its place.
    lost = rule in STRUCTURE and report.faults[0].expected != "the key 'answer_start'"
    assert report.questions == (1 if lost else 2)


@pytest.mark.parametrize(
    "text", ["Où est-il ?", "tab\tand\nline", "한국어", "Ünïcödé", "naïve – “quoted”", "『本』"]
)
def test_ordinary_text_is_no_fault(tmp_path: Path, text: str) -> None:
    assert check(save(tmp_path / "a.json", question(question=text))).ok


@pytest.mark.parametrize("hidden", ["\u200b", "\ufeff", "\u200f", "\u2068", "\u00ad"])
def test_hidden_characters_are_told_and_left_as_they_are(tmp_path: Path, hidden: str) -> None:
    report = check(save(tmp_path / "a.json", question(question=f"Who {hidden}won?")))
    assert report.ok
    assert [warning.rule for warning in report.warnings] == ["hidden-character"]
    assert report.warnings[0].fix == "none needed: labels and answers begin and end with a visible character"


def test_duplicates(tmp_path: Path) -> None:
    assert rules_of(save(tmp_path / "a.json", question(), question())) == ["duplicate-id"]
    save(tmp_path / "b.json", question())
    report = check(str(tmp_path / "[ab].json"))
    assert [fault.file[-6:] for fault in report.faults] == ["a.json", "b.json"]
    assert [warning.rule for warning in report.warnings] == ["duplicate-paragraph"]


def test_context_empty(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question(is_impossible=True, answers=[]), context=" ", version="v2.0")
    assert rules_of(path) == ["context-empty"]


def test_offsets_in_other_units_are_explained(tmp_path: Path) -> None:
    context = f"😀 {CONTEXT} é 1843"
    report = check(save(tmp_path / "a.json", question(start=43), context=context))
    assert [fault.rule for fault in report.faults] == ["offset"]
    assert "UTF-16" in report.faults[0].found
    assert report.faults[0].expected.endswith("at 42")
    assert [warning.rule for warning in report.warnings] == ["utf16-offset"]
    assert [w.rule for w in check(save(tmp_path / "b.json", question(start=45), context=context)).warnings] == [
        "byte-offset"
    ]
    shifted = [question(start=41), question("Ada", 1, id="q2")]
    assert [w.rule for w in check(save(tmp_path / "c.json", *shifted)).warnings] == ["constant-shift"]


def test_string_starts_only_warn(tmp_path: Path) -> None:
    report = check(save(tmp_path / "a.json", question(start="40")))
    assert report.ok
    assert [(warning.rule, warning.id) for warning in report.warnings] == [("answer-start-type", "q1")]


def test_impossible_is_fine_in_version_2(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.json", question(is_impossible=False), question(id="q2", is_impossible=True, answers=[])
    )
    assert check(path).ok


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b'{"data": [', "truncated-json"),
        (b'{"data": [{"title": "A', "truncated-json"),
        (b'{"data": [],}', "invalid-json"),
        (b'{"data":\0[]}', "nul"),
        (b"[1]", "wrong-type"),
        (b"null", "wrong-type"),
        (b'{"data": {}}', "wrong-type"),
        (b'{"version": "1.1"}', "missing-key"),
        (b'{"data": []}', "no-questions"),
        ('{"data":[]}'.encode("utf-16"), "encoding"),
        (b'{"data": "\xff"}', "encoding"),
        (b"\x00\x01\x02\xff", "encoding"),
    ],
)
def test_broken_files_give_a_report(tmp_path: Path, content: bytes, rule: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    report = check(tmp_path / "a.json")
    assert report.faults[0].rule == rule
    assert report.questions == 0


def test_nothing_to_check(tmp_path: Path) -> None:
    (tmp_path / "empty.json").touch()
    for path in (tmp_path, tmp_path / "none.json", tmp_path / "empty.json"):
        with pytest.raises(PolyspanError):
            check(path)


def test_undecodable_bytes_are_found_in_their_question(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question(), question(id="q2", question="Wann?"))
    path.write_bytes(path.read_bytes().replace(b"Wann", b"W\x81nn"))  # no letter of Windows-1252
    report = check(path)
    assert [(fault.rule, fault.id, fault.field) for fault in report.faults] == [
        ("encoding", "", ""),
        ("encoding", "q2", "question"),
    ]
    assert report.questions == 1


def test_leak(tmp_path: Path) -> None:
    train = save(tmp_path / "train.json", question())
    test = save(tmp_path / "test.json", question(id="t1", start=41), context=CONTEXT.upper().replace(" ", "  "))
    assert [fault.rule for fault in check(train, against=test).faults] == ["leak"]
    other = save(tmp_path / "other.json", question("x", 0), context="x")
    assert check(train, against=other).ok


def test_corpus() -> None:
    good = Paragraph(CONTEXT, (Question("q1", "When?", (Answer("1843", 40),)),))
    bad = Paragraph("b", (Question("q2", "?", (Answer("1843", 0),)),))
    report = check(Corpus((good, bad), name="mine"))
    assert [(fault.file, fault.rule, fault.id) for fault in report.faults] == [("mine", "answer-missing", "q2")]


def test_every_rule_is_in_the_table() -> None:
    # By sys.modules: `polyspan.data.check.checking` is the function.
    named = set(re.findall(r"`([a-z0-9-]+)`", sys.modules["polyspan.data.check.checking"].__doc__ or ""))
    source = Path(rules.__file__).read_text(encoding="utf-8")
    used = set(re.findall(r'"((?:[a-z0-9]+-)+[a-z0-9]+|nul|offset|leak|mojibake)"', source))
    assert used - {"utf-8", "latin-1"} <= named
    assert named >= STRUCTURE


ITEM = '{"id": "q1", "question": "When?", "answers": [{"text": "1843", "answer_start": 40}]}'


@pytest.mark.parametrize(
    ("before", "after", "id", "field"),
    [
        ('"id": "q1"', '"id": "q0", "id": "q1"', "data[0].paragraphs[0].qas[0]", "id"),
        ('"question"', '"question": "Who?", "question"', "q1", "question"),
        ('"text"', '"text": "Ada", "text"', "q1", "answers[0].text"),
        ('"context"', '"context": "x", "context"', "data[0].paragraphs[0]", "context"),
        ('"paragraphs"', '"paragraphs": [], "paragraphs"', "data[0]", "paragraphs"),
        ('"data"', '"data": [], "data"', "", "data"),
    ],
)
def test_a_key_twice(tmp_path: Path, before: str, after: str, id: str, field: str) -> None:
    path = tmp_path / "a.json"
    text = f'{{"data": [{{"paragraphs": [{{"context": "{CONTEXT}", "qas": [{ITEM}]}}]}}]}}'
    path.write_text(text.replace(before, after))
    report = check(path)
    assert [(fault.rule, fault.id, fault.field) for fault in report.faults] == [("duplicate-key", id, field)]
    assert f"'{field.rpartition('.')[2]}' 2 times: " in report.faults[0].found
    with pytest.raises(PolyspanError, match="duplicate-key"):
        read(path)


def test_a_key_twice_in_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"context": "x", "context": "{CONTEXT}", {ITEM[1:]}\n')
    assert [(fault.rule, fault.id) for fault in check(path).faults] == [("duplicate-key", "q1")]


def test_what_a_missing_key_says(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question(start=None), {"id": "q2", "answers": [], "k\ny": 1})
    faults = check(path).faults
    assert [fault.found for fault in faults] == ["answer_start: null", "id, answers, k\\ny"]
    assert [fault.expected for fault in faults] == ["a value for 'answer_start'", "the key 'question'"]


def test_a_remedy_names_the_data(tmp_path: Path) -> None:
    assert remedy("my data/train.csv") == "polyspan check 'my data/train.csv' --fix train-fixed.csv"
    assert remedy("mini:en/test") == "polyspan check mini:en/test --fix mini-en-test-fixed.json"
    assert remedy("data.zip") == "polyspan check data.zip --fix data.zip-fixed.json"


def test_remedies_can_be_pasted(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question(start=39))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    fix = f"polyspan check {path} --fix a-fixed.json"
    assert [fault.fix for fault in check(path).faults] == [fix, f"{fix} makes it 40"]
    path.write_bytes(path.read_text("utf-8-sig").encode("utf-16"))
    assert check(path).faults[0].fix.endswith(fix)


@pytest.mark.realdata
def test_cmrc_train(data: Path) -> None:
    began = time.perf_counter()
    report = check(data / "cmrc2018" / "train-pseudo-cmrc2018.zip")
    assert time.perf_counter() - began < 3
    assert (report.ok, report.questions, report.counts()) == (False, 10142, {"offset": 21})
    assert "21 of the wrong offsets count UTF-16 units" in [warning.found for warning in report.warnings]


@pytest.mark.realdata
@pytest.mark.parametrize(("language", "empty"), [("en", 403), ("fr", 676), ("ja", 190), ("ko", 265)])
def test_translated_drcd(data: Path, language: str, empty: int) -> None:
    report = check(data / "drcd_translated" / f"zh-tw_{language}_dev.json")
    assert report.counts() == {"answer-empty": empty}
    assert Counter(warning.rule for warning in report.warnings) == {"answer-space": 1, "answer-start-type": 1}


@pytest.mark.realdata
@pytest.mark.parametrize(
    "file",
    ["xquad/xquad.es.json", "drcd/DRCD_dev.json", "korquad_v1.0/KorQuAD_v1.0_dev.json", "jaquad/train_0*.json",
     "squad_v1.1/squad_v1.1_train_44articles.json", "squad_v1.1/squad_v1.1_dev_part*of2.json"],
)  # fmt: skip
def test_sound_files(data: Path, file: str) -> None:
    assert check(str(data / file)).ok


@pytest.mark.realdata
def test_xquad_leaks_into_squad_dev(data: Path) -> None:
    dev = str(data / "squad_v1.1" / "squad_v1.1_dev_part*of2.json")
    assert check(data / "xquad" / "xquad.en.json", against=dev).counts() == {"leak": 240}
