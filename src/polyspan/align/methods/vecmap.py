"""VecMap: self-learning from the shape of the two spaces (Artetxe et al. 2018, arXiv 1805.06297)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from polyspan.align.aligner import Aligner
from polyspan.errors import choose
from polyspan.model.map import Map

if TYPE_CHECKING:
    from polyspan.align.space import Given


@dataclass(frozen=True)
class VecMap(Aligner):
    """Rotation and dictionary by turns, the dictionary at random at first, and symmetric re-weighting at the end.

    VecMap moves both languages into a space between them. Here the target stays where it is: its side is undone,
    W = W_source · W_target⁻¹, so that mapped source vectors can stand among unmapped target ones; unless they
    are to land `between`: what comes of it where VecMap's matrix of the source is taken alone.
    """

    name: ClassVar[str] = "vecmap"
    seconds: ClassVar[float] = 60.0

    vocabulary: int = 4000
    """Most frequent words that the dictionary is made of; the paper's 20,000 take 25 times as long."""
    start: int = 4000
    """Most frequent words whose similarities give the first dictionary."""
    keep: float = 0.1
    """Share of the similarities that are seen at first; it doubles until all are."""
    patience: int = 10
    """Rounds without a better objective before it doubles; the paper waits 50."""
    threshold: float = 1e-6
    """The least that counts as better."""
    reweight: float = 0.5
    """Power of the singular values in the final step; 0 leaves a rotation."""
    lands: Literal["target", "between"] = "target"
    """Where mapped source vectors are: among the target's, or where VecMap would have moved both."""

    def __post_init__(self) -> None:
        choose("place to land", self.lands, ("target", "between"))

    def solve(self, both: "Given", seed: int, doing: str) -> Map:
        """The Map that self-learning ends at; pairs take the place of the unsupervised first dictionary."""
        from polyspan.align.self_learning import self_learnt

        return self_learnt(self, both, seed, doing)
