"""The component of haystack's pipelines, by itself and in one."""

import os
import sys

import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # before it is imported

TEXTS = ["the cup was won by leeds in 1920.", "", "in 1931 it was won by hull, not by leeds."]


@pytest.fixture(scope="module")
def haystack():
    return pytest.importorskip("haystack", reason="haystack-ai is not installed")


@pytest.fixture
def documents(haystack):
    return [*(haystack.Document(content=text) for text in TEXTS), haystack.Document(content=None)]


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    Reader.load(tiny, WindowOptions(max_length=64, stride=16)).save(folder)
    return str(folder)


@pytest.fixture
def reader(haystack, folder):
    from polyspan.ask.haystack import PolyspanReader

    return PolyspanReader(folder, top_k=4)


def test_it_answers_from_documents_word_for_word(reader, documents):
    answers = reader.run("who won the cup", documents)["answers"]
    spans = [one for one in answers if one.data is not None]
    assert len(spans) == 4
    assert len(answers) == 5
    for one in spans:
        assert one.document in documents
        assert one.document.content[one.document_offset.start : one.document_offset.end] == one.data
        assert 0 <= one.score <= 1
    (nothing,) = [one for one in answers if one.data is None]
    assert (nothing.document, nothing.document_offset, nothing.query) == (None, None, "who won the cup")
    assert answers.index(nothing) in (0, 4)
    assert len(reader.run("who", documents, top_k=1)["answers"]) == 2


def test_its_best_answer_is_that_of_the_best_passage(reader, documents, folder):
    from polyspan.ask.best_passage import best_passage
    from polyspan.model.answers import AnswerOptions

    alone = [Reader.load(folder).answers("who", text, AnswerOptions(4)) for text in (TEXTS[0], TEXTS[2])]
    number, span = best_passage(alone).spans[0]
    reader.no_answer = False
    first = reader.run("who", documents)["answers"][0]
    assert (first.data, first.document.content) == (span.text, TEXTS[2 * number])
    assert first.score == pytest.approx(span.probability, abs=1e-5)


def test_without_documents_there_is_no_answer_for_certain(reader, documents):
    (nothing,) = reader.run("who", documents[3:])["answers"]
    assert (nothing.data, nothing.score) == (None, 1.0)
    reader.no_answer = False
    assert reader.run("who", [])["answers"] == []


def test_impossible_numbers(reader, documents):
    with pytest.raises(UsageError, match="top_k"):
        reader.run("who", documents, top_k=0)


def test_a_pipeline_with_it_is_saved_and_read_again(haystack, reader, documents, monkeypatch):
    monkeypatch.setenv("HAYSTACK_DESERIALIZATION_ALLOWLIST", "polyspan")  # haystack 3 reads no others
    pipeline = haystack.Pipeline()
    pipeline.add_component("reader", reader)
    again = haystack.Pipeline.loads(pipeline.dumps())
    asked = {"reader": {"query": "who won the cup", "documents": documents}}
    found, others = (one.run(asked)["reader"]["answers"] for one in (pipeline, again))
    assert [(one.data, one.score) for one in found] == [(one.data, one.score) for one in others]
    assert again.get_component("reader").to_dict() == reader.to_dict()
    assert reader.to_dict()["type"] == "polyspan.ask.haystack.PolyspanReader"


def test_without_haystack_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "haystack", None)
    monkeypatch.delitem(sys.modules, "polyspan.ask.haystack", raising=False)
    with pytest.raises(PolyspanError, match=r"polyspan\[haystack\]"):
        import polyspan.ask.haystack  # noqa: F401
