"""The figures of the probes: written as PNG and PDF, the same bytes each time, no label over another."""

import numpy as np
import pytest

from polyspan.report.figures.drawing import write_figure
from polyspan.report.figures.representation import (
    heat_figure,
    layers_figure,
    scatter_figure,
    tokens_figure,
)

CORPORA = [{"name": f"x:{code}", "language": code} for code in ("en", "zh", "es")]


@pytest.fixture
def tokens():
    generator = np.random.default_rng(0)
    told = {"accuracy": 0.9, "deviation": 0.1, "chance": 0.5, "points": 40}
    keys = [{"layer": 12, "axes": axes, "state": s} for axes in ("each", "before") for s in ("before", "after")]
    facts = {"share": [0.5, 0.25], "separability": told, "separability_in_plane": told}
    points = [
        key | {"corpus": side["name"], "language": side["language"], "piece": 7, "x": float(x), "y": float(y)}
        for key in keys
        for side in CORPORA[:2]
        for x, y in generator.normal(size=(20, 2))
    ]
    panels = [key | facts for key in keys]
    return {"probe": "pca", "before": "bundled:e5-small", "corpora": CORPORA[:2], "panels": panels}, points


def rows(probe):
    found = [
        {"state": state, "a": a, "b": b, "layer": layer, "value": 0.1 * layer, "baseline": 0.2}
        for state in ("before", "after")
        for a, b in (("x:en", "x:zh"), ("x:en", "x:es"), ("x:zh", "x:es"))
        for layer in range(4)
    ]
    extra = {"centred": 0.5, "centred_baseline": 0.0} if probe == "cosine" else {}
    return {"probe": probe, "corpora": CORPORA, "rows": [row | extra for row in found]}


def test_files_are_the_same_each_time(tmp_path, tokens):
    for folder in ("one", "two"):
        write_figure(tmp_path / folder, "pca", tokens_figure, *tokens)
    for kind in ("png", "pdf"):
        one, two = ((tmp_path / folder / f"pca.{kind}").read_bytes() for folder in ("one", "two"))
        assert one == two
        assert len(one) > 5000


def test_tokens_have_the_papers_colours_for_its_languages_alone(tokens):
    study, points = tokens
    figure = tokens_figure(study, points)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [  # before in the axes of before is the first picture: no second time
        "before fine-tuning, layer 12",
        "after fine-tuning, layer 12",
        "after fine-tuning, layer 12\naxes of before",
    ]
    marks = figure.axes[0].collections
    assert {tuple(np.round(marks[n].get_facecolor()[0][:3], 1)) for n in (0, 1)} == {
        (0.1, 0.3, 0.8),
        (0.8, 0.2, 0.2),
    }
    study["corpora"][1] = {"name": "x:zh", "language": "es"}
    marks = tokens_figure(study, points).axes[0].collections
    assert tuple(np.round(marks[0].get_facecolor()[0][:3], 1)) == (0.0, 0.4, 0.7)


@pytest.mark.parametrize("probe", ["cosine", "svcca", "cka"])
def test_lines(tmp_path, probe):
    figure = layers_figure(rows(probe))
    assert len(figure.axes) == (2 if probe == "cosine" else 1)
    assert len(figure.axes[0].lines) == 3 * 2 * 2
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [
        "English – Chinese",
        "English – Spanish",
        "Chinese – Spanish",
        "wrong pairs",
        "before fine-tuning",
    ]
    assert write_figure(tmp_path, probe, layers_figure, rows(probe))[1].stat().st_size > 1000


def test_heat_maps_show_both_on_one_scale():
    heat = {"rows": ["a", "b"], "columns": ["a", "b"]}
    heat |= {"values": [[None, 0.8], [0.8, None]], "baseline": [[None, 0.2], [0.2, None]]}
    figure = heat_figure(heat, ("", ""), "cka")
    assert [axes.get_title() for axes in figure.axes] == ["linear CKA", "shuffled pairs"]
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["–", "0.80", "0.80", "–", "–", "0.20", "0.20", "–"]


def test_scatter_labels_do_not_meet(tmp_path):
    generator = np.random.default_rng(1)
    points = [
        {"label": f"en → x{n}", "similarity": float(x), "f1": float(60 * x + 5), "exact_match": float(40 * x)}
        for n, x in enumerate(generator.uniform(size=6))
    ]
    found = {"rho": 1.0, "interval": [0.9, 1.0], "points": 6}
    study = {"of": "svcca", "layer": 12, "value": "value", "points": points}
    study |= {"correlation": {"f1": found, "exact_match": found}}
    figure = scatter_figure(study)
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == [point["label"] for point in points for _ in ("EM", "F1")]
    assert [text.xy[1] for text in texts[:2]] == [points[0]["exact_match"], points[0]["f1"]]
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(two) for n, one in enumerate(boxes) for two in boxes[n + 1 :])
    assert figure.axes[0].get_xlabel() == "SVCCA, layer 12"
    write_figure(tmp_path, "scatter", scatter_figure, study)
