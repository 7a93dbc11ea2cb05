"""How sure a Reader is, a panel for each test: its probability against what came true, and risk against coverage.

Drawn from the `curves` of a report's confidence (docs/reports.md).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polyspan.data.languages import language_name
from polyspan.report.figures.drawing import GREY, plain, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS: Mapping[str, Mapping[str, Any]] = {  # of Okabe and Ito, and each with a mark and a line of its own
    "uncalibrated": {"color": "#6b757a", "marker": "s", "linestyle": (0, (3, 1.5)), "zorder": 2},
    "source": {"color": "#d55e00", "marker": "^", "linestyle": "-", "zorder": 3},
    "own": {"color": "#0072b2", "marker": "o", "linestyle": "-", "zorder": 5},
    "pooled": {"color": "#cc79a7", "marker": "D", "linestyle": (0, (1, 1)), "zorder": 4},
}
"""The lines of a panel by what they stand for."""

_SIDE, _ACROSS, _BELOW, _HEAD = 1.32, 0.22, 0.75, 0.42  # inches: a panel, and the room between and above them
_ROW = 4  # panels beside each other
_LEGEND = (1, 2, 2, 4)  # columns of the legend by panels beside each other
_LETTERS = 34  # of a test's name above its panel
_NUMBERS = (0.4, 0.6, 0.8, 1.0)  # where the numbers above a panel end, as shares of its width

Panel = Mapping[str, Any]


def reliability_figure(panels: Sequence[Panel]) -> "Figure":
    """Of the best spans, the share that is right in each bin by its mean probability; the two are the same on the
    dotted line."""

    def draw(axes: Any, line: Mapping[str, Any], look: Mapping[str, Any]) -> None:
        x, y = ([100 * value for value in column] for column in zip(*line["bins"], strict=True))
        axes.plot(x, y, linewidth=0.9, markersize=2.1, **look)

    def ground(axes: Any) -> None:
        axes.plot([0, 100], [0, 100], ":", color=GREY, linewidth=0.8, zorder=1)
        axes.set(xlim=(-3, 103), ylim=(-3, 103), xticks=[0, 50, 100], yticks=[0, 50, 100])

    return _figure(panels, "span_ece", ("probability (%)", "right spans (%)"), draw, ground)


def risk_figure(panels: Sequence[Panel]) -> "Figure":
    """The share of wrong answers among the most probable ones, by how many of them are kept."""
    highest = max((risk for panel in panels for line in panel["lines"] for _, risk in line["risk"]), default=1.0)
    top = max(10, 10 * math.ceil(10 * highest - 1e-9))

    def draw(axes: Any, line: Mapping[str, Any], look: Mapping[str, Any]) -> None:
        x, y = ([100 * value for value in column] for column in zip(*line["risk"], strict=True))
        axes.plot(x, y, linewidth=1.0, markersize=2.1, markevery=0.2, **look)

    def ground(axes: Any) -> None:
        axes.set(xlim=(0, 100), ylim=(0, top), xticks=[0, 50, 100])

    return _figure(panels, "aurc", ("coverage (%)", "wrong answers (%)"), draw, ground)


KINDS: Mapping[str, tuple[Callable[[Sequence[Panel]], "Figure"], str, str]] = {
    "reliability": (
        reliability_figure,
        "Probability and what came true",
        "The best span of every question, given or withheld, by its probability in bins of as many; on the dotted "
        "line spans are right as often as they claim, below it less often. Without an answer none is right.",
    ),
    "risk": (
        risk_figure,
        "Risk and coverage",
        "How many of the surest answers are wrong, by how many of them are kept. Where a threshold withholds an "
        "answer, “no answer” stands in its place, which is right where there is none.",
    ),
}
"""The figures of a Reader: how each is drawn, its title, and how it is read."""


def _figure(
    panels: Sequence[Panel],
    number: str,
    labels: tuple[str, str],
    draw: Callable[..., None],
    ground: Callable[..., None],
) -> "Figure":
    """Panels in rows of four with one legend. Above each its language, its name, and a number for each line."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    wide = min(_ROW, len(panels))
    high = -(-len(panels) // wide)
    figure = Figure(figsize=(_SIDE * wide + _ACROSS * (wide - 1), _SIDE * high + _BELOW * (high - 1)))
    grid = figure.subplots(high, wide, squeeze=False)
    figure.subplots_adjust(0, 0, 1, 1, wspace=_ACROSS / _SIDE, hspace=_BELOW / _SIDE)
    for place, axes in enumerate(grid.flat):
        if place >= len(panels):
            figure.delaxes(axes)
            continue
        ground(axes)
        _head(axes, panels[place], number)
        for line in panels[place]["lines"]:
            draw(axes, line, LOOKS[line["kind"]])
        tidy(axes)
        axes.tick_params(labelsize=5.5, length=2, pad=2, labelleft=place % wide == 0)
        if place % wide == 0:
            axes.set_ylabel(labels[1], labelpad=2)
        if place + wide >= len(panels):
            axes.set_xlabel(labels[0], labelpad=2)
    names = _names(panels)
    legend = figure.legend(
        [Line2D([], [], linewidth=1, markersize=2.5, **LOOKS[kind]) for kind in names],
        list(names.values()),
        frameon=False,
        ncols=_LEGEND[wide - 1],
        loc="lower left",
        bbox_to_anchor=(0, 1 + (_HEAD + 0.1) / figure.get_figheight()),
        borderaxespad=0,
        handlelength=2.6,
        columnspacing=1.4,
    )
    plain(legend.get_texts())
    return figure


def _names(panels: Sequence[Panel]) -> dict[str, str]:
    """What the legend says of each kind of line that is drawn."""
    fits = {line["kind"]: line["fit"] for panel in panels for line in panel["lines"]}
    told = {"source": f"fitted on {fits.get('source')}", "own": "fitted on the language itself"}
    return {kind: told.get(kind, kind) for kind in LOOKS if kind in fits}


def _head(axes: Any, panel: Panel, number: str) -> None:
    """The language and the test above a panel, and below them a number for each line in its colour."""
    test = panel["test"] if len(panel["test"]) <= _LETTERS else f"{panel['test'][: _LETTERS - 1]}…"
    look = {"transform": axes.transAxes, "fontsize": 5.3, "va": "baseline", "color": GREY}
    names = [axes.text(0, 1.27, language_name(panel["language"]), **look), axes.text(0, 1.16, test, **look)]
    names[0].set(fontsize=6.5, fontweight="bold", color="black")
    plain(names)
    axes.text(0, 1.05, number.removeprefix("span_").upper(), **look)
    for place, (kind, own) in zip(_NUMBERS, LOOKS.items(), strict=True):
        for line in (line for line in panel["lines"] if line["kind"] == kind):
            value = f"{line[number]:.3f}".removeprefix("0")
            axes.text(place, 1.05, value, **(look | {"ha": "right", "color": own["color"]}))
