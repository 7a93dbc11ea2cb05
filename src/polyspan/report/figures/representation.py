"""The figures of `polyspan probe`: tokens in principal axes, likeness by layer, heat maps, likeness and scores.

Drawn from the JSON of `polyspan.probe.studies`. Sizes are those of a paper's columns, in the style of `drawing`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspan.data.languages import language_name, primary
from polyspan.probe import KINDS
from polyspan.report.figures.drawing import GREY, plain, shaded, tidy, write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAPER = {"en": "#1f4fd1", "zh": "#d62728"}  # Hsu et al., Fig. 1
_SAFE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c8c00")  # Okabe and Ito
_MARKS = "os^Dv<>P"
_COLOURS = {"exact_match": "#d62728", "f1": "#1f4fd1"}  # Fig. 2 and 3
_AROUND = [
    (right * far, up * far)
    for far in (4, 6, 9, 12, 16, 20, 25)
    for right, up in ((1, 0), (-1, 0), (0, 1.5), (0, -1.5), (1, 1), (-1, 1), (1, -1), (-1, -1))
]
"""Where a point's name may stand, in typographic points from it, the nearest first."""
_NEAR = 10  # further away a line leads to the name
_SHOWN = 1500  # points of a language in a panel: more only cover each other


def study_figures(folder: Path, study: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write all figures of a study and its rows, named after its kind: `svcca.png`, `svcca-layers-after.png`."""
    kind = study["probe"]
    if "panels" in study:
        write_figure(folder, kind, tokens_figure, study, rows)
        return
    write_figure(folder, kind, layers_figure, study)
    for name, heat in study["heat"].items():
        sides = [f"layer, {side['name']}" for side in study["corpora"][:2]] if "layers" in name else ["", ""]
        write_figure(folder, f"{kind}-{name.replace(' ', '-')}", heat_figure, heat, sides, kind)


def tokens_figure(study: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> "Figure":
    """Tokens in two principal axes, before and after fine-tuning; a row for each layer and choice of axes.

    A state in its own axes is drawn once: where "axes of before" would repeat it, the place is empty. English is
    blue and Chinese red as in the paper where there are no others, else colours that everyone tells apart.
    """
    from matplotlib.figure import Figure

    rows = list(dict.fromkeys((panel["layer"], panel["axes"]) for panel in study["panels"]))
    states = list(dict.fromkeys(panel["state"] for panel in study["panels"]))
    figure = Figure(figsize=(1.95 * len(states), 2.0 * len(rows)))
    grid = figure.subplots(len(rows), len(states), squeeze=False)
    figure.subplots_adjust(wspace=0.28, hspace=0.58)
    looks = _looks(study["corpora"])
    for panel in study["panels"]:
        axes = grid[rows.index((panel["layer"], panel["axes"]))][states.index(panel["state"])]
        if panel["axes"] == panel["state"] and (panel["layer"], "each") in rows:
            figure.delaxes(axes)
            continue
        here = [p for p in points if all(p[key] == panel[key] for key in ("layer", "axes", "state"))]
        _draw_tokens(axes, panel, here, looks, study["before"] is not None)
    handles, labels = grid[0][0].get_legend_handles_labels()
    legend = figure.legend(
        handles,
        labels,
        frameon=False,
        ncols=min(len(labels), 4),
        loc="lower center",
        bbox_to_anchor=(0.5, 0.89 + 0.05 / len(rows)),
        fontsize=6,
        markerscale=2.2,
        handletextpad=0.2,
    )
    plain(legend.get_texts())
    return figure


def layers_figure(study: Mapping[str, Any]) -> "Figure":
    """Likeness by layer, a colour for each pair of corpora: solid after fine-tuning, dashed before.

    Dotted: wrong pairs. Cosine has a second panel, each language's mean taken away.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    kind = KINDS[study["probe"]]
    kinds = [("value", "baseline", kind.likeness)]
    if centred := getattr(kind, "centred", ""):
        kinds.append(("centred", "centred_baseline", centred))
    figure = Figure(figsize=(2.7 * len(kinds), 1.9))
    grid = figure.subplots(1, len(kinds), squeeze=False)[0]
    figure.subplots_adjust(wspace=0.3)
    pairs = list(dict.fromkeys((row["a"], row["b"]) for row in study["rows"]))
    states = list(dict.fromkeys(row["state"] for row in study["rows"]))
    for axes, (value, baseline, title) in zip(grid, kinds, strict=True):
        for number, pair in enumerate(pairs):
            for state in states:
                rows = [row for row in study["rows"] if (row["a"], row["b"]) == pair and row["state"] == state]
                rows.sort(key=lambda row: row["layer"])
                places, colour = [row["layer"] for row in rows], _SAFE[number % len(_SAFE)]
                look: dict[str, Any] = {"color": colour, "markersize": 2.2, "marker": _MARKS[number % len(_MARKS)]}
                style = "-" if state == "after" else "--"
                axes.plot(places, [row[value] for row in rows], style, linewidth=1.0, **look)
                faint = 0.9 if state == "after" else 0.45
                axes.plot(places, [row[baseline] for row in rows], ":", linewidth=0.8, color=colour, alpha=faint)
        axes.set(xlabel="layer", ylabel=title)
        axes.xaxis.get_major_locator().set_params(integer=True)
        tidy(axes)
    lines = [
        Line2D([], [], color=_SAFE[n % len(_SAFE)], marker=_MARKS[n % len(_MARKS)], markersize=2.5, linewidth=1)
        for n in range(len(pairs))
    ]
    labels = [_pair(study, pair) for pair in pairs]
    lines.append(Line2D([], [], color=GREY, linestyle=":", linewidth=0.8))
    labels.append("wrong pairs")
    if len(states) > 1:
        lines += [Line2D([], [], color=GREY, linestyle="--", linewidth=1)]
        labels += ["before fine-tuning"]
    legend = figure.legend(
        lines, labels, frameon=False, fontsize=6, loc="center left", bbox_to_anchor=(0.92, 0.5), handlelength=2.4
    )
    plain(legend.get_texts())
    return figure


def heat_figure(heat: Mapping[str, Any], labels: Sequence[str], title: str) -> "Figure":
    """A heat map and beside it the baseline of shuffled pairs, on one scale; numbers where there is room."""
    from matplotlib.figure import Figure

    rows, columns = len(heat["rows"]), len(heat["columns"])
    cell = 0.42 if rows <= 8 else 0.24
    room = max(max(map(len, heat["rows"])) * 0.06, 0.15) if rows <= 8 else 0.2
    wide, high = cell * columns, cell * rows
    title = KINDS[title].likeness
    figure = Figure(figsize=(2 * wide + room + 0.45, high))
    share = wide / (2 * wide + room + 0.45)
    for number, (name, caption) in enumerate((("values", title), ("baseline", "shuffled pairs"))):
        axes = figure.add_axes((number * (1 - share), 0, share, 1))
        _draw_heat(axes, heat, name, labels)
        axes.set_title(caption, fontsize=6.5, pad=4)
    return figure


def scatter_figure(study: Mapping[str, Any]) -> "Figure":
    """Likeness of a pair of corpora against exact match (red) and F1 (blue), one point a pair (Fig. 2 and 3).

    Each score has the name of its pair beside it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6, 2.6))
    axes = figure.add_axes((0, 0, 1, 1))
    for (name, colour), title, mark in zip(_COLOURS.items(), ("EM", "F1"), "so", strict=True):
        found = study["correlation"].get(name)
        label = title
        if found:
            label += f": Spearman $\\rho$ = {found['rho']:.2f}"
            low_high = found["interval"]
            label += f" [{low_high[0]:.2f}, {low_high[1]:.2f}]" if low_high else ""
        x, y = ([point[key] for point in study["points"]] for key in ("similarity", name))
        axes.scatter(x, y, s=14, c=colour, marker=mark, linewidths=0, label=label)
    what = KINDS[study["of"]].likeness + ("" if study["value"] == "value" else f", {study['value']}")
    axes.set(xlabel=f"{what}, layer {study['layer']}", ylabel="score (%)")
    axes.margins(0.14, 0.12)
    axes.legend(frameon=False, fontsize=6, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    tidy(axes)
    _label_points(figure, axes, study["points"])
    return figure


def _draw_tokens(
    axes: Any,
    panel: Mapping[str, Any],
    points: Sequence[Mapping[str, Any]],
    looks: Mapping[str, tuple[str, str, str]],
    states: bool,
) -> None:
    import numpy as np

    order = np.random.default_rng(0)
    colours, places = [], []
    for name, (label, colour, _) in looks.items():
        mine = [(p["x"], p["y"]) for p in points if p["corpus"] == name]
        kept = order.permutation(len(mine))[:_SHOWN]
        places += [mine[place] for place in kept]
        colours += [colour] * len(kept)
        axes.scatter([], [], s=3, c=colour, label=label, linewidths=0)
    mixed = order.permutation(len(places))  # none is drawn over the others
    x, y = np.array(places)[mixed].T
    axes.scatter(x, y, s=2.2, c=[colours[place] for place in mixed], alpha=0.55, linewidths=0, rasterized=True)
    when = f"{panel['state']} fine-tuning, " if states else ""
    told, plane = (panel[name]["accuracy"] for name in ("separability", "separability_in_plane"))
    common = {"each": "", "union": "\naxes of both states"}.get(panel["axes"], f"\naxes of {panel['axes']}")
    axes.set_title(f"{when}layer {panel['layer']}{common}", fontsize=6.3, pad=3)
    one, two = (f"axis {n} ({100 * share:.1f} % of variance)" for n, share in enumerate(panel["share"], 1))
    axes.set_xlabel(f"{one}\ntold apart: {100 * told:.0f} %, in these axes {100 * plane:.0f} %", fontsize=5.8)
    axes.set_ylabel(two, fontsize=5.8, labelpad=1)
    axes.tick_params(labelsize=5, length=2)


def _draw_heat(axes: Any, heat: Mapping[str, Any], name: str, labels: Sequence[str]) -> None:
    found = [v for key in ("values", "baseline") for row in heat[key] for v in row if v is not None]
    low, high = min(0.0, *found), max(found)
    rows, columns = len(heat["rows"]), len(heat["columns"])
    for i, line in enumerate(heat[name]):
        for j, value in enumerate(line):
            look = shaded(axes, j, i, None if value is None else (value - low) / ((high - low) or 1))
            text = "–" if value is None else f"{value:.2f}"
            axes.text(j + 0.5, i + 0.5, text, fontsize=6 if rows <= 8 else 4, **look)
    axes.set(xlim=(0, columns), ylim=(rows, 0), xlabel=labels[1], ylabel=labels[0])
    few = rows <= 8 and max(map(len, heat["columns"])) > 3
    axes.set_xticks([j + 0.5 for j in range(columns)], heat["columns"])
    axes.set_yticks([i + 0.5 for i in range(rows)], heat["rows"])
    if few:
        for label in axes.get_xticklabels():
            label.set(rotation=35, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0, pad=2, labelsize=6 if rows <= 8 else 5)
    plain([*axes.get_xticklabels(), *axes.get_yticklabels()])
    axes.spines[:].set_visible(False)


def _looks(corpora: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str, str]]:
    """Corpus → its label, colour and mark: the paper's colours for English and Chinese alone."""
    known = [primary(corpus["language"]) for corpus in corpora]
    paper = len(set(known)) == len(known) and set(known) <= set(_PAPER)
    twice = len(set(known)) < len(known)
    return {
        corpus["name"]: (
            corpus["name"] if twice else language_name(corpus["language"]),
            _PAPER[known[n]] if paper else _SAFE[n % len(_SAFE)],
            _MARKS[n % len(_MARKS)],
        )
        for n, corpus in enumerate(corpora)
    }


def _pair(study: Mapping[str, Any], pair: tuple[str, str]) -> str:
    looks = _looks(study["corpora"])
    return " – ".join(looks[name][0] for name in pair)


def _label_points(figure: "Figure", axes: Any, points: Sequence[Mapping[str, Any]]) -> None:
    """Write each pair's name beside both its scores, at the nearest place where nothing else stands."""
    figure.draw_without_rendering()
    places = [(point["similarity"], point[name], point["label"]) for point in points for name in _COLOURS]
    dots = axes.transData.transform([place[:2] for place in places])
    taken: list[Any] = []
    for x, y, label in places:
        text = axes.annotate(label, (x, y), (0, 0), textcoords="offset points", fontsize=5.2, color=GREY)
        plain([text])
        for right, up in _AROUND:
            side = "left" if right > 0 else "right" if right < 0 else "center"
            text.set(position=(right, up), ha=side, va="center")
            box = text.get_window_extent()
            room = box.padded(2.5)  # a dot is as wide
            inside = (dots > room.min).all(1) & (dots < room.max).all(1)
            if not inside.any() and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)
        if max(abs(right), abs(up)) > _NEAR:
            ends = axes.transData.inverted().transform(box.get_points().mean(0))
            line = {"linewidth": 0.3, "color": GREY, "zorder": 0}
            axes.plot([x, ends[0]], [y, ends[1]], scalex=False, scaley=False, **line)
