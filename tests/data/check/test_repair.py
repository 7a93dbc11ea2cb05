"""Certain repairs made, everything else kept aside with its reason."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.reading import check, read, repair

CONTEXT = "Ada wrote a program in 1843; others did so in 1843 too."


def question(id: str, *answers: tuple[Any, Any], text: str = "When?", **more: Any) -> dict[str, Any]:
    return {"id": id, "question": text, "answers": [{"text": t, "answer_start": s} for t, s in answers]} | more


def save(path: Path, *questions: Any, context: str = CONTEXT) -> Path:
    data = [{"title": "Ada", "paragraphs": [{"context": context, "qas": list(questions)}]}]
    path.write_text(json.dumps({"version": "1.1", "data": data}), encoding="utf-8")
    return path


def aside(path: Path) -> dict[str, tuple[str, int]]:
    """Of each quarantined question: the rule and the number of its answers."""
    document = json.loads((path.parent / f"{path.name}.quarantine.json").read_text(encoding="utf-8"))
    return {
        item["id"]: (item["faults"][0]["rule"], len(item["answers"]))
        for article in document["data"]
        for paragraph in article["paragraphs"]
        for item in paragraph["qas"]
    }


def test_unique_occurrence(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    report = repair(save(tmp_path / "a.json", question("q1", ("Ada", 5)), question("q2", ("program", 12))), out)
    assert (report.questions, report.repaired, report.quarantine) == (2, {"offset": 1}, None)
    assert read(out).paragraphs[0].questions[0].answers[0].start == 0


def test_what_is_not_certain_is_kept_aside(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.json",
        question("good", ("Ada", 0)),
        question("several", ("1843", 30)),
        question("missing", ("1844", 3)),
        question("empty", ("", 0)),
        question("half", ("Ada", 0), ("Ida", 0)),
        question("none"),
        question("blank", ("Ada", 0), text=" "),
        question("good", ("program", 12)),
        question("typed", ("Ada", [0])),
    )
    out = tmp_path / "out.json"
    report = repair(path, out)
    assert aside(out) == {
        "several": ("offset", 1),
        "missing": ("answer-missing", 1),
        "empty": ("answer-empty", 1),
        "half": ("answer-missing", 1),
        "none": ("no-answer", 0),
        "blank": ("question-empty", 1),
        "good": ("duplicate-id", 1),
        "typed": ("wrong-type", 1),
    }
    assert [q.id for _, q in read(out).questions()] == ["good", "half"]
    assert (report.questions, report.quarantined_questions, report.quarantined_answers) == (2, 7, 1)
    assert check(out).ok


def test_shift_of_the_neighbours_settles_several_occurrences(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    path = save(tmp_path / "a.json", question("q0", ("a", 10)), question("q1", ("1843", 24), ("program", 13)))
    assert repair(path, out).repaired == {"offset": 2}
    assert read(out).paragraphs[0].questions[1].answers[0].start == CONTEXT.index("1843")


def test_missing_start_is_found(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    items = [question("q1", answers=[{"text": "Ada"}]), question("q2", answers=[{"text": "1843"}])]
    report = repair(save(tmp_path / "a.json", *items), out)
    assert report.repaired == {"missing-key": 1}
    assert aside(out) == {"q2": ("offset", 1)}


def test_marks_types_and_controls(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question("q1", ("Ada", "0"), text="Wh\x02en?"), question("q1", ("Ada", 0)))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    report = repair(path, tmp_path / "out.json")
    assert report.repaired == {"bom": 1, "answer-start-type": 1, "control-character": 1}
    assert read(tmp_path / "out.json").paragraphs[0].questions[0].text == "Wh en?"


def test_identical_double_is_dropped(tmp_path: Path) -> None:
    item = question("q1", ("Ada", 0))
    report = repair(save(tmp_path / "a.json", item, item), tmp_path / "out.json")
    assert (report.questions, report.repaired, report.quarantine) == (1, {"duplicate-id": 1}, None)


def test_utf16_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question("q1", ("Ada", 0)))
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    assert repair(path, tmp_path / "out.json").repaired == {"encoding": 1}
    assert check(tmp_path / "out.json").ok


def test_hangul_is_composed_with_its_offsets(tmp_path: Path) -> None:
    composed = "수도는 서울이고 서울은 크다"
    context = unicodedata.normalize("NFD", composed)
    answer = unicodedata.normalize("NFD", "서울")
    path = save(
        tmp_path / "a.json", question("q1", (answer, context.rindex(answer)), ("서울", 0)), context=context
    )
    out = tmp_path / "out.json"
    repair(path, out)
    paragraph = read(out).paragraphs[0]
    assert paragraph.context == composed
    assert [(a.text, a.start) for a in paragraph.questions[0].answers] == [("서울", composed.rindex("서울"))]
    assert aside(out) == {"q1": ("offset", 1)}


def test_lone_surrogates_go_into_the_quarantine(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question("q1", ("Ada", 0)), question("q2", ("Ada", 0), text="\ud83d"))
    out = tmp_path / "out.json"
    assert repair(path, out).quarantined_questions == 1
    assert aside(out) == {"q2": ("encoding", 1)}


def test_what_is_no_question_is_unplaced(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question("q1", ("Ada", 0)), "q2")
    assert repair(path, tmp_path / "out.json").unplaced == 1
    text = (tmp_path / "out.json.quarantine.json").read_text(encoding="utf-8")
    assert json.loads(text)["unplaced"][0]["item"] == "q2"


def test_old_quarantine_goes(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    repair(save(tmp_path / "a.json", question("q1", ("Ada", 0)), question("q2", ("Ida", 0))), out)
    repair(out.rename(tmp_path / "b.json"), out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json", "out.json"]


def test_nothing_left_writes_nothing(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question("q1", ("Ida", 0)))
    with pytest.raises(PolyspanError, match="no question is left"):
        repair(path, tmp_path / "out.json")
    (tmp_path / "cut.json").write_text('{"data": [')
    with pytest.raises(PolyspanError, match="truncated-json"):
        repair(tmp_path / "cut.json", tmp_path / "out.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "cut.json"]


def test_the_fault_that_lost_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_text("\ufeffid,text,question\nq1,a,b\n", encoding="utf-8")
    with pytest.raises(PolyspanError, match="missing-key") as caught:
        repair(path, tmp_path / "out.json")
    assert "'context'" in caught.value.expected
    (tmp_path / "wide.json").write_bytes('{"data": {}}'.encode("utf-16"))
    with pytest.raises(PolyspanError, match="wrong-type"):
        repair(tmp_path / "wide.json", tmp_path / "out.json")


def test_doubled_keys_are_set_aside_with_all_values(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question("q1", ("Ada", 0)), question("q2", ("Ada", 0)))
    path.write_text(path.read_text().replace('"id": "q2"', '"id": "q3", "id": "q2"'))
    out = tmp_path / "out.json"
    assert (repair(path, out).questions, aside(out)) == (1, {"q2": ("duplicate-key", 1)})
    assert '"q3"' in (tmp_path / "out.json.quarantine.json").read_text()


def test_the_source_is_never_overwritten(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", question("q1", ("Ada", 5)))
    (tmp_path / "link.json").symlink_to(path)
    before = path.read_bytes()
    for data in (path, str(tmp_path / "[ab].json"), read(path)):
        for out in (path, tmp_path / "link.json"):
            with pytest.raises(UsageError, match="overwrite the data it is read from"):
                repair(data, out)
    aside = path.rename(tmp_path / "out.json.quarantine.json")
    with pytest.raises(UsageError, match="overwrite"):
        repair(aside, tmp_path / "out.json")
    assert aside.read_bytes() == before


@pytest.mark.realdata
def test_cmrc_train(data: Path, tmp_path: Path) -> None:
    source, out = data / "cmrc2018" / "train-pseudo-cmrc2018.zip", tmp_path / "fixed.json"
    report = repair(source, out)
    assert (report.repaired, report.quarantine) == ({"offset": 21}, None)
    after = check(out)
    assert (after.ok, after.questions) == (True, 10142)
    changed = [
        new.answers[0].start - old.answers[0].start
        for (_, old), (_, new) in zip(read(source).questions(), read(out).questions(), strict=True)
        if old != new
    ]
    assert sorted(changed) == [-2] + [-1] * 20


@pytest.mark.realdata
def test_translated_drcd(data: Path, tmp_path: Path) -> None:
    report = repair(data / "drcd_translated" / "zh-tw_en_dev.json", tmp_path / "out.json")
    assert (report.questions, report.quarantined_questions, report.quarantined_answers) == (3380, 144, 115)
