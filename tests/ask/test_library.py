"""Which files are read, each once; what cannot be read is named, and the rest is read."""

import io
import os
import sys

import pytest

from polyspan.ask.documents.document import Document
from polyspan.ask.library import read_documents
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "deep/c.txt"):
        (inside / name).write_text(f"text of {name}", "utf-8")
    (tmp_path / "out.txt").write_text("outside", "utf-8")
    monkeypatch.chdir(inside)
    return inside


def read(*sources, **options):
    return [os.fspath(document.path) for document in read_documents(list(sources), **options)]


def test_files_patterns_and_documents_in_the_order_given(folder):
    document = Document("mine", "my text")
    assert read("b.txt", "*.txt", document, "**/*.txt", document) == ["b.txt", "a.txt", "mine", "deep/c.txt"]
    assert [one.path for one in read_documents("a.txt")] == ["a.txt"]
    assert [one.path for one in read_documents(document)] == ["mine"]


def test_one_file_by_two_names_is_read_once(folder):
    os.symlink("a.txt", "link.txt")
    assert read("a.txt", "./a.txt", "link.txt", folder / "a.txt") == ["a.txt"]


def test_copies_are_read_once_and_named(folder):
    (folder / "copy.txt").write_text("text of a.txt", "utf-8")
    with pytest.warns(PolyspanWarning, match=r"copy.txt \(of a.txt\)"):
        assert read("a.txt", "copy.txt") == ["a.txt"]


def test_a_pattern_does_not_follow_links_out_of_its_folder(folder):
    os.symlink("../out.txt", "out.txt")
    with pytest.warns(PolyspanWarning, match="lead out of the folder.*out.txt"):
        assert read("*.txt") == ["a.txt", "b.txt"]
    assert read("out.txt") == ["out.txt"]  # by its name it is meant


def test_what_cannot_be_read_is_named_and_the_rest_is_read(folder):
    (folder / "bin.txt").write_bytes(bytes(range(256)))
    with pytest.warns(PolyspanWarning) as told:
        assert read("none.txt", "bin.txt", "a.txt", "*.nothing", "deep") == ["a.txt"]
    named = [str(one.message) for one in told]
    assert len(named) == 4
    for name in ("none.txt", "bin.txt", "*.nothing", "deep"):
        assert sum(name in one for one in named) == 1


def test_where_none_can_be_read_that_is_an_error(folder):
    with pytest.raises(PolyspanError, match="no such file"):
        read("none.txt")
    with pytest.raises(PolyspanError, match=r"no document can be read(.|\n)*none.txt(.|\n)*deep"):
        read("none.txt", "deep")
    with pytest.raises(UsageError, match="no document"):
        read()
    with pytest.raises(UsageError, match="unknown encoding"):
        read("a.txt", encoding="nothing")
    with pytest.raises(PolyspanError, match="half a surrogate pair"):
        read(Document("mine", "\ud83d"))


def test_a_file_of_one_s_own_name_may_have_the_signs_of_a_pattern(folder):
    (folder / "a[1].txt").write_text("text", "utf-8")
    assert read("a[1].txt") == ["a[1].txt"]


def test_stdin_is_read_once(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"text")))
    found = read_documents(["-", "-"])
    assert [(one.path, one.text) for one in found] == [("-", "text")]
