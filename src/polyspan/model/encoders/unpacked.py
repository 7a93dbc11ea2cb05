"""An encoder unpacked, as it is kept in the cache folder: its weights are mapped into memory there, not read.

Processes share the memory, and each has its own copy of what it writes to: the file stays as it is. torch is
imported while a thread looks at the file.
"""

import contextlib
import hashlib
import json
import mmap
import os
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspan.files import replacing_folder, write_json
from polyspan.model.windows.plain_tokenizer import PlainTokenizer

if TYPE_CHECKING:
    import torch

_ABOUT, _WEIGHTS, _TOKENIZER = "about.json", "weights.safetensors", "tokenizer.json"
_ALIGNED = 64  # bytes: where torch's own memory begins, so that results have the same bits


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Options of the configuration, options of transformers' tokenizer, the tokenizer, and weights in float32."""

    config: Mapping[str, Any]
    special: Mapping[str, Any]
    tokenizer: PlainTokenizer
    weights: "Mapping[str, torch.Tensor]"

    @classmethod
    def load(cls, folder: Path) -> "Unpacked | None":
        """What a folder keeps; None where it keeps nothing, or other bytes than were written."""
        try:
            about = json.loads((folder / _ABOUT).read_text("utf-8"))
            with ThreadPoolExecutor(1) as beside:
                weights = beside.submit(_sha256, folder / _WEIGHTS)
                if _sha256(folder / _TOKENIZER) != about["sha256"][_TOKENIZER]:
                    return None
                tokenizer = PlainTokenizer.open(folder / _TOKENIZER, about["tokenizer"])
                from safetensors.torch import load_file
            if weights.result() != about["sha256"][_WEIGHTS]:
                return None
            found = cls(about["config"], about["special"], tokenizer, load_file(folder / _WEIGHTS))
        except Exception:  # whatever json, tokenizers and safetensors raise for what they cannot read
            return None
        with contextlib.suppress(OSError):
            os.utime(folder)  # it was used
        return found

    def save(self, folder: Path) -> None:
        """Keep it in a folder, whole or not at all. Raises PolyspanError where that cannot be written."""
        with replacing_folder(folder) as part:
            _write(self.weights, part / _WEIGHTS)
            facts = self.tokenizer.save(part / _TOKENIZER)
            hashes = {name: _sha256(part / name) for name in (_WEIGHTS, _TOKENIZER)}
            about = {"config": self.config, "special": self.special, "tokenizer": facts, "sha256": hashes}
            write_json(part / _ABOUT, about)


def _write(weights: "Mapping[str, torch.Tensor]", path: Path) -> None:
    """Write a safetensors file whose data begin at a multiple of 64 bytes; safetensors itself has one of 8."""
    header: dict[str, Any] = {}
    end = 0
    for name, value in weights.items():
        begin, end = end, end + value.nbytes
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNED)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in weights.values():
            file.write(value.contiguous().numpy().data)


def _sha256(path: Path) -> str:
    """As `files.sha256`, in one piece, so that other threads are not waited for."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return hashlib.sha256(content).hexdigest()
