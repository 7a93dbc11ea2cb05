"""Every program in `examples/` runs, on a tiny encoder where it needs one."""

import csv
import runpy
from pathlib import Path

import pytest

import polyspan as ps

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def example(tmp_path, monkeypatch, capsys):
    """Run an example's `main` in a new folder; returns what it prints."""
    monkeypatch.chdir(tmp_path)

    def call(name: str, *arguments: object, **changes: object) -> str:
        runpy.run_path(str(EXAMPLES / name))["main"](*map(str, arguments), **changes)
        return capsys.readouterr().out

    return call


@pytest.fixture
def table(tmp_path, corpus) -> Path:
    """The fixture's questions as a spreadsheet, one answer wrong."""
    path = tmp_path / "questions.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "title", "question", "context", "answer"])
        for number, (paragraph, question) in enumerate(corpus.questions()):
            answer = "nowhere" if number == 0 else question.answers[0].text
            rows.writerow([question.id, f"article {number}", question.text, paragraph.context, answer])
    return path


def test_own_data_then_a_question(tmp_path, tiny, table, example):
    printed = example("own_data.py", table, "out", tiny, max_length=96, stride=32)
    assert "'answer-missing': 1" in printed
    assert "kept 4 questions, set aside 1" in printed
    assert "'exact_match'" in printed

    (tmp_path / "text.txt").write_text("The cup was won by leeds in 1920.", "utf-8")
    printed = example("ask_a_question.py", "out/reader", "who won", "text.txt")
    assert "(characters " in printed


def test_own_metric(example):
    printed = example("own_metric.py")
    assert [line.partition(":")[0] for line in printed.splitlines()] == ["prefix.v1", "squad.v1"]


@pytest.mark.slow
def test_two_seeds(tiny, example):
    printed = example("two_seeds.py", "out", f"model={tiny}", "settings.max_length=120", "settings.stride=8")
    assert printed.count("over 2 seeds") == 2


@pytest.mark.slow
def test_adapt_a_language(masking, corpus, tmp_path, example):
    ps.write(corpus, "train.json")
    few = {"seeds": "1,2", "max_length": 96, "asked": 4, "contexts": 2, "languages": "en,ja"}
    printed = example("adapt_a_language.py", "out", *["train.json"] * 3, model=masking, **few)
    assert [line.partition(":")[0] for line in printed.splitlines()] == [
        "seed 1",
        "seed 2",
        *(f"adapter of {name}" for name in ("none", "en", "ja")),
    ]


def test_every_example_is_listed_and_tested():
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    tests = Path(__file__).read_text("utf-8")
    for path in EXAMPLES.iterdir():
        if path.name != "README.md":
            assert f"({path.name})" in listed
            assert path.suffix == ".yaml" or path.name in tests
