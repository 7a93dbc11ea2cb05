"""Loss curves made fit to draw: smoothed, thinned out, and with round ticks."""

import math
from collections.abc import Sequence

Points = list[tuple[float, float]]


def smoothed(values: Sequence[float], reach: int | None = None) -> list[float]:
    """Centred moving mean over `reach` values on each side, fewer at the ends. As long as `values`.

    By default over a fiftieth of the curve on each side, so that it keeps its shape.
    """
    if reach is None:
        reach = max(1, len(values) // 50) if len(values) > 4 else 0
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    last = len(values)
    bounds = [(max(0, index - reach), min(last, index + reach + 1)) for index in range(last)]
    return [(sums[end] - sums[start]) / (end - start) for start, end in bounds]


def thinned(values: Sequence[float], most: int = 500) -> Points:
    """(step, value) pairs from step 1 on; of a long curve the lowest and highest of each stretch, in order."""
    points = [(float(step), value) for step, value in enumerate(values, start=1)]
    if len(points) <= most:
        return points
    kept: Points = []
    stretches = most // 2
    for index in range(stretches):
        part = points[index * len(points) // stretches : (index + 1) * len(points) // stretches]
        kept += sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
    return kept


def ticks(top: float, count: int = 4) -> list[float]:
    """About `count` round numbers from 0 to `top` or just below it; `top` is above 0."""
    rough = top / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((factor * power for factor in (1, 2, 2.5, 5, 10)), key=lambda size: abs(size - rough))
    return [round(index * step, 10) for index in range(math.floor(top / step + 1e-9) + 1)]
