"""Orthogonal Procrustes: the rotation that carries paired vectors onto each other (METHODS §8.2)."""

from dataclasses import asdict, dataclass

from numpy.typing import ArrayLike

from polyspan.align.space import Array, Ranks, given, orthogonal
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.map import Map


@dataclass(frozen=True, slots=True)
class Procrustes:
    """A rotation fitted to pairs, in closed form. MUSE's supervised start; it leaves `center` and `renorm` off."""

    center: bool = True
    """Rotate about the means. An encoder's states lie far from the origin, all on one side of it."""
    renorm: bool = False
    """Let pairs count alike: scale vectors to unit length first."""

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
        """The Map of the pairs; without `pairs` row i of `x` belongs to row i of `y`. Nothing is random."""
        if pairs is None and len(x) != len(y):
            raise UsageError(
                "Procrustes needs pairs",
                found=f"{len(x)} source and {len(y)} target vectors",
                expected="pairs, or as many rows on both sides",
                fix="give a --dictionary",
            )
        if pairs is None:
            pairs = [[row, row] for row in range(len(x))]
        both = given(x, y, pairs, ranks, center=self.center)
        assert both.pairs is not None
        if len(both.pairs) < x.shape[1]:
            raise PolyspanError(
                "fewer pairs than dimensions",
                found=f"{len(both.pairs)} pairs of {x.shape[1]} dimensions: many rotations fit them all",
                fix="give more pairs, or use muse or vecmap, which find more by themselves",
            )
        sides = (both.x.units, both.y.units) if self.renorm else (both.x.centred, both.y.centred)
        rotation = orthogonal(sides[0][both.pairs[:, 0]], sides[1][both.pairs[:, 1]])
        return both.affine(rotation, {"method": "procrustes", "options": asdict(self), "pairs": len(both.pairs)})
