"""Readers that answer with torch alone: importing transformers' models takes longer than all else of an answer."""

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspan.data.cache import UNPACKED
from polyspan.errors import PolyspanError
from polyspan.files import cache_folder, sha256
from polyspan.model.encoders.base import Base, base_of
from polyspan.model.encoders.bundled import UNPACKED_AS, unpack_bundled
from polyspan.model.encoders.model_name import BUNDLED, BUNDLED_READER, DIFFERENCE, folder_with
from polyspan.model.encoders.unpacked import Unpacked
from polyspan.model.whole import Plain
from polyspan.model.windows.plain_tokenizer import PlainTokenizer
from polyspan.model.windows.tokenizer_file import TokenizerFile

if TYPE_CHECKING:
    from polyspan.model.encoders.bert import PlainBert

_NAME = BUNDLED.removeprefix("bundled:")


def load_plain(name: str, seed: int = 0) -> Plain | None:
    """A Reader's model without transformers: the bundled Reader, and others that are a difference from the bundled
    encoder.

    None for other models, on a GPU, and where anything is not as it should be: loading it with transformers says
    what.
    """
    try:
        folder = folder_with(DIFFERENCE, name)
        if folder is None or Base.load(folder) != base_of(BUNDLED) or not 0 <= seed < 2**63:
            return None
        kept = _kept(folder) if name == BUNDLED_READER else None
        found = None if kept is None else Unpacked.load(kept)  # which imports torch while it looks at the files
        from polyspan.model.device import gpu

        if gpu() is not None:
            return None
        model, tokenizer = plain_model(found or _merged(folder, kept))
    except Exception:  # whatever files and their content can be at fault for
        return None
    return None if model.head is None else Plain(model, tokenizer, partial(_whole, name, seed))


def plain_model(found: Unpacked) -> "tuple[PlainBert, PlainTokenizer]":
    """A model that answers, or has states alone, and its tokenizer."""
    from polyspan.model.encoders.bert import PlainBert

    if isinstance(found.tokenizer.backend, TokenizerFile):
        _ = found.tokenizer.backend.pieces  # read now: the cache may be emptied
    return PlainBert(found.config, found.weights), found.tokenizer


def _kept(folder: Path) -> Path:
    """Where the bundled encoder with a difference is kept, by the content of both."""
    of_both = f"{base_of(BUNDLED).sha256[f'{_NAME}-q4.bin'][:16]}-{sha256(folder / DIFFERENCE)}.{UNPACKED_AS}"
    return cache_folder() / UNPACKED / of_both


def _merged(folder: Path, kept: Path | None) -> Unpacked:
    """The bundled encoder with a difference, from now on `kept` where a place for it is given."""
    from polyspan.model.encoders.difference import WeightDifference

    base = unpack_bundled(_NAME)
    weights = {**base.weights, **WeightDifference.load(folder).changed(base.weights)}
    merged = Unpacked(base.config, base.special, base.tokenizer, weights)
    if kept is not None:
        with contextlib.suppress(PolyspanError):
            merged.save(kept)
    return merged


def _whole(name: str, seed: int) -> tuple[Any, Any]:
    from polyspan.model.encoders.encoder import load_encoder

    return load_encoder(name, seed)
