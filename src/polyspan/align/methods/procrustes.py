"""Orthogonal Procrustes: the rotation that carries paired vectors onto each other (Schönemann 1966)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from polyspan.align.aligner import Aligner
from polyspan.errors import PolyspanError
from polyspan.model.map import Map

if TYPE_CHECKING:
    from polyspan.align.space import Given


@dataclass(frozen=True)
class Procrustes(Aligner):
    """A rotation fitted to pairs, in closed form. MUSE's supervised start; it leaves `center` and `renorm` off."""

    name: ClassVar[str] = "procrustes"
    seeds: ClassVar[str] = "identical"
    needs_pairs: ClassVar[bool] = True
    seconds: ClassVar[float] = 2.0

    center: bool = True
    """Rotate about the means. An encoder's states lie far from the origin, all on one side of it."""
    renorm: bool = False
    """Let pairs count alike: scale vectors to unit length first."""

    def solve(self, both: "Given", seed: int, doing: str) -> Map:
        """The Map of the pairs. Nothing is random."""
        from polyspan.align.space import orthogonal

        both = both if self.center else both.uncentred()
        assert both.pairs is not None
        width = both.x.raw.shape[1]
        if len(both.pairs) < width:
            raise PolyspanError(
                "fewer pairs than dimensions",
                found=f"{len(both.pairs)} pairs of {width} dimensions: many rotations fit them all",
                fix="give more pairs, or use muse or vecmap, which find more by themselves",
            )
        sides = (both.x.units, both.y.units) if self.renorm else (both.x.centred, both.y.centred)
        rotation = orthogonal(sides[0][both.pairs[:, 0]], sides[1][both.pairs[:, 1]])
        return both.affine(rotation, {"pairs": len(both.pairs)})
