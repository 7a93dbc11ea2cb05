"""Trimming: a multilingual encoder cut down to the pieces that some texts or languages use.

Four fifths of such an encoder are rows of its word embeddings, most of them for pieces that a user's languages
never need. Text made of the pieces that stay is cut and encoded as before.
"""

import shutil
import time
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from polyspan.data.languages import letters, target_tag
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, replacing_folder, require_writable, write_json
from polyspan.model.abilities import require
from polyspan.model.calibration import CALIBRATION_FILE
from polyspan.model.card.readme import card_of, write_card
from polyspan.model.encoders.encoder import load_encoder, quiet
from polyspan.model.encoders.model_name import folder_with, model_folder, pinned
from polyspan.model.fast.pack import first_position
from polyspan.model.reader import OPTIONS_FILE
from polyspan.model.vocabulary.pieces import keep_pieces, pieces_behind, texts_of
from polyspan.model.vocabulary.table import replace_rows
from polyspan.model.windows.tokens import tokenise
from polyspan.model.windows.windows import layout


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What was cut: numbers before and after. `unknown` counts the pieces of the texts that are `<unk>`."""

    pieces: tuple[int, int]
    parameters: tuple[int, int]
    megabytes: tuple[float, float]
    load_seconds: tuple[float, float]
    tokens: int
    unknown: tuple[int, int]
    out: str

    def as_json(self) -> dict[str, Any]:
        """The numbers as lists `[before, after]`."""
        return asdict(self)


def trim(model: str, out: Source, corpora: Sequence[Corpus] = (), languages: Sequence[str] = ()) -> Trimmed:
    """Write `model` to the folder `out` with only the pieces that the corpora use or the languages are written in.

    Special tokens stay, and, for `languages`, numbers and punctuation. The folder is an ordinary model directory;
    a Reader stays one. Text of the corpora gives the same pieces and the same outputs, which is checked for the
    pieces before anything is written; other text may hold pieces that are `<unk>` now. Raises UsageError where
    nothing says what to keep and where the model cannot be trimmed, PolyspanError where its tokenizer would then
    cut otherwise.
    """
    if not corpora and not languages:
        raise UsageError("nothing says which pieces to keep", fix="give --data or --keep-language, or both")
    languages = [target_tag(language, "language") for language in languages]
    for language in languages:
        if not letters(language):
            raise UsageError(f"the script of the language {language!r} is not known", fix="--data with its texts")
    require_writable(out, folder=True)
    began = time.perf_counter()
    model = pinned(model)
    encoder, tokenizer = load_encoder(model)
    loaded = time.perf_counter() - began
    require("trim", encoder, tokenizer)
    before = _size(encoder)
    texts = texts_of(corpora)
    tokens = tokenise(texts, tokenizer)
    vocabulary = tokenizer.get_vocab()
    kept = {number for piece, number in vocabulary.items() if languages and _written_in(piece, languages)}
    kept |= set(np.unique(tokens.ids).tolist()) | pieces_behind(texts, tokens, tokenizer)
    kept |= set(range(first_position(encoder)))  # RoBERTa's positions count from the padding's id
    kept |= set(layout(tokenizer).middle)  # a line break is no special token
    small, numbers = keep_pieces(tokenizer, kept)
    after = tokenise(texts, small)
    _require_same(tokens.ids, after.ids, numbers, model)
    _cut_embeddings(encoder, numbers)
    cut = _size(encoder)
    with replacing_folder(out) as folder:
        with quiet():  # a head that was never trained is left out: each training draws its own
            (encoder.base_model if encoder.fresh_head else encoder).save_pretrained(folder)
            small.save_pretrained(folder)
        for name in (OPTIONS_FILE, CALIBRATION_FILE):
            if (source := folder_with(name, model)) is not None:
                shutil.copy(source / name, folder)
        if not encoder.fresh_head:
            card = card_of(model, model_folder(model))
            note = f"As it was before all but {len(numbers):,} pieces were cut off."
            write_card(replace(card, notes={**card.notes, "results": note}), folder)
        began = time.perf_counter()
        load_encoder(str(folder))
        again = time.perf_counter() - began
        result = Trimmed(
            pieces=(len(vocabulary), len(numbers)),
            parameters=(before[0], cut[0]),
            megabytes=(before[1], cut[1]),
            load_seconds=(round(loaded, 2), round(again, 2)),
            tokens=len(tokens.ids),
            unknown=(_count(tokens.ids, tokenizer), _count(after.ids, small)),
            out=str(out),
        )
        write_json(folder / "trim.json", result.as_json() | {"model": model, "languages": list(languages)})
    return result


def _count(ids: Any, tokenizer: Any) -> int:
    return int((ids == tokenizer.unk_token_id).sum())


def _written_in(piece: str, languages: Iterable[str]) -> bool:
    """Whether all letters of a piece belong to the scripts of the languages; True where it has no letters."""
    allowed = frozenset[str]().union(*map(letters, languages))
    own = (char for char in piece if char.isalpha() or unicodedata.combining(char))
    return all(unicodedata.name(letter, "?").split()[0] in allowed | {"COMBINING"} for letter in own)


def _require_same(before: Any, after: Any, numbers: dict[int, int], model: str) -> None:
    renumbered = np.array([numbers[old] for old in before.tolist()], np.int32)
    if not np.array_equal(renumbered, after):
        raise PolyspanError(
            f"the tokenizer of {model} cannot be trimmed",
            found="cut down, it would split the given texts otherwise",
            fix="use the whole encoder, and please report the model",
        )


def _cut_embeddings(model: Any, numbers: dict[int, int]) -> None:
    """Keep the rows of the pieces in `numbers` (old → new) and put the new numbers into the configuration."""
    whole = model.get_input_embeddings()
    rows = torch.tensor(sorted(numbers, key=numbers.__getitem__), device=whole.weight.device)
    padding = numbers.get(whole.padding_idx) if whole.padding_idx is not None else None
    replace_rows(model, whole.weight.detach()[rows].clone(), padding)
    for name, value in model.config.to_dict().items():
        if name.endswith("_token_id") and isinstance(value, int):
            setattr(model.config, name, numbers.get(value))
        elif name.endswith("_token_id") and isinstance(value, list):  # a decoder may have several ends of text
            setattr(model.config, name, [numbers[old] for old in value if old in numbers])


def _size(model: Any) -> tuple[int, float]:
    """Parameters, and the megabytes that they take in memory."""
    weights = list(model.parameters())
    size = sum(weight.numel() * weight.element_size() for weight in weights)
    return sum(weight.numel() for weight in weights), round(size / 1e6, 1)
