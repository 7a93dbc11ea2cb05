"""Principal axes, alone and common to several states, and what a linear probe makes of languages."""

import numpy as np
import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.probe.moments import Moments
from polyspan.probe.pca import axes, pooled
from polyspan.probe.separability import separability


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(600, 5)) * (9, 4, 1, 1, 1) + 50


def test_axes_are_those_of_the_singular_values(cloud):
    found = axes(cloud[:200], Moments.of(cloud[200:]), count=3)
    _, values, rows = np.linalg.svd(cloud - cloud.mean(0), full_matrices=False)
    assert found.variance == pytest.approx(values[:3] ** 2 / 599)
    assert found.share == pytest.approx(values[:3] ** 2 / (values**2).sum())
    assert np.abs((found.directions * rows[:3].T).sum(0)) == pytest.approx(np.ones(3))
    assert found.apply(cloud).var(0, ddof=1) == pytest.approx(found.variance)
    assert found.share_of(cloud) == pytest.approx(found.share)


def test_the_sign_does_not_hang_on_the_order_of_points(cloud):
    assert axes(cloud).directions == pytest.approx(axes(cloud[::-1]).directions)


def test_pooled_states_weigh_alike(cloud):
    turned = 1000 * cloud[:, ::-1]
    found = axes(pooled([[cloud], [turned]]), count=4)
    assert sorted(np.abs(found.directions[:, :2]).argmax(0).tolist()) == [0, 4]
    assert found.variance[0] == pytest.approx(found.variance[1], rel=0.1)


def test_languages_apart_and_mixed():
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(2, 300, 8))
    mixed, apart = separability([x, y]), separability([x, y + 5])
    assert mixed.accuracy == pytest.approx(0.5, abs=0.1)
    assert apart.accuracy == pytest.approx(1)
    assert mixed.chance == 0.5
    assert separability([x[:30], y + 5]).chance == 0.5  # whatever the sizes
    assert separability([x, y, x + 3]).chance == pytest.approx(1 / 3)


def test_the_figures_of_another_implementation():
    """scikit-learn 1.9: StandardScaler and LogisticRegression(C=0.1), balanced, in StratifiedGroupKFold(5)."""
    generator = np.random.default_rng(1)
    x, y = generator.normal(size=(2, 300, 8))
    texts = np.arange(300) // 7
    found = (
        separability([x, y + 0.3], seed=3),
        separability([x[:30], y + 0.5]),
        separability([x, y + 0.4, x * 0.7 + 0.2]),
        separability([x, y + 0.3], groups=[texts, texts]),
    )
    known = ((0.641667, 0.051031), (0.786667, 0.079844), (0.518889, 0.040559), (0.649968, 0.056604))
    assert [(one.accuracy, one.deviation) for one in found] == [pytest.approx(one, abs=2e-6) for one in known]


def test_texts_stay_in_one_fold():
    """Vectors that only say which text they are of do not tell the language of a text that was not seen."""
    generator = np.random.default_rng(2)
    texts = np.repeat(np.arange(20), 15)
    x, y = (generator.normal(size=(20, 30))[texts] * 3 + generator.normal(size=(300, 30)) * 0.1 for _ in "ab")
    assert separability([x, y]).accuracy > 0.85
    assert separability([x, y], groups=[texts, texts]).accuracy < 0.8


def test_mistakes(cloud):
    with pytest.raises(UsageError, match="not so many axes"):
        axes(cloud, count=6)
    with pytest.raises(PolyspanError, match="too few points"):
        axes(cloud[:2])
    with pytest.raises(PolyspanError, match="does not vary"):
        axes(np.ones((9, 3)))
    with pytest.raises(UsageError, match="nothing"):
        axes()
    with pytest.raises(UsageError, match="nothing"):
        pooled([])
    with pytest.raises(PolyspanError, match="too little"):
        separability([cloud])
    with pytest.raises(PolyspanError, match="no number"):
        separability([cloud, cloud * np.nan])
