"""What another package adds works everywhere, and nothing that is a record is listed by hand a second time."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

import polyspan as ps
from polyspan import records
from polyspan.cli.main import app
from polyspan.data.formats.format import FORMATS, Format
from polyspan.data.formats.parsed import Parsed
from polyspan.data.formats.squad import as_articles, parse_articles
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.records import Records
from polyspan.report import write_report
from polyspan.score import METRICS, Metric, default_metric
from polyspan.score.metric import shared
from polyspan.score.registry import plain_metric

SOURCE = Path(ps.__file__).parent
SUFFIXES = [suffix for format in FORMATS.values() for suffix in format.suffixes]

MINE = Metric(
    "mine.v1",
    str.casefold,
    str.split,
    shared,
    about="Words as they are.",
    source="Doe 2026",
    languages=("fr", "ta"),
    default_for=("ta",),
)


def _parse(data: bytes, parsed: Parsed) -> None:
    parse_articles(json.loads(data.removeprefix(b"PK\3\4box ")[::-1]), parsed)


def _write(corpus: Corpus) -> bytes:
    return b"PK\3\4box " + json.dumps(as_articles(corpus)).encode()[::-1]


BOX = Format(
    "box",
    (".box",),
    _parse,
    _write,
    recognise=lambda data: data[4:8] == b"box " or None,
    binary=True,
    holds="both",
)


@pytest.fixture
def offer(monkeypatch):
    """Offer a record as an installed package does."""

    def call(registry: Records[Any], record: object) -> None:
        len(registry)  # what monkeypatch is to put back
        module = ModuleType("stranger")
        module.record = record
        monkeypatch.setitem(sys.modules, "stranger", module)
        point = EntryPoint("record", "stranger:record", registry.group)
        monkeypatch.setattr(records, "entry_points", lambda group: [point] if group == registry.group else [])
        anew = Records(registry.room, registry.kind, registry.group)
        monkeypatch.setattr(registry, "_found", anew._found)

    return call


@pytest.fixture
def run(capsys):
    """Run a command line; returns what it prints."""

    def call(*arguments: object) -> str:
        capsys.readouterr()
        code = typer.main.get_command(app)(list(map(str, arguments)), standalone_mode=False)
        assert not code
        return capsys.readouterr().out

    return call


def test_a_metric_of_another_package_scores(offer, run, tmp_path):
    offer(METRICS, MINE)
    corpus, answers = ps.read("mini:fr/test"), tmp_path / "answers.json"
    answers.write_text(json.dumps(ps.lexical_baseline(corpus)), "utf-8")
    printed = json.loads(run("score", "mini:fr/test", answers, "--metric", "mine.v1", "--json"))
    assert printed["metric"] == "mine.v1"
    assert 0 < printed["f1"] < 100
    assert "mine.v1" in run("score", "--help")
    assert default_metric("ta") == plain_metric("ta") == "mine.v1"
    assert (default_metric("fr"), default_metric("te")) == ("squad.v1", "squad.v1")


def test_a_recipe_takes_it_where_it_suits(offer, tmp_path):
    offer(METRICS, MINE)
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\nmodel: bundled:e5-small\npreset: cpu\ncorpora: {Fr: mini:fr/train}\n"
        "tests:\n  Fr: {data: mini:fr/test, metric: mine.v1}\nreaders: {Fr: [Fr]}\n"
        "tables: {table2: {rows: [Fr], columns: [Fr]}}\n",
        "utf-8",
    )
    assert "mine.v1" in [stage.options.get("metric") for stage in plan(read_recipe(path)).stages]
    with pytest.raises(PolyspanError, match="one for another language") as caught:
        plan(read_recipe(path, ["tests.Fr.data=mini:ko/test"]))
    assert caught.value.expected == "mine.v1 is for French, Tamil"
    assert caught.value.fix == "metric: korquad.v1"


def test_a_report_says_what_it_is(offer, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent / "report")
    import reports

    content = reports.make([("English", "en")], [("mini:en/test", "en")])
    for row in content["matrix"]:
        row["metric"] = "mine.v1"
    told = "Words as they are. (Doe 2026)"
    assert told not in write_report(reports.save(tmp_path, content)).read_text("utf-8")
    offer(METRICS, MINE)
    assert told in write_report(tmp_path).read_text("utf-8")


def test_a_format_of_another_package_is_written_read_and_checked(offer, run, tmp_path):
    corpus, path = ps.read("mini:ko/test"), tmp_path / "a.box"
    with pytest.raises(UsageError, match=r"'\.box'"):
        ps.write(corpus, path)
    offer(FORMATS, BOX)
    assert ".box" in run("data", "convert", "--help")
    run("data", "convert", "mini:ko/test", path)
    assert ps.read(path).fingerprint() == corpus.fingerprint()
    assert ps.check(path, "ko").ok
    other = tmp_path / "called.txt"  # told by its content, and no archive though it begins as one
    other.write_bytes(path.read_bytes())
    assert ps.read(other, "ko").fingerprint() == corpus.fingerprint()
    run("make", "sample", path, "--size", 3, "--out", tmp_path / "b.box.gz", "--format", "box")
    assert len(ps.read(tmp_path / "b.box.gz")) == 3


@pytest.mark.parametrize(
    ("name", "text", "questions"),
    [
        ("a.csv", '{"id": 1, "context": "a b", "question": "?", "answers": ["a"]}\n' * 2, 2),
        ("a.txt", '{"data": []}', None),
        ("a.txt", "one\ntwo\n", None),
        ("a.strange", "id,context,question\n1,a,b\n", None),
        ("a.strange", '[{"id": 1, "context": "a b", "question": "?", "answers": ["a"]}]', 1),
        ("a.json", "id,context,question\n1,a,b\n", None),
        ("a.ndjson", '{"id": 1, "context": "a b", "question": "?", "answers": ["a"]}', 1),
    ],
)
def test_which_format_a_file_is_of(tmp_path, name, text, questions):
    (tmp_path / name).write_text(text, "utf-8")
    if questions is None:
        assert not ps.check(tmp_path / name).ok
    else:
        assert len(ps.read(tmp_path / name)) == questions


@pytest.mark.parametrize(("names", "room", "few"), [(list(METRICS), "score", 1), (SUFFIXES, "data/formats", 2)])
def test_no_list_is_kept_by_hand(names, room, few):
    """No literal and no text, help and docstrings too, names more than a few of them outside their room."""
    twins = [
        f"{path.relative_to(SOURCE)}:{line}: {sorted(found)}"
        for path in sorted(SOURCE.rglob("*.py"))
        if not path.is_relative_to(SOURCE / room)
        for line, text in _literals(ast.parse(path.read_text("utf-8")))
        if len(found := {name for name in names if re.search(rf"(?<!\w){re.escape(name)}\b", text)}) > few
    ]
    assert twins == []


def _literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each text, list, tuple, set and dict that is written out, with all texts in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.List | ast.Tuple | ast.Set | ast.Dict):
            inside = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
            yield node.lineno, "\n".join(text for text in inside if isinstance(text, str))


def test_looking_them_up_is_light():
    """Help and scoring list every record: none may bring numpy, pyarrow or torch along."""
    code = (
        "import sys; from polyspan.score import METRICS; from polyspan.data.formats.format import FORMATS\n"
        "assert METRICS['squad.v1'] and FORMATS['csv']\n"
        "assert not {'numpy', 'pyarrow', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
