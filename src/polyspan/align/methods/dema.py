"""DeMa: density matching with Gaussian mixtures, both directions at once (Zhou et al. 2019, arXiv 1904.02343)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from polyspan.align.aligner import Aligner
from polyspan.model.map import Map

if TYPE_CHECKING:
    from polyspan.align.space import Given


@dataclass(frozen=True)
class DeMa(Aligner):
    """Two matrices, there and back, that make each language's words likely under the other's density.

    Both start as the identity, where an encoder's languages lie near each other already, and nothing keeps them
    orthogonal; the paper starts at a random rotation.

    A density is a mixture of Gaussians about the most frequent words; a component counts for a word the more, the
    nearer their frequency ranks. Cycles must lead back, and pairs, identical strings in the paper, must meet. The
    defaults are for some thousand vectors on a CPU; the paper's are in brackets.
    """

    name: ClassVar[str] = "dema"
    seeds: ClassVar[str] = "identical"
    seconds: ClassVar[float] = 60.0

    components: int = 2000
    """Most frequent words of each side that are centres of its mixture [20,000]."""
    steps: int = 1500
    """[150,000]"""
    batch_size: int = 256
    """Words drawn from each side for a step [2048]."""
    learning_rate: float = 3e-3
    """Of Adam [0.001]."""
    decay: float = 0.999999
    """The learning rate is multiplied by this after each step."""
    source_variance: float = 0.01
    """Of the Gaussians about the source's words, and of the noise added to source vectors [0.01]."""
    target_variance: float = 0.01
    """The same for the target [0.01; 0.015 for distant languages]."""
    cycle: float = 0.5
    """Weight of the way there and back, in both directions."""
    supervision: float = 10.0
    """Weight of the pairs [10; 5 for Chinese]."""
    most_pairs: int = 6000
    """Pairs used, the most frequent [2000; 6000 for Chinese]."""
    validations: int = 10
    """Times that the criterion is computed; the matrix with the best one is kept [30]."""

    def solve(self, both: "Given", seed: int, doing: str) -> Map:
        """The Map of the validation with the best criterion. Without pairs it seldom finds the way: give some."""
        from polyspan.align.density_matching import matched

        return matched(self, both, seed, doing)
