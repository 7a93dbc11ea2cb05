"""Counts of a corpus."""

from pathlib import Path

import pytest

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.stats import stats
from polyspan.reading import read


def test_stats() -> None:
    one = Question("q1", "Who?", (Answer("Ada", 0), Answer("Lovelace", 9)))
    two = Question("q1", "Why so?", (), True)
    counts = stats(Corpus((Paragraph("Ada Lovelace", (one,)), Paragraph("Ada Lovelace", (two,)))))
    assert counts["articles"] == counts["paragraphs"] == counts["questions"] == counts["answers"] == 2
    assert (
        counts["impossible"] == counts["misplaced"] == counts["duplicate_contexts"] == counts["duplicate_ids"] == 1
    )
    assert counts["question_length"] == {"mean": 5.5, "median": 5.5, "max": 7}
    assert counts["answers_per_question"] == 1.0


def test_nothing() -> None:
    assert stats(Corpus(()))["context_length"] == {"mean": 0.0, "median": 0.0, "max": 0}


@pytest.mark.realdata
def test_drcd(data: Path) -> None:
    counts = stats(read(data / "drcd" / "DRCD_dev.json"))
    assert (counts["articles"], counts["paragraphs"], counts["questions"], counts["answers"]) == (
        383,
        1000,
        3524,
        7048,
    )
    assert (counts["misplaced"], counts["impossible"]) == (0, 0)
