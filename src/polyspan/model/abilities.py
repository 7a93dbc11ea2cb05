"""What a model can do, asked here and nowhere else; what it cannot is told in one sentence.

Of the encoders in most use it is known. Of others, where their parts do not say it, it is tried: two short windows
of any pieces are computed in two ways. That holds for architectures that nobody here has seen.
"""

import inspect
from collections.abc import Callable
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.batch import Batch
from polyspan.model.fast.attention import NAME
from polyspan.model.fast.pack import packed_inputs, unpacked

Ability = Literal["pack", "bf16", "probe", "layers", "trim", "graft"]

_LENGTHS = (5, 8)  # of the windows that are tried, in pieces: shorter than any encoder's local attention
_ROUNDING = 1e-4  # what float32 may lose, as a share of the largest logit
_ENCODERS = (
    "BertForQuestionAnswering",
    "RobertaForQuestionAnswering",
    "XLMRobertaForQuestionAnswering",
    "PlainBert",
)
_KNOWN = {"causal": False, "pack": True, "bf16": True, "probe": True}  # as trials find of these
_tried: WeakKeyDictionary[Any, dict[str, bool]] = WeakKeyDictionary()


def require(ability: Ability, model: Any, tokenizer: Any = None) -> None:
    """Raise UsageError, with the reason, where a model (with its tokenizer) cannot do something.

    `pack`: compute windows as one row. `bf16`: compute in it. `probe`: show the states of each layer. `layers`:
    have layers that can be frozen, or states changed between. `trim`, `graft`: lose or take pieces.
    """
    if refusal := _REFUSALS[ability](model, tokenizer):
        raise refusal


def can(ability: Ability, model: Any, tokenizer: Any = None) -> bool:
    """Whether a model can do something, as `require` has it."""
    return _REFUSALS[ability](model, tokenizer) is None


def takes(model: Any, name: str) -> bool:
    """Whether a model has an input of this name, by its own forward or that of its base model."""
    return any(name in inspect.signature(part.forward).parameters for part in (model, model.base_model))


def encoder_layers(model: Any) -> list[torch.nn.Module]:
    """The layers of an encoder, lowest first; empty for a model that has no stack of them."""
    total = getattr(model.config, "num_hidden_layers", 0)
    stacks = (part for part in model.modules() if isinstance(part, torch.nn.ModuleList) and len(part) == total)
    return list(next(stacks, []))


def embeddings(model: Any) -> list[str]:
    """The names of the parameters that turn pieces and places into a model's first states."""
    above = {id(weight) for layer in encoder_layers(model) for weight in layer.parameters()}
    return [
        f"{name}.{own}"
        for name, part in model.named_modules()
        if isinstance(part, torch.nn.Embedding)
        for own, weight in part.named_parameters(recurse=False)
        if id(weight) not in above
    ]


def sees_ahead(model: Any) -> bool:
    """Whether a piece sees those behind it, as in an encoder; False for a decoder's causal attention."""
    return not _once(model, "causal", _first_piece_sees_no_other)


def _refuses_packing(model: Any, _: Any) -> PolyspanError | None:
    attends = takes(model, "position_ids") and getattr(model.config, "_attn_implementation", None) == NAME
    if attends and _once(model, "pack", _packs_alike):
        return None
    return UsageError(
        f"the windows of a {type(model).__name__} cannot be packed",
        found="packed, it computes something else" if attends else "it computes attention in its own way",
        expected="a model that lets polyspan compute its attention, such as BERT, XLM-R, ModernBERT or Qwen3",
        fix="leave --pack away: batches of even length cost nearly the same",
    )


def _refuses_bf16(model: Any, _: Any) -> PolyspanError | None:
    if _once(model, "bf16", _computes_in_bf16):
        return None
    return UsageError(f"a {type(model).__name__} cannot be computed in bf16", fix="--dtype fp32")


def _refuses_probing(model: Any, _: Any) -> PolyspanError | None:
    if _once(model, "probe", _shows_states):
        return None
    return UsageError(
        f"a {type(model).__name__} has no layers to look into", expected="an encoder or a decoder of transformers"
    )


def _refuses_layers(model: Any, _: Any) -> PolyspanError | None:
    if encoder_layers(model):
        return None
    return UsageError(
        f"a {type(model).__name__} has no layers that could be frozen or mapped, one after another",
        expected="a model with a stack of layers, such as BERT, XLM-R or ModernBERT",
    )


def _refuses_trimming(model: Any, tokenizer: Any) -> PolyspanError | None:
    return _refuses_pieces(model, tokenizer, "loses no pieces", ("Unigram", "WordPiece", "BPE"))


def _refuses_grafting(model: Any, tokenizer: Any) -> PolyspanError | None:
    """A piece of BPE is only ever reached by merges."""
    return _refuses_pieces(model, tokenizer, "takes no new words", ("WordPiece", "Unigram"))


def _refuses_pieces(model: Any, tokenizer: Any, what: str, kinds: tuple[str, ...]) -> PolyspanError | None:
    kind = type(tokenizer.backend_tokenizer.model).__name__
    if kind not in kinds:
        return UsageError(
            f"a {kind} tokenizer {what}",
            expected=f"a {' or '.join(kinds)} tokenizer",
            fix="choose another encoder",
        )
    table = model.get_input_embeddings()
    if not isinstance(table, torch.nn.Embedding):
        return UsageError(f"a {type(model).__name__} {what}", found="no plain table of word embeddings")
    rows = table.num_embeddings
    more = [
        name
        for name, part in (*model.named_parameters(), *model.named_buffers())
        if part.ndim and len(part) == rows and part is not table.weight and "position" not in name
    ]
    if more:
        return UsageError(f"a {type(model).__name__} {what}", found=f"a row for each piece in {more[0]} too")
    return None


_REFUSALS: dict[Ability, Callable[[Any, Any], PolyspanError | None]] = {
    "pack": _refuses_packing,
    "bf16": _refuses_bf16,
    "probe": _refuses_probing,
    "layers": _refuses_layers,
    "trim": _refuses_trimming,
    "graft": _refuses_grafting,
}


def _once(model: Any, what: str, trial: Callable[[Any], bool]) -> bool:
    """The result of a trial, kept with the model, if it is not known. What a model of any kind may raise is a no.

    Gradients are on, so that no layer lays its weights out for windows as short as these.
    """
    known = _tried.setdefault(model, dict(_KNOWN) if _is_known(model) else {})
    if what not in known:
        training = model.training
        model.eval()
        try:
            with torch.inference_mode(False), torch.enable_grad():
                known[what] = trial(model)
        except Exception:  # whatever an architecture raises for what it cannot do
            known[what] = False
        finally:
            model.train(training)
    return known[what]


def _is_known(model: Any) -> bool:
    """Whether it is one of the encoders in most use, as transformers has it or polyspan."""
    kind = type(model)
    return (
        kind.__module__.startswith(("transformers.models.", "polyspan.model.encoders."))
        and kind.__name__ in _ENCODERS
        and not model.config.is_decoder
    )


def _trial(model: Any, lengths: tuple[int, ...] = _LENGTHS) -> Batch:
    """A batch of windows of some pieces, half of each window the question."""
    width, device = max(lengths), next(model.parameters()).device
    places = np.arange(width)
    inside = places < np.array(lengths)[:, None]
    known = model.get_input_embeddings().num_embeddings
    ids = np.where(inside, known // 2 + places % (known // 2), 0)
    kinds = getattr(model.config, "type_vocab_size", 0) or 0
    types = None
    if takes(model, "token_type_ids") and kinds:
        types = ((places >= width // 2) * inside * (kinds > 1)).astype(np.int64)
    batch = Batch(
        rows=np.arange(len(lengths), dtype=np.int32),
        lengths=np.array(lengths, np.int32),
        input_ids=ids,
        token_type_ids=types,
        attention_mask=None if inside.all() else inside.astype(np.int64),
        context=np.zeros((len(lengths), 2), np.int64),
        **{name: np.zeros(len(lengths), np.int64) for name in ("start", "end", "null")},
    )
    return batch.to(device)


def _first_piece_sees_no_other(model: Any) -> bool:
    batch, first = _trial(model, _LENGTHS[:1]), []
    for _ in range(2):
        first.append(model(**batch.inputs()).start_logits.detach()[0, 0])
        batch.input_ids[0, 1:] -= 1
    return bool((first[0] - first[1]).abs() <= _ROUNDING / 10 * first[0].abs())


def _packs_alike(model: Any) -> bool:
    batch = _trial(model)
    plain = model(**batch.inputs()).start_logits.detach()
    packed = unpacked(model(**packed_inputs(model, batch)).start_logits.detach()[0], batch)
    inside = packed.isfinite()
    return bool((packed - plain)[inside].abs().max() <= _ROUNDING * plain[inside].abs().max())


def _computes_in_bf16(model: Any) -> bool:
    batch = _trial(model)
    with torch.autocast(batch.input_ids.device.type, torch.bfloat16):
        found = model(**batch.inputs()).start_logits
    return bool(found[:, 0].isfinite().all())


def _shows_states(model: Any) -> bool:
    states = model.base_model(**_trial(model).inputs(), output_hidden_states=True).hidden_states
    return bool(len(states) == model.config.num_hidden_layers + 1)
