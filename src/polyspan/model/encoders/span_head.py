"""A span head for the kinds of models that transformers has no question-answering class for.

One linear layer, `qa_outputs`, on the last hidden states, as most of transformers' own have it: weights and
configuration are saved under the names that such a class of a later transformers would give them.
"""

import inspect
from typing import Any

import torch
from transformers import MODEL_FOR_QUESTION_ANSWERING_MAPPING, MODEL_MAPPING, AutoModelForQuestionAnswering
from transformers.modeling_outputs import QuestionAnsweringModelOutput

from polyspan.errors import PolyspanError


class SpanModel:
    """What `register_span_head` makes of a base model; mixed into the `PreTrainedModel` of its kind."""

    base: Any

    def __init__(self, config: Any) -> None:
        super().__init__(config)  # type: ignore[call-arg]
        pooler = "add_pooling_layer" in inspect.signature(self.base).parameters
        body = self.base(config, **({"add_pooling_layer": False} if pooler else {}))
        setattr(self, self.base_model_prefix, body)  # type: ignore[attr-defined]
        self.qa_outputs = torch.nn.Linear(config.hidden_size, 2)
        self.post_init()  # type: ignore[attr-defined]

    def get_input_embeddings(self) -> Any:
        """The word embeddings of the base model."""
        return self.base_model.get_input_embeddings()  # type: ignore[attr-defined]

    def set_input_embeddings(self, value: torch.nn.Module) -> None:
        self.base_model.set_input_embeddings(value)  # type: ignore[attr-defined]

    def forward(self, input_ids: torch.Tensor | None = None, **others: Any) -> QuestionAnsweringModelOutput:
        """Start and end logits of shape (batch, length); takes whatever the base model does."""
        found = self.base_model(input_ids, **others)  # type: ignore[attr-defined]
        start, end = self.qa_outputs(found.last_hidden_state).unbind(-1)
        return QuestionAnsweringModelOutput(
            start_logits=start,
            end_logits=end,
            hidden_states=getattr(found, "hidden_states", None),
            attentions=getattr(found, "attentions", None),
        )


def register_span_head(config: Any) -> None:
    """Let `AutoModelForQuestionAnswering` know a class for models of this configuration, in this process.

    Nothing is done where it knows one. Raises PolyspanError where the base model is not of text alone, or unknown.
    """
    kind = type(config)
    if kind in MODEL_FOR_QUESTION_ANSWERING_MAPPING:
        return
    base: Any = MODEL_MAPPING.get(kind, None)
    one = not config.is_encoder_decoder and config.get_text_config() is config
    if base is None or isinstance(base, tuple) or not one:
        raise PolyspanError(
            f"a model of the type {config.model_type!r} takes no span head",
            expected="an encoder or a decoder of text alone, which transformers knows",
            fix="choose another model" if base is None else "give the part of it that reads text, if it has one",
        )
    name = base.__name__.removesuffix("Model") + "ForQuestionAnswering"
    own = {"base": base, "config_class": kind, "base_model_prefix": base.base_model_prefix or "model"}
    family = base.__mro__[1]  # the kind's PreTrainedModel, which says what its models can do
    AutoModelForQuestionAnswering.register(kind, type(name, (SpanModel, family), own), exist_ok=True)
