"""Where encoders come from: the bundled one, a directory, or the Hugging Face hub."""

import contextlib
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer
from transformers import logging as transformers_logging

from polyspan.errors import PolyspanError
from polyspan.model.bundled import load_bundled


def load_encoder(name: str, seed: int = 0) -> tuple[Any, Any]:
    """An encoder with a span head, and its fast tokenizer.

    `name` is `bundled:e5-small`, a directory in the format of transformers, or a hub repository. The head of a
    model that was not yet fine-tuned is drawn from `seed`. Weights are read from safetensors, or with torch's
    `weights_only`; code from the hub is never run. Raises PolyspanError where the model cannot be had.
    """
    torch.manual_seed(seed)
    with quiet():
        if name.startswith("bundled:"):
            return load_bundled(name.removeprefix("bundled:"))
        return _load(name)


def _load(name: str) -> tuple[Any, Any]:
    folder = Path(name)
    local = folder.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1
    if local and not (folder / "config.json").is_file():
        raise PolyspanError(
            f"no model at {name}",
            found="no such directory" if not folder.exists() else "no config.json in it",
            expected="a directory that `polyspan train` wrote, bundled:e5-small, or a hub name",
        )
    try:
        config = AutoConfig.from_pretrained(name)
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForQuestionAnswering.from_pretrained(name, config=config, dtype=torch.float32)
    except Exception as error:  # whatever transformers and safetensors raise for files they cannot use
        raise PolyspanError(
            f"cannot load the model {name!r}",
            found=str(error).strip().splitlines()[0],
            fix="check the files in the directory"
            if local
            else "check the name and the network, or use a downloaded directory or bundled:e5-small",
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise PolyspanError(
            f"{name} has no fast tokenizer",
            expected="a tokenizer.json: answers are cut by its character offsets",
            fix="convert it with transformers, or choose a model that has one",
        )
    return model.eval(), tokenizer


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No load report and no progress bar: a fresh head is what fine-tuning starts from, not a fault."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def versions() -> dict[str, str]:
    """Versions of what decides the numbers, for run records."""
    packages = ("polyspan", "torch", "transformers", "tokenizers", "numpy")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}
