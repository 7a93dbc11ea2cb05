"""The scores of many questions in little room: their ids in order, and two arrays beside them."""

from array import array
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # `import polyspan.score` stays light
    import numpy as np
    from numpy.typing import NDArray


class QuestionScore(NamedTuple):
    """One question's score: whether some gold answer matches exactly, and the best F1, from 0 to 1."""

    exact_match: bool
    f1: float


class QuestionIds(tuple[str, ...]):
    """Ids of questions in file order, none twice. Systems that answered the same questions can share one."""

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each id stands."""
        return {name: place for place, name in enumerate(self)}

    @cached_property
    def in_order(self) -> "tuple[list[str], NDArray[np.intp]]":
        """The ids in their own order, and where each of them stands."""
        import numpy as np

        order = sorted(range(len(self)), key=self.__getitem__)
        return [self[place] for place in order], np.array(order, np.intp)


class ScoresById(Mapping[str, QuestionScore]):
    """Question id to score, in file order: nine bytes a question and the id, where objects take two hundred."""

    __slots__ = ("exact", "f1", "ids")

    def __init__(self, ids: QuestionIds, exact: bytes | bytearray, f1: "array[float]") -> None:
        self.ids, self.exact, self.f1 = ids, exact, f1

    @classmethod
    def of(cls, scores: Mapping[str, tuple[bool, float]]) -> "ScoresById":
        """The same scores, if they are of another kind of mapping."""
        if isinstance(scores, cls):
            return scores
        exact = bytes(bool(one) for one, _ in scores.values())
        return cls(QuestionIds(scores), exact, array("d", (f1 for _, f1 in scores.values())))

    def __getitem__(self, name: str) -> QuestionScore:
        place = self.ids.places[name]
        return QuestionScore(bool(self.exact[place]), self.f1[place])

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name: object) -> bool:
        return name in self.ids.places

    def __repr__(self) -> str:
        return repr(dict(self))

    @property
    def table(self) -> "NDArray[np.float64]":
        """Exact match and F1 of each question, of shape (n, 2), in file order."""
        import numpy as np

        columns = np.frombuffer(self.exact, np.uint8), np.frombuffer(self.f1, float)
        return np.stack(columns, axis=1, dtype=float) if self.ids else np.zeros((0, 2))
