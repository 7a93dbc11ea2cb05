"""The model of a Reader as an ONNX graph, for batches of any size and length (by torch.export)."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.fast.attention import NAME
from polyspan.model.fast.linear import Linear
from polyspan.model.onnx.onnx_runtime import OUTPUTS
from polyspan.model.windows.windows import Layout

_LARGEST = 1_900_000_000  # bytes of a file: protobuf ends at two gigabytes, and weights stand beside it then


def write_graph(model: Any, layout: Layout, path: Path) -> None:
    """Write a model with its weights, in float32, to `path`, or with them in a second file where they are many.

    Inputs are ids, the mask of padding and, where the layout has them, token types, int64 of shape (batch,
    length); outputs the logits of start and end. Raises UsageError for an architecture that torch cannot export,
    and PolyspanError where a package is missing.
    """
    for package in ("onnx", "onnxruntime", "onnxscript"):
        if find_spec(package) is None:
            fix = "pip install 'polyspan[onnx]'"
            raise PolyspanError(f"an export needs {package}, which is not installed", fix=fix)
    given = _example(model, layout)
    shapes = {name: {0: "batch", 1: "length"} for name in given}
    try:
        with _plainly(model), silently(), torch.no_grad():
            program = torch.onnx.export(
                _SpanLogits(model).eval(),
                kwargs=given,
                dynamic_shapes=shapes,
                input_names=list(given),
                output_names=list(OUTPUTS),
                opset_version=_opset(model),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # whatever torch.export and onnxscript raise for what they do not know
        raise UsageError(
            f"a {type(model).__name__} cannot be exported as ONNX",
            found=_reason(error),
            expected="a model of a common kind, such as BERT, XLM-R, ModernBERT, DeBERTa-v2 or Qwen3",
        ) from error
    assert program is not None
    size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    program.save(path, external_data=size > _LARGEST)


def _opset(model: Any) -> int | None:
    """The first opset that has attention as one operation, a fifth faster; onnxruntime 1.23 and later read it.

    None, as torch has it by itself, where positions are turned into angles: the operation that torch makes of it
    there does not take the same angles for all windows.
    """
    turned = any("Rotary" in type(module).__name__ for module in model.modules())
    return None if turned else 23


class _SpanLogits(torch.nn.Module):
    """A model that takes what windows have and gives nothing but the two logits."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        found = self.model(input_ids=input_ids, attention_mask=attention_mask, **types)
        return found.start_logits, found.end_logits


def _example(model: Any, layout: Layout) -> dict[str, torch.Tensor]:
    """Two windows, one of them padded, of a length that no part of a model has by itself."""
    device = next(model.parameters()).device
    ids = torch.arange(2 * 11, device=device).view(2, 11) % model.get_input_embeddings().num_embeddings
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    given = {"input_ids": ids, "attention_mask": mask}
    return given if layout.types is None else given | {"token_type_ids": torch.zeros_like(ids)}


@contextlib.contextmanager
def _plainly(model: Any) -> Iterator[None]:
    """Let a model compute as transformers has it: ONNX knows none of the operations that are faster here."""
    layers = {module: type(module) for module in model.modules() if isinstance(module, Linear)}
    attention = model.config._attn_implementation
    for layer in layers:
        layer.__class__ = torch.nn.Linear  # type: ignore[assignment]
    if attention == NAME:
        model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        for layer, kind in layers.items():
            layer.__class__ = kind
        if attention == NAME:
            model.set_attn_implementation(attention)


@contextlib.contextmanager
def silently() -> Iterator[None]:
    """Without what exporters say of their steps; one of them sets all logging up when it is imported."""
    root = logging.root
    before, handlers, level = root.manager.disable, root.handlers[:], root.level
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        root.handlers[:] = handlers
        root.setLevel(level)


def _reason(error: BaseException) -> str:
    """The first line of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
