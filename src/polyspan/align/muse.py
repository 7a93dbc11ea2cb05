"""MUSE: adversarial and supervised alignment with refinement (Conneau et al. 2018)."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from polyspan.align.csls import criterion, dictionary, unit
from polyspan.align.space import Array, Given, Ranks, given, orthogonal, spread
from polyspan.errors import PolyspanError
from polyspan.model.map import Map
from polyspan.progress import Advance, progress

_LENGTH = 6.0  # of the vectors in the game (root mean square); the same for any width, so one learning rate serves


@dataclass(frozen=True, slots=True)
class Muse:
    """A mapping that a discriminator cannot see through, or one fitted to pairs; both refined by dictionaries.

    With `pairs` it is MUSE's supervised mode: they take the place of the adversarial games. One game is won about
    every second time, so several are played, each short: the first from the identity, as in the paper, for spaces
    that are nearly one already, and the others from random rotations. Each is refined, and the one with the best
    criterion is the map. The defaults are for some thousand vectors on a CPU; the paper's are in brackets.
    """

    games: int = 10
    """Most adversarial games [1]."""
    enough: float = 0.9
    """No further epoch or game once the criterion has come this far from that of a random rotation towards 1."""
    epochs: int = 2
    """Epochs of a game; the one with the best criterion is kept, the start among them [5]."""
    steps: int = 1500
    """Mapping steps in an epoch [31,250]."""
    batch_size: int = 64
    """Words drawn from each side for a step [32]."""
    hidden: int = 64
    """Width of the discriminator's two hidden layers [2048]."""
    discriminator_steps: int = 2
    """Discriminator steps for each mapping step [5]."""
    learning_rate: float = 1.0
    """Of both, by plain gradient descent [0.1]; the discriminator's stays."""
    decay: float = 0.98
    """The mapping's learning rate is multiplied by this after each epoch, and halved from the second time on that
    the criterion drops, down to 1e-6."""
    smoothing: float = 0.1
    """Labels are this far from 0 and 1."""
    input_dropout: float = 0.0
    """Dropout of the discriminator's input [0.1]."""
    beta: float = 0.05
    """How strongly each step pulls the mapping back towards an orthogonal one [0.001]."""
    frequent: int = 75_000
    """Most frequent words that the discriminator sees; all of them where there are fewer."""
    refinements: int = 5
    """Times that a new dictionary is made and a rotation fitted to it."""
    max_rank: int = 15_000
    """Most frequent words of either side that it may hold; with `pairs` it must also hold both ways [10,000]."""

    def fit(
        self,
        x: Array,
        y: Array,
        *,
        pairs: ArrayLike | None = None,
        ranks: Ranks | None = None,
        seed: int = 0,
        doing: str = "",
    ) -> Map:
        """The Map with the best criterion. Not every run is won: compare the criterion of several seeds."""
        both = given(x, y, pairs, ranks)
        record: dict[str, Any] = {"method": "muse", "options": asdict(self), "seed": seed}
        parts = self.refinements if both.pairs is not None else self.games * (self.epochs + self.refinements)
        with progress(doing, parts, "rounds") as advance:
            if both.pairs is not None:
                start = orthogonal(both.x.units[both.pairs[:, 0]], both.y.units[both.pairs[:, 1]])
                record["pairs"] = len(both.pairs)
                best, record["refined"] = self._refine(start, both, advance)
            else:
                best, record["refined"], record["games"] = self._compete(both, seed, advance)
        record["criterion"] = max(record["refined"])
        return both.affine(best, record)

    def _compete(self, both: Given, seed: int, advance: Advance) -> tuple[Tensor, list[float], list[list[float]]]:
        """The best game's mapping, the criterion of its refinements, and those that every game's play found."""
        x, y = both.x.units, both.y.units
        won: list[tuple[Tensor, list[float]]] = []
        games = []
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            chance = criterion(unit(x @ _rotation(x)), y)
            enough = chance + self.enough * (1 - chance)
            for number in range(self.games):
                start = _rotation(x) if number else torch.eye(x.shape[1], device=x.device)
                mapping, found = self._play(start, both, enough, advance)
                games.append(found)
                won.append(self._refine(mapping, both, advance))
                if max(won[-1][1]) >= enough:
                    break
        if max(won[-1][1]) < enough and all(len(game) == 1 for game in games):
            raise PolyspanError(
                "every game diverged", found=f"learning rate {self.learning_rate:g}", fix="lower it"
            )
        return *max(won, key=lambda refined: max(refined[1])), games

    def _play(self, start: Tensor, both: Given, enough: float, advance: Advance) -> tuple[Tensor, list[float]]:
        """The best mapping, made orthogonal; the criterion at the start and after each epoch until it diverges."""
        x, y = both.x.units, both.y.units
        game = _Game(self, start, both.x.centred[: self.frequent], both.y.centred[: self.frequent])
        rate, dropped = self.learning_rate, False
        best, found = start, [criterion(unit(x @ start), y)]
        for _ in range(self.epochs):
            if found[-1] >= enough:
                break
            for _ in range(self.steps):
                game.step(rate)
            if not game.mapping.isfinite().all():
                break
            found.append(criterion(unit(x @ game.mapping.detach()), y))
            advance(1, f"criterion {found[-1]:.3f}")
            if found[-1] >= max(found):
                best = game.mapping.detach().clone()
            else:
                rate, dropped = (rate / 2 if dropped else rate), True
            rate = max(rate * self.decay, 1e-6)
        left, _, right = torch.linalg.svd(best)
        return left @ right, found

    def _refine(self, mapping: Tensor, both: Given, advance: Advance) -> tuple[Tensor, list[float]]:
        """Procrustes on dictionaries of its own making: the best mapping, and the criterion of each."""
        x, y = both.x.units, both.y.units
        direction = "forward" if both.pairs is None else "mutual"
        best, found = mapping, [criterion(unit(x @ mapping), y)]
        for _ in range(self.refinements):
            pairs = dictionary(unit(x @ mapping), y, direction, self.max_rank)
            if len(pairs):
                mapping = orthogonal(x[pairs[:, 0]], y[pairs[:, 1]])
            found.append(criterion(unit(x @ mapping), y))
            advance(1, f"criterion {found[-1]:.3f}")
            if found[-1] >= max(found):
                best = mapping
        return best, found


class _Game:
    """The mapping and the discriminator, which guesses whether a vector is a mapped source or a target one."""

    def __init__(self, options: Muse, start: Tensor, x: Tensor, y: Tensor) -> None:
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
