"""Data sets that were published with faults, used by name."""

from dataclasses import replace
from pathlib import Path

import pytest

import polyspan as ps
from polyspan.data.schema import Answer
from polyspan.errors import PolyspanError
from polyspan.make.mending import mend


def _moved(corpus, by, text=None):
    """The corpus with the first answer of each context at another place, or with another text."""
    paragraphs = []
    for paragraph in corpus.paragraphs:
        first, *rest = paragraph.questions
        answer = first.answers[0]
        wrong = replace(first, answers=(Answer(text or answer.text, answer.start + by),))
        paragraphs.append(replace(paragraph, questions=(wrong, *rest)))
    return replace(corpus, paragraphs=tuple(paragraphs))


def test_it_is_what_check_leaves(tmp_path):
    corpus = ps.read("mini:en/test")
    broken = _moved(corpus, 3)
    made = mend(broken)
    report = ps.repair(broken, tmp_path / "mended.json")
    assert made.corpus.paragraphs == ps.read(tmp_path / "mended.json").paragraphs == corpus.paragraphs
    assert made.counts["repaired"] == report.repaired == {"offset": len(corpus.paragraphs)}
    assert (made.corpus.language, made.dropped) == ("en", 0)


def test_what_cannot_be_mended_is_left_out_and_counted():
    corpus = ps.read("mini:en/test")
    made = mend(_moved(corpus, 0, "nowhere to be found"))
    assert made.dropped == len(corpus.paragraphs)
    gone = replace(corpus, paragraphs=tuple(replace(p, questions=p.questions[:1]) for p in corpus.paragraphs))
    with pytest.raises(PolyspanError, match="is left after the repair"):
        mend(_moved(gone, 0, "nowhere to be found"))


@pytest.mark.realdata
def test_faquad_has_34_offsets_that_are_wrong(data: Path):
    made = mend(ps.read(data / "faquad" / "faquad_*.json"))
    assert (made.kept, made.dropped) == (900, 0)
    assert made.counts["repaired"]["offset"] + made.counts["answers_left_out"] == 34
