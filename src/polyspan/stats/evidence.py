"""What a temperature and a threshold are fitted on: how probable each question's best span and no answer are."""

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, replacing

TEMPERATURES: NDArray[np.float64] = 2 ** (np.arange(-16, 33) / 8)
"""The temperatures that are tried: eight to each doubling, from 1/4 to 16."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """For each question of a data set, in file order, what one pass of the encoder says of its answer.

    `texts` are the best spans ("" where the context has none), `null_odds` their null odds; `best` and `null`, of
    shape (questions, temperatures), the log probabilities of that span and of no answer at each of `TEMPERATURES`.
    `starts`, where they are kept, say where each text begins in its context, 0 for "".
    """

    ids: list[str]
    texts: list[str]
    null_odds: NDArray[np.float64]
    best: NDArray[np.float64]
    null: NDArray[np.float64]
    starts: NDArray[np.int64] | None = None

    @property
    def empty(self) -> NDArray[np.bool_]:
        """(questions,): whether the context has no span."""
        return np.array([text == "" for text in self.texts], bool)

    @staticmethod
    def at(temperature: float) -> int:
        """The column of a temperature; UsageError where it is none of `TEMPERATURES` (to five digits)."""
        nearest = int(np.abs(TEMPERATURES - temperature).argmin())
        if not np.isclose(TEMPERATURES[nearest], temperature, rtol=1e-5, atol=0):
            raise UsageError(
                "no evidence at this temperature",
                found=str(temperature),
                expected="2 to the power of k/8, k from -16 to 32",
                fix=f"take {TEMPERATURES[nearest]:.6f}",
            )
        return nearest

    def spans(self) -> dict[str, tuple[int, int]]:
        """Start and end of each text in its context, by question id; nothing where they are not kept."""
        begun = [] if self.starts is None else self.starts.tolist()
        known = zip(self.ids, self.texts, begun, strict=False)
        return {key: (start, start + len(text)) for key, text, start in known}

    def save(self, path: Source) -> None:
        """Write a .npz file, whole or not at all."""
        texts = json.dumps([self.ids, self.texts], ensure_ascii=False).encode("utf-8", "surrogatepass")
        file = io.BytesIO()
        columns: dict[str, Any] = {"texts": np.frombuffer(texts, np.uint8)}
        columns |= {name: getattr(self, name) for name in ("null_odds", "best", "null", "starts")}
        np.savez_compressed(file, **{name: column for name, column in columns.items() if column is not None})
        with replacing(path) as part:
            part.write_bytes(file.getvalue())

    @classmethod
    def load(cls, path: Source) -> "Evidence":
        """What `save` wrote; PolyspanError where that cannot be read."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                ids, texts = json.loads(arrays["texts"].tobytes().decode("utf-8", "surrogatepass"))
                found = cls(ids, texts, arrays["null_odds"], arrays["best"], arrays["null"], arrays.get("starts"))
            shape = (len(ids), len(TEMPERATURES))
            if not (len(texts) == len(found.null_odds) == len(ids)) or {found.best.shape, found.null.shape} != {
                shape
            }:
                raise ValueError("its parts are not of one length")
        except Exception as error:  # whatever a damaged zip, array or text may raise
            raise PolyspanError(
                "the evidence cannot be read", where=str(path), found=str(error), fix="make it again"
            ) from error
        return found
