"""Every format read, every broken file one clear error."""

import gzip
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyspan.data.formats.rows import corpus_from_rows
from polyspan.data.schema import Answer, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.reading import check, read, repair

CONTEXT = "Ada Lovelace wrote the first program in 1843."
ANSWER = {"text": "1843", "answer_start": 40}
QUESTION = {"id": "q1", "question": "When?", "answers": [ANSWER]}


def document(*questions: Any, context: Any = CONTEXT, **more: Any) -> dict[str, Any]:
    """A SQuAD document with one context."""
    return {
        "version": "1.1",
        "data": [{"title": "Ada", "paragraphs": [{"context": context, "qas": questions}]}],
    } | more


def save(path: Path, value: Any) -> Path:
    """The value as JSON, or as the bytes or text it is."""
    data = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else None
    path.write_bytes(json.dumps(value).encode() if data is None else data)
    return path


GOOD = [Question("q1", "When?", (Answer("1843", 40),))]


def questions_of(path: Path | str) -> list[Question]:
    return [question for _, question in read(path).questions()]


def test_squad(tmp_path: Path) -> None:
    corpus = read(save(tmp_path / "ada.en.json", document(QUESTION)))
    assert (corpus.name, corpus.language, len(corpus)) == ("ada.en", "en", 1)
    assert corpus.paragraphs[0].title == "Ada"
    assert questions_of(tmp_path / "ada.en.json") == GOOD
    assert read(tmp_path / "ada.en.json", language="de").language == "de"


def test_squad_2(tmp_path: Path) -> None:
    none = {"id": "q2", "question": "Why?", "answers": [], "is_impossible": True, "plausible_answers": [ANSWER]}
    path = save(tmp_path / "two.json", document(QUESTION | {"is_impossible": False}, none, version="v2.0"))
    assert questions_of(path) == [*GOOD, Question("q2", "Why?", (), True)]


def test_string_offsets_of_the_papers_files(tmp_path: Path) -> None:
    answers = [{"text": "1843", "answer_start": "40"}, {"text": "", "answer_start": "0"}]
    path = save(tmp_path / "zh-tw_en_dev.json", document(QUESTION | {"answers": answers}))
    assert questions_of(path)[0].answers == (Answer("1843", 40), Answer("", 0))


def test_cmrc_list(tmp_path: Path) -> None:
    qas = [{"query_id": "a", "query_text": "?", "answers": ["1843", "r", "nowhere"]}]
    path = save(tmp_path / "cmrc.json", [{"context_id": "C", "context_text": CONTEXT, "title": "T", "qas": qas}])
    assert questions_of(path)[0].answers == (Answer("1843", 40), Answer("r", 14), Answer("nowhere", -1))
    report = check(path)
    assert [fault.rule for fault in report.faults] == ["answer-missing"]
    assert [warning.rule for warning in report.warnings] == ["answer-ambiguous"]


HUB = {"id": "q1", "title": "Ada", "context": CONTEXT, "question": "When?"}
HUB_ANSWERS = {"text": ["1843"], "answer_start": [40]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", json.dumps(HUB | {"answers": HUB_ANSWERS}) + "\n\n"),
        ("a.jsonl", json.dumps(HUB | {"answers": [ANSWER]})),
        ("a.json", [HUB | {"answers": HUB_ANSWERS}]),
        ("a.json", {"data": [HUB | {"answers": HUB_ANSWERS}]}),
        ("a.csv", f"id,context,question,answer_text,answer_start\nq1,{CONTEXT},When?,1843,40\n"),
        ("a.csv", f"id,context,question,answer_text,answer_start\r\nq1,{CONTEXT},When?,1843,40.0\r\n"),
        (
            "a.tsv",
            f"id\tcontext\tquestion\tanswers\nq1\t{CONTEXT}\tWhen?\t{{'text': ['1843'], 'answer_start': [40]}}",
        ),
        (
            "a.csv",
            f'id,context,question,answers\nq1,{CONTEXT},When?,"[{{""text"": ""1843"", ""answer_start"": 40}}]"',
        ),
    ],
)
def test_rows(tmp_path: Path, name: str, content: Any) -> None:
    assert questions_of(save(tmp_path / name, content)) == GOOD


def test_lines_named_json(tmp_path: Path) -> None:
    row = HUB | {"answers": HUB_ANSWERS}
    path = save(tmp_path / "a.json", f"{json.dumps(row)}\n{json.dumps(row | {'id': 'q2'})}\n")
    assert [question.id for question in questions_of(path)] == ["q1", "q2"]
    assert len(read(path).paragraphs) == 1


def test_rows_without_answers(tmp_path: Path) -> None:
    rows = [HUB | {"answers": {"text": [], "answer_start": []}}, HUB]
    path = save(tmp_path / "a.json", rows)
    assert [question.impossible for question in questions_of(path)] == [True, False]


def test_shards_in_sorted_order(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        save(tmp_path / f"train_0{number}.json", document(QUESTION | {"id": f"q{number}"}))
    assert [question.id for question in questions_of(str(tmp_path / "train_0*.json"))] == ["q0", "q1", "q2"]


def test_zip_and_gz(tmp_path: Path) -> None:
    text = json.dumps(document(QUESTION))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../inner/a.json", text)
        archive.writestr("__MACOSX/._a.json", b"\0\1")
        archive.writestr("README.md", "read me")
    assert questions_of(tmp_path / "a.json.gz") == questions_of(tmp_path / "a.zip") == GOOD
    assert not (tmp_path.parent.parent / "inner").exists()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\xff\xfe", "encoding"),
        ('{"data":[]}'.encode("utf-16"), "UTF-16"),
        (b'{"data":\x00[]}', "NUL"),
        (b'{"data": [{"title": "A", "para', "ends inside"),
        (b"7", "int 7"),
        (b"[1, 2]", "int 1"),
        (b"[]", "list []"),
        (b'{"data": []}', "no question"),
        (b'{"rows": []}', "'data'"),
        (b"[" * 100_000, "nested too deep"),
        (b"{'data': []}", "invalid-json"),
        (json.dumps(document(QUESTION)).encode().replace(b"Ada", b"Ad\xe9"), "byte 0xe9"),
        (json.dumps(document(QUESTION)).encode().replace(b"When", b"\\ud83d"), "undecodable"),
        (json.dumps(document(QUESTION)).encode().replace(b"When", b"\\u0000"), "U+0000"),
        (b'{"data": [' + b"9" * 5000 + b"]}", "integer string conversion"),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes, part: str) -> None:
    path = save(tmp_path / "broken.json", content)
    with pytest.raises(PolyspanError) as caught:
        read(path)
    assert part in str(caught.value)
    assert "broken.json" in str(caught.value)


def test_missing_file_folder_and_pattern(tmp_path: Path) -> None:
    for path, part in (
        (tmp_path / "none.json", "no such file"),
        (tmp_path, "folder"),
        (tmp_path / "*.x", "pattern"),
    ):
        with pytest.raises(PolyspanError, match=part):
            read(str(path))


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"id": "q1", "question": "?", "answers": [{"text": "1843"}]}, "q1 answers[0].answer_start"),
        (QUESTION | {"answers": [{"text": "1843", "answer_start": "four"}]}, "q1 answers[0].answer_start"),
        (QUESTION | {"answers": [{"text": "1843", "answer_start": True}]}, "q1 answers[0].answer_start"),
        (QUESTION | {"answers": [{"text": "1843", "answer_start": 10**12}]}, "q1 answers[0].answer_start"),
        (QUESTION | {"answers": [{"text": 1843, "answer_start": 40}]}, "q1 answers[0].text"),
        (QUESTION | {"answers": 1843}, "q1 answers"),
        (QUESTION | {"answers": {"text": ["a", "b"], "answer_start": [1]}}, "q1 answers"),
        (QUESTION | {"question": ["When?"]}, "q1 question"),
        (QUESTION | {"is_impossible": "maybe"}, "q1 is_impossible"),
        ({"question": "?", "answers": []}, "data[0].paragraphs[0].qas[0] id"),
        (QUESTION | {"id": 1.5}, "data[0].paragraphs[0].qas[0] id"),
        ("q1", "data[0].paragraphs[0].qas[0]"),
    ],
)
def test_wrong_schema_names_the_place(tmp_path: Path, wrong: Any, where: str) -> None:
    path = save(tmp_path / "a.json", document(wrong))
    with pytest.raises(PolyspanError) as caught:
        read(path)
    assert f"{path} {where}" in caught.value.where
    assert f"polyspan check {path}" in caught.value.fix


def test_byte_order_mark_is_taken_off(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", b"\xef\xbb\xbf" + json.dumps(document(QUESTION)).encode())
    assert questions_of(path) == GOOD
    assert [fault.rule for fault in check(path).faults] == ["bom"]


@pytest.mark.parametrize(
    ("name", "context", "language"),
    [
        ("mine.zh.json", "水磨坊於一八四〇年在臺北建成。", "zh"),
        ("zh-tw_en_dev.json", CONTEXT, "en"),
        ("en_zh-tw_train.json", "水磨坊於一八四〇年在臺北建成。", "zh-Hant"),
        ("test-context-vi-question-de.json", CONTEXT, "vi"),
        ("KorQuAD_v9.json", "물레방아는 1840년에 부산에서 지어졌다.", "ko"),
        ("train-squad-like.json", CONTEXT, "en"),
        ("mine.json", CONTEXT, None),
    ],
)
def test_language_by_file_name(tmp_path: Path, name: str, context: str, language: str | None) -> None:
    folder = tmp_path / "0"
    folder.mkdir()
    assert read(save(folder / name, document(QUESTION, context=context))).language == language


def test_unknown_name() -> None:
    with pytest.raises(PolyspanError, match="nosuch"):
        read("squad:nosuch")


KEYS = ["data", "paragraphs", "qas", "context", "question", "id", "answers", "text", "answer_start"]
KEYS += ["context_text", "query_id", "query_text", "title", "is_impossible", "version"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
NAMES = st.sampled_from(["f.json", "f.jsonl", "f.csv", "f.tsv", "f.zip", "f.json.gz", "f.parquet", "f"])
VALID = json.dumps(document(QUESTION, QUESTION | {"id": "q2"}), ensure_ascii=False).encode()
FUZZ = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def never_crashes(path: Path) -> None:
    """Reading, checking and repairing do their work or raise PolyspanError; a clean check means it can be read."""
    try:
        ok = check(path).ok
    except PolyspanError:
        ok = False
    try:
        corpus = read(path)
    except PolyspanError:
        assert not ok
    else:
        assert len(corpus.fingerprint()) == 64
    out = path.parent / "out.json"
    try:
        repaired = repair(path, out)
    except PolyspanError:
        return
    assert len(read(out)) == repaired.questions
    assert check(out).ok


@FUZZ
@given(name=NAMES, content=st.binary(max_size=300))
def test_any_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    for head in (b"", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"PAR1", b"\xff\xfe", b"\xef\xbb\xbf"):
        never_crashes(save(tmp_path / name, head + content))


@FUZZ
@given(name=NAMES, value=JSON)
def test_any_json(tmp_path: Path, name: str, value: Any) -> None:
    never_crashes(save(tmp_path / name, value))
    never_crashes(save(tmp_path / name, document(value, QUESTION)))
    never_crashes(save(tmp_path / name, [HUB | {"answers": value}, HUB]))


@FUZZ
@given(name=NAMES, at=st.integers(0, len(VALID) - 1), put=st.binary(max_size=3), cut=st.integers(0, 3))
def test_mutated_files(tmp_path: Path, name: str, at: int, put: bytes, cut: int) -> None:
    mutated = VALID[:at] + put + VALID[at + cut :]
    never_crashes(save(tmp_path / name, mutated))
    packed = bytearray(gzip.compress(VALID, mtime=0))
    packed[at % len(packed)] ^= 1 + cut
    never_crashes(save(tmp_path / name, bytes(packed)))


@pytest.mark.parametrize("answer", ["1843", '"1843"'])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_of_excel(tmp_path: Path, mark: str, answer: str) -> None:
    header = mark.join(["ID", "Context", "QUESTION", "Answer_Text", "answer_start"])
    row = mark.join(["q1", CONTEXT, "When?", answer, "40"])
    for name in ("a.csv", "a.tsv"):
        path = save(tmp_path / name, f"\ufeff{header}\r\n{row}\r\n".encode())  # Excel's CSV has the mark
        assert questions_of(path) == GOOD
        assert check(path).as_json() == {"ok": True, "questions": 1, "faults": [], "warnings": []}


def test_a_quoted_header_and_old_line_ends(tmp_path: Path) -> None:
    for end in ("\n", "\r"):
        path = save(tmp_path / "a.csv", f'"id";"context";"question";"answer"{end}q1;"{CONTEXT}";When?;1843{end}')
        assert questions_of(path) == GOOD


def test_more_fields_than_the_header_has(tmp_path: Path) -> None:
    lines = ["id,context,question,answer", f"q1,{CONTEXT},When?,1843", "q2,a,b,When?,a,0"]
    path = save(tmp_path / "a.csv", "\n".join(lines))
    faults = check(path).faults
    assert [(fault.id, fault.rule) for fault in faults] == [("row 2", "wrong-type")]
    assert (faults[0].found, faults[0].expected) == ("6 fields", "4 fields, as the header has")
    with pytest.raises(PolyspanError, match="row 2"):
        read(path)


ADA = Question("q1", "Who?", (Answer("Ada", 0),))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", document({"id": "q1", "question": "Who?", "answers": "Ada"})),
        ("a.jsonl", json.dumps({"id": "q1", "context": CONTEXT, "question": "Who?", "answers": "Ada"})),
        ("a.csv", f"id,context,question,answers\nq1,{CONTEXT},Who?,Ada"),
        ("a.csv", f"id,context,question,answer\nq1,{CONTEXT},Who?,Ada"),
        ("a.csv", f"id,context,question,answer,answer_start\nq1,{CONTEXT},Who?,Ada,0"),
    ],
)
def test_an_answer_as_text(tmp_path: Path, name: str, content: Any) -> None:
    path = save(tmp_path / name, content)
    assert questions_of(path) == [ADA]
    assert check(path).as_json() == {"ok": True, "questions": 1, "faults": [], "warnings": []}


@pytest.mark.parametrize("key", ["answers", "answer"])
def test_an_answer_as_text_is_placed_as_cmrcs_are(tmp_path: Path, key: str) -> None:
    texts = ("1843", "r", "nowhere", "", "{'text': array(['1843' ...])}")
    rows = [f"q{number},{CONTEXT},When?,{text}" for number, text in enumerate(texts)]
    path = save(tmp_path / "a.csv", "\n".join([f"id,context,question,{key}", *rows]))
    report = check(path)
    assert [(fault.id, fault.rule) for fault in report.faults] == [("q4", "wrong-type"), ("q2", "answer-missing")]
    assert [(warning.rule, warning.id) for warning in report.warnings] == [
        ("answer-ambiguous", "q1"),
        ("no-answer", "q3"),
    ]


def test_home_bare_names_and_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "x1.json", document(QUESTION))
    assert questions_of("~/x1.json") == questions_of("~/x*.json") == GOOD
    monkeypatch.chdir(tmp_path)
    for call in (read, check):
        for name, part in (("squad", "squad:dev"), ("mini", "mini:en/test")):
            with pytest.raises(UsageError, match=f"which split of '{name}'") as caught:
                call(name)
            assert part in caught.value.expected
        with pytest.raises(UsageError, match="download it first"):
            call("https://example.org/a.json")


PARAGRAPH = {"context": CONTEXT, "qas": [QUESTION]}
CMRC = {"context_text": CONTEXT, "qas": [{"query_id": "q1", "query_text": "When?", "answers": [ANSWER]}]}
ARTICLE = {"title": "Ada", "paragraphs": [PARAGRAPH]}
ROW = HUB | {"answers": HUB_ANSWERS}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
@pytest.mark.parametrize(
    "item",
    [ROW, PARAGRAPH, CMRC, {"context_text": CONTEXT, "qas": [QUESTION]}, ARTICLE, document(QUESTION)],
)
def test_one_of_anything(tmp_path: Path, name: str, item: Any) -> None:
    for content in (json.dumps(item), json.dumps(item) + "\n"):
        path = save(tmp_path / name, content)
        assert questions_of(path) == GOOD
        assert check(path).as_json() == {"ok": True, "questions": 1, "faults": [], "warnings": []}


@pytest.mark.parametrize("item", [ROW, PARAGRAPH, CMRC, ARTICLE])
def test_lists_and_lines_of_anything(tmp_path: Path, item: Any) -> None:
    other = json.loads(json.dumps(item).replace('"q1"', '"q2"'))
    lines = f"{json.dumps(item)}\n{json.dumps(other)}\n"
    for name, content in (("a.json", [item, other]), ("a.json", {"data": [item, other]}), ("a.jsonl", lines)):
        path = save(tmp_path / name, content)
        assert [question.id for question in questions_of(path)] == ["q1", "q2"]
        assert check(path).ok


def test_rows_kept_by_columns(tmp_path: Path) -> None:
    rows = [ROW, ROW | {"id": "q2"}]
    lists = {key: [row[key] for row in rows] for key in ROW}
    for table in (lists, {key: {str(place): value for place, value in enumerate(lists[key])} for key in lists}):
        path = save(tmp_path / "a.json", table)
        assert [question.id for question in questions_of(path)] == ["q1", "q2"]
        assert check(path).ok


def test_one_article_by_itself(tmp_path: Path) -> None:
    for more in ({}, {"title": "Mills"}):
        assert len(read(save(tmp_path / "a.json", json.dumps({"paragraphs": [PARAGRAPH]} | more)))) == 1


def test_a_broken_line_among_contexts(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jsonl", f'{json.dumps(PARAGRAPH)}\n{{"context": \n')
    assert [(fault.rule, fault.id) for fault in check(path).faults] == [("invalid-json", "line 2")]
    assert check(path).questions == 1


def test_a_key_twice_in_one_row_is_told_once(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", json.dumps(ROW).replace('"question"', '"question": "Who?", "question"'))
    assert [(fault.rule, fault.id) for fault in check(path).faults] == [("duplicate-key", "q1")]


def test_questions_of_one_context_take_linear_time() -> None:
    def seconds(count: int) -> float:
        rows = [ROW | {"id": str(number)} for number in range(count)]
        began = time.process_time()
        assert [len(paragraph.questions) for paragraph in corpus_from_rows(rows).paragraphs] == [count]
        return time.process_time() - began

    assert seconds(40_000) < 24 * max(seconds(5_000), 0.03)  # 8 times in linear time, 64 in quadratic


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "language", "paragraphs", "questions"),
    [
        ("squad_v1.1/squad_v1.1_train_44articles.json", "en", 2430, 11877),
        ("squad_v1.1/squad_v1.1_dev_part*of2.json", "en", 2067, 10570),
        ("drcd/DRCD_dev.json", "zh-Hant", 1000, 3524),
        ("drcd/DRCD_test.json", "zh-Hant", 1000, 3493),
        ("korquad_v1.0/KorQuAD_v1.0_dev.json", "ko", 964, 5774),
        ("cmrc2018/train-pseudo-cmrc2018.zip", "zh-Hans", 2403, 10142),
        ("cmrc2018/cmrc2018_dev.json", "zh-Hans", 848, 3219),
        ("xquad/xquad.ar.json", "ar", 240, 1190),
        ("jaquad/train_0*.json", "ja", 2077, 6114),
        ("drcd_translated/zh-tw_fr_dev.json", "fr", 1000, 3524),
    ],
)
def test_real_files(data: Path, file: str, language: str, paragraphs: int, questions: int) -> None:
    corpus = read(str(data / file))
    assert (corpus.language, len(corpus.paragraphs), len(corpus)) == (language, paragraphs, questions)
