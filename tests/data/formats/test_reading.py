"""--encoding and --columns, wherever data are read, and the same from Python."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import polyspan as ps
from polyspan.cli.main import app
from polyspan.data.formats.options import COLUMNS, Reading
from polyspan.data.schema import Answer, Question
from polyspan.errors import PolyspanError, UsageError

CONTEXT = "Die Mühle von Orvo ist 840 Jahre alt."
ASKED = Question("1", "Wie alt?", (Answer("840 Jahre", 23),))
GERMAN = {"id": "Nr", "question": "Frage, kurz", "context": "Text", "answer": "Antwort"}
AS_OPTION = "id=Nr,question=Frage, kurz,context=Text,answer=Antwort"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mühle.csv"
    text = f'Nr;Titel;"Frage, kurz";Text;Antwort\r\n1;Orvo;Wie alt?;{CONTEXT};840 Jahre\r\n'
    path.write_bytes(text.encode("windows-1252"))
    return path


def questions_of(path: Path, **options: Any) -> list[Question]:
    return [question for _, question in ps.read(path, **options).questions()]


def test_from_python(table: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"encoding": "windows-1252", "columns": GERMAN}
    assert questions_of(table, **options) == [ASKED]
    assert ps.check(table, **options).as_json() == {"ok": True, "questions": 1, "faults": [], "warnings": []}
    assert ps.repair(table, tmp_path / "out.json", **options).questions == 1
    assert questions_of(tmp_path / "out.json") == [ASKED]
    assert ps.read(table, **options | {"columns": GERMAN | {"title": "titel"}}).paragraphs[0].title == "Orvo"


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.parquet", "b.json"])
def test_columns_of_other_rows(tmp_path: Path, name: str) -> None:
    row = {"Nr": 1, "frage, KURZ": "Wie alt?", "Text": CONTEXT, "Antwort": "840 Jahre", "question": "another"}
    path = tmp_path / name
    if name == "a.parquet":
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist([row]), path)
    else:
        path.write_text(json.dumps({"a.json": [row], "a.jsonl": row, "b.json": {"data": [row]}}[name]), "utf-8")
    assert questions_of(path, columns=GERMAN) == [ASKED]


def test_a_key_twice_is_told_by_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"Nr": 1, "Frage": "a", "Frage": "b", "context": "c"}\n' * 2)
    faults = ps.check(path, columns={"id": "Nr", "question": "Frage"}).faults
    assert [(fault.rule, fault.id) for fault in faults] == [("duplicate-key", "1")] * 2


def test_a_column_that_is_not_there(table: Path) -> None:
    (fault,) = ps.check(table, encoding="cp1252", columns=GERMAN | {"answer": "Antwrt"}).faults
    assert (fault.rule, fault.field) == ("missing-key", "answer")
    assert fault.expected == "the column 'Antwrt', which is to be 'answer'"
    assert fault.found == "Nr, Titel, Frage, kurz, Text, Antwort"
    with pytest.raises(PolyspanError, match="Antwrt"):
        ps.read(table, encoding="cp1252", columns=GERMAN | {"answer": "Antwrt"})


def test_names_that_mean_nothing() -> None:
    with pytest.raises(UsageError, match="unknown column 'frage'"):
        Reading(columns={"frage": "Frage"})
    with pytest.raises(UsageError, match="wrong way round") as caught:
        Reading(columns={"Frage": "question"})
    assert caught.value.fix == "question=Frage"
    with pytest.raises(UsageError, match="did you mean 'context'"):
        Reading(columns={"contxt": "Text"})


def test_usual_names_need_no_columns_and_names_no_options(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"Id,Context,Question,Answer\n1,{CONTEXT},Wie alt?,840 Jahre\n", "utf-8")
    assert questions_of(path, columns={"question": "Frage"}) == [ASKED]
    mini = ps.read("mini:en/test")
    assert ps.read("mini:en/test", encoding="cp1252", columns=GERMAN).fingerprint() == mini.fingerprint()


def test_on_the_command_line(run: Any, table: Path, tmp_path: Path) -> None:
    options = ["--encoding", "windows-1252", "--columns", AS_OPTION]
    code, out, err = run("data", "stats", table, *options, "--json")
    assert code == 0, err
    assert json.loads(out)["answers"] == 1
    assert run("check", table, *options, "--fix", tmp_path / "out.json")[0] == 0
    assert questions_of(tmp_path / "out.json") == [ASKED]
    (tmp_path / "answers.json").write_text('{"1": "840 Jahre"}')
    _, out, _ = run("score", table, tmp_path / "answers.json", *options, "--metric", "squad.v1", "--json")
    assert json.loads(out)["exact_match"] == 100
    code, _, err = run("score", table, tmp_path / "answers.json", "--columns", "Frage")
    assert code == 2
    assert "question=Frage,context=Text" in err


def verbs(group: typer.Typer) -> Iterator[tuple[str, Any]]:
    """All verbs of the command line, with the functions that take their options."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield command.name or command.callback.__name__, command.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from verbs(inner.typer_instance)


def test_every_verb_that_reads_data_has_both() -> None:
    reading = {name: set(verb.__annotations__) for name, verb in verbs(app) if "language" in verb.__annotations__}
    assert {"check", "predict", "score", "stats", "permute", "train", "compare"} <= reading.keys()
    assert [name for name, options in reading.items() if not {"encoding", "columns"} <= options] == []


def test_every_column_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "own-data.md").read_text("utf-8")
    assert [column for column in COLUMNS if column != "paragraph" and f"`{column}`" not in page] == []
