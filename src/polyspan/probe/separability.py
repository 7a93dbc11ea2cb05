"""How well languages can be told apart by a linear probe: cross-validated logistic regression."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyspan.errors import PolyspanError
from polyspan.probe.moments import Floats, as_points

_FOLDS = 5
_PENALTY = 10.0  # half of this times the squared weights is added to the loss
_STEPS = 500

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Separability:
    """How often a linear probe names the language of a vector it has not seen: mean and deviation over the folds.

    Every language counts alike, so that `chance` is 1 / languages.
    """

    accuracy: float
    deviation: float
    chance: float
    points: int


def separability(
    sides: Sequence[ArrayLike], seed: int = 0, groups: Sequence[NDArray[Any]] | None = None
) -> Separability:
    """Cross-validated accuracy of logistic regression at telling which of the sides a vector is of.

    Five folds. `groups` numbers the text that each vector comes from: texts of one number stay in one fold, so
    that nothing is known by its neighbours. Raises PolyspanError for fewer points or texts than folds.
    """
    arrays = [as_points(side, "a side") for side in sides]
    least = min(map(len, arrays), default=0)
    own = [np.arange(len(array)) for array in arrays] if groups is None else groups
    texts = np.concatenate([np.asarray(some) for some in own]) if arrays else np.zeros(0)
    if len(arrays) < 2 or least < _FOLDS or len(np.unique(texts)) < _FOLDS:
        raise PolyspanError(
            "too little to tell languages apart by",
            found=f"{len(arrays)} languages, {least} points in the smallest, {len(np.unique(texts))} texts",
            expected=f"at least two languages, and {_FOLDS} points and texts in each",
        )
    x = np.concatenate(arrays).astype(np.float64)
    if not np.isfinite(x).all():
        raise PolyspanError("a vector has a value that is no number")
    labels = np.repeat(np.arange(len(arrays)), list(map(len, arrays)))
    scores = np.array([_recall(x, labels, held) for held in _folds(labels, texts, seed)])
    return Separability(float(scores.mean()), float(scores.std(ddof=1)), 1 / len(arrays), len(x))


def _folds(labels: Labels, texts: NDArray[Any], seed: int) -> Iterator[NDArray[np.bool_]]:
    """The points held out in each fold: whole texts, the classes spread as evenly over the folds as that allows.

    Texts come in random order, those that say most of one class first, each to the fold where it evens out most.
    """
    _, text = np.unique(texts, return_inverse=True)
    counts = np.zeros((text.max() + 1, labels.max() + 1))
    np.add.at(counts, (text, labels), 1)
    order = np.random.RandomState(seed).permutation(len(counts))
    order = order[np.argsort(-counts[order].std(1), kind="stable")]
    filled, fold = np.zeros((_FOLDS, counts.shape[1])), np.empty(len(counts), np.int64)
    for one in order:
        fold[one] = _evenest(filled, counts[one], counts.sum(0))
        filled[fold[one]] += counts[one]
    return (fold[text] == number for number in range(_FOLDS))


def _evenest(filled: Floats, counts: Floats, whole: Floats) -> int:
    """The fold where a text leaves the shares of the classes most alike; of equal ones the emptier."""
    best, least = 0, np.inf
    for number in range(_FOLDS):
        tried = filled.copy()
        tried[number] += counts
        uneven = (tried / whole).std(0).mean()
        emptier = filled[number].sum() < filled[best].sum()
        if uneven < least or (emptier and np.isclose(uneven, least)):
            best, least = number, uneven
    return best


def _recall(x: Floats, labels: Labels, held: NDArray[np.bool_]) -> float:
    """The mean over the classes of the share that is named rightly, among the points held out."""
    mean, spread = x[~held].mean(0), x[~held].std(0)
    scaled = (x - mean) / np.where(spread > 0, spread, 1.0)
    named = _logits(_fitted(scaled[~held], labels[~held], int(labels.max()) + 1), scaled[held]).argmax(1)
    right = named == labels[held]
    return float(np.mean([right[labels[held] == one].mean() for one in np.unique(labels[held])]))


def _fitted(x: Floats, labels: Labels, classes: int) -> Floats:
    """Weights (dimensions + 1, classes), the last row the biases; (dimensions + 1, 1) for two classes.

    Every class weighs alike, whatever its size. Biases are not penalised.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    truth = np.eye(classes)[labels]
    weight = truth @ (len(x) / (classes * truth.sum(0).clip(1)))
    shape = x.shape[1] + 1, classes if classes > 2 else 1

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        chances = log_softmax(_logits(weights, x), axis=1)
        wrong = ((np.exp(chances) - truth) * weight[:, None])[:, -shape[1] :]
        slope = np.vstack([x.T @ wrong + _PENALTY * weights[:-1], wrong.sum(0)])
        value = -(weight * chances[truth > 0]).sum() + _PENALTY / 2 * np.square(weights[:-1]).sum()
        return value / len(x), slope.ravel() / len(x)

    options = {"maxiter": _STEPS, "gtol": 1e-4, "ftol": 64 * np.finfo(float).eps}
    found: Floats = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options).x
    return found.reshape(shape)


def _logits(weights: Floats, x: Floats) -> Floats:
    """(points, classes); of two classes the first one's are zero."""
    logits: Floats = x @ weights[:-1] + weights[-1]
    return logits if weights.shape[1] > 1 else np.hstack([np.zeros_like(logits), logits])
