"""What is written reads back the same."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import require_writable
from polyspan.reading import check, read

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ANSWERS = st.builds(Answer, TEXT, st.integers(-1, 50))
QUESTIONS = st.builds(
    Question, TEXT.filter(str.strip), TEXT, st.lists(ANSWERS, max_size=3).map(tuple), st.booleans()
)
PARAGRAPHS = st.builds(Paragraph, TEXT, st.lists(QUESTIONS, min_size=1, max_size=3).map(tuple), TEXT)
CORPORA = st.builds(Corpus, st.lists(PARAGRAPHS, min_size=1, max_size=4).map(tuple))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.json.gz"])
@given(corpus=CORPORA)
def test_round_trip(tmp_path: Path, name: str, corpus: Corpus) -> None:
    if name == "a.parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    write(corpus, path)
    again = read(path)
    assert again.fingerprint() == corpus.fingerprint()
    assert [paragraph.title for paragraph in again.paragraphs] == [p.title for p in corpus.paragraphs]
    first = path.read_bytes()
    write(again, path)
    assert path.read_bytes() == first


GOOD = Corpus((Paragraph("Ada wrote it.", (Question("q1", "Who?", (Answer("Ada", 0),)),), "Ada"),))


def test_neighbours_with_one_context_stay_apart(tmp_path: Path) -> None:
    paragraph = GOOD.paragraphs[0]
    corpus = Corpus((paragraph, Paragraph(paragraph.context, (Question("q2", "?"),), "Ada")))
    for name in ("a.jsonl", "a.csv"):
        write(corpus, tmp_path / name)
        assert read(tmp_path / name).paragraphs == corpus.paragraphs


def test_long_fields_of_csv(tmp_path: Path) -> None:
    context = "x" * 200_000
    write(Corpus((Paragraph(context, (Question("q", "?", (Answer("x", 0),)),)),)), tmp_path / "a.csv")
    assert read(tmp_path / "a.csv").paragraphs[0].context == context


def test_refusals_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.xml"):
        write(GOOD, tmp_path / "a.xml")
    with pytest.raises(PolyspanError, match="UTF-8"):
        write(Corpus((Paragraph("\ud83d", GOOD.paragraphs[0].questions),)), tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write(GOOD, path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PolyspanError, match="free some space"):
        write(Corpus(GOOD.paragraphs * 2), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    file = tmp_path / "m" / "ok.json"
    file.touch()
    for out in (file / "y.json", file / "deeper" / "y.json"):
        with pytest.raises(PolyspanError) as caught:
            write(GOOD, out)
        assert caught.value.found == f"{file} is not a folder"
        with pytest.raises(PolyspanError, match="is not a folder"):
            require_writable(out)
    with pytest.raises(PolyspanError, match="it is a file, and a folder is to be written"):
        require_writable(file, folder=True)


def test_a_folder_that_takes_no_files_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    with monkeypatch.context() as patch:  # as /proc does
        patch.setattr("tempfile.mkstemp", refused)
        with pytest.raises(PolyspanError, match=f"the folder {tmp_path} does not take new files"):
            write(GOOD, tmp_path / "x.json")
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (_ for _ in ()).throw(PermissionError(13, "denied")))
    with pytest.raises(PolyspanError, match=f"the folder {tmp_path} may not be written to"):
        write(GOOD, tmp_path / "x.json")


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.parquet", "a.jsonl.gz"])
def test_real_round_trip(data: Path, tmp_path: Path, name: str) -> None:
    corpus = read(data / "korquad_v1.0" / "KorQuAD_v1.0_dev.json")
    asked = replace(corpus, paragraphs=tuple(paragraph for paragraph in corpus.paragraphs if paragraph.questions))
    left_out = write(corpus, tmp_path / name)
    assert left_out == (0 if name == "a.json" else len(corpus.paragraphs) - len(asked.paragraphs))
    assert read(tmp_path / name).fingerprint() == (asked if left_out else corpus).fingerprint()
    assert check(tmp_path / name).ok
