"""Texts as vectors of the bundled encoder, which was made to find passages for questions of other languages.

Multilingual E5 (Wang et al. 2024) wants `query: ` before a question and `passage: ` before a passage, takes the
mean of the last layer over all pieces, and compares by the cosine. It is the encoder as it came: a Reader's layers
have learnt something else.
"""

import contextlib
import functools
import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.data.cache import Shelf
from polyspan.errors import PolyspanError
from polyspan.model.batch import by_tokens
from polyspan.model.device import best_device
from polyspan.model.encoders.bundled import unpack_bundled
from polyspan.model.encoders.model_name import BUNDLED, SHA256
from polyspan.model.encoders.plain import plain_model
from polyspan.model.fast.allocator import keep_freed_memory
from polyspan.model.search import budget_of
from polyspan.model.windows.tokens import tokenise
from polyspan.model.windows.windows import layout
from polyspan.progress import progress

Kind = Literal["query", "passage"]
Floats = NDArray[np.float32]

_NAME = BUNDLED.removeprefix("bundled:")
_FORMAT = 1
_KEPT = np.dtype("<f2")  # rounding moves a cosine by 1e-4 at most
_CHUNK = 256  # texts between two writes to the cache: after a kill it goes on from there


def embed(texts: Sequence[str], kind: Kind, doing: str = "") -> Floats:
    """Unit vectors of one text or more, (texts, width): the cosine of two is their product.

    A text that the encoder cannot take whole is computed in stretches, and the mean is over all its pieces.
    Vectors are kept in polyspan's cache by the hashes of the encoder and of the text; where all are there the
    encoder is not loaded. `doing` names the work for the progress.
    """
    keys = [hashlib.sha256(f"{kind}: {text}".encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
    shelf = Shelf("embeddings", f"{SHA256[_NAME]} {_FORMAT}")
    found: dict[str, bytes] = {}
    with contextlib.suppress(PolyspanError):  # a cache that cannot be used costs time, not the answer
        found = shelf.get(list(dict.fromkeys(keys)))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
    with progress(doing, len(missing), f"{kind}s") as advance:
        for first in range(0, len(missing), _CHUNK):
            chunk = dict(list(missing.items())[first : first + _CHUNK])
            vectors = _computed(list(chunk.values()), kind).astype(_KEPT)
            made = {key: vector.tobytes() for key, vector in zip(chunk, vectors, strict=True)}
            with contextlib.suppress(PolyspanError):
                shelf.put(made)
            found |= made
            advance(len(chunk), "")
    rows = np.frombuffer(b"".join(found[key] for key in keys), _KEPT).astype(np.float32)
    return rows.reshape(len(texts), -1)


@functools.cache
def _encoder() -> tuple[Any, Any]:
    model, tokenizer = plain_model(unpack_bundled(_NAME))
    keep_freed_memory()
    return model.to(best_device()), tokenizer


def _computed(texts: Sequence[str], kind: Kind) -> Floats:
    model, tokenizer = _encoder()
    tokens = tokenise([text.strip() for text in texts], tokenizer, places=False)
    before = [tokenizer.cls_token_id, *tokenise([f"{kind}:"], tokenizer, places=False).ids]
    shape, device = layout(tokenizer), next(model.parameters()).device
    after = list(shape.suffix)
    room = tokenizer.model_max_length - len(before) - len(after)
    cuts = [(text, at) for text in range(len(texts)) for at in range(0, max(1, len(tokens.of(text))), room)]
    rows = [[*before, *tokens.of(text)[at : at + room], *after] for text, at in cuts]
    owner = torch.tensor([text for text, _ in cuts])
    lengths = np.array([len(row) for row in rows], np.int32)
    sums = torch.zeros(len(texts), model.config.hidden_size)
    with torch.inference_mode():
        for part in by_tokens(lengths, budget_of(device)):
            ids = torch.full((len(part), int(lengths[part[0]])), shape.pad)
            mask = torch.arange(ids.shape[1]) < torch.from_numpy(lengths[part])[:, None]
            ids[mask] = torch.tensor([piece for row in part for piece in rows[row]])
            inputs = {"input_ids": ids, "attention_mask": mask.long()}
            states = model.states(**{name: tensor.to(device) for name, tensor in inputs.items()})
            sums.index_add_(0, owner[part], (states.float().cpu() * mask[..., None]).sum(1))
    return torch.nn.functional.normalize(sums, dim=-1).numpy()
