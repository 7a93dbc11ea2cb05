"""Alignment: an affine map that carries the vectors of one language onto those of another.

`METHODS` holds the methods by their names, one a file in `polyspan.align.methods`, and those of other packages;
what each of them is, `polyspan.align.aligner` says. Reading them does not load torch, fitting does.

Gives: `csls`, `layer_vectors`, `translations`. Its own: `adversarial_game`, `aligner`, `density_matching`,
`methods`, `self_learning`, `space`.
"""

from typing import TYPE_CHECKING, Any

from polyspan.align.aligner import Aligner
from polyspan.model.map import Map
from polyspan.records import Records

if TYPE_CHECKING:
    from polyspan.align.csls import precision as precision

METHODS: Records[type[Aligner]] = Records("polyspan.align.methods", Aligner, "polyspan.aligners")
"""The methods by their names: `METHODS["procrustes"](renorm=True).fit(x, y)`."""

__all__ = ["METHODS", "Aligner", "Map", "precision"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "precision":
            raise AttributeError(f"module 'polyspan.align' has no attribute {name!r}")
        from polyspan.align.csls import precision

        return precision
