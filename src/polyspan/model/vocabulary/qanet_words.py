"""A QANet before its training: the pieces it knows, their tokenizer, their vectors and spellings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, processors
from transformers import PreTrainedTokenizerFast

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, replacing_folder, require_writable, write_json
from polyspan.model.encoders.encoder import quiet
from polyspan.model.encoders.qanet import CHARACTERS, SPECIAL, QANetConfig, QANetForQuestionAnswering
from polyspan.model.vocabulary.pieces import texts_of
from polyspan.model.vocabulary.splitting import counted, split_texts, splitter
from polyspan.model.vocabulary.word_vectors import WordVectors

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_UNKNOWN = 1  # the row of pieces without a vector, and the number of characters that are not known
_SPREAD = 1.0  # standard deviation of fixed vectors' numbers: as those that are learnt begin
_FEWEST_PIECES = 20  # so many that transformers does not take the tokenizer for an empty one


@dataclass(frozen=True, slots=True)
class MadeQANet:
    """What was written: sizes, and how much of the corpora's text the pieces cover.

    `with_vector` counts the pieces that have a fixed vector; `unknown` the pieces of the corpora that are `[UNK]`.
    """

    pieces: int
    characters: int
    with_vector: int
    parameters: int
    tokens: int
    unknown: int
    unit: str
    seed: int
    out: str

    def as_json(self) -> dict[str, Any]:
        """All numbers, by name."""
        return asdict(self)


def make_qanet(
    corpora: Sequence[Corpus],
    out: Source,
    *,
    vectors: WordVectors | None = None,
    unit: str = "word",
    width: int = 128,
    heads: int = 8,
    blocks: int = 7,
    fewest: int = 2,
    seed: int = 0,
) -> MadeQANet:
    """Write an untrained QANet to the folder `out`, for `train` to start from.

    Its pieces are the `unit`s ("word" or "character") that occur `fewest` times in the corpora, and the words of
    `vectors`, whose vectors stay fixed, scaled to a standard deviation of 1; without `vectors` one of 300 numbers
    is learnt for each piece. `width`, `heads` and `blocks` are those of the model encoder. Everything but the span
    head, which each training draws by its own seed, is drawn from `seed`. Raises UsageError for sizes that do not
    fit and PolyspanError for corpora without text.
    """
    _require_sizes(width, heads, blocks, fewest)
    require_writable(out, folder=True)
    lines = split_texts(texts_of(corpora), unit)
    fixed = None if vectors is None else _usable(vectors, unit)
    pieces = _pieces(lines, fewest, fixed)
    alphabet = sorted({char for piece in pieces[SPECIAL:] for char in piece[:CHARACTERS]})
    config = QANetConfig(
        vocab_size=len(pieces),
        character_size=len(alphabet) + 2,
        fixed_rows=len(fixed) if fixed else 0,
        word_width=fixed.width if fixed else 300,
        hidden_size=width,
        num_attention_heads=heads,
        num_hidden_layers=blocks,
    )
    model = _network(config, pieces, alphabet, fixed, seed)
    known = set(pieces)
    made = MadeQANet(
        pieces=len(pieces),
        characters=len(alphabet),
        with_vector=len(fixed) if fixed else 0,
        parameters=sum(weight.numel() for weight in model.parameters()),
        tokens=sum(map(len, lines)),
        unknown=sum(piece not in known for line in lines for piece in line),
        unit=unit,
        seed=seed,
        out=str(out),
    )
    with replacing_folder(out) as folder:
        body = {name: value for name, value in model.state_dict().items() if not name.startswith("qa_outputs")}
        with quiet():
            model.save_pretrained(folder, state_dict=body)
            word_tokenizer(pieces, unit).save_pretrained(folder)
        write_json(folder / "qanet.json", made.as_json())
    return made


def _require_sizes(width: int, heads: int, blocks: int, fewest: int) -> None:
    if width < 2 or width % 2 or heads < 1 or width % heads or blocks < 1 or fewest < 1:
        raise UsageError(
            "these sizes make no QANet",
            found=f"width {width}, heads {heads}, blocks {blocks}, fewest {fewest}",
            expected="an even width that the heads divide; blocks and fewest of at least 1",
        )


def _pieces(lines: Sequence[list[str]], fewest: int, fixed: WordVectors | None) -> list[str]:
    """Special pieces, frequent ones, and the words with vectors. Raises PolyspanError for too few."""
    pieces = list(dict.fromkeys([*_SPECIAL, *counted(lines, fewest), *(fixed.words if fixed else ())]))
    if len(pieces) <= _FEWEST_PIECES:
        raise PolyspanError(
            "too little text for a vocabulary",
            found=f"{len(pieces) - SPECIAL} pieces that occur {fewest} times or more",
            fix="give more --data, or a lower --fewest",
        )
    return pieces


def _network(
    config: QANetConfig, pieces: Sequence[str], alphabet: Sequence[str], fixed: WordVectors | None, seed: int
) -> QANetForQuestionAnswering:
    """The network with weights drawn by a seed, the spellings of its pieces, and their fixed vectors."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = QANetForQuestionAnswering(config)
    buffers = dict(model.named_buffers())
    buffers["pieces.spelling"].copy_(torch.from_numpy(_spelling(pieces, alphabet)))
    if fixed:
        own = fixed.rows()
        rows = [
            *range(SPECIAL),
            *(own[piece] + SPECIAL if piece in own else _UNKNOWN for piece in pieces[SPECIAL:]),
        ]
        buffers["pieces.words.rows"].copy_(torch.tensor(rows))
        buffers["pieces.words.fixed"].copy_(torch.from_numpy(fixed.matrix * (_SPREAD / fixed.matrix.std())))
    return model


def word_tokenizer(pieces: Sequence[str], unit: str) -> Any:
    """A fast tokenizer that knows whole units only; rows are `[CLS] A [SEP] B [SEP]` with token types 0 and 1."""
    backend = Tokenizer(
        models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    backend.pre_tokenizer = splitter(unit)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def _usable(vectors: WordVectors, unit: str) -> WordVectors:
    """The words that are one unit each: no other is ever looked up. Raises PolyspanError where none is."""
    keep = [
        row
        for row, (word, parts) in enumerate(zip(vectors.words, split_texts(vectors.words, unit), strict=True))
        if parts == [word] and word not in _SPECIAL
    ]
    if not keep:
        raise PolyspanError(
            f"none of the words with vectors is one {unit}",
            where=vectors.source,
            found=", ".join(vectors.words[:5]),
            fix="choose another --unit, or vectors for it",
        )
    return WordVectors(tuple(vectors.words[row] for row in keep), vectors.matrix[keep], source=vectors.source)


def _spelling(pieces: Sequence[str], alphabet: Sequence[str]) -> Any:
    """Numbers of the first 16 characters of each piece, (pieces, 16) int64; special pieces have one, unknown."""
    numbers = {char: number for number, char in enumerate(alphabet, _UNKNOWN + 1)}
    table = np.zeros((len(pieces), CHARACTERS), np.int64)
    table[:SPECIAL, 0] = _UNKNOWN
    for row, piece in enumerate(pieces[SPECIAL:], SPECIAL):
        spelt = [numbers[char] for char in piece[:CHARACTERS]]
        table[row, : len(spelt)] = spelt
    return table
