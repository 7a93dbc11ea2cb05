"""The studies behind the verbs: every pair, layer and state has its row; scores are joined by name or language."""

from dataclasses import replace

import numpy as np
import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.probe import KINDS
from polyspan.probe.answer_vectors import answer_vectors, paired
from polyspan.probe.cca import cka, svcca
from polyspan.probe.heat import corpus_heat, layer_heat
from polyspan.probe.scatter import study_scatter
from polyspan.probe.studies import study_answers, study_tokens


@pytest.fixture(scope="module")
def folder(reader, tmp_path_factory):
    place = tmp_path_factory.mktemp("readers") / "tiny-en"
    place.mkdir()
    reader.save(place)
    return str(place)


@pytest.fixture(scope="module")
def corpora(english, chinese):
    spanish = replace(english, name="tiny:es", language="es", paragraphs=english.paragraphs[2:])
    return [english, chinese, spanish]


@pytest.mark.parametrize("kind", ["cosine", "svcca", "cka"])
def test_every_pair_layer_and_state_has_a_row(folder, tiny, corpora, kind):
    options = {"k": 3} if kind == "svcca" else {}
    study = study_answers(KINDS[kind](**options), folder, corpora, before=tiny, seed=1)
    rows = study["rows"]
    assert len(rows) == 3 * 3 * 2
    assert len({(row["state"], row["a"], row["b"], row["layer"]) for row in rows}) == len(rows)
    assert all(row["points"] == 20 for row in rows)
    assert [side["left_out"] for side in study["corpora"]] == [4, 4, 0]
    same = [row for row in rows if (row["a"], row["b"], row["state"]) == ("tiny:en", "tiny:es", "after")]
    assert [row["value"] for row in same] == pytest.approx([1, 1, 1])
    assert all(row["baseline"] < 0.999 for row in same)
    maps = {"corpora before", "corpora after"} | (set() if kind == "cosine" else {"layers before", "layers after"})
    assert set(study["heat"]) == maps


def test_rows_are_what_the_arrays_give(reader, folder, english, chinese):
    both = paired(*(answer_vectors(reader, corpus, (2,)) for corpus in (english, chinese)))
    x, y = both.a[2], both.b[2]
    kinds = KINDS["svcca"](k=5), KINDS["cka"]()
    found = [study_answers(kind, folder, [english, chinese], layers=(-1,)) for kind in kinds]
    assert [study["rows"][0]["value"] for study in found] == pytest.approx([svcca(x, y, k=5).mean, cka(x, y)])


def test_heat_maps(reader, english, chinese):
    both = paired(*(answer_vectors(reader, corpus, (0, 1, 2)) for corpus in (english, chinese)))
    heat = layer_heat(both, KINDS["svcca"](k=4), seed=3)
    assert heat.values.shape == (3, 3)
    assert heat.values[0, 2] == pytest.approx(svcca(both.a[0], both.b[2], k=4).mean)
    assert heat.gain == pytest.approx(heat.values - heat.baseline)
    table = corpus_heat(["a", "b", "c"], {("a", "c"): (0.5, 0.1), ("b", "c"): (0.4, 0.2)})
    assert table.as_json()["values"] == [[None, None, 0.5], [None, None, 0.4], [0.5, 0.4, None]]


def test_tokens_before_and_after(folder, tiny, english, chinese):
    study, points = study_tokens(folder, [english, chinese], before=tiny, layers=(0, -1), tokens=80)
    assert [(p["layer"], p["axes"], p["state"]) for p in study["panels"]] == [
        (layer, axes, state) for layer in (0, 2) for axes in ("each", "before") for state in ("before", "after")
    ]
    assert len(points) == 8 * 2 * 80
    for panel in study["panels"]:
        here = [p for p in points if all(p[key] == panel[key] for key in ("layer", "axes", "state"))]
        assert np.mean([(p["x"], p["y"]) for p in here], axis=0) == pytest.approx([0, 0], abs=1e-4)
        assert 0 <= panel["separability"]["accuracy"] <= 1
    alone, _ = study_tokens(folder, [english, chinese], tokens=50)
    assert [panel["axes"] for panel in alone["panels"]] == ["each"]
    with pytest.raises(UsageError, match="two states"):
        study_tokens(folder, [english, chinese], fit=["before"])
    with pytest.raises(UsageError, match="unknown axes"):
        study_tokens(folder, [english, chinese], fit=["bofore"])


def test_mistakes(folder, english, chinese):
    with pytest.raises(UsageError, match="at least two"):
        study_tokens(folder, [english])
    with pytest.raises(PolyspanError, match="same name"):
        study_answers(KINDS["cosine"](), folder, [english, english])
    with pytest.raises(PolyspanError, match="too few points"):
        study_answers(KINDS["svcca"](variance=1.0), folder, [english, chinese])
    with pytest.raises(UsageError, match="no layer 9"):
        study_answers(KINDS["cka"](), folder, [english, chinese], layers=(9,))


def made(model, values, language="zh"):
    rows = [
        {"state": "after", "a": "x:en", "b": name, "language_a": "en", "language_b": name[2:], "layer": layer}
        | {"points": 9, "value": value + layer, "baseline": 0.0}
        for name, value in values.items()
        for layer in (0, 1)
    ]
    return {"probe": "svcca", "model": model, "corpora": [{"name": "x:en", "language": "en"}], "rows": rows}


def scored(train, test, language, f1):
    return {"train": train, "test": test, "language": language, "f1": f1, "exact_match": f1 - 10, "seed": 1}


def test_scores_are_joined_by_name_or_language():
    matrix = [
        scored("mini:en/train", "x:zh", "zh-Hans", 50.0),
        scored("mini:en/train", "x:zh", "zh-Hans", 54.0),  # another seed
        scored("mini:en/train", "drcd:dev", "zh-Hant", 10.0),
        scored("mini:en/train", "korquad:dev", "ko", 40.0),
        scored("mini:en/train", "x:es", "es", 60.0),
        scored("other", "x:zh", "zh-Hans", 1.0),
    ]
    study = made("runs/readers/mini-en-train", {"x:zh": 0.5, "x:ko": 0.4, "x:es": 0.7, "x:fi": 0.9})
    found = study_scatter([study], matrix)
    assert [(p["label"], p["similarity"], p["f1"]) for p in found["points"]] == [
        ("en → zh", 1.5, 52.0),
        ("en → ko", 1.4, 40.0),
        ("en → es", 1.7, 60.0),
    ]
    assert found["correlation"]["f1"] == {"rho": pytest.approx(1), "interval": None, "points": 3}
    assert study_scatter([study], matrix, layer=0)["points"][0]["similarity"] == 0.5
    with pytest.raises(PolyspanError, match="no pair of corpora has a score"):
        study_scatter([made("elsewhere", {"x:zh": 0.5})], matrix)
    with pytest.raises(UsageError, match="no layer 7"):
        study_scatter([study], matrix, layer=7)
    with pytest.raises(PolyspanError, match="no 'centred'"):
        study_scatter([study], matrix, value="centred")
    with pytest.raises(PolyspanError, match="no study"):
        study_scatter([{"probe": "pca"}], matrix)
