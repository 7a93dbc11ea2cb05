"""Blank cells, flags and places, as spreadsheets and libraries write them; one rule for rows without an answer."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from polyspan.data.formats.cells import is_blank, whole_number, yes_or_no
from polyspan.data.schema import Answer, Question
from polyspan.errors import PolyspanError
from polyspan.reading import check, read, repair

CONTEXT = "The mill of Orvo is 840 years old. It burnt twice."
ROW = {"id": "1", "context": CONTEXT, "question": "How old is it?", "answer_text": "840 years", "answer_start": 20}
ASKED = Question("1", "How old is it?", (Answer("840 years", 20),))
KINDS = ("a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet")


def save(path: Path, *rows: dict[str, Any], end: str = "\r\n") -> Path:
    """The rows in the format of the suffix; in CSV and TSV nothing is an empty cell."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if path.suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(pa.table({key: [row.get(key) for row in rows] for key in columns}), path)
    elif path.suffix in (".json", ".jsonl"):
        lines = "\n".join(json.dumps(row) for row in rows)
        path.write_text(json.dumps(rows) if path.suffix == ".json" else lines, "utf-8")
    else:
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, columns, delimiter="," if path.suffix == ".csv" else "\t", lineterminator=end)
        table.writeheader()
        table.writerows(rows)
        path.write_bytes(text.getvalue().encode())
    return path


def questions_of(path: Path) -> list[Question]:
    return [question for _, question in read(path).questions()]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("flag", ["", " ", None, "NaN", "nan", "<NA>", "null", "None", "#N/A"])
def test_a_blank_flag_is_absent(tmp_path: Path, name: str, flag: Any) -> None:
    path = save(tmp_path / name, ROW | {"is_impossible": flag})
    assert questions_of(path) == [ASKED]
    assert check(path).ok


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("no", "yes"),
    [
        *((0, 1), (0.0, 1.0), (False, True), ("0", "1"), ("0.0", "1.0"), ("0,0", "1,0"), ("FALSE", "TRUE")),
        *(("no", "yes"), ("N", "Y"), ("f", "t"), ("FALSCH", "WAHR"), ("FAUX", "VRAI"), (" False ", "True")),
    ],
)
def test_flags_in_every_spelling(tmp_path: Path, name: str, no: Any, yes: Any) -> None:
    rows = [
        ROW | {"is_impossible": no},
        {**ROW, "id": "2", "answer_text": None, "answer_start": None, "is_impossible": yes},
    ]
    path = save(tmp_path / name, *rows)
    assert questions_of(path) == [ASKED, Question("2", "How old is it?", (), True)]
    assert check(path).ok


def test_a_flag_that_is_none(tmp_path: Path) -> None:
    for flag in (2, -1, "maybe", 0.5, [1]):
        faults = check(save(tmp_path / "a.jsonl", ROW | {"is_impossible": flag})).faults
        assert [(fault.rule, fault.id, fault.field) for fault in faults] == [("wrong-type", "1", "is_impossible")]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("start", ["", " ", None, "NaN", "nan"])
def test_a_blank_place_is_missing_and_found_where_certain(tmp_path: Path, name: str, start: Any) -> None:
    path = save(tmp_path / name, ROW | {"answer_start": start})
    faults = check(path).faults
    assert [(fault.rule, fault.id, fault.field) for fault in faults] == [
        ("missing-key", "1", "answers[0].answer_start")
    ]
    with pytest.raises(PolyspanError, match="missing-key"):
        read(path)
    assert repair(path, tmp_path / "out.json").repaired == {"missing-key": 1}
    assert questions_of(tmp_path / "out.json") == [ASKED]


def test_a_place_with_a_point(tmp_path: Path) -> None:
    for start in ("20", "20.0", "20.", "20,0", " 20 "):
        assert questions_of(save(tmp_path / "a.csv", ROW | {"answer_start": start})) == [ASKED]
    path = save(tmp_path / "a.parquet", ROW | {"answer_start": 20.0})
    assert questions_of(path) == [ASKED]
    assert check(path).warnings == ()
    assert whole_number("1,024") is whole_number("2.5") is whole_number(True) is whole_number("9" * 11) is None


@pytest.mark.parametrize("name", KINDS)
def test_a_blank_id_is_named_with_its_row(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / name, ROW, ROW | {"id": ""}, ROW | {"id": None})
    faults = check(path).faults
    assert [(fault.rule, fault.id, fault.field) for fault in faults] == [
        ("missing-key", "row 2", "id"),
        ("missing-key", "row 3", "id"),
    ]


def test_a_blank_id_in_squads_json(tmp_path: Path) -> None:
    qas = [{"id": "", "question": "?", "answers": [{"text": "840 years", "answer_start": 20}]}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": CONTEXT, "qas": qas}]}]}))
    assert [(fault.rule, fault.field) for fault in check(path).faults] == [("missing-key", "id")]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("text", ["", None, "NaN"])
@pytest.mark.parametrize("start", ["", None, "-1", "NaN"])
def test_one_rule_for_rows_without_an_answer(tmp_path: Path, name: str, text: Any, start: Any) -> None:
    rows = [ROW | {"answer_start": "20"}, ROW | {"id": "2", "answer_text": text, "answer_start": start}]
    path = save(tmp_path / name, *rows)
    assert questions_of(path) == [ASKED, Question("2", "How old is it?", (), True)]
    report = check(path)
    assert report.ok
    assert ("no-answer", "2") in [(warning.rule, warning.id) for warning in report.warnings]


@pytest.mark.parametrize("name", KINDS)
def test_rows_that_say_they_have_an_answer_and_do_not(tmp_path: Path, name: str) -> None:
    rows = [
        ROW | {"is_impossible": "false"},
        ROW | {"id": "2", "answer_text": None, "answer_start": None, "is_impossible": "false"},
        ROW | {"id": "3", "answer_text": None, "is_impossible": "false"},
    ]
    path = save(tmp_path / name, *rows)
    assert [(fault.rule, fault.id) for fault in check(path).faults] == [("no-answer", "2"), ("answer-empty", "3")]


@pytest.mark.parametrize("key", ["answers", "answer", "answer_text"])
@pytest.mark.parametrize("name", KINDS)
def test_rows_without_any_answers(tmp_path: Path, name: str, key: str) -> None:
    bare = {name: ROW[name] for name in ("id", "context", "question")}
    assert [question.impossible for question in questions_of(save(tmp_path / name, bare | {key: None}))] == [True]
    assert [question.impossible for question in questions_of(save(tmp_path / name, bare))] == [False]


def test_a_word_for_nothing_that_the_context_has_is_an_answer(tmp_path: Path) -> None:
    row = {"id": "1", "context": "Who left? None of them.", "question": "Who left?", "answer_text": "None"}
    path = save(tmp_path / "a.csv", row | {"answer_start": 10})
    assert questions_of(path) == [Question("1", "Who left?", (Answer("None", 10),))]


def test_nan_of_json(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jsonl", ROW | {"is_impossible": float("nan"), "title": float("nan")})
    assert questions_of(path) == [ASKED]
    assert read(path).paragraphs[0].title == ""
    path = save(tmp_path / "a.jsonl", ROW | {"context": float("nan")}, ROW)
    assert [(fault.rule, fault.id) for fault in check(path).faults] == [("missing-key", "row 1")]


def test_rows_of_nothing_at_the_end_are_no_rows(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csv", ROW)
    path.write_bytes(path.read_bytes() + b",,,,\r\n , ,,,\r\n\r\n")
    assert questions_of(path) == [ASKED]
    assert check(path).ok


def test_words() -> None:
    assert (yes_or_no("Yes"), yes_or_no("off"), yes_or_no(None), yes_or_no(True)) == (True, None, None, True)
    assert [is_blank(value) for value in (None, "\t", "0", 0, False, [], "none")] == [
        True,
        True,
        *[False] * 4,
        True,
    ]
