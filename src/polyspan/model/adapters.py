"""Several adapters on one base in one process, the base in memory once."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source
from polyspan.model.calibration import Calibration
from polyspan.model.encoders.adapter import Adapter
from polyspan.model.encoders.encoder import load_base
from polyspan.model.encoders.model_name import ADAPTER, fetched, folder_with
from polyspan.model.fast.precision import require_dtype
from polyspan.model.reader import Reader, saved_windows


def load_adapters(folders: Mapping[str, Source], dtype: str = "fp32") -> dict[str, Reader]:
    """A Reader for each adapter's folder, by the name given to it. They share the weights of their base.

    Each has the adapter's layers beside those of the base, which costs a third more time at every answer on a CPU;
    `Reader.load` merges, which costs the memory of a whole model instead. Their answers differ by rounding alone.
    Raises PolyspanError for a folder that holds no adapter, and for adapters of different bases.
    """
    require_dtype(dtype)
    if not folders:
        raise UsageError("there is no adapter to load", expected="folders of adapters by name")
    places = {name: fetched(str(folder)) for name, folder in folders.items()}
    loaded = {name: _load(place) for name, place in places.items()}
    (first, adapter), *others = loaded.items()
    for name, other in others:
        if other.base != adapter.base:
            raise PolyspanError(
                "the adapters belong to different bases",
                found=f"{name} to {other.base.name}",
                expected=f"{adapter.base.name}, as {first}",
                fix="load each by itself with Reader.load",
            )
    model, tokenizer = load_base(adapter, places[first])
    readers = {}
    for name, one in loaded.items():
        shared = _shared(model, one)
        one.attach(shared)
        options, calibration = saved_windows(Path(places[name])), Calibration.load(places[name])
        readers[name] = Reader(shared.eval(), tokenizer, options, dtype, calibration, one.bare)
    return readers


def _load(folder: str) -> Adapter:
    if (found := folder_with(ADAPTER, folder)) is None:
        raise PolyspanError(
            "this is no adapter", where=folder, expected="a folder that `polyspan train --lora` wrote"
        )
    return Adapter.load(found)


def _shared(model: Any, adapter: Adapter) -> Any:
    """A copy of a model with modules of its own above, and the same layers and weights below but for the heads."""
    known = {}
    for name, part in model.named_modules():
        if not any(True for _ in part.children()) and not f"{name}.".startswith(adapter.heads_begin):
            known[id(part)] = part
    for name, weight in (*model.named_parameters(), *model.named_buffers()):
        if not name.startswith(adapter.heads_begin):
            known[id(weight)] = weight
    return copy.deepcopy(model, known)
