"""`polyspan export`: a Reader as ONNX, if it answers as before."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, read, reads, show
from polyspan.errors import UsageError

if TYPE_CHECKING:
    from polyspan.model.export.exporting import Exported
    from polyspan.model.export.rounding import Rounding
    from polyspan.model.onnx.exported import Precision, Runtime

_T = typer.Option
export_app = Verbs()


@export_app.command(example="polyspan export reader --out exported")
@reads
def export(
    reader: Annotated[str, typer.Argument(help="A Reader's folder, or any question-answering model.")],
    out: Annotated[Path, _T(help="Folder for the exported Reader.")],
    int8: Annotated[bool, _T("--int8", help="Round the weights to 8 bits: a quarter of the size.")] = False,
    fp16: Annotated[bool, _T("--fp16", help="Round all to 16 bits: half the size.")] = False,
    bf16: Annotated[bool, _T("--bf16", help="Compute in bf16 where the processor can; with OpenVINO.")] = False,
    runtime: Annotated[str, _T(help="What is to answer: onnxruntime, or openvino.")] = "onnxruntime",
    rounding: Annotated[
        str,
        _T(
            help="What --int8 rounds: weights; or what is computed too, by its range in each batch (dynamic) or in"
            " other data (static)."
        ),
    ] = "weights",
    check: Annotated[
        list[str] | None,
        _T(help="Data to compare answers on; may be repeated. Without it mini:LANGUAGE/test in five languages."),
    ] = None,
    calibrate: Annotated[
        list[str] | None,
        _T(help="Data for static ranges; may be repeated. Without it mini:LANGUAGE/train in five languages."),
    ] = None,
    tolerance: Annotated[float, _T(help="How many points F1 may fall in a data set.")] = 1.0,
    force: Annotated[bool, _T("--force", help="Write it also where it answers otherwise.")] = False,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Write a Reader as ONNX, which answers without torch.

    Answers are compared before and after: EM, F1 and the share of equal answers. Nothing is written where F1 falls
    by more than the tolerance, less than 95 % of the answers are equal, or a logit differs by more than 1e-4.
    """
    from polyspan.cli import terminal

    given = [name for name, wanted in (("int8", int8), ("fp16", fp16), ("bf16", bf16)) if wanted]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]} exclude each other", fix="give one of them")
    corpora, others = (
        None if names is None else [read(name, language) for name in names] for names in (check, calibrate)
    )
    from polyspan.model.export.exporting import ExportRefused
    from polyspan.model.export.exporting import export as write

    terminal.say(f"exporting {reader}, then comparing its answers")
    try:
        found = write(
            reader,
            out,
            precision=cast("Precision", given[0] if given else "fp32"),
            rounding=cast("Rounding", rounding),
            runtime=cast("Runtime", runtime),
            check=corpora,
            calibrate=others,
            tolerance=tolerance,
            force=force,
        )
    except ExportRefused as refused:
        _print(refused.exported, as_json)
        raise
    _print(found, as_json)
    if not found.gate.passed:
        terminal.say("it answers otherwise, and is written because of --force")


def _print(found: "Exported", as_json: bool) -> None:
    from polyspan.cli import terminal

    if not show(found.as_json(), as_json):
        return
    columns = ("data", "n", "EM", "F1", "EM exported", "F1 exported", "equal %")
    rows = []
    for row in found.gate.rows:
        figures = (row.em, row.f1, row.em_exported, row.f1_exported, row.same)
        rows.append([row.data, row.n, *(f"{figure:.1f}" for figure in figures)])
    terminal.table(columns, rows)
    terminal.tell(f"largest difference of a logit: {found.gate.max_logit_difference:.2g}")
    if found.gate.passed:
        terminal.tell(f"exported: {found.out} ({found.format})")
