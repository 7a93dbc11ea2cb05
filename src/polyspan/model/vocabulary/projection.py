"""Word vectors brought to the width, the mean and the spread of an encoder's embeddings, by a named projection.

`pca`: the k-th principal axis of the vectors is laid on the k-th of the embeddings; distances stay but for those
along axes beyond the smaller width. `random`: an orthonormal map drawn from a seed. `least_squares`: the affine
map that brings words known to both nearest to their embeddings.
"""

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import PolyspanError
from polyspan.model.vocabulary.word_vectors import Floats

Matrix = NDArray[np.float64]

PROJECTIONS = ("pca", "random", "least_squares")


def project(name: str, vectors: Floats, embeddings: Floats, pairs: tuple[Floats, Floats], seed: int = 0) -> Floats:
    """`vectors` of shape (words, d) as rows like `embeddings` of shape (pieces, h): (words, h), float32.

    `pairs` are vectors and embeddings of words known to both, (shared, d) and (shared, h). Every column gets the
    embeddings' mean; the standard deviation about it, over all columns, becomes theirs too. Raises PolyspanError
    where least squares has no more pairs than a vector has numbers.
    """
    x, y = vectors.astype(np.float64), embeddings.astype(np.float64)
    if name == "least_squares":
        mapped = _least_squares(x, pairs)
    elif name == "random":
        mapped = _centred(x) @ _orthonormal(x.shape[1], y.shape[1], seed)
    else:
        size = min(x.shape[1], y.shape[1])
        mapped = _centred(x) @ _axes(x)[:, :size] @ _axes(y)[:, :size].T
    mapped = _centred(mapped)
    spread = np.sqrt((mapped**2).mean())
    wanted = np.sqrt((_centred(y) ** 2).mean())
    scaled: Floats = (mapped * (wanted / spread if spread else 1.0) + y.mean(0)).astype(np.float32)
    return scaled


def _least_squares(x: Matrix, pairs: tuple[Floats, Floats]) -> Matrix:
    known, wanted = (part.astype(np.float64) for part in pairs)
    if len(known) <= x.shape[1]:
        raise PolyspanError(
            "too few words with vectors are pieces of the encoder",
            found=f"{len(known)}, for vectors of {x.shape[1]} numbers",
            expected="more words than numbers",
            fix="--projection pca, or vectors with words of the encoder's own language among them",
        )
    ones = np.ones((len(known), 1))
    weights = np.linalg.lstsq(np.hstack([known, ones]), wanted, rcond=None)[0]
    mapped: Matrix = x @ weights[:-1] + weights[-1]
    return mapped


def _centred(x: Matrix) -> Matrix:
    centred: Matrix = x - x.mean(0)
    return centred


def _axes(x: Matrix) -> Matrix:
    """Principal axes as columns, that of the largest variance first; the largest number of each is positive."""
    centred = _centred(x)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    signs = np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    return axes * signs  # type: ignore[no-any-return]


def _orthonormal(rows: int, columns: int, seed: int) -> Matrix:
    """Orthonormal rows, or columns where there are fewer of them."""
    drawn = np.random.default_rng(seed).normal(size=(max(rows, columns), min(rows, columns)))
    basis: Matrix = np.linalg.qr(drawn)[0]
    return basis if rows >= columns else basis.T
