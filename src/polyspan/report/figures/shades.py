"""The colours of the heat map: one hue from pale to deep, the same on the page and in the figures.

A single hue that changes in lightness alone can be read with any colour vision, and in grey.
"""

LEVELS = 20
"""Shades on the page: 0 to LEVELS."""

LIGHT = ("#f3f6f7", "#d3e3e9", "#9fc4d1", "#5b9bb0", "#226d88", "#0b4257")
"""Stops on a light ground, low to high."""
DARK = ("#1b2327", "#1d3944", "#235365", "#37788f", "#6aa9be", "#b4deeb")
"""Stops on a dark ground, low to high."""

_INK = ("#0c1418", "#ffffff")


def shade(share: float, stops: tuple[str, ...] = LIGHT) -> str:
    """The colour of a share from 0 to 1, interpolated between the stops, as `#rrggbb`."""
    place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    index = min(int(place), len(stops) - 2)
    low, high = _channels(stops[index]), _channels(stops[index + 1])
    return "#" + "".join(f"{round(a + (b - a) * (place - index)):02x}" for a, b in zip(low, high, strict=True))


def ink(ground: str) -> str:
    """The text colour, nearly black or white, that stands out more on a ground."""
    return max(_INK, key=lambda text: contrast(text, ground))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours as WCAG 2.2 defines it, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def level(value: float | None, top: float) -> int | None:
    """The shade of a value where `top` has the deepest; None for no value."""
    return None if value is None else round(min(max(value / top, 0.0), 1.0) * LEVELS)


def scale_top(highest: float) -> float:
    """The end of the scale: the next ten above the highest value, and 20 at least."""
    return min(100.0, max(20.0, -(-highest // 10) * 10))


def css(stops: tuple[str, ...]) -> str:
    """Style rules `.s0` to `.s20` with ground and text colours."""
    rules = ((number, shade(number / LEVELS, stops)) for number in range(LEVELS + 1))
    return "\n".join(f".s{number}{{background:{ground};color:{ink(ground)}}}" for number, ground in rules)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
