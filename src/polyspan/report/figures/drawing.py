"""What all figures for papers share: style, shaded cells, and files with the same bytes for the same numbers."""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspan.files import replacing
from polyspan.report.figures.shades import LIGHT, ink, shade

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREY = "#5b666c"
_FONT = "DejaVu Sans"  # comes with matplotlib
_MORE_FONTS = ("Noto Sans CJK JP", "Noto Sans Arabic", "Noto Sans Thai")
_STYLE = {"font.family": [_FONT], "font.size": 6.5, "axes.linewidth": 0.6, "pdf.fonttype": 42}
_DOTS = 300  # PNG, dots an inch
_MARGIN = 0.03  # inches
_NEVER_THE_SAME = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Creator": None}}


def write_figure(folder: Path, name: str, draw: Callable[..., "Figure"], *numbers: Any) -> list[Path]:
    """Write the figure `draw(*numbers)` as PNG and PDF into a folder; the same numbers give the same bytes.

    matplotlib is imported here, and its global state left alone.
    """
    from matplotlib import font_manager, rc_context, rcParams

    written = []
    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # labels are ASCII but for a user's own names
        figure = draw(*numbers)
        if not _is_plain(figure):
            installed = {font.name for font in font_manager.fontManager.ttflist}
            rcParams["font.family"] = [_FONT, *(name for name in _MORE_FONTS if name in installed)]
            rcParams["pdf.fonttype"] = 3  # letters as drawings: 42 cannot hold the fonts of Han and Hangul
            figure = draw(*numbers)
        figure.set_dpi(_DOTS)
        tight = figure.get_tightbbox().padded(_MARGIN)  # once for both files: "tight" draws for each
        for kind, metadata in _NEVER_THE_SAME.items():
            path = folder / f"{name}.{kind}"
            with replacing(path) as part:
                figure.savefig(part, format=kind, dpi=_DOTS, metadata=metadata, bbox_inches=tight)
            written.append(path)
    return written


def _is_plain(figure: "Figure") -> bool:
    """Whether the first font has every letter."""
    from matplotlib import font_manager
    from matplotlib.text import Text

    known = font_manager.get_font(font_manager.findfont(_FONT)).get_charmap()
    texts: list[Any] = figure.findobj(Text)
    return all(ord(char) in known or char.isspace() for text in texts for char in text.get_text())


def shaded(axes: Any, x: float, y: float, share: float | None) -> dict[str, Any]:
    """Draw a heat map's cell in the shade of a share from 0 to 1, white for none; returns the look of its text."""
    from matplotlib.patches import Rectangle

    ground = "#ffffff" if share is None else shade(share, LIGHT)
    axes.add_patch(Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, facecolor=ground, linewidth=0))
    return {"ha": "center", "va": "center", "color": GREY if share is None else ink(ground)}


def tidy(axes: Any) -> None:
    """Leave of the frame what carries ticks, and draw faint lines across."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.3, color="#d5dadd")
    axes.set_axisbelow(True)


def plain(texts: Iterable[Any]) -> None:
    """Draw texts as they are: a dollar sign in a name begins no formula."""
    for text in texts:
        text.set_parse_math(False)
