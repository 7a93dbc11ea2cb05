"""A causal language model of transformers on this machine: a folder, a GGUF file, or a name on the hub."""

import io
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from typing import Any

from polyspan.errors import PolyspanError, not_installed
from polyspan.model.llm.llm_name import content_of, fixed_name, place_of
from polyspan.model.llm.reply import LlmReply, Prompt, said

BATCH = 8
"""Prompts that are answered together."""


class LocalModel:
    """Greedy replies; each ends after its first line with something on it. Weights are read from safetensors, GGUF
    or with torch's `weights_only`, and no code of the hub is run.

    Prompts of like length are padded together, which changes sums in their last digits: now and then another word
    wins a tie in another company. `identity` says what replies depend on beside the prompt. Raises PolyspanError
    where the model cannot be had.
    """

    retried = 0

    def __init__(self, name: str, max_tokens: int) -> None:
        self.name, self.max_tokens = name, max_tokens
        known = sorted(content_of(name).items()) or fixed_name(name)  # raises before anything heavy is loaded
        from polyspan.model.device import best_device

        self._model, self._tokenizer = _load(name)
        self._model.to(best_device())
        self.identity = repr([known, str(self._model.dtype), max_tokens])

    def replies(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, LlmReply]]:
        """The reply to each prompt with its place, those of short prompts first.

        Raises PolyspanError, before any is answered, for a prompt that does not fit into the model.
        """
        ids = [self._pieces(prompt) for prompt in prompts]
        window = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        longest = max(map(len, ids), default=0)
        if window is not None and longest + self.max_tokens > window:
            many = sum(len(one) + self.max_tokens > window for one in ids)
            raise PolyspanError(
                f"{many:,} of {len(ids):,} prompts do not fit into the language model",
                where=self.name,
                found=f"{longest:,} tokens at most, and {self.max_tokens} for the reply",
                expected=f"{window:,} tokens in all",
                fix="fewer examples, or a model with a longer window; nothing is cut off",
            )
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        for first in range(0, len(order), BATCH):
            places = order[first : first + BATCH]
            yield from zip(places, self._generated([ids[place] for place in places]), strict=True)

    def _pieces(self, prompt: Prompt) -> list[int]:
        if self._tokenizer.chat_template:
            given = {"add_generation_prompt": True, "tokenize": False, "enable_thinking": False}
            text = self._tokenizer.apply_chat_template(list(prompt), **given)
            return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        parts = (turn["content"] + ("" if turn["role"] == "user" else "\n\n") for turn in prompt)
        text = "".join(f" {part}" if place % 2 else part for place, part in enumerate(parts))
        return list(self._tokenizer(text)["input_ids"])

    def _generated(self, ids: Sequence[list[int]]) -> list[LlmReply]:
        import torch

        width, device, padding = max(map(len, ids)), self._model.device, self._padding
        rows = torch.tensor([[padding] * (width - len(one)) + one for one in ids], device=device)
        mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in ids], device=device)
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=rows,
                attention_mask=mask,
                do_sample=False,
                num_beams=1,
                max_new_tokens=self.max_tokens,
                pad_token_id=padding,
                stopping_criteria=[self._ended(width)],
            )
        made = output[:, width:].tolist()
        return [self._reply(len(one), row) for one, row in zip(ids, made, strict=True)]

    def _ended(self, width: int) -> Any:
        """Tells of each row whether its first line is whole: what would follow is not read."""
        import torch

        def ended(rows: Any, scores: Any, **_: Any) -> Any:
            texts = self._tokenizer.batch_decode(rows[:, width:], skip_special_tokens=True)
            return torch.tensor([_has_line(text) for text in texts], device=rows.device)

        return ended

    def _reply(self, prompt_tokens: int, row: list[int]) -> LlmReply:
        ends = {*self._ends(), self._padding}  # which a batch is filled up with
        count = next((place for place, piece in enumerate(row) if piece in ends), len(row))
        text = self._tokenizer.decode(row[:count], skip_special_tokens=True)
        return LlmReply(text, prompt_tokens, count, cut=count == self.max_tokens and not _has_line(text))

    def _ends(self) -> list[int]:
        given = self._model.generation_config.eos_token_id
        listed = given if isinstance(given, list) else [given]
        return [piece for piece in (*listed, self._tokenizer.eos_token_id) if piece is not None]

    @property
    def _padding(self) -> int:
        given = self._tokenizer.pad_token_id
        return int(given if given is not None else next(iter(self._ends()), 0))


def _has_line(text: str) -> bool:
    """Whether the line that `said` takes has come to its end."""
    return bool(said(text)) and text.rstrip(" \t") != text.rstrip()


def _load(name: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from polyspan.model.device import gpu
    from polyspan.model.encoders.encoder import quiet

    try:
        place = place_of(name)
        with quiet(), redirect_stderr(io.StringIO()):  # GGUF's own bar
            tokenizer = AutoTokenizer.from_pretrained(**place, trust_remote_code=False)
            dtype = torch.float32 if gpu() is None else "auto"
            model = AutoModelForCausalLM.from_pretrained(**place, dtype=dtype, trust_remote_code=False)
    except PolyspanError:
        raise
    except ModuleNotFoundError as error:
        raise not_installed(error, name) from error
    except Exception as error:  # whatever transformers, safetensors, gguf and the hub raise
        raise PolyspanError(
            f"cannot load the language model {name!r}",
            found=(str(error).strip() or repr(error)).splitlines()[0],
            fix="check the name and the network, or give a folder or a .gguf file (pip install gguf)",
        ) from error
    return model.eval(), tokenizer
