"""`polyspan align`: a map from files or from an encoder, its score, and mistakes in one sentence."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import polyspan as ps
from polyspan.cli.main import app
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.map import Map
from polyspan.model.vocabulary.word_vectors import WordVectors, write_vectors


def run(*arguments):
    """The JSON that a verb prints."""
    done = CliRunner().invoke(app, ["align", *map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def files(languages, tmp_path):
    """Two .vec files and their dictionary; every tenth word is the same string on both sides."""
    spaces = languages(words=400, width=12)
    names = [f"w{row}" if row % 10 else str(row) for row in range(400)]
    other = [""] * 400
    for row, there in enumerate(spaces.truth):
        other[there] = names[row] if row % 10 == 0 else names[row].upper() + "o"
    write_vectors(WordVectors(tuple(names), spaces.x), tmp_path / "x.vec")
    write_vectors(WordVectors(tuple(other), spaces.y), tmp_path / "y.vec")
    lines = [f"{name} {other[there]}" for name, there in zip(names, spaces.truth, strict=True)]
    (tmp_path / "words.txt").write_text("\n".join(lines))
    return tmp_path


def test_fit_and_score_files(files):
    vectors = "--source-vectors", files / "x.vec", "--target-vectors", files / "y.vec"
    words, out = files / "words.txt", files / "map.safetensors"
    found = run("fit", "--method", "procrustes", *vectors, "--dictionary", words, "--out", out)
    assert found["precision"]["1"] > 95
    assert found["words"] == found["of"] == 400
    assert found["pairs"] == 40
    saved = Map.load(out)
    assert saved.record["source"].endswith("x.vec")
    assert saved.record["precision"] == found["precision"]
    scored = run("score", out, *vectors, "--dictionary", words)
    assert scored["precision"] == found["precision"]
    seeded = run("fit", "--method", "procrustes", *vectors, "--pairs", words, "--set", "renorm=true", "--out", out)
    assert seeded["pairs"] == 400
    assert seeded["options"] == {"center": True, "renorm": True}


@pytest.mark.parametrize("kind", ["types", "tokens"])
def test_fit_an_encoder(tiny, corpus, tmp_path, kind):
    tiny_reader = tmp_path / "reader"
    tiny_reader.mkdir()
    ps.Reader.load(tiny, ps.WindowOptions(max_length=64, stride=16)).save(tiny_reader)
    write(corpus, tmp_path / "en.json")
    data = "--model", tiny_reader, "--source", tmp_path / "en.json", "--target", tmp_path / "en.json"
    options = "--layer", "-1", "--kind", kind, "--language", "en"
    found = run("fit", "--method", "mean", *data, *options, "--out", tmp_path / "map", "--most", "50")
    assert (found["layer"], found["kind"], found["model"]) == (2, kind, str(tiny_reader))
    np.testing.assert_allclose(Map.load(tmp_path / "map").bias, 0, atol=1e-6)
    (tmp_path / "words").write_text("the the\n")
    scored = run("score", tmp_path / "map", *data[2:], "--dictionary", tmp_path / "words", "--language", "en")
    assert scored["precision"]["1"] == 100
    assert scored["layer"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "music"], "unknown method"),
        (["--method", "muse", "--set", "epoch=3"], "unknown option of muse"),
        (["--method", "muse", "--set", "epochs=three"], "this is no int"),
        (["--method", "procrustes", "--set", "center=2"], "this is no bool"),
        (["--method", "muse", "--source", "mini:en/test"], "not clear where"),
        (["--method", "muse", "--model", "x", "--source", "a", "--target", "b"], "not clear where"),
    ],
)
def test_wrong_calls(arguments, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        run("fit", *arguments, "--out", tmp_path / "map")
    assert not (tmp_path / "map").exists()


def test_faults_of_the_data(files):
    x, out = files / "x.vec", files / "map"
    (files / "other.vec").write_text("a 1 2\nb 3 4\n")
    with pytest.raises(PolyspanError, match="unequal widths"):
        run(
            "fit", "--method", "mean", "--source-vectors", x, "--target-vectors", files / "other.vec", "--out", out
        )
    vectors = "--source-vectors", x, "--target-vectors", files / "y.vec"
    with pytest.raises(PolyspanError, match="Procrustes needs pairs"):
        run("fit", "--method", "procrustes", *vectors, "--pairs", "none", "--out", out)
    with pytest.raises(PolyspanError, match="cannot read"):
        run("score", files / "nothing", *vectors, "--dictionary", files / "words.txt")
