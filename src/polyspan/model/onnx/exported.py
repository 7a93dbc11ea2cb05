"""The folder of an exported Reader: what its files must be, and what is read of them without transformers."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from polyspan.errors import PolyspanError
from polyspan.files import explained, sha256
from polyspan.model.encoders.model_name import EXPORT
from polyspan.model.onnx.onnx_runtime import AGAIN, OnnxRuntime
from polyspan.model.windows.plain_tokenizer import PlainTokenizer
from polyspan.model.windows.windows import Layout

GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"
VERSION = 1
"""Raise it where older folders can no longer be read."""

Precision = Literal["fp32", "bf16", "fp16", "int8"]
Runtime = Literal["onnxruntime", "openvino"]


@checked(frozen=True, config=ConfigDict(extra="ignore"))
class ExportRecord:
    """What `export.json` says of a folder; what the gate measured stands beside it there."""

    version: int
    format: Precision
    layout: Layout
    unknown: int | None
    """The id of the piece for what the encoder does not know."""
    first: int | None
    """The id of [CLS] or the like, where it has one."""
    longest: int
    """Pieces in a window at most."""
    files: Mapping[str, str]
    """SHA-256 of each file but `calibration.json`, which `polyspan calibrate` may write anew."""
    runtime: Runtime = "onnxruntime"
    """What it answers with: the gate has measured that one."""

    @classmethod
    def load(cls, folder: Path) -> "ExportRecord":
        """Raises PolyspanError for a broken file, and for one of another format."""
        path = folder / EXPORT
        try:
            with explained(path, "read"):
                found = TypeAdapter(cls).validate_json(path.read_bytes())
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            place = ".".join(map(str, fault["loc"]))
            where = f"{path}: {place}" if place else str(path)
            raise PolyspanError(
                "the record of an exported Reader cannot be read", where=where, found=fault["msg"], fix=AGAIN
            ) from error
        if found.version != VERSION:
            raise PolyspanError(
                "the Reader was exported by another version of polyspan",
                where=str(path),
                found=f"version {found.version}",
                expected=f"version {VERSION}",
                fix=AGAIN,
            )
        return found

    def require_files(self, folder: Path) -> None:
        """Raise PolyspanError where a file is missing or has another content than was exported."""
        for name, expected in self.files.items():
            path = folder / name
            if not path.is_file():
                found = f"no {name}"
                raise PolyspanError("an exported Reader is not whole", where=str(folder), found=found, fix=AGAIN)
            with explained(path, "read"):
                found = sha256(path)
            if found != expected:
                raise PolyspanError(
                    "a file of an exported Reader was changed or cut short",
                    where=str(path),
                    found=f"SHA-256 {found[:12]}…",
                    expected=f"{expected[:12]}…",
                    fix=f"copy it again, or {AGAIN}",
                )


def _tokenizer(folder: Path, record: ExportRecord) -> PlainTokenizer:
    """The tokenizer in a folder. Raises PolyspanError where it cannot be read."""
    from tokenizers import Tokenizer

    try:
        backend = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # tokenizers raises nothing narrower
        raise PolyspanError(
            "the tokenizer of an exported Reader cannot be read",
            where=str(folder / TOKENIZER),
            found=str(error).splitlines()[0],
            fix=AGAIN,
        ) from error
    return PlainTokenizer(backend, record.layout, record.unknown, record.first, record.longest)


def _runtime(record: ExportRecord) -> type[OnnxRuntime]:
    if record.runtime == "onnxruntime":
        return OnnxRuntime
    from polyspan.model.onnx.openvino_runtime import OpenVinoRuntime

    return OpenVinoRuntime


def load_exported(folder: Path) -> tuple[OnnxRuntime, PlainTokenizer]:
    """What a Reader in a folder that `polyspan export` wrote computes with, and its tokenizer.

    Raises PolyspanError where a file is missing or broken, or is not as it was exported.
    """
    record = ExportRecord.load(folder)
    with ThreadPoolExecutor(2) as beside:  # all three take as long
        whole = beside.submit(record.require_files, folder)
        tokenizer = beside.submit(_tokenizer, folder, record)
        try:
            runtime = _runtime(record)(folder / GRAPH, record.format)
        finally:
            whole.result()  # its fault is the cause of others
        return runtime, tokenizer.result()
