"""What a method of alignment is: its options, what is known of it without running it, and how it is fitted."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

from numpy.typing import ArrayLike

from polyspan.errors import UsageError
from polyspan.model.map import Map

if TYPE_CHECKING:
    from polyspan.align.space import Array, Given, Ranks


@dataclass(frozen=True)
class Aligner(ABC):
    """A frozen dataclass of a method's options, all with defaults, and its `solve`.

    A file of `polyspan.align.methods`, or of a package that offers it under the entry point `polyspan.aligners`,
    is all there is to a method: the command line, recipes and plans read the rest from here. So the file loads
    torch inside `solve`, not at its top.
    """

    name: ClassVar[str]
    seeds: ClassVar[str] = "none"
    """What it takes as pairs where nothing is chosen: `none`, or `identical` strings."""
    needs_pairs: ClassVar[bool] = False
    """Without any, row i of the source belongs to row i of the target."""
    takes_few: ClassVar[bool] = False
    """Whether fewer vectors than dimensions will do."""
    seconds: ClassVar[float] = 30.0
    """Of fitting 10,000 vectors of 384 numbers a side, on a CPU: an estimate for plans."""

    @classmethod
    def options(cls) -> dict[str, Any]:
        """The names of the options, with their types."""
        hints = get_type_hints(cls)
        return {field.name: hints[field.name] for field in fields(cls)}

    def fit(
        self,
        x: "Array",
        y: "Array",
        *,
        pairs: ArrayLike | None = None,
        ranks: "Ranks | None" = None,
        seed: int = 0,
        doing: str = "",
    ) -> Map:
        """The Map on raw vectors: mapped source vectors lie among the target's, with their mean and size.

        `x` and `y` are (source vectors, d) and (target vectors, d), in order of frequency, or with their frequency
        `ranks` from 1. `pairs` (pairs, 2) are rows of both that mean the same. `seed` is of everything random, and
        `doing` the name of the work where progress is wanted. Raises PolyspanError for vectors that no map can be
        fitted to: NaN or infinity, unequal widths, too few, a dimension that never changes.
        """
        from polyspan.align.space import given

        if self.needs_pairs and pairs is None:
            if len(x) != len(y):
                raise UsageError(
                    f"{type(self).__name__} needs pairs",
                    found=f"{len(x)} source and {len(y)} target vectors",
                    expected="pairs, or as many rows on both sides",
                )
            pairs = [[row, row] for row in range(len(x))]
        found = self.solve(given(x, y, pairs, ranks, few=self.takes_few), seed, doing)
        record = {"method": self.name, "options": asdict(self), "seed": seed, "vectors": [len(x), len(y)]}
        return replace(found, record=record | found.record)

    @abstractmethod
    def solve(self, both: "Given", seed: int, doing: str) -> Map:
        """The Map of two spaces and the pairs known; `both.affine(matrix, record)` makes it of a matrix that
        carries the source's directions to the target's."""
