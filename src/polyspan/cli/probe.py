"""`polyspan probe …`: what the encoder knows, as numbers (JSON, CSV) and figures (PNG, PDF)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, Seed, grouped, read, reads, show
from polyspan.errors import PolyspanError

_T = typer.Option  # a short name: the options below are one line each
_BOTH = "--model bundled:e5-small --data mini:en/test --data mini:ko/test"
probe_app = Verbs(no_args_is_help=True, help="See how alike languages are to an encoder.")


@dataclass
class Probed:
    """What is looked at, and where the numbers go."""

    model: Annotated[str, _T(help="A Reader's folder, an encoder's, bundled:e5-small or a hub name.")]
    data: Annotated[list[str], _T(help="A corpus: a file or a name; give it at least twice.")]
    out: Annotated[Path, _T(help="Folder for numbers and figures.")]
    before: Annotated[str | None, _T(help="The same encoder before fine-tuning, to stand beside it.")] = None
    layer: Annotated[list[int] | None, _T(help="A layer; 0: embeddings, -1: the last one. May be repeated.")] = (
        None
    )
    limit: Annotated[
        int | None, _T(help="Take this many questions, drawn by the seed, the same in all parallel corpora.")
    ] = None
    seed: Seed = 0
    language: Language = None


@probe_app.command(example=f"polyspan probe pca {_BOTH} --out pca")
@grouped
@reads
def pca(
    probed: Probed,
    axes: Annotated[
        list[str] | None, _T(help="Fit on each state, before, after or their union. Default: each, and before.")
    ] = None,
    tokens: Annotated[int, _T(help="Tokens drawn from each corpus.")] = 1000,
    as_json: Json = False,
) -> None:
    """Context tokens in their principal axes, and how well a linear probe tells the languages apart."""
    study = _run("pca", probed, fit=tuple(axes or ()), tokens=tokens)
    if show(study, as_json):
        from polyspan.cli import terminal

        rows = [
            [
                *(panel[key] for key in ("layer", "axes", "state")),
                *(f"{100 * share:.1f}" for share in panel["share"]),
                *(f"{100 * panel[key]['accuracy']:.1f}" for key in ("separability", "separability_in_plane")),
            ]
            for panel in study["panels"]
        ]
        columns = ("layer", "axes of", "state", "axis 1 %", "axis 2 %", "told apart %", "in the axes %")
        terminal.table(columns, rows)
        terminal.tell(f"figure: {probed.out / 'pca.png'}")


@probe_app.command(example=f"polyspan probe cosine {_BOTH} --out cosine")
@grouped
@reads
def cosine(probed: Probed, as_json: Json = False) -> None:
    """Cosine of the answers of parallel corpora, layer by layer, beside that of wrong pairs."""
    _answers("cosine", probed, as_json)


@probe_app.command(example=f"polyspan probe svcca {_BOTH} --k 20 --out svcca")
@grouped
@reads
def svcca(
    probed: Probed,
    k: Annotated[
        int | None, _T("--k", help="Keep this many principal directions of either side, whatever they hold.")
    ] = None,
    variance: Annotated[
        float, _T(help="Keep as many directions of either side as hold this share of its variance.")
    ] = 0.99,
    as_json: Json = False,
) -> None:
    """SVCCA of the answers of parallel corpora: by layer, layers × layers, corpora × corpora."""
    _answers("svcca", probed, as_json, k=k, variance=variance)


@probe_app.command(example=f"polyspan probe cka {_BOTH} --out cka")
@grouped
@reads
def cka(probed: Probed, as_json: Json = False) -> None:
    """Linear CKA of the answers of parallel corpora: by layer, layers × layers, corpora × corpora."""
    _answers("cka", probed, as_json)


@probe_app.command(
    example="polyspan probe scatter --similarity cosine/cosine.json --report report.json --out scatter"
)
def scatter(
    similarity: Annotated[list[Path], _T(help="What cosine, svcca or cka wrote for a Reader; may be repeated.")],
    report: Annotated[Path, _T(help="report.json with the scores of the same Readers.")],
    out: Annotated[Path, _T(help="Folder for numbers and figures.")],
    layer: Annotated[int | None, _T(help="Default: the last one.")] = None,
    value: Annotated[str, _T(help="value, or centred for cosine.")] = "value",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Likeness against exact match and F1, one point a pair of corpora, with Spearman's ρ."""
    from polyspan.files import require_writable

    studies = [_load(path) for path in similarity]
    matrix = _load(report).get("matrix", [])
    require_writable(out / "scatter.json")
    from polyspan.probe.scatter import study_scatter
    from polyspan.report.figures.drawing import write_figure
    from polyspan.report.figures.representation import scatter_figure

    study = study_scatter(studies, matrix, layer=layer, value=value, seed=seed)
    _write(out, study, study["points"])
    write_figure(out, "scatter", scatter_figure, study)
    if show(study, as_json):
        from polyspan.cli import terminal

        columns = ("pair", "likeness", "EM", "F1")
        keys = ("similarity", "exact_match", "f1")
        terminal.table(columns, [(p["label"], *(f"{p[key]:.3f}" for key in keys)) for p in study["points"]])
        for name, found in study["correlation"].items():
            interval = "" if found["interval"] is None else " [{:.2f}, {:.2f}]".format(*found["interval"])
            terminal.tell(f"Spearman's rho with {name.replace('_', ' ')}: {found['rho']:.2f}{interval}")
        terminal.tell(f"figure: {out / 'scatter.png'}")


def _run(kind: str, probed: Probed, **options: Any) -> dict[str, Any]:
    """The study of a kind, written with its figures."""
    from polyspan.files import require_writable

    corpora = [read(name, probed.language) for name in probed.data]
    require_writable(probed.out / "any.json")
    from polyspan.probe import KINDS
    from polyspan.report.figures.representation import study_figures

    where: dict[str, Any] = {"before": probed.before, "limit": probed.limit, "seed": probed.seed}
    study, rows = KINDS[kind](**options).run(probed.model, corpora, layers=probed.layer or (), **where)
    _write(probed.out, study, rows)
    study_figures(probed.out, study, rows)
    return study


def _answers(kind: str, probed: Probed, as_json: bool, **options: Any) -> None:
    study = _run(kind, probed, **options)
    if show(study, as_json):
        from polyspan.cli import terminal

        for side in study["corpora"]:
            reasons = [f"{number} {reason}" for reason, number in side["skipped"].items()]
            if side["left_out"]:
                drawn = " or not drawn" if probed.limit else ""
                reasons.append(f"{side['left_out']} not in all corpora{drawn}")
            if reasons:
                terminal.say(f"{side['name']}: {side['answers']} answers; left out: {', '.join(reasons)}")
        last = max(row["layer"] for row in study["rows"])
        rows = [row for row in study["rows"] if row["layer"] == last]
        names = ("state", "a", "b", "layer", "points", "value", "baseline")
        terminal.table(names, [[_shown(row[name]) for name in names] for row in rows])
        terminal.tell(f"all layers: {probed.out / kind}.csv; figure: {probed.out / kind}.png")


def _shown(value: Any) -> Any:
    return f"{value:.3f}" if isinstance(value, float) else value


def _write(out: Path, study: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """The study as JSON, and its rows as CSV."""
    from polyspan.files import csv_text, write_json, write_text

    write_json(out / f"{study['probe']}.json", study)
    write_text(out / f"{study['probe']}.csv", csv_text(rows))


def _load(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PolyspanError(f"cannot read {path}", found=str(error), expected="a JSON file") from error
    if not isinstance(value, dict):
        raise PolyspanError(f"cannot read {path}", found=type(value).__name__, expected="a JSON object")
    return value
