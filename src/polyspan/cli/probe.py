"""`polyspan probe …`: what the encoder knows, as numbers (JSON, CSV) and figures (PNG, PDF)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, Seed, read, reads, show
from polyspan.errors import PolyspanError

_T = typer.Option  # a short name: the options below are one line each
probe_app = Verbs(no_args_is_help=True, help="See how alike languages are to an encoder.")

Model = Annotated[str, _T(help="A Reader's folder, an encoder's, bundled:e5-small or a hub name.")]
Before = Annotated[str | None, _T(help="The same encoder before fine-tuning, to stand beside it.")]
Corpora = Annotated[list[str], _T(help="A corpus: a file or a name; give it at least twice.")]
Layers = Annotated[list[int] | None, _T(help="A layer; 0: embeddings, -1: the last one. May be repeated.")]
Out = Annotated[Path, _T(help="Folder for numbers and figures.")]
Limit = Annotated[int | None, _T(help="Take this many questions, drawn by the seed, the same in all corpora.")]


@probe_app.command(
    example="polyspan probe pca --model bundled:e5-small --data mini:en/test --data mini:ko/test --out pca"
)
@reads
def pca(
    model: Model,
    data: Corpora,
    out: Out,
    before: Before = None,
    layer: Layers = None,
    axes: Annotated[
        list[str] | None, _T(help="Fit on each state, before, after or their union. Default: each, and before.")
    ] = None,
    tokens: Annotated[int, _T(help="Tokens drawn from each corpus.")] = 1000,
    limit: Annotated[int | None, _T(help="Read on this many questions of each corpus, drawn by the seed.")] = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Context tokens in their principal axes, and how well a linear probe tells the languages apart."""
    corpora = _read(data, language, out)
    from polyspan.probe.studies import study_tokens
    from polyspan.report.figures.drawing import write_figure
    from polyspan.report.figures.representation import tokens_figure

    options: dict[str, Any] = {"tokens": tokens, "limit": limit, "seed": seed, "fit": axes or ()}
    study, points = study_tokens(model, corpora, before=before, layers=layer or (-1,), **options)
    _write(out, "pca", study, points)
    write_figure(out, "pca", tokens_figure, study, points)
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
        terminal.tell(f"figure: {out / 'pca.png'}")


@probe_app.command(
    example="polyspan probe cosine --model bundled:e5-small --data mini:en/test --data mini:ko/test --out cosine"
)
@reads
def cosine(
    model: Model,
    data: Corpora,
    out: Out,
    before: Before = None,
    layer: Layers = None,
    limit: Limit = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Cosine of the answers of parallel corpora, layer by layer, beside that of wrong pairs."""
    _study("cosine", model, data, out, before, layer, limit, seed, language, as_json)


@probe_app.command(
    example="polyspan probe svcca --model bundled:e5-small --data mini:en/test --data mini:ko/test "
    "--k 20 --out svcca"
)
@reads
def svcca(
    model: Model,
    data: Corpora,
    out: Out,
    before: Before = None,
    layer: Layers = None,
    k: Annotated[
        int | None, _T("--k", help="Keep this many principal directions of either side, whatever they hold.")
    ] = None,
    variance: Annotated[
        float, _T(help="Keep as many directions of either side as hold this share of its variance.")
    ] = 0.99,
    limit: Limit = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """SVCCA of the answers of parallel corpora: by layer, layers × layers, corpora × corpora."""
    _study("svcca", model, data, out, before, layer, limit, seed, language, as_json, k=k, variance=variance)


@probe_app.command(
    example="polyspan probe cka --model bundled:e5-small --data mini:en/test --data mini:ko/test --out cka"
)
@reads
def cka(
    model: Model,
    data: Corpora,
    out: Out,
    before: Before = None,
    layer: Layers = None,
    limit: Limit = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Linear CKA of the answers of parallel corpora: by layer, layers × layers, corpora × corpora."""
    _study("cka", model, data, out, before, layer, limit, seed, language, as_json)


@probe_app.command(
    example="polyspan probe scatter --similarity cosine/cosine.json --report report.json --out scatter"
)
def scatter(
    similarity: Annotated[list[Path], _T(help="What cosine, svcca or cka wrote for a Reader; may be repeated.")],
    report: Annotated[Path, _T(help="report.json with the scores of the same Readers.")],
    out: Out,
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
    _write(out, "scatter", study, study["points"])
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


def _study(
    kind: str,
    model: str,
    data: list[str],
    out: Path,
    before: str | None,
    layer: list[int] | None,
    limit: int | None,
    seed: int,
    language: str | None,
    as_json: bool,
    **kept: Any,
) -> None:
    corpora = _read(data, language, out)
    from polyspan.probe.studies import study_answers
    from polyspan.report.figures.drawing import write_figure
    from polyspan.report.figures.representation import heat_figure, layers_figure

    study = study_answers(kind, model, corpora, before=before, layers=layer or (), limit=limit, seed=seed, **kept)
    _write(out, kind, study, study["rows"])
    write_figure(out, kind, layers_figure, study)
    for name, heat in study["heat"].items():
        sides = [f"layer, {row['name']}" for row in study["corpora"][:2]] if "layers" in name else ["", ""]
        write_figure(out, f"{kind}-{name.replace(' ', '-')}", heat_figure, heat, sides, kind)
    if show(study, as_json):
        from polyspan.cli import terminal

        for side in study["corpora"]:
            reasons = [f"{number} {reason}" for reason, number in side["skipped"].items()]
            if side["left_out"]:
                reasons.append(f"{side['left_out']} not in all corpora" + (" or not drawn" if limit else ""))
            if reasons:
                terminal.say(f"{side['name']}: {side['answers']} answers; left out: {', '.join(reasons)}")
        last = max(row["layer"] for row in study["rows"])
        rows = [row for row in study["rows"] if row["layer"] == last]
        names = ("state", "a", "b", "layer", "points", "value", "baseline")
        terminal.table(names, [[_shown(row[name]) for name in names] for row in rows])
        terminal.tell(f"all layers: {out / kind}.csv; figure: {out / kind}.png")


def _shown(value: Any) -> Any:
    return f"{value:.3f}" if isinstance(value, float) else value


def _read(data: list[str], language: str | None, out: Path) -> list[Any]:
    from polyspan.files import require_writable

    corpora = [read(name, language) for name in data]
    require_writable(out / "any.json")
    return corpora


def _write(out: Path, name: str, study: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """The study as JSON, and its rows as CSV."""
    from polyspan.files import csv_text, write_json, write_text

    write_json(out / f"{name}.json", study)
    write_text(out / f"{name}.csv", csv_text(rows))


def _load(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PolyspanError(f"cannot read {path}", found=str(error), expected="a JSON file") from error
    if not isinstance(value, dict):
        raise PolyspanError(f"cannot read {path}", found=type(value).__name__, expected="a JSON object")
    return value
