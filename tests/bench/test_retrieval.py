"""The measurement of ranking: rows of both files on a small library, and the page that shows them."""

from pathlib import Path

import pytest

from polyspan.ask.ranking import index
from polyspan.bench import retrieval
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.files import csv_rows
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions

DOCS = Path(__file__).parents[2] / "docs"
FACTS = [
    (f"The {thing} of {place} was made by {name}.", f"Who made the {thing} of {place}?", name)
    for thing, place, name in (("mill", "Arnfeld", "bente"), ("cup", "hull", "leeds"), ("lamp", "Ghent", "anna"))
]


@pytest.fixture
def texts():
    """One library, twice: as English and as French."""
    corpora = {}
    for code in ("en", "fr"):
        paragraphs = tuple(
            Paragraph(text, (Question(str(number), question, (Answer(answer, text.index(answer)),)),))
            for number, (text, question, answer) in enumerate(FACTS)
        )
        corpora[code] = Corpus(paragraphs, code, code, "squad.v1")
    return corpora


def test_recall_by_words(texts, monkeypatch):
    monkeypatch.setattr(retrieval, "DEPTHS", (1, 2))
    rows = retrieval.recall_rows("facts", texts, ["bm25"])
    assert [(row["texts"], row["questions"]) for row in rows] == [("en", "en"), ("en", "fr"), ("fr", "fr")]
    assert {(row["recall_1"], row["recall_2"], row["n"]) for row in rows} == {(100.0, 100.0, 3)}
    assert "| facts | en | fr | 100.0 / 100.0 |" in retrieval.recall_table(rows)


def test_reading_the_right_paragraph_and_the_best(texts, tiny, monkeypatch):
    reader = Reader.load(tiny, WindowOptions(max_length=64, stride=8), seed=3)
    monkeypatch.setattr(retrieval, "Index", lambda passages: index.Index(passages, "bm25"))
    monkeypatch.setattr(retrieval, "DEPTHS", (1,))
    rows = retrieval.reading_rows("facts", texts, reader, 2)
    assert [(row["texts"], row["questions"], row["n"]) for row in rows] == [("en", "en", 2), ("en", "fr", 2)]
    for row in rows:  # words find every paragraph, and it alone is read
        assert row["f1_found"] == row["f1_given"]
    assert retrieval.reading_table(rows).count("\n") == 4


@pytest.mark.parametrize("file", sorted((DOCS / "retrieval").glob("*.csv")), ids=lambda file: file.stem)
def test_the_page_shows_the_files(file):
    table = getattr(retrieval, f"{file.stem}_table")(csv_rows(file))
    page = (DOCS / "retrieval.md").read_text("utf-8")
    assert f"<!-- {file.stem} -->\n\n{table}\n<!-- end of {file.stem} -->" in page
