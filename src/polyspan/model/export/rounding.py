"""An exported graph with its weights in fewer bits, by onnxruntime's own tools: float16, or int8 in three ways.

In each way of int8 the table of word embeddings, most of a multilingual model, has a scale for each piece: one
for the whole table, as onnxruntime has it, leaves little of the rare pieces.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Rounding = Literal["weights", "dynamic", "static"]
Inputs = dict[str, NDArray[np.int64]]
"""A batch as the graph takes it."""

_PRODUCTS = ["MatMul", "Gemm"]
_TABLE = 1000  # rows of a table that is worth rounding
_BLOCK = 32  # weights with one scale
_LARGEST = 1_900_000_000  # bytes of a file: protobuf ends at two gigabytes


def halve(path: Path) -> None:
    """Let a graph compute in float16; its outputs stay float32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    _write(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)


def round_to_int8(path: Path, rounding: Rounding, seen: Sequence[Inputs] = ()) -> None:
    """Round a graph's weights to int8.

    `weights`: in blocks of 32 with a scale each; states stay float32. `dynamic`: a scale for each output, and the
    states are rounded too, by their range in each batch; which is the faster one, and the less true. `static`: by
    the range that all but a hundred-thousandth of the values have in the batches `seen`.
    """
    import onnx

    model = onnx.load(path)
    _round_tables(model)
    if rounding == "weights":
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

        rounded = MatMulNBitsQuantizer(model, bits=8, block_size=_BLOCK, is_symmetric=True)
        rounded.process()
        _write(rounded.model.model, path)
        return
    part = path.with_suffix(".part")
    large = model.ByteSize() > _LARGEST
    if rounding == "dynamic":
        from onnxruntime.quantization import quantize_dynamic

        quantize_dynamic(
            model,
            part,
            op_types_to_quantize=_PRODUCTS,
            per_channel=True,
            extra_options={"MatMulConstBOnly": True},
            use_external_data_format=large,
        )
    else:
        _round_by_ranges(model, part, seen, large)
    part.replace(path)


def _round_by_ranges(model: Any, path: Path, seen: Sequence[Inputs], large: bool) -> None:
    """Write a graph that rounds what goes into products with weights, by percentiles of the batches `seen`."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    weights = {weight.name for weight in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type in _PRODUCTS and node.input[1] in weights]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # it prints its steps
        quantize_static(
            model,
            path,
            _Batches(seen),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_PRODUCTS,
            nodes_to_quantize=[node.name for node in products],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={
                "CalibTensorRangeSymmetric": False,
                "CalibStridedMinMax": 1,  # batches at a time: all states of all batches would be kept
                "OpTypesToExcludeOutputQuantization": _PRODUCTS,
            },
            use_external_data_format=large,
        )


class _Batches:
    """Batches as onnxruntime's calibration reads them (its `CalibrationDataReader`)."""

    def __init__(self, batches: Sequence[Inputs]) -> None:
        self._batches, self._coming = batches, iter(batches)

    def __len__(self) -> int:
        return len(self._batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Read these next."""
        self._coming = iter(self._batches[start_index:end_index])

    def get_next(self) -> Inputs | None:
        """The next batch, None at the end."""
        return next(self._coming, None)


def _round_tables(model: Any) -> None:
    """Tables that rows are taken from: int8 with a float32 scale for each row, which multiplies what is taken."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    uses = Counter(name for node in graph.node for name in node.input)
    taken = {node.input[0]: node for node in graph.node if node.op_type == "Gather"}
    tables = {
        table.name: table
        for table in graph.initializer
        if table.name in taken and uses[table.name] == 1 and table.data_type == TensorProto.FLOAT
        if len(table.dims) == 2 and table.dims[0] >= _TABLE
    }
    nodes, rounded = [], []
    for node in graph.node:
        if (name := node.input[0] if node.input else "") not in tables:
            nodes.append(node)
            continue
        values, ids = numpy_helper.to_array(tables[name]), node.input[1]
        scales = np.maximum(np.abs(values).max(1, keepdims=True), np.finfo(np.float32).tiny) / 127
        integers = np.rint(values / scales).astype(np.int8)
        rounded += [
            numpy_helper.from_array(integers, f"{name}.integers"),
            numpy_helper.from_array(scales.astype(np.float32), f"{name}.scales"),
        ]
        nodes += [
            helper.make_node("Gather", [f"{name}.integers", ids], [f"{name}.rows"], axis=0),
            helper.make_node("Cast", [f"{name}.rows"], [f"{name}.floats"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [f"{name}.scales", ids], [f"{name}.of_rows"], axis=0),
            helper.make_node("Mul", [f"{name}.floats", f"{name}.of_rows"], list(node.output)),
        ]
    kept = [weight for weight in graph.initializer if weight.name not in tables]
    for part, new in ((graph.node, nodes), (graph.initializer, [*kept, *rounded])):
        copies = [type(one).FromString(one.SerializeToString()) for one in new]  # a list empties what it lets go
        del part[:]
        part.extend(copies)


def _write(model: Any, path: Path) -> None:
    import onnx

    beside = path.with_name(f"{path.name}.data")
    beside.unlink(missing_ok=True)
    large = model.ByteSize() > _LARGEST
    onnx.save(model, path, save_as_external_data=large, location=beside.name if large else None)
