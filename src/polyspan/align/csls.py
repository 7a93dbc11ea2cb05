"""Nearest neighbours under CSLS, and the dictionaries that they give (Conneau et al. 2018).

CSLS(x, y) = 2 cos(x, y) − r(x) − r(y), where r is the mean cosine of a vector to its ten nearest in the other set:
a vector that is near to everything is near to nothing. The cosines are computed in blocks of rows, so memory grows
with the number of vectors and not with its square.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from polyspan.errors import UsageError, choose
from polyspan.model.map import Map

NEIGHBOURS = 10
_GROUP = 16  # cosines whose largest is looked at first
_CELLS = 2**25  # of a block: 128 MB of float32


def unit(vectors: Tensor) -> Tensor:
    """Rows scaled to length 1; a row of zeros stays one."""
    return torch.nn.functional.normalize(vectors, dim=-1)


def density(x: Tensor, y: Tensor) -> Tensor:
    """r of each row of `x`: its mean cosine to its ten nearest rows of `y`, shape (n,). All rows are units."""
    parts = [largest(block, min(NEIGHBOURS, len(y)))[0].mean(1) for block in _blocks(x, y)]
    return torch.cat(parts)


def nearest(x: Tensor, y: Tensor, crowd: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The `k` rows of `y` nearest to each row of `x`: (scores, indices), both (n, k), best first.

    A score is 2 cos(x, y) − crowd(y): CSLS but for r(x), which is the same for all y. `crowd` is `density(y, x)`,
    or zeros for plain cosines. All rows are units.
    """
    found = [largest(block, min(k, len(y))) for block in _blocks(x, y, -crowd / 2)]
    scores, indices = (torch.cat(part) for part in zip(*found, strict=True))
    return 2 * scores, indices


def partners(x: Tensor, y: Tensor, most: int) -> Tensor:
    """The row of `y` nearest to each of the first `most` rows of `x` by CSLS, shape (n,). All rows are units.

    Each cosine is computed once: a block of some rows of `y` by all of `x` has all that r of these rows needs, and
    then their scores.
    """
    best = torch.full((min(most, len(x)),), -torch.inf, dtype=x.dtype, device=x.device)
    found = torch.zeros(len(best), dtype=torch.int64, device=x.device)
    first = 0
    for block in _blocks(y, x):
        crowd = largest(block, min(NEIGHBOURS, len(x)))[0].mean(1, keepdim=True)
        scores, rows = highest(block[:, : len(best)].sub_(crowd / 2))
        better = scores > best
        best = torch.where(better, scores, best)
        found = torch.where(better, rows + first, found)
        first += len(block)
    return found


def dictionary(x: Tensor, y: Tensor, direction: str = "forward", most: int | None = None) -> Tensor:
    """Pairs (source row, target row), shape (pairs, 2), of rows that are units and ordered by frequency.

    `forward` takes the nearest target of each source word, `backward` the nearest source of each target word, and
    `mutual` the pairs that are both. All words count as neighbours; as in MUSE's code only the `most` frequent
    look for a partner, and find it among the `most` + 1 frequent of the other side.
    """
    choose("direction", direction, ("forward", "backward", "mutual"))
    limit = most or max(len(x), len(y))
    keys = []  # a pair as one number
    if direction != "backward":
        found = partners(x, y, limit)
        keys.append(torch.arange(len(found), device=x.device) * len(y) + found)
    if direction != "forward":
        found = partners(y, x, limit)
        keys.append(found * len(y) + torch.arange(len(found), device=x.device))
    both = keys[0] if direction != "mutual" else keys[0][torch.isin(keys[0], keys[1])]
    pairs = torch.stack([both // len(y), both % len(y)], 1)
    return pairs[(pairs <= limit).all(1)]


def criterion(x: Tensor, y: Tensor, most: int = 10_000) -> float:
    """MUSE's unsupervised criterion: the mean cosine of the forward dictionary of the `most` frequent words.

    A rarer target is in no pair; without any pair it is −1, the least cosine. All rows are units.
    """
    source, target = dictionary(x, y, most=most).T
    return float((x[source] * y[target]).sum(1).mean()) if len(source) else -1.0


def precision(
    mapped: Map,
    x: NDArray[Any],
    y: NDArray[Any],
    pairs: NDArray[Any],
    k: Sequence[int] = (1, 5, 10),
    csls: bool = True,
) -> dict[int, float]:
    """P@k: the percentage of source words with one of their translations among the k nearest target vectors.

    `x` and `y` are all raw vectors, `pairs` their rows that translate each other, shape (pairs, 2); any listed
    translation counts. Angles are taken about the mean of the target vectors. Without `csls` nearest means by the
    cosine alone.
    """
    if not len(pairs) or not len(k) or min(k) < 1:
        raise UsageError("precision needs pairs and ranks from 1", found=f"{len(pairs)} pairs, k {list(k)}")
    center = y.mean(0, dtype=np.float64).astype(np.float32)
    sides = mapped.apply(x.astype(np.float32, copy=False)) - center, y - center
    source, target = (unit(torch.from_numpy(np.ascontiguousarray(side, np.float32))) for side in sides)
    known = torch.from_numpy(np.asarray(pairs, np.int64))
    asked = torch.unique(known[:, 0])
    crowd = density(target, source) if csls else torch.zeros(len(target))
    found = nearest(source[asked], target, crowd, max(k))[1]
    right = torch.isin(asked[:, None] * len(y) + found, known[:, 0] * len(y) + known[:, 1])
    return {most: 100 * float(right[:, :most].any(1).double().mean()) for most in k}


def largest(block: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """`block.topk(k, dim=1)` for wide rows, several times as fast on a CPU.

    The k largest of a row lie in the k of its groups that have the largest maxima, so only these are searched.
    """
    width = block.shape[1]
    size = min(_GROUP, width // (4 * k))
    if block.device.type != "cpu" or size < 2:
        values, indices = block.topk(k, dim=1)
        return values, indices
    groups = width // size
    maxima = (
        block[:, : groups * size].view(len(block), size, groups).amax(1)
    )  # groups are strided: no copy is made
    members = maxima.topk(k, dim=1).indices[:, None, :] + groups * torch.arange(size)[:, None]
    rest = torch.arange(groups * size, width).expand(len(block), -1)
    members = torch.cat([members.flatten(1), rest], 1)
    values, places = block.gather(1, members).topk(k, dim=1)
    return values, members.gather(1, places)


def highest(block: Tensor) -> tuple[Tensor, Tensor]:
    """`block.max(0)` for many columns, by groups of rows as in `largest`."""
    groups = len(block) // _GROUP
    if block.device.type != "cpu" or groups < 2:
        values, rows = block.max(0)
        return values, rows
    maxima = block[: groups * _GROUP].view(groups, _GROUP, -1).amax(1)
    members = maxima.max(0).indices * _GROUP + torch.arange(_GROUP)[:, None]
    rest = torch.arange(groups * _GROUP, len(block))[:, None].expand(-1, block.shape[1])
    members = torch.cat([members, rest])
    values, places = block.gather(0, members).max(0)
    return values, members.gather(0, places[None])[0]


def _blocks(x: Tensor, y: Tensor, more: Tensor | None = None) -> Iterator[Tensor]:
    """Cosines of rows of `x` to all of `y`, plus `more` for each of these, block by block in the same memory."""
    rows = max(1, min(len(x), _CELLS // max(len(y), 1)))
    memory = torch.empty(rows, len(y), device=x.device)
    for first in range(0, len(x), rows):
        part = x[first : first + rows]
        out = memory[: len(part)]
        yield torch.mm(part, y.T, out=out) if more is None else torch.addmm(more, part, y.T, out=out)
