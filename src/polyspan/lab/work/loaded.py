"""Readers that the last stages of a process loaded, at hand for the next ones: loading one takes seconds."""

import os
from typing import TYPE_CHECKING

from polyspan.files import Source

if TYPE_CHECKING:
    from polyspan.model.reader import Reader
    from polyspan.model.windows.windows import WindowOptions

_MOST = 2  # tests are asked in turns: the Reader that was trained, then its encoder with a fresh head
_loaded: "dict[tuple[object, ...], Reader]" = {}


def at_hand(name: Source, options: "WindowOptions | None" = None, seed: int = 0, dtype: str = "fp32") -> "Reader":
    """`Reader.load`, but for the last ones loaded. A folder that was written anew is loaded anew."""
    from polyspan.model.reader import Reader

    written = os.stat(name).st_mtime_ns if os.path.isdir(name) else None
    key = str(name), written, options, seed, dtype
    reader = _loaded.pop(key, None)
    if reader is None:
        while len(_loaded) >= _MOST:
            del _loaded[next(iter(_loaded))]
        reader = Reader.load(name, options, seed, dtype)
    _loaded[key] = reader
    return reader


def put_away() -> None:
    """Let go of them: for a training, which needs the memory, and at the end of a run."""
    _loaded.clear()
