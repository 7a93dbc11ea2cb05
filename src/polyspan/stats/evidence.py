"""What a reader thinks of each question of a corpus, at every temperature: enough to fit and to try thresholds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyspan.errors import UsageError

TEMPERATURES: NDArray[np.float64] = 2.0 ** (np.arange(-16, 33) / 8)
"""The temperatures that are tried: 0.25 to 16, eight an octave; 1 is among them."""


@dataclass
class Evidence:
    """Of n questions: the best span's text ("" for an empty context), and logs of probabilities.

    `null_odds`, (n,), is the null score less the best span's; `best` and `null`, (n, temperatures), are the
    logarithms of the probabilities of that text and of "".
    """

    ids: list[str]
    texts: list[str]
    null_odds: NDArray[np.float64]
    best: NDArray[np.float64]
    null: NDArray[np.float64]

    def at(self, temperature: float) -> int:
        """The column of a temperature. Raises UsageError for one that is not in TEMPERATURES."""
        place = int(np.argmin(np.abs(TEMPERATURES - temperature)))
        if abs(TEMPERATURES[place] / temperature - 1) > 1e-4:
            raise UsageError(f"there is no evidence at the temperature {temperature}")
        return place
