"""Splits by article: seeded, disjoint, the same whatever the order."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.data.split import split
from polyspan.errors import PolyspanError, UsageError
from polyspan.reading import read


def corpus_of(titles: list[str], contexts: list[str]) -> Corpus:
    return Corpus(
        tuple(
            Paragraph(context, (Question(str(number), "?"), Question(f"{number}b", "?")), title)
            for number, (title, context) in enumerate(zip(titles, contexts, strict=True))
        )
    )


CORPUS = corpus_of(
    [f"article {number // 3}" for number in range(60)], [f"context {number}" for number in range(60)]
)
LETTERS = st.lists(st.tuples(st.sampled_from(["", *"abcdef"]), st.sampled_from("uvwxyz")), min_size=3, max_size=20)


@given(pairs=LETTERS, seed=st.integers(0, 99))
def test_nothing_is_on_both_sides(pairs: list[tuple[str, str]], seed: int) -> None:
    corpus = corpus_of([title for title, _ in pairs], [context for _, context in pairs])
    try:
        rest, part = split(corpus, 0.3, seed=seed)
    except PolyspanError:
        return
    assert len(rest) + len(part) == len(corpus)
    assert rest.paragraphs
    assert part.paragraphs
    for side in (lambda p: p.title or None, lambda p: p.context):
        assert {side(p) for p in rest.paragraphs}.isdisjoint({side(p) for p in part.paragraphs} - {None})


def test_size_and_seed() -> None:
    rest, part = split(CORPUS, 0.1)
    assert (len(rest), len(part)) == (108, 12)
    assert len(split(CORPUS, size=13)[1]) == 18
    assert split(CORPUS, 0.1) == (rest, part)
    assert split(CORPUS, 0.1, seed=1) != (rest, part)
    assert sorted({paragraph.title for paragraph in part.paragraphs}) == ["article 11", "article 3"]


def test_order_of_the_file_does_not_matter() -> None:
    backwards = replace(CORPUS, paragraphs=CORPUS.paragraphs[::-1])
    assert split(backwards, 0.2)[1].paragraphs == split(CORPUS, 0.2)[1].paragraphs[::-1]


def test_impossible() -> None:
    for fraction, size in ((0.0, None), (1.0, None), (0.1, 0), (0.1, 120)):
        with pytest.raises(UsageError):
            split(CORPUS, fraction, size)
    with pytest.raises(PolyspanError, match="one article"):
        split(corpus_of(["a", "a"], ["x", "y"]))


@pytest.mark.realdata
def test_korquad(data: Path) -> None:
    rest, part = split(read(data / "korquad_v1.0" / "KorQuAD_v1.0_dev.json"), 0.1, seed=1)
    assert (len(rest), len(part)) == (5130, 644)
