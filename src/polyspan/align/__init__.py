"""Alignment: an affine map that carries the vectors of one language onto those of another.

Every method is a frozen dataclass of its options with one and the same `fit(x, y, *, pairs, ranks, seed, doing)`:

* `x`, `y`: float arrays (source vectors, d) and (target vectors, d), NaN-free, in order of frequency;
* `pairs`: integers (pairs, 2), rows of `x` and `y` known to mean the same. Procrustes takes all rows as pairs
  without them, MUSE and VecMap are unsupervised without them;
* `ranks`: the frequency ranks of both sides' rows, from 1, where these are in another order;
* `seed` of everything random, and `doing`, the name of the work where progress is wanted.

It returns a `Map` on raw vectors: mapped source vectors lie among the target's, with their mean and size.
"""

from polyspan.align.csls import precision
from polyspan.align.dema import DeMa
from polyspan.align.mean import Mean
from polyspan.align.muse import Muse
from polyspan.align.procrustes import Procrustes
from polyspan.align.vecmap import VecMap
from polyspan.model.map import Map

Method = Procrustes | Muse | VecMap | DeMa | Mean

METHODS: dict[str, type[Method]] = {
    "procrustes": Procrustes,
    "muse": Muse,
    "vecmap": VecMap,
    "dema": DeMa,
    "mean": Mean,
}
"""The methods by their names."""

__all__ = ["METHODS", "DeMa", "Map", "Mean", "Method", "Muse", "Procrustes", "VecMap", "precision"]
