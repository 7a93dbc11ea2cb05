"""How well a share of few things is known."""

import math

_Z = 1.959964  # the normal distribution's two-sided 95 % point


def half_width(percentage: float, n: int) -> float:
    """Half the width of Wilson's 95 % interval of a proportion, in percentage points.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927). Unlike the usual
    formula it does not claim certainty at 0 and 100 %.
    """
    share = percentage / 100
    return 100 * _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
