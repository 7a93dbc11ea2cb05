"""Methods of alignment and kinds of probe are records: read without torch, named once, added from elsewhere."""

import ast
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import polyspan
from polyspan import records
from polyspan.align import METHODS, Aligner, Map
from polyspan.cli.main import app
from polyspan.errors import PolyspanError
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.model.vocabulary.word_vectors import WordVectors, write_vectors
from polyspan.probe import KINDS
from polyspan.records import Records

SOURCE = Path(polyspan.__file__).parent
RECIPE = """
name: small
model: bundled:e5-small
preset: cpu
corpora: {En: mini:en/train, Fr: mini:fr/train}
tests: {En: mini:en/test, Fr: mini:fr/test}
readers:
  En: {data: [En], align: {method: mine, layer: 1, source: En, target: Fr, options: {most: 3}}}
tables: {a: {rows: [En], columns: [Fr]}}
"""


@dataclass(frozen=True)
class Mine(Aligner):
    """Twice the vectors, and as many as are wanted."""

    name: ClassVar[str] = "mine"
    seconds: ClassVar[float] = 1234.0
    most: int | None = None

    def solve(self, both, seed: int, doing: str) -> Map:
        return Map(2 * np.eye(both.x.raw.shape[1]), np.zeros(both.x.raw.shape[1]))


@pytest.fixture
def mine(monkeypatch):
    """Offered as an installed package would."""
    module = ModuleType("stranger")
    module.record = Mine
    monkeypatch.setitem(sys.modules, "stranger", module)
    point = EntryPoint("mine", "stranger:record", METHODS.group)
    monkeypatch.setattr(records, "entry_points", lambda group: [point] if group == METHODS.group else [])
    len(METHODS)  # what is put back afterwards
    monkeypatch.setattr(METHODS, "_found", Records(METHODS.room, METHODS.kind, METHODS.group)._found)


def test_the_command_line_takes_an_aligner_of_another_package(mine, tmp_path, languages):
    spaces = languages(words=40, width=6)
    for name, matrix in (("x", spaces.x), ("y", spaces.y)):
        write_vectors(WordVectors(tuple(f"w{row}" for row in range(40)), matrix), tmp_path / f"{name}.vec")
    files = ["--source-vectors", tmp_path / "x.vec", "--target-vectors", tmp_path / "y.vec"]
    words = ["align", "fit", "--method", "mine", "--set", "most=3", *files, "--out", tmp_path / "map", "--json"]
    done = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert json.loads(done.stdout)["options"] == {"most": 3}
    assert Map.load(tmp_path / "map").matrix[0, 0] == 2
    assert "mine" in CliRunner().invoke(app, ["align", "fit", "--help"]).output


def test_a_recipe_takes_it_and_knows_its_options_and_cost(mine, tmp_path):
    (tmp_path / "small.yaml").write_text(RECIPE)
    (stage,) = [one for one in plan(read_recipe(tmp_path / "small.yaml")).stages if one.kind == "map"]
    assert stage.options["options"] == {"most": 3}
    assert stage.seconds > 100
    with pytest.raises(PolyspanError, match="the option 'most' cannot be so"):
        plan(read_recipe(tmp_path / "small.yaml", ["readers.En.align.options.most=many"]))


def test_records_are_read_without_torch():
    code = (
        "import sys; from polyspan.align import METHODS; from polyspan.probe import KINDS; "
        "[one.options() for one in (*METHODS.values(), *KINDS.values())]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_kind_of_probe_has_its_verb_with_all_its_options():
    verbs = typer.main.get_command(app).commands["probe"].commands
    assert set(verbs) == {*KINDS, "scatter"}
    for name, kind in KINDS.items():
        known = {"axes": "fit"}
        options = {known.get(one.name, one.name) for one in verbs[name].params}
        assert set(kind.options()) <= options, name


@pytest.mark.parametrize(("names", "room"), [(tuple(METHODS), "align/methods"), (tuple(KINDS), "probe/kinds")])
def test_no_list_of_them_is_kept_by_hand(names, room):
    """No collection, and no `Literal`, names more than two outside their room; the figures of the paper do two."""
    twins = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in sorted(SOURCE.rglob("*.py"))
        if not path.is_relative_to(SOURCE / room)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict)
        and len({each.value for each in ast.walk(node) if isinstance(each, ast.Constant)} & set(names)) > 2
    ]
    assert twins == []
