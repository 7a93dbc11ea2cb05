"""Reading report.json: what is broken is named."""

import json
from pathlib import Path
from typing import Any

import pytest
import reports

from polyspan.errors import PolyspanError
from polyspan.report.record.record import read_record


def _saved(folder: Path, content: str) -> Path:
    (folder / "report.json").write_text(content, "utf-8")
    return folder / "report.json"


def _broken(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    report: Any = reports.make(reports.FOUR[:1], reports.FIVE, steps=3)
    inner = report
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return report  # type: ignore[no-any-return]


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PolyspanError, match=r"there is no report\.json") as caught:
        read_record(tmp_path / "report.json")
    assert "polyspan quickstart" in str(caught.value)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(PolyspanError, match="cannot read"):
        read_record(tmp_path / "report.json")


@pytest.mark.parametrize("content", ["", "{", '{"matrix": [', '{"a": NaN}', "[" * 100_000])
def test_not_json(tmp_path: Path, content: str) -> None:
    with pytest.raises(PolyspanError, match="is not JSON"):
        read_record(_saved(tmp_path, content))


def test_undecodable_bytes(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(b'{"matrix": "\xff"}')
    with pytest.raises(PolyspanError, match="is not JSON"):
        read_record(tmp_path / "report.json")


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("matrix",), ..., "the key 'matrix'"),
        (("timing",), ..., "the key 'timing'"),
        (("versions",), ..., "the key 'versions'"),
        (("matrix",), 3, "matrix"),
        (("matrix", 1), {"test": "xquad:es"}, "the key 'train' and 'language'"),
        (("matrix", 1, "f1"), ..., "the key 'f1'"),
        (("matrix", 1, "f1"), "41", "matrix[1].f1"),
        (("matrix", 1, "f1"), 101, "matrix[1].f1"),
        (("matrix", 1, "f1"), 101, "less than or equal to 100"),
        (("matrix", 1, "f1"), -1, "greater than or equal to 0"),
        (("matrix", 1, "seed"), True, "matrix[1].seed"),
        (("matrix", 0, "train"), None, "matrix[0].train"),
        (("timing", "total"), "long", "timing.total"),
        (("training", 0, "loss", 2), None, "training[0].loss[2]"),
        (("training", 0, "loss", 2), 10**400, "training[0].loss[2]"),
        (("training", 0, "data", 0, "name"), ..., "the key 'name'"),
        (("examples", 0, "predicted"), [0, 10**6], "examples[0].predicted"),
        (("examples", 0, "predicted"), [True, 3], "examples[0].predicted"),
        (("examples", 0, "gold"), [[5, 3]], "examples[0].gold[0]"),
        (("examples", 0, "context"), ..., "the key 'context'"),
    ],
)
def test_faults_are_named(tmp_path: Path, path: tuple[Any, ...], value: Any, told: str) -> None:
    with pytest.raises(PolyspanError) as caught:
        read_record(_saved(tmp_path, json.dumps(_broken(path, value))))
    assert told in str(caught.value)
    assert "report.json" in str(caught.value)


def test_number_beyond_floats_is_named(tmp_path: Path) -> None:
    content = json.dumps(_broken(("timing", "total"), float("inf"))).replace("Infinity", "1e400")
    with pytest.raises(PolyspanError, match=r"timing\.total"):
        read_record(_saved(tmp_path, content))


def test_unknown_keys_are_ignored(tmp_path: Path) -> None:
    known = read_record(_saved(tmp_path, json.dumps(_broken(("command",), "polyspan"))))
    for path in [("new",), ("matrix", 0, "new"), ("examples", 0, "new")]:
        report = _broken(path, [1])
        report["command"] = "polyspan"
        assert read_record(_saved(tmp_path, json.dumps(report))) == known


@pytest.mark.parametrize("content", ["3", "[]", '"text"', "null"])
def test_not_an_object(tmp_path: Path, content: str) -> None:
    with pytest.raises(PolyspanError, match="an object"):
        read_record(_saved(tmp_path, content))


def test_half_characters_keep_offsets(tmp_path: Path) -> None:
    report = _broken(("examples", 0, "context"), "a\ud800" + "b" * 900)
    record = read_record(_saved(tmp_path, json.dumps(report)))
    assert record.examples[0].context == "a\ufffd" + "b" * 900
