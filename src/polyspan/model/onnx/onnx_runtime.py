"""A model in onnxruntime: a Reader answers with it, without torch."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from polyspan.errors import PolyspanError, UsageError, not_installed
from polyspan.model.batch import Batch
from polyspan.model.windows.windows import Layout

OUTPUTS = ("start_logits", "end_logits")
AGAIN = "export it again with `polyspan export`"


class Processor(NamedTuple):
    """Where onnxruntime computes."""

    type: str = "cpu"


def graph_inputs(batch: Batch) -> dict[str, Any]:
    """What an exported graph takes of a batch: a mask of its padding in any case."""
    return {"attention_mask": np.ones_like(batch.input_ids)} | batch.inputs()


class OnnxRuntime:
    """Gives logits as arrays, as `TorchRuntime` gives tensors. Whatever else a model of torch has is refused."""

    fresh_head = False
    device = Processor()
    packs = False

    def __init__(self, path: Path, dtype: str) -> None:
        """Raises PolyspanError where onnxruntime is missing, or cannot run the model."""
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise not_installed(error, "an exported Reader") from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
        if os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE":
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own kinds, which have no common base
            raise PolyspanError(
                f"onnxruntime {onnxruntime.__version__} cannot run the exported model",
                where=str(path),
                found=" ".join(str(error).split()),
                fix=f"update onnxruntime, or {AGAIN}",
            ) from error
        self.dtype = dtype
        self._inputs = {one.name for one in self._session.get_inputs()}

    def layout(self, tokenizer: Any) -> Layout:
        """How questions and contexts are joined: as it was exported."""
        return tokenizer.layout  # type: ignore[no-any-return]

    def longest(self, tokenizer: Any) -> int:
        """Pieces in a window at most."""
        return int(tokenizer.model_max_length)

    def answering(self, *, pack: bool = False) -> AbstractContextManager[Any]:
        """Nothing is to be made ready. Raises UsageError where it is to `pack` windows."""
        if pack:
            fix = "leave --pack away: batches of even length cost nearly the same"
            raise UsageError("the windows of an exported Reader cannot be packed", fix=fix)
        return nullcontext()

    def logits(self, batch: Batch, *, pack: bool = False) -> tuple[Any, Any]:
        """Start and end logits, float32 arrays of shape (batch, length); −inf at padding."""
        given = graph_inputs(batch)
        start, end = self._run({name: given[name] for name in self._inputs})
        if batch.attention_mask is None:
            return start, end
        padding, never = batch.attention_mask == 0, np.float32("-inf")
        return np.where(padding, never, start), np.where(padding, never, end)

    def _run(self, given: dict[str, Any]) -> tuple[Any, Any]:
        start, end = self._session.run(OUTPUTS, given)
        return start, end

    def free_memory(self) -> None:
        """Nothing lies on a GPU."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        fix = "take the Reader that it was exported from; to copy this one, copy its folder"
        raise UsageError("an exported Reader answers and does nothing else", fix=fix)
