"""Answers as pandas, datasets and NumPy print them into a CSV."""

import csv
from pathlib import Path

import pytest

from polyspan.data.formats.printed import from_printed
from polyspan.data.schema import Answer
from polyspan.reading import check, read

CONTEXT = 'The mill of Orvo is 840 years old. Its cat\'s name is "Ün".'
TWO = (Answer("840 years", 20), Answer("840", 20))


def save(path: Path, **cells: str) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["id", "context", "question", *cells])
        table.writeheader()
        table.writerow({"id": "1", "context": CONTEXT, "question": "?", **cells})
    return path


@pytest.mark.parametrize(
    "cell",
    [
        "{'text': array(['840 years', '840'], dtype=object), 'answer_start': array([20, 20])}",
        "{'text': array(['840 years', '840'],\n      dtype='<U9'), 'answer_start': array([20, 20], dtype=int32)}",
        "{'answer_start': np.array([20, 20], dtype=np.int64), 'text': numpy.array(['840 years', '840'])}",
        "{'text': ['840 years', '840'], 'answer_start': [20, 20]}",
        "{'text': ('840 years', '840'), 'answer_start': (20, 20)}",
        "{'text': ['840 years' '840'], 'answer_start': [20 20]}",
        "{'text': [np.str_('840 years'), np.str_('840')], 'answer_start': [np.int64(20), np.int64(20)]}",
        "[{'text': '840 years', 'answer_start': 20}, {'text': '840', 'answer_start': 20.0}]",
        "array([{'answer_start': 20, 'text': '840 years'}, {'answer_start': 20, 'text': '840'}], dtype=object)",
        "[{'text': '840 years', 'answer_start': 20} {'text': '840', 'answer_start': 20}]",
        '{"text": ["840 years", "840"], "answer_start": [20, 20]}',
    ],
)
def test_answers_as_printed(tmp_path: Path, cell: str) -> None:
    path = save(tmp_path / "a.csv", answers=cell)
    assert [question.answers for _, question in read(path).questions()] == [TWO]
    assert check(path).as_json()["faults"] == []


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("['840 years' '840']", "[20 20]"),
        ("['840 years', '840']", "[20, 20]"),
        ('["840 years", "840"]', "[20,20]"),
    ],
)
def test_flattened_columns(tmp_path: Path, text: str, start: str) -> None:
    path = save(tmp_path / "a.csv", **{"answers.text": text, "answers.answer_start": start})
    assert [question.answers for _, question in read(path).questions()] == [TWO]
    empty = save(tmp_path / "b.csv", **{"answers.text": "[]", "answers.answer_start": "[]"})
    assert [question.impossible for _, question in read(empty).questions()] == [True]


def test_quotes_and_escapes(tmp_path: Path) -> None:
    for printed, text in (
        (repr("cat's"), "cat's"),
        (repr('"Ün"'), '"Ün"'),
        ("'\\u00dcn'", "Ün"),
        ("'a\\'b'", "a'b"),
    ):
        assert from_printed(f"array([{printed}], dtype=object)") == [text]


@pytest.mark.parametrize(
    "cell", ["{'text': array([], dtype=object), 'answer_start': array([], dtype=int64)}", "[]"]
)
def test_no_answers(tmp_path: Path, cell: str) -> None:
    assert [q.impossible for _, q in read(save(tmp_path / "a.csv", answers=cell)).questions()] == [True]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[",
            "[1",
            "{'a' 1}",
            "{1: 2}",
            "{'a': 1, 'a': 2}",
            "array()",
            "open('x')",
            "[1] [2]",
            "['a' + 'b']",
        ),
        *("__import__('os')", "array([1, ..., 9])", "1e", "[" * 50, "array([1], dtype=[1])", "x", "['\\x']"),
        *("['\\d']", "'a\nb' 'c'"),
    ],
)
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_printed(text)


def test_what_cannot_be_read_names_the_remedy(tmp_path: Path) -> None:
    cell = "{'text': array(['840 years', ..., '840'], dtype=object), 'answer_start': array([20, ..., 20])}"
    for broken in (cell, "[" * 100_000):
        (fault,) = check(save(tmp_path / "a.csv", answers=broken)).faults
        assert (fault.rule, fault.id, fault.field) == ("wrong-type", "1", "answers")
        assert "to_json" in fault.fix
        assert "to_parquet" in fault.fix
