"""`polyspan probe`: its files, its JSON, and one sentence for each mistake."""

import json

import pytest
from typer.testing import CliRunner

from polyspan.cli import main as cli
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError


@pytest.fixture(scope="module")
def place(reader, english, chinese, tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    (folder / "reader").mkdir()
    reader.save(folder / "reader")
    write(english, folder / "tiny.en.json")
    write(chinese, folder / "tiny.zh.json")
    return folder


def polyspan(*arguments):
    found = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout) if "--json" in arguments else found.output


def common(place, *names):
    data = [part for name in names or ("en", "zh") for part in ("--data", place / f"tiny.{name}.json")]
    return ["--model", place / "reader", *data]


@pytest.mark.parametrize("kind", ["cosine", "svcca", "cka"])
def test_answers(place, tmp_path, kind):
    few = ["--k", 3] if kind == "svcca" else []
    found = polyspan("probe", kind, *common(place), *few, "--limit", 10, "--out", tmp_path, "--json")
    assert found == json.loads((tmp_path / f"{kind}.json").read_text())
    assert len(found["rows"]) == 3
    assert found["rows"][0]["points"] == 10
    lines = (tmp_path / f"{kind}.csv").read_text().splitlines()
    assert lines[0].startswith("state,a,b,language_a,language_b,layer,points,value,baseline")
    assert len(lines) == 4
    names = {path.name for path in tmp_path.iterdir()}
    expected = {f"{kind}.{end}" for end in ("json", "csv", "png", "pdf")}
    maps = set() if kind == "cosine" else {f"{kind}-layers-after.{end}" for end in ("png", "pdf")}
    assert names == expected | maps


def test_tokens(place, tmp_path):
    found = polyspan(
        "probe",
        "pca",
        *common(place),
        "--tokens",
        60,
        "--layer",
        -1,
        "--axes",
        "each",
        "--out",
        tmp_path,
        "--json",
    )
    assert [panel["layer"] for panel in found["panels"]] == [2]
    assert len((tmp_path / "pca.csv").read_text().splitlines()) == 121
    assert (tmp_path / "pca.png").stat().st_size > 1000


def test_scatter(place, tmp_path):
    polyspan("probe", "cosine", *common(place), "--layer", 1, "--out", tmp_path / "cosine", "--json")
    row = {"train": "reader", "test": "tiny.zh", "language": "zh", "f1": 60.0, "exact_match": 40.0}
    (tmp_path / "report.json").write_text(json.dumps({"matrix": [row]}))
    files = ["--similarity", tmp_path / "cosine" / "cosine.json", "--report", tmp_path / "report.json"]
    found = polyspan("probe", "scatter", *files, "--out", tmp_path / "scatter", "--json")
    assert [point["f1"] for point in found["points"]] == [60.0]
    assert found["correlation"] == {}
    assert (tmp_path / "scatter" / "scatter.pdf").exists()


def test_mistakes(place, tmp_path):
    out = ["--out", tmp_path / "out"]
    for arguments, error, what in (
        ((*common(place), "--layer", 7), UsageError, "no layer 7"),
        (common(place, "en"), UsageError, "at least two"),
        (common(place, "en", "en"), PolyspanError, "same name"),
    ):
        for verb in ("pca", "cosine"):
            with pytest.raises(error, match=what):
                polyspan("probe", verb, *arguments, *out)
    with pytest.raises(PolyspanError, match="cannot read"):
        polyspan("probe", "scatter", "--similarity", tmp_path / "no.json", "--report", tmp_path / "no.json", *out)
    assert not (tmp_path / "out").exists()
