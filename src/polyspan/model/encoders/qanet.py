"""QANet: reading comprehension with convolutions and attention, without pre-training (Yu et al. 2018).

It is a model of transformers like any other: `AutoModelForQuestionAnswering` loads its folder after
`register_qanet`, and a Reader trains it and answers with it. A row holds `[CLS] question [SEP] context [SEP]` with
token types. The network reads `question [SEP]` as its question and `[CLS] context` as its context, so that a
window may point to `[CLS]` where the answer is not in it. Logits elsewhere are −inf.
"""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import embedding
from transformers import AutoConfig, AutoModelForQuestionAnswering, PreTrainedConfig, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import QuestionAnsweringModelOutput

from polyspan.errors import UsageError
from polyspan.model.encoders.qanet_blocks import ContextQueryAttention, Highway, encoder_blocks, positions

SPECIAL = 4
"""The first pieces of every vocabulary: padding, unknown, [CLS], [SEP]; their vectors are always learnt."""

CHARACTERS = 16
"""Characters of a piece that are looked at."""


class QANetConfig(PreTrainedConfig):  # type: ignore[misc]
    """Sizes and rates of a QANet; the defaults are the paper's.

    `vocab_size` counts the pieces and `character_size` the characters, 0 being no character. `fixed_rows` is how
    many word vectors stay as they are; 0 has a vector learnt for every piece. `num_hidden_layers`: model blocks.
    """

    model_type = "qanet"

    vocab_size: int = 0
    character_size: int = 0
    fixed_rows: int = 0
    word_width: int = 300
    character_width: int = 200
    hidden_size: int = 128
    num_attention_heads: int = 8
    num_hidden_layers: int = 7
    encoder_convolutions: int = 4
    encoder_kernel: int = 7
    model_convolutions: int = 2
    model_kernel: int = 5
    dropout: float = 0.1
    word_dropout: float = 0.1
    character_dropout: float = 0.05
    survival: float = 0.9
    type_vocab_size: int = 2
    pad_token_id: int | None = 0


class WordTable(nn.Module):
    """A vector for every piece: row `rows[piece]` of the learnt vectors, then the fixed ones.

    Pieces without a vector of their own share that of the unknown piece.
    """

    def __init__(self, pieces: int, fixed: int, width: int) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = pieces, width
        self.learnt = nn.Embedding(SPECIAL, width)
        self.register_buffer("fixed", torch.zeros(fixed, width))
        self.register_buffer("rows", torch.zeros(pieces, dtype=torch.int64))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = self.rows[ids]  # type: ignore[index]
        found = embedding((rows - SPECIAL).clamp(min=0), self.fixed)  # type: ignore[arg-type]
        learnt: torch.Tensor = self.learnt(rows.clamp(max=SPECIAL - 1))
        return torch.where((rows < SPECIAL)[..., None], learnt, found)


class PieceEncoder(nn.Module):
    """A piece's word vector and the maximum over its characters' vectors, through a highway to the model's width.

    It knows no context, so each distinct piece of a batch is computed once; while training they share one dropout.
    """

    def __init__(self, config: QANetConfig) -> None:
        super().__init__()
        size = config.vocab_size
        self.words: nn.Module
        if config.fixed_rows:
            self.words = WordTable(size, config.fixed_rows, config.word_width)
        else:
            self.words = nn.Embedding(size, config.word_width)
        self.characters = nn.Embedding(config.character_size, config.character_width)
        self.register_buffer("spelling", torch.zeros(size, CHARACTERS, dtype=torch.int64))
        self.word_dropout, self.character_dropout = (
            nn.Dropout(config.word_dropout),
            nn.Dropout(config.character_dropout),
        )
        self.highway = Highway(config.word_width + config.character_width)
        self.project = nn.Linear(config.word_width + config.character_width, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        pieces, places = torch.unique(ids, return_inverse=True)
        spelt = self.spelling[pieces]  # type: ignore[index]
        letters = self.characters(spelt).masked_fill((spelt == 0)[..., None], float("-inf")).amax(1)
        both = torch.cat([self.word_dropout(self.words(pieces)), self.character_dropout(letters)], dim=-1)
        return self.dropout(embedding(places, self.project(self.highway(both))))  # type: ignore[no-any-return]


class QANetForQuestionAnswering(PreTrainedModel):  # type: ignore[misc]
    """Start and end logits of every position of a row."""

    config_class = QANetConfig
    base_model_prefix = "qanet"
    main_input_name = "input_ids"

    def __init__(self, config: QANetConfig) -> None:
        super().__init__(config)
        width, heads = config.hidden_size, config.num_attention_heads
        rates = (config.dropout, config.survival)
        self.pieces = PieceEncoder(config)
        self.encoder = encoder_blocks(1, width, heads, config.encoder_convolutions, config.encoder_kernel, *rates)
        self.attention = ContextQueryAttention(width, config.dropout)
        self.resize = nn.Linear(4 * width, width)
        self.blocks = encoder_blocks(
            config.num_hidden_layers, width, heads, config.model_convolutions, config.model_kernel, *rates
        )
        self.qa_outputs = nn.ModuleList(nn.Linear(2 * width, 1, bias=False) for _ in ("start", "end"))
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The word vectors, fixed or learnt."""
        return self.pieces.words

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.pieces.words = value

    def forward(
        self,
        input_ids: torch.Tensor,
        token_type_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        output_hidden_states: bool = False,
        **others: Any,
    ) -> QuestionAnsweringModelOutput:
        """Logits of shape (batch, length) for ids, types and mask of that shape."""
        if output_hidden_states:
            raise UsageError("a QANet has no layers to look into", expected="an encoder of transformers")
        (question, seen), (context, inside), places = _sequences(input_ids, token_type_ids, attention_mask)
        c, q = self.encode(context, inside), self.encode(question, seen)
        x = self.resize(self.attention(c, q, inside, seen))
        where = positions(x.shape[1], x.shape[2], x)
        states = []
        for _ in range(3):
            for block in self.blocks:
                x = block(x, inside, where)
            states.append(x)
        first, second, third = states
        with torch.autocast(x.device.type, enabled=False):  # half precision would make ties
            start, end = (
                _on_row(output(torch.cat(pair, dim=-1).float()).squeeze(-1), inside, places, input_ids)
                for output, pair in zip(self.qa_outputs, ((first, second), (first, third)), strict=True)
            )
        return QuestionAnsweringModelOutput(start_logits=start, end_logits=end)

    def encode(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """The embedding encoder's output for a question or a context alone."""
        x: torch.Tensor = self.pieces(ids)
        where = positions(x.shape[1], x.shape[2], x)
        for block in self.encoder:
            x = block(x, mask, where)
        return x

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, ContextQueryAttention):  # equal pieces are similar from the first step on
            width = module.weight.shape[1]
            init.copy_(module.weight, torch.tensor([[0.0], [0.0], [width**-0.5]]).expand(3, width))
        elif isinstance(module, nn.Linear):
            if (
                module.out_features == 1
            ):  # the span head: its inputs have summed up, its logits are to begin near 0
                init.normal_(module.weight, std=0.01)
            else:
                init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, nonlinearity="linear")
        elif isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=1.0)  # smaller ones drown in the position encoding that is added
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)


Part = tuple[torch.Tensor, torch.Tensor | None]


def _sequences(
    ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor | None
) -> tuple[Part, Part, torch.Tensor]:
    """Ids and mask of the question with its [SEP], those of [CLS] with the context, and the latter's positions."""
    real = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask.bool()
    second = (real & (types == 1)).sum(1)  # the context and the last [SEP]
    first = real.sum(1) - second - 1  # the question and its [SEP]
    number = torch.arange(ids.shape[1], device=ids.device)[None]
    asked, told = number[:, : int(first.max())], number[:, : int(second.max())]
    of_question = (asked + 1).expand(len(ids), -1)
    of_context = torch.where(told == 0, 0, told + first[:, None]).clamp(max=ids.shape[1] - 1)
    parts = []
    for place, those, length in ((of_question, asked, first), (of_context, told, second)):
        inside = those < length[:, None]
        parts.append((ids.gather(1, place), None if bool(inside.all()) else inside))
    return parts[0], parts[1], of_context


def _on_row(
    logits: torch.Tensor, inside: torch.Tensor | None, places: torch.Tensor, ids: torch.Tensor
) -> torch.Tensor:
    """Logits of the context at its places in the row, −inf elsewhere."""
    if inside is not None:
        logits = logits.masked_fill(~inside, float("-inf"))
        places = torch.where(inside, places, ids.shape[1])  # a column more, cut off again
    row = logits.new_full((len(ids), ids.shape[1] + 1), float("-inf"))
    return row.scatter(1, places, logits)[:, :-1]


def register_qanet() -> None:
    """Let transformers' automatic classes know QANet in this process."""
    AutoConfig.register(QANetConfig.model_type, QANetConfig, exist_ok=True)
    AutoModelForQuestionAnswering.register(QANetConfig, QANetForQuestionAnswering, exist_ok=True)
