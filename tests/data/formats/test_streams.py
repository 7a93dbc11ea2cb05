"""A file read piece by piece gives what the whole file gives; memory and time that many questions take."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from polyspan.data.formats import json_stream, parse
from polyspan.data.formats.options import Reading
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.reading import check, read


def qas(*ids: str, **more: object) -> list[dict[str, object]]:
    return [
        {"id": id, "question": "Wer?", "answers": [{"text": "Käthe", "answer_start": 0}], **more} for id in ids
    ]


def row(id: str, **more: object) -> dict[str, object]:
    answers = {"text": ["Käthe"], "answer_start": [0]}
    return {"id": id, "context": "Käthe kam.", "question": "Wer?", "answers": answers, **more}


def squad(*articles: object, **more: object) -> str:
    return json.dumps({"data": list(articles), **more}, ensure_ascii=False)


def lines(*rows: object) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows)


CONTEXT = {"context": "Käthe kam.", "qas": qas("1", "2")}
STREAMED = {
    "usual.json": squad({"title": "T", "paragraphs": [CONTEXT, {"context": "Leer.", "qas": []}]}, version="1.1"),
    "title-last.json": squad(
        {"paragraphs": [CONTEXT, {"context": 3, "qas": []}], "title": "T"}, {"paragraphs": [CONTEXT]}
    ),
    "faults.json": squad(
        {"title": 7, "paragraphs": [{"qas": qas("1")}, {"context": "Käthe", "qas": [{"id": "x"}, *qas("2"), 5]}]},
        version="v2.0",
        language="de",
    ),
    "marked.json": "\ufeff" + squad({"paragraphs": [CONTEXT]}),
    "spaced.json": ' \n{ "data" : [ {"paragraphs":\t[ ' + json.dumps(CONTEXT) + " ] } ] , \"version\": 12 }\r\n",
    "escaped.json": json.dumps({"data": [{"paragraphs": [{"context": "a\u0000", "qas": []}, CONTEXT]}]}),
    "rows.json": json.dumps([row("1", title=""), row("2", title="T"), row("3", context="Käthe ging.")]),
    "called.json": lines(row("1"), row("2")),
    "usual.jsonl": lines(row("1", language="de"), row("2", language="de"), row("3", context="Käthe ging.")),
    "faults.jsonl": lines(row("1"), {"id": "2"}, row("3", context=None), "text", row("4", answers={}), row("5")),
    "odd.jsonl": lines(
        row("1", answers=[{"text": "Käthe", "answer_start": "0"}]), row("2\u2028", question="a\0b")
    ),
    "again.jsonl": lines(row("1", paragraph=1), row("2", paragraph=2), row("3", paragraph=2, Frage="?")),
    "usual.csv": "id,context,question,answer\r\n1,Käthe kam.,Wer?,Käthe\r\n\r\n"
    '2,"Käthe\r\nkam.",Wer?,\r\n3,a,b,c,d\r\n',
    "europe.csv": "\ufeff\nID;Context;Question;answer_text;answer_start\n"
    "1;Käthe kam.;Wer?;Käthe;0\n2;;Wer?;Käthe;0\n",
    "usual.tsv": "id\tcontext\tquestion\tanswer\n1\tKäthe kam.\tWer?\tKäthe\n",
}  # fmt: skip
WHOLE = {
    "cut.json": squad({"paragraphs": [CONTEXT]})[:-9],
    "broken.json": squad({"paragraphs": [CONTEXT]}).replace('"qas":', '"qas"'),
    "more.json": squad({"paragraphs": [CONTEXT]}) + " {}",
    "twice.json": squad({"paragraphs": [CONTEXT]})[:-1] + ', "data": []}',
    "twice-in-article.json": '{"data": [{"title": "a", "title": "b", "paragraphs": []}]}',
    "no-paragraphs.json": squad({"paragraphs": [CONTEXT]}, {"title": "T"}),
    "wrong-title.json": squad({"paragraphs": [CONTEXT], "title": ["T"]}),
    "wrong-language.json": squad({"paragraphs": [CONTEXT]}, language=3),
    "deep.json": "[" * 100_000,
    "cmrc.json": json.dumps([{"context": "Käthe", "qas": qas("1")}, {"context": "Käthe", "qas": qas("2")}]),
    "one.json": json.dumps(row("1")),
    "one.jsonl": lines(row("1")),
    "late-column.jsonl": lines(row("1"), row("2", is_impossible=False)),
    "bad-line.jsonl": lines(row("1"), row("2")) + "{\n",
    "articles.jsonl": lines({"title": "T", "paragraphs": [CONTEXT]}, {"title": "U", "paragraphs": []}),
    "no-context.jsonl": lines({"id": "1"}, {"id": "2"}),
    "wrong-language.jsonl": lines(row("1", language="no language"), row("2")),
    "quote.csv": 'id,context,question,answer\n1,"a"b,c,d\n',
    "headless.csv": "1,Käthe kam heute.,Wer kam heute?,Käthe\n",
    "told.csv": "sep=;\nid;context;question;answer\n1;Käthe;Wer?;Käthe\n",
    "latin.csv": "id,context,question,answer\n1,Käthe kam.,Wer?,Käthe\n".encode("latin-1"),
    "wide.json": squad({"paragraphs": [CONTEXT]}).encode("utf-16"),
    "usual.txt": "Käthe kam.\n",
    "packed.json": gzip.compress(squad({"paragraphs": [CONTEXT]}).encode()),
}  # fmt: skip


def put(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return str(path)


@pytest.mark.parametrize("piece", [1, 7, 2**20])
@pytest.mark.parametrize("name", STREAMED)
def test_pieces_give_what_the_whole_gives(name: str, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_stream, "_PIECE", piece)
    path = put(tmp_path, name, STREAMED[name])
    streamed = parse._streamed(path, Reading())
    assert streamed is not None
    assert streamed == parse._parse_file(path, Reading())


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_broken_or_rare_is_read_whole(name: str, tmp_path: Path):
    path = put(tmp_path, name, WHOLE[name])
    assert parse._streamed(path, Reading()) is None
    assert parse.parse(path)[0] == parse._parse_file(path, Reading()) or name == "usual.txt"


def test_renamed_columns_are_found_in_pieces(tmp_path: Path):
    text = "Nr,Text,Frage,answer\n1,Käthe kam.,Wer?,Käthe\n2,Käthe kam.,Wer?,Käthe\n"
    path = put(tmp_path, "own.csv", text)
    reading = Reading(None, {"id": "Nr", "context": "Text", "question": "Frage"})
    streamed = parse._streamed(path, reading)
    assert streamed is not None
    assert len(streamed.paragraphs) == 1
    assert streamed == parse._parse_file(path, reading)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.tsv", "a.jsonl.gz"])
def test_what_is_written_in_pieces_is_the_same_each_time(name: str, tmp_path: Path):
    paragraphs = [
        Paragraph(f"Text {number}", (Question(f"{number}", "Wo?", (Answer("Text", 0),)),), f"T{number // 2}")
        for number in range(5)
    ]
    corpus = Corpus(tuple(paragraphs), language="de")
    for out in (tmp_path / name, tmp_path / f"again.{name}"):
        write(corpus, out)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"again.{name}").read_bytes()
    assert read(tmp_path / name).fingerprint() == corpus.fingerprint()


MEASURE = """
import gc, resource, sys, time
from polyspan.reading import check
from polyspan.score import score
from polyspan.reading import read
took, peak = [], []
for path in sys.argv[1:]:
    began = time.process_time()
    assert check(path).ok
    corpus = read(path)
    score(corpus, {question.id: "stone" for _, question in corpus.questions()})
    took.append(time.process_time() - began)
    peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peak[1] - peak[0], took[1] / took[0])
"""


def long_paragraph(number: int) -> Paragraph:
    text = f"{number} " + "The stone was found in the year 1799 by soldiers who built a fort. " * 9
    answers = (Answer("stone", text.index("stone")),)
    asked = [Question(f"{number:08}-{place}", f"What was it, {number}, {place}?", answers) for place in range(5)]
    return Paragraph(text, tuple(asked), f"Title {number // 20}")


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["json", "jsonl", "csv"])
def test_memory_and_time_of_many_questions(ending: str, tmp_path: Path):
    files = []
    for count in (1_000, 5_000):  # contexts of 600 characters, with five questions each
        files.append(str(tmp_path / f"{count}.{ending}"))
        write(Corpus(tuple(long_paragraph(number) for number in range(count)), language="en"), files[-1])
    ran = subprocess.run([sys.executable, "-c", MEASURE, *files], capture_output=True, text=True, check=True)
    kilobytes, times = map(float, ran.stdout.split())
    assert kilobytes / 20_000 < 1.2  # a question; the objects alone take 0.6
    assert times < 10  # of five times as many


def test_checks_of_a_stream_tell_the_row(tmp_path: Path):
    found = check(put(tmp_path, "a.jsonl", STREAMED["faults.jsonl"])).faults
    assert [fault.id for fault in found if fault.rule == "missing-key"][:2] == ["row 2", "row 3"]
