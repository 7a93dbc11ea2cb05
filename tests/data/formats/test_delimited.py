"""CSV and TSV from spreadsheets: separators, headers, and files without one."""

from pathlib import Path

import pytest

from polyspan.data.schema import Answer, Question
from polyspan.errors import PolyspanError
from polyspan.reading import check, read

CONTEXT = "The mill of Orvo is 840 years old, and it burnt twice."
ASKED = Question("1", "How old is it?", (Answer("840 years", 20),))
NAMES = ["id", "context", "question", "answer_text", "answer_start"]
CELLS = ["1", f'"{CONTEXT}"', "How old is it?", "840 years", "20"]


def save(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def questions_of(path: Path) -> list[Question]:
    return [question for _, question in read(path).questions()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_what_divides_a_table(tmp_path: Path, name: str, mark: str, end: str) -> None:
    for head in ("", "\ufeff", f"\ufeffsep={mark}{end}" if end == "\r\n" else ""):
        path = save(tmp_path / name, head + end.join([mark.join(NAMES), mark.join(CELLS), ""]))
        assert questions_of(path) == [ASKED]
        assert check(path).as_json() == {"ok": True, "questions": 1, "faults": [], "warnings": []}


def test_a_comma_in_a_name_does_not_divide(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csv", "\n".join([";".join([*NAMES, "who, when"]), ";".join([*CELLS, "me, now"])]))
    assert questions_of(path) == [ASKED]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [2, 1, 3], [1, 2], [0, 2, 3, 4, 1]])
def test_without_a_header(tmp_path: Path, mark: str, order: list[int]) -> None:
    line = mark.join(CELLS[place] for place in order)
    path = save(tmp_path / "a.csv", f"{line}\n{line}\n")
    (fault,) = check(path).faults
    assert (fault.rule, fault.id, fault.field) == ("missing-key", "", "header")
    assert "the first line is" in fault.found
    assert "a header" in fault.expected
    assert "names the columns" in fault.fix
    with pytest.raises(PolyspanError, match="header"):
        read(path)


def test_a_quote_out_of_place_is_told_with_its_line(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csv", f'{",".join(NAMES)}\n{",".join(CELLS)}\n2,"The "mill" of Orvo",Who?,,\n')
    (fault,) = check(path).faults
    assert (fault.rule, fault.found) == ("wrong-type", "',' expected after '\"' (line 3)")


def test_foreign_names_are_a_header(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csv", f'Nr;Frage;Text;Antwort\n1;How old is it?;"{CONTEXT}";840 years\n')
    faults = check(path).faults
    assert [(fault.rule, fault.field) for fault in faults] == [
        ("missing-key", "id"),
        ("missing-key", "context"),
        ("missing-key", "question"),
    ]
    assert faults[0].found == "Nr, Frage, Text, Antwort"
    assert "--columns id=NAME,context=NAME,question=NAME" in faults[0].fix
    path = save(tmp_path / "a.csv", f'qas_id,the_question,context,width\n1,How old is it?,"{CONTEXT}",3\n')
    assert check(path).faults[0].fix.endswith("--columns id=qas_id,question=the_question")


@pytest.mark.parametrize("name", ["question_id", "Question_ID"])
def test_an_export_of_haystack(tmp_path: Path, name: str) -> None:
    head = f"{name},question,document_id,context,text,answer_start,answer_end,answer_category,is_impossible"
    rows = f'1,How old is it?,7,"{CONTEXT}",840 years,20,29,SHORT,\r\n2,Who?,7,"{CONTEXT}",,,,NOT_GIVEN,TRUE\r\n'
    path = save(tmp_path / "a.csv", f"{head}\r\n{rows}")
    assert questions_of(path) == [ASKED, Question("2", "Who?", (), True)]
    assert check(path).ok
