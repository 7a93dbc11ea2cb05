"""Grafting: word vectors of a new language appended to the embeddings of an encoder that was never taught it.

Table 1, row c of Hsu, Liu & Lee (2019): "appending fastText-initialized Chinese word embeddings to the original
word embeddings" of an English BERT. How vectors of 300 numbers became embeddings of 768 is not said there; here
the projection has a name, and the new rows get the mean and the spread of the encoder's own.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError, choose
from polyspan.files import Source, replacing_folder, require_writable, write_json
from polyspan.model.abilities import require
from polyspan.model.encoders.encoder import load_encoder, quiet
from polyspan.model.encoders.model_name import folder_with, pinned
from polyspan.model.reader import OPTIONS_FILE
from polyspan.model.vocabulary.new_pieces import add_pieces, new_pieces
from polyspan.model.vocabulary.pieces import texts_of
from polyspan.model.vocabulary.projection import PROJECTIONS, project
from polyspan.model.vocabulary.table import replace_rows
from polyspan.model.vocabulary.word_vectors import Floats, WordVectors
from polyspan.model.windows.tokens import Tokens, tokenise


@dataclass(frozen=True, slots=True)
class Coverage:
    """How texts of some corpora are cut: all pieces, the unknown ones, and the share of known characters (%)."""

    pieces: int
    unknown: int
    known_characters: float


@dataclass(frozen=True, slots=True)
class Grafted:
    """What became of the words.

    `added` are new pieces now; `shared` were pieces before; `folded` are spelt like a new piece before them (by
    case or accents); `unusable` would never be looked up, because the tokenizer cuts them apart first. `used` new
    pieces occur in the corpora, whose coverage is `before` and `after`; None where there are no corpora.
    """

    added: int
    shared: int
    folded: int
    unusable: int
    projection: str
    seed: int
    out: str
    used: int | None = None
    before: Coverage | None = None
    after: Coverage | None = None

    def as_json(self) -> dict[str, Any]:
        """All numbers, by name."""
        return asdict(self)


def graft(
    model: str,
    vectors: WordVectors,
    out: Source,
    *,
    projection: str = "pca",
    most: int | None = None,
    corpora: Sequence[Corpus] = (),
    seed: int = 0,
) -> Grafted:
    """Write `model` to the folder `out` with a new piece for each of the vectors' words that it can look up.

    `projection` brings the vectors to the encoder's width: `pca`, `random` or `least_squares`
    (see `projection` beside this file). At most `most` pieces are added, those of the first words. The coverage of
    the `corpora` is measured before and after. The folder is an ordinary model directory; a Reader stays one.
    Raises PolyspanError for a tokenizer that takes no new pieces, where no word is new to it, and where least
    squares has too little to go by.
    """
    choose("projection", projection, PROJECTIONS)
    if most is not None and most < 1:
        raise UsageError("most must be at least 1", found=str(most))
    require_writable(out, folder=True)
    model = pinned(model)
    encoder, tokenizer = load_encoder(model)
    require("graft", encoder, tokenizer)
    found = new_pieces(tokenizer, vectors.words, most)
    old: Floats = encoder.get_input_embeddings().weight.detach().float().cpu().numpy()[: found.first]
    real = np.array([number for number in range(len(old)) if number not in found.reserved])
    words, numbers = ([pair[side] for pair in found.shared] for side in (0, 1))
    new = project(
        projection, vectors.matrix[list(found.rows)], old[real], (vectors.matrix[words], old[numbers]), seed
    )
    grown = add_pieces(tokenizer, found)
    padding = encoder.get_input_embeddings().padding_idx
    replace_rows(encoder, torch.from_numpy(np.concatenate([old, new])), padding)
    counts: dict[str, Any] = {}
    if texts := texts_of(corpora):
        before, after = tokenise(texts, tokenizer), tokenise(texts, grown)
        used = int((np.unique(after.ids) >= found.first).sum())
        counts = {"used": used, "before": _coverage(before, tokenizer), "after": _coverage(after, grown)}
    sizes = (len(found.pieces), len(found.shared), found.folded, found.unusable)
    result = Grafted(*sizes, projection, seed, str(out), **counts)
    with replacing_folder(out) as folder:
        with quiet():  # a head that was never trained is left out: each training draws its own
            (encoder.base_model if encoder.fresh_head else encoder).save_pretrained(folder)
            grown.save_pretrained(folder)
        if (source := folder_with(OPTIONS_FILE, model)) is not None:
            shutil.copy(source / OPTIONS_FILE, folder)
        write_json(folder / "graft.json", result.as_json() | {"model": model, "vectors": vectors.source})
    return result


def _coverage(tokens: Tokens, tokenizer: Any) -> Coverage:
    unknown = tokens.ids == tokenizer.unk_token_id
    characters = (tokens.ends - tokens.starts).astype(np.int64)
    known = 1 - characters[unknown].sum() / max(characters.sum(), 1)
    return Coverage(len(tokens.ids), int(unknown.sum()), round(100 * float(known), 2))
