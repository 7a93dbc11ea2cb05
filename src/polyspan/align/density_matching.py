"""DeMa's loss and its descent: each language's words made likely under the density of the other's."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from polyspan.align.csls import criterion, unit
from polyspan.align.space import Given
from polyspan.model.map import Map
from polyspan.progress import Advance, progress

if TYPE_CHECKING:
    from polyspan.align.methods.dema import DeMa

_REACH = -60.0  # logarithm of a share too small to matter; smaller ones are numbers that processors are slow at


def matched(own: "DeMa", both: Given, seed: int, doing: str) -> Map:
    """The Map of DeMa: the matrix of the validation with the best criterion."""
    with torch.random.fork_rng(), progress(doing, own.steps, "steps") as advance:
        torch.manual_seed(seed)
        matching = _Matching(own, both)
        best, found = _descend(own, matching, advance)
    pairs = 0 if matching.pairs is None else len(matching.pairs)
    return both.affine(best, {"pairs": pairs, "criteria": found, "criterion": max(found)})


def _descend(own: "DeMa", matching: "_Matching", advance: Advance) -> tuple[Tensor, list[float]]:
    """The matrix of the validation with the best criterion, and the criterion of each."""
    optimizer = torch.optim.Adam(matching.parameters(), own.learning_rate)
    falling = torch.optim.lr_scheduler.ExponentialLR(optimizer, own.decay)
    best, found = matching.there.detach().clone(), []
    every = max(1, own.steps // own.validations)
    for step in range(1, own.steps + 1):
        optimizer.zero_grad(set_to_none=True)
        loss: Tensor = matching()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        falling.step()
        if step % every == 0 or step == own.steps:
            there = matching.there.detach()
            found.append(criterion(unit(matching.x @ there), matching.y))
            best = there.clone() if found[-1] >= max(found) else best
        advance(1, f"loss {loss.item():.2f}")
    return best, found


class _Matching(nn.Module):
    """The loss of one step. `there` carries source units to the target, `back` the other way; both (d, d)."""

    def __init__(self, options: "DeMa", both: Given) -> None:
        super().__init__()
        self.options = options
        self.x, self.y = both.x.units, both.y.units
        self.ranks = both.x.ranks.log(), both.y.ranks.log()
        width = self.x.shape[1]
        self.there, self.back = (nn.Parameter(torch.eye(width, device=self.x.device)) for _ in range(2))
        self.pairs = None
        if both.pairs is not None:
            order = both.pairs.max(1).values.argsort(stable=True)  # the rarer word of a pair counts
            self.pairs = both.pairs[order[: options.most_pairs]]

    def forward(self) -> Tensor:
        own = self.options
        x, x_ranks = self._draw(self.x, self.ranks[0], own.source_variance)
        y, y_ranks = self._draw(self.y, self.ranks[1], own.target_variance)
        mapped, returned = x @ self.there, y @ self.back
        loss: Tensor = self._pull(mapped, x_ranks, self.y, self.ranks[1], own.target_variance)
        loss = loss + self._pull(returned, y_ranks, self.x, self.ranks[0], own.source_variance)
        loss = loss - torch.linalg.slogdet(self.there).logabsdet - torch.linalg.slogdet(self.back).logabsdet
        loss = loss + own.cycle * (_apart(mapped @ self.back, x) + _apart(returned @ self.there, y))
        if self.pairs is not None:
            chosen = self.pairs[torch.randint(len(self.pairs), (own.batch_size,), device=x.device)]
            a, b = self.x[chosen[:, 0]], self.y[chosen[:, 1]]
            loss = loss + own.supervision * (_apart(a @ self.there, b) + _apart(b @ self.back, a))
        return loss

    def _draw(self, vectors: Tensor, ranks: Tensor, variance: float) -> tuple[Tensor, Tensor]:
        """Words drawn uniformly, with noise, and the logarithms of their ranks."""
        rows = torch.randint(len(vectors), (self.options.batch_size,), device=vectors.device)
        drawn = vectors[rows]
        return drawn + variance**0.5 * torch.randn_like(drawn), ranks[rows]

    def _pull(
        self, points: Tensor, ranks: Tensor, centres: Tensor, centre_ranks: Tensor, variance: float
    ) -> Tensor:
        """What has the gradient of the mean −log p of points under a mixture: their distance to the mean of the
        centres, each weighted by its share in the point, as the step of an EM algorithm has it."""
        most = self.options.components
        with torch.no_grad():
            shares = (centre_ranks[:most] - ranks[:, None]).abs_().mul_(-0.5)
            shares.addmm_(points, centres[:most].T, alpha=1 / variance)  # the centres are units
            shares.sub_(shares.amax(1, keepdim=True)).clamp_min_(_REACH).exp_()
            expected = shares @ centres[:most] / shares.sum(1, keepdim=True)
        away: Tensor = (points - expected).square().sum(1).mean()
        return away * (0.5 / variance)


def _apart(x: Tensor, y: Tensor) -> Tensor:
    cosine: Tensor = (unit(x) * unit(y)).sum(1).mean()
    return 1 - cosine
