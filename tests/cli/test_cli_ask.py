"""`polyspan ask`: what is printed, where, and with which exit status."""

import io
import json
import sys

import pytest

from polyspan.ask.asking import DocumentAnswer, Reply
from polyspan.ask.sentence import AnswerSentence
from polyspan.cli import terminal


def answer(text="1840", file="mill.txt", start=32, end=36, line=1, counted="file", part=None, shown=None):
    sentence = shown or AnswerSentence(f"Built in {' '.join(text.split())} by Roos.", 9, 9 + len(text))
    return DocumentAnswer(text, file, start, end, line, counted, part, "utf-8", 0.934, True, sentence)


NOTHING = DocumentAnswer("", None, 0, 0, None, None, None, None, 0.8, True, AnswerSentence("", 0, 0))


@pytest.fixture
def replies(monkeypatch):
    """Answers put in the place of those of files; what they were asked for stands in `calls`."""

    def put(*answers, calls=None):
        def ask(questions, documents, **options):
            if calls is not None:
                calls.append((questions, documents))
            return [Reply(one, answers[0], answers[1:], 2) for one in questions]

        monkeypatch.setattr("polyspan.ask.asking.ask", ask)

    return put


def test_an_answer_is_told_with_its_place_and_its_sentence(run, replies):
    replies(answer(), answer("2.4\nlitres", "manual.pdf", 5, 15, 2, "page", 3))
    code, out, _ = run("ask", "When?", "mill.txt", "manual.pdf")
    assert code == 0
    assert out.splitlines() == [
        "1840",
        "  93 % sure; mill.txt:1: characters 32-36",
        "  Built in 1840 by Roos.",
        "2.4 litres",
        "  93 % sure; manual.pdf, page 3, line 2: characters 5-15 of it",
        "  Built in 2.4 litres by Roos.",
    ]


def test_no_answer_is_said_plainly(run, replies):
    replies(NOTHING)
    assert run("ask", "When?", "a.txt", "b.txt")[1] == "no answer\n  80 % sure that it is not in 2 documents\n"


def test_questions_from_a_file_are_answered_one_by_one(run, replies, tmp_path):
    calls = []
    replies(NOTHING, calls=calls)
    (tmp_path / "questions.txt").write_text("\ufeffWhen?\r\n\n 언제? \n", "utf-8")
    code, out, _ = run("ask", "--questions", tmp_path / "questions.txt", "a.txt", "b.txt")
    assert code == 0
    assert calls == [(["When?", "언제?"], ["a.txt", "b.txt"])]
    assert [line for line in out.splitlines() if line in ("When?", "언제?", "")] == ["When?", "", "언제?"]


def test_json_is_one_object_a_question(run, replies):
    replies(answer(file="m\udcfcll.txt"))
    code, out, _ = run("ask", "When?", "a.txt", "--json")
    assert code == 0
    (found,) = json.loads(out)["answers"]
    assert (found["question"], found["text"], found["alternatives"]) == ("When?", "1840", [])
    assert json.loads(out.encode("utf-8", "backslashreplace"))["answers"][0]["file"] == "m\udcfcll.txt"


@pytest.mark.parametrize("arguments", [("When?",), ("--questions", "q.txt"), ()])
def test_a_call_without_documents_is_a_wrong_one(run, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("ask", *arguments)
    assert (code, out) == (2, "")
    assert err


def test_files_that_cannot_be_read_are_told_and_none_is_an_error(run, tmp_path):
    (tmp_path / "bin.txt").write_bytes(bytes(range(256)))
    code, out, err = run("ask", "When?", tmp_path / "none.txt", tmp_path / "bin.txt")
    assert (code, out) == (1, "")
    assert "none.txt" in err
    assert "bin.txt" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("word " * 30, 2),
        ("這座磨坊建於一八四〇年" * 10, 3),
        ("بنيت الطاحونة عام " * 8, 2),
    ],
)
def test_a_sentence_is_as_wide_as_the_terminal(monkeypatch, capsys, text, lines):
    from rich.console import Console

    monkeypatch.setattr(terminal, "console", Console(width=80, file=sys.stdout, force_terminal=True))
    terminal.passage(text, 5, 9)
    out = capsys.readouterr().out
    bold = out.partition("\x1b[1m")[2].partition("\x1b[0m")[0]
    assert bold.strip() == text[5:9].strip()
    plain = out.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert len(plain.splitlines()) == lines
    from rich.cells import cell_len

    assert all(cell_len(line) <= 80 and line.startswith("  ") for line in plain.splitlines())
    assert "".join(plain.split()) == "".join(text.split())


def test_letters_are_joined_as_in_the_file_and_controls_are_not_obeyed(capsys, monkeypatch):
    from rich.console import Console

    file = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(width=80, file=file))
    terminal.passage("می\u200cخواهم \x1b[31mred\u202e", 0, 8)
    assert file.getvalue() == "  می\u200cخواهم \ufffd[31mred\ufffd\n"


def test_a_folder_that_is_no_reader_is_one_message(run, tmp_path):
    (tmp_path / "mill.txt").write_text("The mill was built in 1840.", "utf-8")
    code, out, err = run("ask", "When?", tmp_path / "mill.txt", "--model", tmp_path)
    assert (code, out) == (1, "")
    assert "no model at" in err
    assert "Traceback" not in err


def test_a_file_of_empty_lines_asks_nothing(run, tmp_path):
    (tmp_path / "mill.txt").write_text("The mill was built in 1840.", "utf-8")
    (tmp_path / "questions.txt").write_text("\n" * 10_000, "utf-8")
    code, out, err = run("ask", "--questions", tmp_path / "questions.txt", tmp_path / "mill.txt")
    assert (code, out) == (1, "")
    assert "the file is empty" in err
