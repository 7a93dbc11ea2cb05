"""What a table of results says about a hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyspan.paper.values import Check

HOLDS, PARTLY, FAILS, UNTESTABLE = "holds", "partly", "fails", "not testable"


@dataclass(frozen=True)
class Verdict:
    """A hypothesis in one measure: `holds` where all its checks do, `fails` where none does, `partly` between.

    It is `not testable` where a number is missing (`needs` says which), even if the checks that can be made hold.
    `holds_in` is the share of the draws of questions and seeds in which the whole of it holds, None without draws.
    """

    hypothesis: str
    text: str
    measure: str
    status: str
    holds_in: float | None
    checks: tuple[Check, ...]
    needs: tuple[str, ...]
    note: str = ""

    def __str__(self) -> str:
        return f"{self.status}: needs {'; '.join(self.needs)}" if self.needs else self.status

    def as_json(self) -> dict[str, Any]:
        """The verdict and the numbers it rests on."""
        return {
            "claim": self.hypothesis,
            "text": self.text,
            "measure": self.measure,
            "status": self.status,
            "holds_in": self.holds_in,
            "checks": [
                {
                    "text": check.text,
                    "left": check.left,
                    "right": check.right,
                    "holds": check.holds,
                    "holds_in": check.share,
                    "aside": check.aside,
                }
                for check in self.checks
            ],
            "needs": list(self.needs),
            "note": self.note,
        }


def decide(hypothesis: str, text: str, measure: str, checks: Sequence[Check], note: str = "") -> Verdict:
    """The verdict of a hypothesis' checks; asides do not count."""
    counted = [check for check in checks if not check.aside]
    needs = tuple(dict.fromkeys(need for check in counted for need in check.needs))
    made = [check.true for check in counted if check.true is not None]
    if needs or not made:
        needs = needs or ("what no table holds",)
        return Verdict(hypothesis, text, measure, UNTESTABLE, None, tuple(checks), needs, note)
    true = np.array(np.broadcast_arrays(*made))  # (checks, 1 + draws)
    status = HOLDS if true[:, 0].all() else PARTLY if true[:, 0].any() else FAILS
    share = float(true[:, 1:].all(axis=0).mean()) if true.shape[1] > 1 else None
    return Verdict(hypothesis, text, measure, status, share, tuple(checks), (), note)
