"""Two parallel corpora and a Reader small enough to check every vector by hand."""

from dataclasses import replace

import pytest

import polyspan as ps


@pytest.fixture(scope="session")
def reader(tiny):
    """Windows so short that contexts are cut into several, which overlap."""
    return ps.Reader.load(tiny, ps.WindowOptions(max_length=32, stride=6, max_question_length=8))


def paragraphs(words: dict[str, str], repeats: int):
    """Contexts with two answers each; `words` translates them."""
    found = []
    for number in range(repeats):
        context = (
            f"the cup {number} was won by hull in 19{number:02} and {words['leeds']} was in the {words['east']}."
        )
        questions = tuple(
            ps.Question(f"{number}-{place}", asked, (ps.Answer(text, context.index(text)),))
            for place, (asked, text) in enumerate((("who", words["leeds"]), ("where", words["east"])))
        )
        found.append(ps.Paragraph(context, questions, f"cup {number}"))
    return tuple(found)


@pytest.fixture(scope="session")
def english():
    return ps.Corpus(paragraphs({"leeds": "leeds", "east": "east"}, 12), "tiny:en", "en", "squad.v1")


@pytest.fixture(scope="session")
def chinese():
    return ps.Corpus(paragraphs({"leeds": "我是誰", "east": "東京"}, 12), "tiny:zh", "zh", "drcd.v1")


@pytest.fixture
def some(english):
    """The first paragraphs alone."""
    return replace(english, paragraphs=english.paragraphs[:3])
