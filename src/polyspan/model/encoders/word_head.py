"""What guesses masked pieces from an encoder's states: the head that a model was trained with, or a new one."""

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForMaskedLM
from transformers.modeling_outputs import BaseModelOutput
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING

from polyspan.model.encoders.encoder import quiet
from polyspan.model.encoders.model_name import (
    ADAPTER,
    DIFFERENCE,
    fetched,
    folder_with,
    model_folder,
    pinned,
    repository,
)


class NewWordHead(torch.nn.Module):
    """A dense layer, a norm, and the encoder's own word embeddings, which stay as they are, as output weights.

    It begins as the identity, scaled to logits of about 1, with each piece as probable as it is frequent: nothing
    of it is drawn at random.
    """

    def __init__(self, rows: torch.Tensor, counts: torch.Tensor, width: int) -> None:
        """`rows` are the embeddings of the pieces to choose from, `counts` how often each occurs, and `width` the
        numbers in a state."""
        super().__init__()
        self.register_buffer("rows", rows.detach().clone(), persistent=False)
        self.dense = torch.nn.Linear(width, rows.shape[1])
        self.norm = torch.nn.LayerNorm(rows.shape[1])
        torch.nn.init.eye_(self.dense.weight)
        torch.nn.init.zeros_(self.dense.bias)
        torch.nn.init.constant_(self.norm.weight, 1 / float(rows.norm(dim=1).mean()))
        self.bias = torch.nn.Parameter((counts / counts.sum()).log().float())

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(n, width) → logits (n, pieces)."""
        return self.norm(self.dense(states)) @ self.rows.T + self.bias  # type: ignore[no-any-return]


class OwnWordHead(torch.nn.Module):
    """The head of a masked language model of transformers, whatever its parts; they stay as they are.

    Its encoder is taken out, and what stands in its place gives the states that are to be guessed from.
    """

    def __init__(self, model: Any, pieces: torch.Tensor) -> None:
        super().__init__()
        setattr(model, model.base_model_prefix, _Given())
        outputs = model.get_output_embeddings()
        for name in ("weight", "bias"):
            if getattr(outputs, name) is not None:
                setattr(outputs, name, torch.nn.Parameter(getattr(outputs, name).detach()[pieces].clone()))
        outputs.out_features = len(pieces)
        self.model = model.requires_grad_(False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(n, width) → logits (n, pieces)."""
        self.model.base_model.states = states[None]
        return self.model(input_ids=torch.zeros_like(states[None, :, 0]).long()).logits[0]  # type: ignore[no-any-return]


class _Given(torch.nn.Module):
    states: torch.Tensor

    def forward(self, *_: Any, **__: Any) -> BaseModelOutput:
        return BaseModelOutput(last_hidden_state=self.states)


def load_word_head(name: str, pieces: torch.Tensor) -> OwnWordHead | None:
    """The head for these pieces that a model was trained with; None where it was saved without one.

    The model has been loaded before; an adapter and a difference count as having none.
    """
    name = fetched(name)
    if name.startswith("bundled:") or any(folder_with(file, name) is not None for file in (ADAPTER, DIFFERENCE)):
        return None
    place, commit = (name, None) if model_folder(name) is not None else repository(pinned(name))
    given: dict[str, Any] = {"revision": commit or "main", "trust_remote_code": False}
    with quiet():
        config = AutoConfig.from_pretrained(place, **given)
        if type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
            return None
        given |= {"config": config, "dtype": torch.float32}
        model, info = AutoModelForMaskedLM.from_pretrained(place, output_loading_info=True, **given)
    inside = f"{model.base_model_prefix}."
    if any(not key.startswith(inside) for key in info["missing_keys"]):
        return None
    return OwnWordHead(model.eval(), pieces)
