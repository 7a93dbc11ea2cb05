"""Readers that answer with the states of a layer shifted: trained once, a map a test, fitted to their states."""

import json

import numpy as np
import pytest

import polyspan as ps
from polyspan.align import METHODS
from polyspan.align.layer_vectors import encoder_vectors
from polyspan.align.translations import fit_words
from polyspan.data.sample import sample
from polyspan.errors import PolyspanError
from polyspan.lab.engine.local import run_local
from polyspan.lab.outputs import READER
from polyspan.lab.plan.plan import plan
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.store.store import Store
from polyspan.model.map import Map
from polyspan.prediction import predict

RECIPE = """
name: shifted
model: MODEL
preset: cpu
settings: {epochs: 1, max_length: 128, stride: 32}
seeds: [1]
corpora: {En: {data: "mini:en/train", limit: 8}}
tests: {Fr: {data: "mini:fr/test", limit: 8}, Zh: {data: "mini:zh/test", limit: 8}}
readers:
  plain: [En]
  shifted: {data: [En], shift: {onto: En, layer: [1, 2]}}
tables: {both: {rows: [plain, shifted], columns: [Fr, Zh]}}
beside: []
"""


@pytest.fixture
def write(tmp_path):
    def written(text, *changes):
        (tmp_path / "shifted.yaml").write_text(text, "utf-8")
        return read_recipe(tmp_path / "shifted.yaml", changes)

    return written


def test_a_shifted_reader_is_the_plain_one(tiny, tmp_path, write):
    planned = plan(write(RECIPE.replace("MODEL", str(tiny))))
    kinds = [stage.kind for stage in planned.stages]
    assert len({stage.key for stage in planned.stages if stage.kind == "train"}) == 1
    assert (kinds.count("map"), kinds.count("predict")) == (4, 6)
    store = Store(tmp_path / "store")
    assert not run_local(planned.stages, store).failed

    def answers(name):
        return json.loads((store.path(planned.stage(name)) / "predictions.json").read_text("utf-8"))

    folder = store.path(planned.stage("train plain, seed 1")) / READER
    reader = ps.Reader.load(folder)
    french, english = (sample(ps.read(f"mini:{name}"), 8, 42) for name in ("fr/test", "en/train"))
    for layer in (1, 2):
        x, y = (encoder_vectors(reader, one, layer, "tokens", 10_000, 1) for one in (french, english))
        found = fit_words(METHODS["mean"](), x, y, seed=1)
        mapped = Map(found.matrix, found.bias, {"layer": layer})
        assert predict(reader, french, align=mapped).texts == answers(f"predict shifted-{layer} on Fr, seed 1")
    assert predict(reader, french).texts == answers("predict plain on Fr, seed 1")


def test_a_map_changes_the_answers_and_is_taken_off_again(tiny, corpus):
    reader = ps.Reader.load(tiny, ps.WindowOptions(max_length=64, stride=16))
    width = reader.model.config.hidden_size
    plain = predict(reader, corpus)
    same = Map(np.eye(width), np.zeros(width), {"layer": 1})
    away = Map(np.eye(width) * 0, np.ones(width), {"layer": 2})
    for pack in (False, True):
        assert predict(reader, corpus, pack=pack, align=same).texts == plain.texts
        assert predict(reader, corpus, pack=pack, align=away).texts != plain.texts
    assert predict(reader, corpus).candidates == plain.candidates
    with pytest.raises(PolyspanError, match="does not fit the encoder"):
        predict(reader, corpus, align=Map(np.eye(3), np.zeros(3), {"layer": 1}))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ("readers.shifted.shift.onto=Em", "unknown corpus 'Em'"),
        ("readers.shifted.shift.layer=40", "no layer 40"),
        ("readers.shifted.shift.layer=-1", "no layer -1"),
        ("readers.shifted.shift.method=meen", "unknown alignment method 'meen'"),
        ("statistics.confidence={readers: [shifted-1], fit: [Fr], tests: [Zh]}", "is not measured"),
    ],
)
def test_mistakes(write, changes, part):
    with pytest.raises(PolyspanError, match=part):
        plan(write(RECIPE.replace("MODEL", "bundled:e5-small"), changes))
