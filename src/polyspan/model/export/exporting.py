"""`polyspan export`: a Reader as a folder that answers with onnxruntime alone, written if it answers as before."""

import copy
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from polyspan.data import mini
from polyspan.data.sample import sample
from polyspan.data.schema import Corpus, require_corpora
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.files import Source, replacing_folder, require_writable, sha256, write_json
from polyspan.model.batch import collate, input_lengths
from polyspan.model.calibration import CALIBRATION_FILE
from polyspan.model.card.readme import CARD_FILE, write_card
from polyspan.model.encoders.encoder import quiet
from polyspan.model.encoders.model_name import EXPORT
from polyspan.model.export.export_gate import LOGITS, SAME, ExportGate, measure
from polyspan.model.export.onnx_graph import silently, write_graph
from polyspan.model.export.rounding import Inputs, Rounding, halve, round_to_int8
from polyspan.model.onnx.exported import GRAPH, VERSION, Precision, Runtime
from polyspan.model.onnx.onnx_runtime import OnnxRuntime, graph_inputs
from polyspan.model.reader import OPTIONS_FILE, Reader
from polyspan.model.windows.windows import WindowOptions, make_windows

_SHORT = WindowOptions(max_length=128, stride=32, max_question_length=32)
_WINDOWS, _BATCH = 16, 8  # of each corpus that is calibrated on


@dataclass(frozen=True, slots=True)
class Exported:
    """An export: its folder, what its weights are in, and what the gate measured."""

    out: str
    format: str
    gate: ExportGate

    def as_json(self) -> dict[str, Any]:
        """As `polyspan export --json` prints it."""
        return {"out": self.out, "format": self.format, **self.gate.as_json()}


class ExportRefused(PolyspanError):
    """The gate refused an export; `exported` has what it measured, and nothing was written."""

    def __init__(self, exported: Exported, tolerance: float) -> None:
        gate = exported.gate
        failed = [row for row in gate.rows if not row.passes(tolerance)]
        worst = [f"{row.data}: F1 {row.f1:.1f} → {row.f1_exported:.1f}, {row.same:.1f} % equal" for row in failed]
        far = "" if failed else f"a logit differs by {gate.max_logit_difference:.2g}"
        super().__init__(
            "the exported Reader answers otherwise, and is not written",
            found="; ".join(worst) or far,
            expected=f"F1 that falls by {tolerance:g} at most and {SAME:g} % equal answers in each data set"
            if failed
            else f"at most {LOGITS:g}",
            fix="export it in another precision, raise --tolerance, or write it all the same with --force",
        )
        self.exported = exported


def export(
    reader: Reader | Source,
    out: Source,
    *,
    precision: Precision = "fp32",
    rounding: Rounding = "weights",
    runtime: Runtime = "onnxruntime",
    check: Sequence[Corpus] | None = None,
    calibrate: Sequence[Corpus] | None = None,
    tolerance: float = 1.0,
    force: bool = False,
) -> Exported:
    """Write a Reader as ONNX into a new folder, which `Reader.load` takes where there is no torch too.

    Its weights are kept as `precision` says; int8 by `rounding`: `weights` alone, or states too, by their range in
    each batch (`dynamic`) or in some windows of the corpora `calibrate` (`static`; None: the mini corpus's train
    parts). The folder answers with `runtime`, which is to be installed here too; bf16 is OpenVINO's alone.
    Its answers to the corpora `check` (None: the mini corpus's tests in five languages) are compared with those of
    torch. Raises ExportRefused, with what was measured, where F1 falls by more than `tolerance` in one of them,
    fewer than 95 % of the answers are equal, or a logit differs by more than 1e-4; with `force` it is written all
    the same. Raises PolyspanError for a Reader that was never trained and a folder that is taken, and UsageError
    for a model that cannot be exported.
    """
    choose("precision", precision, get_args(Precision))
    choose("rounding", rounding, get_args(Rounding))
    choose("runtime", runtime, get_args(Runtime))
    corpora = _given(check, "test")
    if not (corpora and all(map(len, corpora))):
        raise UsageError("there are no questions to compare the answers to")
    if not tolerance >= 0:
        raise UsageError("a tolerance is a number of points of F1, from 0", found=str(tolerance))
    if (precision, runtime) == ("bf16", "onnxruntime"):
        raise UsageError("onnxruntime does not compute in bf16 on a CPU", fix="--runtime openvino")
    if calibrate is not None and (precision, rounding) != ("int8", "static"):
        raise UsageError("there is nothing to calibrate", expected="int8 with static rounding")
    require_writable(out, folder=True)
    reader = as_exported(reader)
    with replacing_folder(out) as part:
        write_export(reader, part, precision, rounding, calibrate, runtime)
        exported = Reader.load(part)
        gate = measure(reader, exported, corpora, tolerance)
        found = Exported(str(out), exported.dtype, gate)
        if not (gate.passed or force):
            raise ExportRefused(found, tolerance)
        write_json(part / EXPORT, _record(reader, part, precision, runtime) | gate.as_json())
        write_card(reader.card, part)
    return found


def _given(corpora: Sequence[Corpus] | None, part: str) -> list[Corpus]:
    """The corpora, checked; None: a part of the mini corpus in five languages."""
    given = [mini.load(short, part) for short in mini.LANGUAGES] if corpora is None else list(corpora)
    require_corpora(given, "export")
    return given


def as_exported(reader: Reader | Source) -> Reader:
    """A Reader with its adapter merged that computes in float32. Raises where it is nothing to export."""
    name = "the Reader" if isinstance(reader, Reader) else os.fspath(reader)
    found = reader if isinstance(reader, Reader) else Reader.load(reader)
    if isinstance(found.model, OnnxRuntime):
        raise UsageError(f"{name} is exported already", fix="take the Reader that it was exported from")
    if found.fresh_head:
        raise PolyspanError(
            f"{name} was never trained to answer", found="a span head drawn at random", fix="polyspan train"
        )
    if found.adapter is not None:
        found = copy.deepcopy(found)
        found.merge()
    return found if found.dtype == "fp32" else replace(found, dtype="fp32")


def write_export(
    reader: Reader,
    folder: Path,
    precision: Precision,
    rounding: Rounding = "weights",
    calibrate: Sequence[Corpus] | None = None,
    runtime: Runtime = "onnxruntime",
) -> None:
    """Write all files but the gate's figures, of a Reader that `as_exported` gave; arguments as of `export`."""
    write_graph(reader.model, reader.layout, folder / GRAPH)
    seen = _seen(reader, _given(calibrate, "train")) if (precision, rounding) == ("int8", "static") else ()
    with silently():
        if precision == "fp16":
            halve(folder / GRAPH)
        elif precision == "int8":
            round_to_int8(folder / GRAPH, rounding, seen)
    with quiet():
        reader.model.config.save_pretrained(folder)
        reader.tokenizer.save_pretrained(folder)
    write_json(folder / OPTIONS_FILE, asdict(reader.options))
    if reader.calibration is not None:
        reader.calibration.save(folder)
    write_json(folder / EXPORT, _record(reader, folder, precision, runtime))


def _seen(reader: Reader, corpora: Sequence[Corpus]) -> list[Inputs]:
    """Some windows of each corpus, in batches; short ones, as all states of a batch are kept at once."""
    options = reader.options if reader.options.max_length <= _SHORT.max_length else _SHORT
    batches = []
    for corpus in corpora:
        windows = make_windows(sample(corpus, _WINDOWS), reader.tokenizer, options)
        order = np.argsort(input_lengths(windows, reader.layout), kind="stable")
        some = order[np.linspace(0, len(order) - 1, min(_WINDOWS, len(order))).astype(np.int64)]
        for first in range(0, len(some), _BATCH):
            batch = collate(windows, reader.layout, some[first : first + _BATCH].astype(np.int32))
            batches.append(graph_inputs(batch))
    return batches


def _record(reader: Reader, folder: Path, precision: Precision, runtime: Runtime) -> dict[str, Any]:
    """What `ExportRecord` reads."""
    files = sorted(path for path in folder.iterdir() if path.name not in (CALIBRATION_FILE, EXPORT, CARD_FILE))
    return {
        "version": VERSION,
        "format": precision,
        "runtime": runtime,
        "layout": asdict(reader.layout),
        "unknown": reader.tokenizer.unk_token_id,
        "first": reader.tokenizer.cls_token_id,
        "longest": reader.longest,
        "files": {path.name: sha256(path) for path in files},
    }
