"""Folders that take the place of others in one step."""

import shutil

import pytest

from polyspan import files
from polyspan.files import replacing_folder


def write(folder, content):
    with replacing_folder(folder) as part:
        (part / "a.txt").write_text(content)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, at_once):
    if not at_once:
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    for content in ("first", "second"):
        write(tmp_path / "r", content)
        assert (tmp_path / "r" / "a.txt").read_text() == content
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_kill_at_any_moment_leaves_a_whole_folder(tmp_path, monkeypatch):
    """At each step that changes names or removes something, the old folder or the new one is in its place."""
    write(tmp_path / "r", "old")
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    if not files._exchange(one, other):
        pytest.skip("this file system cannot exchange folders")
    seen = []

    def note(doing):
        def call(*arguments, **options):
            seen.append((tmp_path / "r" / "a.txt").read_text())
            return doing(*arguments, **options)

        return call

    monkeypatch.setattr(files.Path, "rename", note(files.Path.rename))
    monkeypatch.setattr(shutil, "rmtree", note(shutil.rmtree))
    monkeypatch.setattr(files, "_exchange", note(files._exchange))
    write(tmp_path / "r", "new")
    assert seen == ["old", "new"]


def test_a_path_that_is_not_there_is_not_exchanged(tmp_path):
    assert not files._exchange(tmp_path / "a", tmp_path / "b")


def test_rows_as_csv():
    assert files.csv_text([{"a": 1, "b": None}, {"a": 'x,"y"\r\n', "b": 0.5}]) == 'a,b\n1,\n"x,""y""\r\n",0.5\n'
    assert files.csv_text([], ["a", "b"]) == "a,b\n"
    assert files.csv_text([{"a": 1, "b": 2}], ["b"], delimiter="\t", lineterminator="\r\n") == "b\r\n2\r\n"


def test_a_text_as_a_file_name():
    assert files.file_name("make:sample(En/train, 8)") == "make-sample-En-train--8"
    assert [files.file_name(text) for text in ("中文 v1.0_a", "…", "")] == ["中文-v1.0_a", "-", "-"]
