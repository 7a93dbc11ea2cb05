"""MUSE: adversarial and supervised alignment with refinement (Conneau et al. 2018, arXiv 1710.04087)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from polyspan.align.aligner import Aligner
from polyspan.model.map import Map

if TYPE_CHECKING:
    from polyspan.align.space import Given


@dataclass(frozen=True)
class Muse(Aligner):
    """A mapping that a discriminator cannot see through, or one fitted to pairs; both refined by dictionaries.

    With `pairs` it is MUSE's supervised mode: they take the place of the adversarial games. One game is won about
    every second time, so several are played, each short: the first from the identity, as in the paper, for spaces
    that are nearly one already, and the others from random rotations. Each is refined, and the one with the best
    criterion is the map. The defaults are for some thousand vectors on a CPU; the paper's are in brackets.
    """

    name: ClassVar[str] = "muse"
    seconds: ClassVar[float] = 75.0

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

    def solve(self, both: "Given", seed: int, doing: str) -> Map:
        """The Map with the best criterion. Not every run is won: compare the criterion of several seeds."""
        from polyspan.align.adversarial_game import best_game

        return best_game(self, both, seed, doing)
