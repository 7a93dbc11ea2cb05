"""Where encoders come from: the bundled one, a directory, or the Hugging Face hub."""

import contextlib
import hashlib
import logging
from collections.abc import Iterator
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoModelForQuestionAnswering, AutoTokenizer
from transformers import logging as transformers_logging

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source
from polyspan.model.device import best_device
from polyspan.model.encoders.adapter import Adapter
from polyspan.model.encoders.bundled import load_bundled
from polyspan.model.encoders.difference import WeightDifference
from polyspan.model.encoders.model_name import (
    ADAPTER,
    DIFFERENCE,
    EXPORT,
    fetched,
    folder_with,
    hub_commit,
    model_folder,
    pinned,
    repository,
)
from polyspan.model.encoders.qanet import register_qanet
from polyspan.model.encoders.span_head import register_span_head
from polyspan.model.fast.attention_interface import use_attention
from polyspan.model.fast.dropout import use_dropout
from polyspan.model.fast.linear import use_linear
from polyspan.model.windows.tokens import require_places

_FEWEST_PIECES = 20  # transformers makes an empty tokenizer where a folder has none


def load_encoder(name: str, seed: int = 0, language_adapter: Source | None = None) -> tuple[Any, Any]:
    """An encoder with a span head, and its fast tokenizer.

    `name` is `bundled:e5-small` or `bundled:reader`, a directory in the format of transformers, or
    `OWNER/NAME@REVISION` on the hub, as `pinned` reads it. An adapter or a difference, in a folder or on the hub,
    means its base with that merged; with `language_adapter` that one takes the place of the language's adapter
    which an adapter was trained on. The head of a model that was not yet fine-tuned is drawn from `seed`. Weights
    are read from safetensors, or with torch's `weights_only`; code from the hub is never run. Raises PolyspanError
    where the model cannot be had.
    """
    if not 0 <= seed < 2**63:
        raise UsageError("a seed is a whole number from 0 below 2**63", found=str(seed))
    name = fetched(name)
    if folder_with(EXPORT, name) is not None:
        raise UsageError(
            "an exported Reader answers and does nothing else",
            where=name,
            fix="take the Reader that it was exported from",
        )
    small = _beside_base(name)
    if language_adapter is not None:
        if not isinstance(small, Adapter):
            raise UsageError(
                "a whole model has no language's adapter that could be replaced",
                where=name,
                expected="an adapter that was trained with --model LANGUAGE_ADAPTER --lora RANK",
            )
        small = small.moved_to(language_adapter, name)
    if small is not None:
        model, tokenizer = load_base(small, name, seed)
        small.merge(model)
        return model, tokenizer
    with quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        model, tokenizer = (
            load_bundled(name.removeprefix("bundled:")) if name.startswith("bundled:") else _load(name)
        )
    use_kernels(model)
    return model.to(best_device()), tokenizer


def use_kernels(model: Any) -> None:
    """Let a model compute attention, dropout and linear layers here; its results differ by rounding alone."""
    use_attention(model)
    use_dropout(model)
    use_linear(model)


def _beside_base(name: str) -> Adapter | WeightDifference | None:
    """What a model's name means where that is nothing without its base."""
    if (folder := folder_with(ADAPTER, name)) is not None:
        return Adapter.load(folder)
    return None if (folder := folder_with(DIFFERENCE, name)) is None else WeightDifference.load(folder)


def load_base(small: Adapter | WeightDifference, where: str, seed: int = 0) -> tuple[Any, Any]:
    """The model that the adapter or the difference at `where` belongs to, and its tokenizer.

    Raises PolyspanError where it cannot be had, and where it is another one now.
    """
    what = "adapter" if isinstance(small, Adapter) else "difference"
    name = small.base.name
    try:
        model, tokenizer = load_encoder(name, seed)
    except PolyspanError as error:
        raise PolyspanError(
            f"the base of the {what} cannot be loaded",
            where=where,
            found=error.brief,
            expected=name,
            fix="put the base back, or write in base.json where it is now",
        ) from error
    small.base.require(what, where)
    return model, tokenizer


def _load(name: str) -> tuple[Any, Any]:
    folder, place, commit = model_folder(name), name, None
    if folder is None:
        place, commit = repository(pinned(name))
        hub_commit(place, commit)  # one short question to the hub, where transformers would try many times
    register_qanet()
    try:
        given: dict[str, Any] = {"revision": commit or "main", "trust_remote_code": False}  # None would ask
        config = AutoConfig.from_pretrained(place, **given)
        config.num_labels = 2  # start and end, whatever the model was fine-tuned for before
        if hasattr(config, "use_cache"):
            config.use_cache = False  # a decoder's, for text that it writes
        register_span_head(config)
        tokenizer = AutoTokenizer.from_pretrained(place, **given)
        given |= {"config": config, "dtype": torch.float32}
        model, info = AutoModelForQuestionAnswering.from_pretrained(place, output_loading_info=True, **given)
        missing = info["missing_keys"]
        model.fresh_head = any("qa_outputs" in key or "classifier" in key for key in missing)
        if len(missing) > len(model.state_dict()) / 2:
            _load_body(model, name, place, given)
    except PolyspanError:
        raise
    except Exception as error:  # whatever transformers and safetensors raise for files they cannot use
        raise PolyspanError(
            f"cannot load the model {name!r}",
            found=(str(error).strip() or repr(error)).splitlines()[0],
            fix="check the files in the directory"
            if folder
            else "check the name and the network, or use a downloaded directory or bundled:e5-small",
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise PolyspanError(
            f"{name} has no fast tokenizer",
            expected="a tokenizer.json: answers are cut by its character offsets",
            fix="convert it with transformers, or choose a model that has one",
        )
    known = model.get_input_embeddings().num_embeddings
    if not _FEWEST_PIECES < len(tokenizer) <= known:
        raise PolyspanError(
            f"{name} has no tokenizer of its own",
            found=f"one with {len(tokenizer)} pieces; the model knows {known}",
            expected="tokenizer.json, vocab.txt or the like beside the weights",
            fix="save the tokenizer into the model's folder",
        )
    require_places(tokenizer, name)
    return model.eval(), tokenizer


def _load_body(model: Any, name: str, place: str, given: dict[str, Any]) -> None:
    """Load a model's weights but its head's, which have other names in it than in the file.

    transformers calls what is below the head of a Qwen3 or Llama `transformer`, and `model` in a causal language
    model: all weights would be drawn at random. Raises PolyspanError where the base model does not know them
    either.
    """
    body, info = AutoModel.from_pretrained(place, output_loading_info=True, **given)
    if missing := sorted(key for key in info["missing_keys"] if "pooler" not in key):
        raise PolyspanError(
            f"the weights of {name} are not those of a {type(body).__name__}",
            found=f"{len(missing)} weights are missing, {missing[0]} among them",
            fix="check that config.json and the weights belong together",
        )
    setattr(model, model.base_model_prefix, body)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No load report and no progress bar: a fresh head is what fine-tuning starts from, not a fault."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    hub = logging.getLogger("huggingface_hub")
    before = hub.level
    hub.setLevel(logging.ERROR)
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        hub.setLevel(before)
        if bars:
            transformers_logging.enable_progress_bar()


def weights_sha256(model: Any) -> str:
    """SHA-256 of a model's weights as they are in memory, names and order included."""
    digest = hashlib.sha256()
    for name, weight in model.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
