"""VecMap's self-learning, and its symmetric re-weighting with the target's side undone."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from polyspan.align.csls import NEIGHBOURS, criterion, largest, unit
from polyspan.align.space import Given, orthogonal
from polyspan.model.map import Map
from polyspan.progress import progress

if TYPE_CHECKING:
    from polyspan.align.methods.vecmap import VecMap

# Undoing the target's side divides by what it shares with the source, and by its spread in each direction. Both
# may be nothing: after a layer normalisation, an encoder's states have no spread at all in one direction.
_WEAK = 0.2  # the least that a direction is taken to be shared: correlations of the dictionary's two sides
_THIN = 0.1  # the least spread of a direction, as a share of the widest one's


def self_learnt(own: "VecMap", both: Given, seed: int, doing: str) -> Map:
    """The Map of VecMap: rotation and dictionary by turns."""
    source, target = both.x.units, both.y.units
    pairs = both.pairs
    if pairs is None:
        size = min(own.start, len(source), len(target))
        pairs = _first(source[:size], target[:size])
    rotation = orthogonal(source[pairs[:, 0]], target[pairs[:, 1]])
    source, target = source[: own.vocabulary], target[: own.vocabulary]
    generator = torch.Generator(source.device).manual_seed(seed)
    rounds = 0
    with progress(doing, math.ceil(math.log2(1 / own.keep)) + 1, "stages") as advance:
        for keep in _shares(own.keep):
            best, waited = -math.inf, 0
            while waited <= own.patience:
                pairs, objective = _induce(source @ rotation, target, keep, generator)
                rotation = orthogonal(source[pairs[:, 0]], target[pairs[:, 1]])
                waited = 0 if objective >= best + own.threshold else waited + 1
                best = max(best, objective)
                rounds += 1
            advance(1, f"objective {best:.3f}")
    matrix = _reweighted(source[pairs[:, 0]], target[pairs[:, 1]], own.reweight, own.lands == "target")
    found = criterion(unit(both.x.units @ matrix), both.y.units)
    return both.affine(matrix, {"rounds": rounds, "pairs": len(pairs), "criterion": found})


def _shares(share: float) -> Iterator[float]:
    while share < 1:
        yield share
        share *= 2
    yield 1.0


def _first(x: Tensor, y: Tensor) -> Tensor:
    """Pairs of words whose sorted similarities to all words of their own language are alike."""
    profiles = []
    for side in (x, y):
        left, values, _ = torch.linalg.svd(side, full_matrices=False)
        alike = (left * values) @ left.T  # the root of side @ side.T
        alike = unit(alike.sort(dim=1).values)
        profiles.append(unit(alike - alike.mean(0)))
    return _induce(profiles[0], profiles[1], 1.0, None)[0]


def _induce(x: Tensor, y: Tensor, keep: float, generator: torch.Generator | None) -> tuple[Tensor, float]:
    """The dictionary of both directions by CSLS, and the objective: the mean best cosine of both directions.

    Only a share `keep` of the similarities is seen, drawn anew for each direction; the others count as 0.
    """
    cosines = x @ y.T
    tables = cosines, cosines.T.contiguous()
    near = [largest(table, min(NEIGHBOURS, table.shape[1]))[0] for table in tables]
    found = []
    for table, crowd in zip(tables, reversed(near), strict=True):
        table.sub_(crowd.mean(1) / 2)
        if keep < 1:
            table.mul_(torch.rand(table.shape, generator=generator, device=table.device) < keep)
        found.append(table.argmax(1))
    forward = torch.stack([torch.arange(len(x), device=x.device), found[0]], 1)
    backward = torch.stack([found[1], torch.arange(len(y), device=y.device)], 1)
    return torch.cat([forward, backward]), sum(float(best[:, 0].mean()) for best in near) / 2


def _reweighted(x: Tensor, y: Tensor, power: float, undo: bool) -> Tensor:
    """Whiten both sides, rotate them onto each other, weight by what they share, de-whiten; `undo` the target's.

    `x` and `y` are the rows of the dictionary, shape (pairs, d).
    """
    x, y = x.double(), y.double()
    whiten_x, whiten_y = _whitening(x), _whitening(y)
    left, values, right = torch.linalg.svd((x @ whiten_x).T @ (y @ whiten_y))
    weight = values.clamp_min(_WEAK) ** power
    source = whiten_x @ left * weight @ left.T @ torch.linalg.inv(whiten_x) @ left
    target = whiten_y @ right.T * weight @ right @ torch.linalg.inv(whiten_y) @ right.T
    composed: Tensor = torch.linalg.solve(target, source, left=False) if undo else source
    return composed.float()


def _whitening(vectors: Tensor) -> Tensor:
    """The symmetric matrix that makes X^T X the identity, but for directions that hardly any vector has."""
    _, values, right = torch.linalg.svd(vectors, full_matrices=False)
    whitening: Tensor = right.T / values.clamp_min(_THIN * float(values[0])) @ right
    return whitening
