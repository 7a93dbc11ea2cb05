"""A model in OpenVINO, which reads the same graph and, where the processor has it, computes in bf16."""

import os
from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError, not_installed
from polyspan.model.onnx.onnx_runtime import AGAIN, OUTPUTS, OnnxRuntime


class OpenVinoRuntime(OnnxRuntime):
    """As `OnnxRuntime`, with other means."""

    def __init__(self, path: Path, dtype: str) -> None:
        """Raises PolyspanError where OpenVINO is missing, or cannot run the model."""
        try:
            import openvino  # type: ignore[import-not-found, unused-ignore]
        except ModuleNotFoundError as error:
            raise not_installed(error, "a Reader exported for OpenVINO") from error
        hints: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "bf16" if dtype == "bf16" else "f32"}  # itself: bf16
        if threads := int(os.environ.get("OMP_NUM_THREADS") or 0):
            hints["INFERENCE_NUM_THREADS"] = threads
        try:
            self._model = openvino.Core().compile_model(path, "CPU", hints)
        except Exception as error:  # OpenVINO raises RuntimeError and its kin
            raise PolyspanError(
                f"OpenVINO {openvino.__version__} cannot run the exported model",
                where=str(path),
                found=" ".join(str(error).split())[:300],
                fix=f"update openvino, or {AGAIN} for onnxruntime",
            ) from error
        self.dtype = dtype
        self._inputs = {one.any_name for one in self._model.inputs}

    def _run(self, given: dict[str, Any]) -> tuple[Any, Any]:
        found = self._model(given)
        start, end = (found[name] for name in OUTPUTS)
        return start, end
