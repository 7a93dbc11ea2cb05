"""MUSE's adversarial game, and the refinement of a mapping by dictionaries of its own making."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from polyspan.align.csls import criterion, dictionary, unit
from polyspan.align.space import Given, orthogonal, spread
from polyspan.errors import PolyspanError
from polyspan.model.map import Map
from polyspan.progress import Advance, progress

if TYPE_CHECKING:
    from polyspan.align.methods.muse import Muse

_LENGTH = 6.0  # of the vectors in the game (root mean square); the same for any width, so one learning rate serves


def best_game(own: "Muse", both: Given, seed: int, doing: str) -> Map:
    """The Map of MUSE: of the best of its games, or of the pairs, refined."""
    record: dict[str, Any] = {}
    parts = own.refinements if both.pairs is not None else own.games * (own.epochs + own.refinements)
    with progress(doing, parts, "rounds") as advance:
        if both.pairs is not None:
            start = orthogonal(both.x.units[both.pairs[:, 0]], both.y.units[both.pairs[:, 1]])
            record["pairs"] = len(both.pairs)
            best, record["refined"] = _refine(own, start, both, advance)
        else:
            best, record["refined"], record["games"] = _compete(own, both, seed, advance)
    record["criterion"] = max(record["refined"])
    return both.affine(best, record)


def _compete(
    own: "Muse", both: Given, seed: int, advance: Advance
) -> tuple[Tensor, list[float], list[list[float]]]:
    """The best game's mapping, the criterion of its refinements, and those that every game's play found."""
    x, y = both.x.units, both.y.units
    won: list[tuple[Tensor, list[float]]] = []
    games = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        chance = criterion(unit(x @ _rotation(x)), y)
        enough = chance + own.enough * (1 - chance)
        for number in range(own.games):
            start = _rotation(x) if number else torch.eye(x.shape[1], device=x.device)
            mapping, found = _play(own, start, both, enough, advance)
            games.append(found)
            won.append(_refine(own, mapping, both, advance))
            if max(won[-1][1]) >= enough:
                break
    if max(won[-1][1]) < enough and all(len(game) == 1 for game in games):
        raise PolyspanError("every game diverged", found=f"learning rate {own.learning_rate:g}", fix="lower it")
    return *max(won, key=lambda refined: max(refined[1])), games


def _play(own: "Muse", start: Tensor, both: Given, enough: float, advance: Advance) -> tuple[Tensor, list[float]]:
    """The best mapping, made orthogonal; the criterion at the start and after each epoch until it diverges."""
    x, y = both.x.units, both.y.units
    game = _Game(own, start, both.x.centred[: own.frequent], both.y.centred[: own.frequent])
    rate, dropped = own.learning_rate, False
    best, found = start, [criterion(unit(x @ start), y)]
    for _ in range(own.epochs):
        if found[-1] >= enough:
            break
        for _ in range(own.steps):
            game.step(rate)
        if not game.mapping.isfinite().all():
            break
        found.append(criterion(unit(x @ game.mapping.detach()), y))
        advance(1, f"criterion {found[-1]:.3f}")
        if found[-1] >= max(found):
            best = game.mapping.detach().clone()
        else:
            rate, dropped = (rate / 2 if dropped else rate), True
        rate = max(rate * own.decay, 1e-6)
    left, _, right = torch.linalg.svd(best)
    return left @ right, found


def _refine(own: "Muse", mapping: Tensor, both: Given, advance: Advance) -> tuple[Tensor, list[float]]:
    """Procrustes on dictionaries of its own making: the best mapping, and the criterion of each."""
    x, y = both.x.units, both.y.units
    direction = "forward" if both.pairs is None else "mutual"
    best, found = mapping, [criterion(unit(x @ mapping), y)]
    for _ in range(own.refinements):
        pairs = dictionary(unit(x @ mapping), y, direction, own.max_rank)
        if len(pairs):
            mapping = orthogonal(x[pairs[:, 0]], y[pairs[:, 1]])
        found.append(criterion(unit(x @ mapping), y))
        advance(1, f"criterion {found[-1]:.3f}")
        if found[-1] >= max(found):
            best = mapping
    return best, found


class _Game:
    """The mapping and the discriminator, which guesses whether a vector is a mapped source or a target one."""

    def __init__(self, options: "Muse", start: Tensor, x: Tensor, y: Tensor) -> None:
        width = x.shape[1]
        self.options, self.sides = options, tuple(side * (_LENGTH / spread(side)) for side in (x, y))
        self.mapping = nn.Parameter(start.clone())
        hidden = options.hidden
        self.judge = nn.Sequential(
            nn.Dropout(options.input_dropout),
            *(nn.Linear(width, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2)),
            nn.Linear(hidden, 1),
        ).to(x.device)
        self.teach = torch.optim.SGD(self.judge.parameters(), options.learning_rate)
        size = options.batch_size
        self.truth = torch.full((2 * size,), options.smoothing, device=x.device)
        self.truth[:size] = 1 - options.smoothing  # of the mapped sources

    def step(self, rate: float) -> None:
        """Teach the discriminator, then move the mapping against it."""
        self.judge.train()
        for _ in range(self.options.discriminator_steps):
            self.teach.zero_grad(set_to_none=True)
            with torch.no_grad():
                vectors = self._draw()
            self._loss(vectors, self.truth).backward()  # type: ignore[no-untyped-call]
            self.teach.step()
        self.judge.eval()
        (slope,) = torch.autograd.grad(self._loss(self._draw(), 1 - self.truth), self.mapping)
        with torch.no_grad():
            moved = self.mapping - rate * slope
            beta = self.options.beta
            self.mapping.copy_((1 + beta) * moved - beta * moved @ moved.T @ moved)

    def _draw(self) -> Tensor:
        size = self.options.batch_size
        x, y = (side[torch.randint(len(side), (size,), device=side.device)] for side in self.sides)
        return torch.cat([x @ self.mapping, y])

    def _loss(self, vectors: Tensor, truth: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(self.judge(vectors).squeeze(1), truth)


def _rotation(like: Tensor) -> Tensor:
    """A random orthogonal matrix of the vectors' width."""
    q: Tensor = torch.linalg.qr(torch.randn(like.shape[1], like.shape[1]))[0]
    return q.to(like.device)
