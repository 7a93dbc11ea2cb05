"""The comparison of runtimes: the peer written by hand answers as we do, what is left out, and the table."""

import subprocess
from pathlib import Path

import pytest

import polyspan as ps
from polyspan.bench import environments, plain_peer, runtimes
from polyspan.errors import PolyspanError
from polyspan.files import csv_rows

DOCS = Path(__file__).parents[2] / "docs"
ROW = {"way": "fp32", "installed_mb": 840, "rate_xquad:en": 20.25, "peak_mb": 1234, "p50_ms": 61.0, "p95_ms": 90.2}
ROW |= {"same": 100.0, "n": 96, "turns": 3, "cpu": "a processor", "cores": 2}


def test_the_peer_written_by_hand_finds_the_same_spans(tiny, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(plain_peer, "LENGTH", 96)
    monkeypatch.setattr(plain_peer, "OVERLAP", 32)
    options = ps.WindowOptions(max_length=96, stride=32, stride_as="overlap", max_question_length=64)
    reader = ps.Reader.load(tiny, options, seed=3)
    contexts = ["The cup was won by hull. " * 20, "It was won in 1920.", "hull lost the cup to leeds. " * 9]
    paragraphs = (ps.Paragraph(text, (ps.Question(f"{place}", "who won"),)) for place, text in enumerate(contexts))
    corpus = ps.Corpus(tuple(paragraphs))

    def run(given):
        with torch.inference_mode():
            found = reader.model(**{name: torch.tensor(values) for name, values in given.items()})
        return found.start_logits.numpy(), found.end_logits.numpy()

    names = ["input_ids", "attention_mask", "token_type_ids"]
    pairs = [(question.text, paragraph.context) for paragraph, question in corpus.questions()]
    theirs = plain_peer.windowed(Path(tiny), names, run)(pairs)
    always = ps.AnswerOptions(null_threshold=float("inf"))
    assert theirs == list(ps.predict(reader, corpus, always).texts.values())


def test_what_is_installed_counts_what_it_needs():
    assert plain_peer.installed(["Typer"]) > plain_peer.installed(["shellingham"]) > 0
    assert plain_peer.installed(["no-such-package"]) == 0


def test_an_environment_is_named_made_once_or_missed(monkeypatch, tmp_path):
    monkeypatch.setenv("POLYSPAN_CACHE", str(tmp_path))
    monkeypatch.setenv(environments.NAMED, f"old={tmp_path / 'mine'}")
    assert environments.python_of("old", ["a"]).parts[-3] == "mine"
    made = []

    def create(folder, **_):
        made.append(folder)
        folder.mkdir(parents=True)

    monkeypatch.setattr(environments.venv, "create", create)
    returned = [1, 0]

    def install(command, **_):
        return subprocess.CompletedProcess(command, returned.pop(0), "", "no network\n")

    monkeypatch.setattr(environments.subprocess, "run", install)
    with pytest.raises(PolyspanError, match="no environment with a and b") as missed:
        environments.python_of("new", ["a", "b"])
    assert (missed.value.found, "new=FOLDER" in missed.value.fix) == ("no network", True)
    made[0].rmdir()
    assert environments.python_of("new", ["a", "b"]) == environments.python_of("new", ["a", "b"])
    assert len(made) == 2


class Answering:
    """A way that answers at once; `same` of its answers are those of the others."""

    def __init__(self, name, folders):
        if name == "openvino":
            raise PolyspanError("no environment with openvino")
        self.name, self.seconds = name, 0.5 if name == "fp32" else 1.0

    def call(self, pairs):
        texts = [question for question, _ in pairs]
        texts[:1] = texts[:1] if self.name == "fp32" else ["other"] * len(texts[:1])
        told = {"seconds": self.seconds, "texts": texts, "peak": 100.4}
        return told if pairs else told | {"installed": 10}

    def close(self):
        pass


def test_rows_and_their_table(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(runtimes, "Way", Answering)
    monkeypatch.setattr(runtimes, "written", lambda reader, folders: None)
    monkeypatch.setattr(runtimes, "questions", lambda test, n, seed: ps.sample(ps.read("mini:en/test"), n, seed))
    given = [word for way in ("fp32", "pipeline", "openvino") for word in ("--way", way)]
    given += ["--test", "a", "--questions", "4", "--turns", "2"]
    runtimes.main([str(tmp_path), *given])
    out, err = capsys.readouterr()
    assert "left out openvino" in err
    ours, theirs = csv_rows(tmp_path / "runtimes.csv")
    assert (ours["rate_a"], theirs["rate_a"], theirs["p95_ms"]) == ("8.0", "4.0", "1000.0")
    assert (ours["same"], theirs["same"], theirs["n"]) == ("100.0", "75.0", "8")
    assert "| transformers 4.57, `pipeline` | 4.0 | 1000 / 1000 ms | 100 MB | 10 MB | 75 % |" in out


def test_the_page_has_a_place_for_the_table_and_shows_the_file():
    page = (DOCS / "benchmarks.md").read_text("utf-8")
    assert "<!-- runtimes -->\n" in page
    assert "<!-- end of runtimes -->" in page
    if (file := DOCS / "benchmarks" / "runtimes.csv").is_file():
        assert runtimes.runtimes_table(csv_rows(file)) in page
    assert "| **polyspan** | 20.2 | 61 / 90 ms | 1,234 MB | 840 MB | 100 % |" in runtimes.runtimes_table([ROW])
