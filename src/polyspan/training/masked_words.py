"""Masked words: what an encoder learns from plain text (Devlin et al. 2019, section 3.1).

Of the pieces of a text 15 % are to be guessed: eight tenths of them are masked, one tenth replaced by any piece of
the text, one tenth left as it is. The softmax runs over the pieces that occur in the text at all: over the 250,000
of a multilingual vocabulary it would cost more than the encoder, and the text could never be one of the others.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from polyspan.data.sample import sample
from polyspan.data.schema import Corpus, Paragraph, Question, require_corpora
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.abilities import sees_ahead
from polyspan.model.batch import Batch
from polyspan.model.encoders.word_head import NewWordHead, load_word_head
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import Layout, Windows

_SHARE, _MASKED, _REPLACED = 0.15, 0.8, 0.1


class MaskedWords(torch.nn.Module):
    """The head that guesses masked pieces, and which are masked: drawn by the seed, anew in every step."""

    def __init__(self, language: str, reader: Reader, windows: Windows, name: str, seed: int) -> None:
        super().__init__()
        if reader.tokenizer.mask_token_id is None or not sees_ahead(reader.model):
            raise UsageError(
                f"{name} cannot guess masked words",
                found="its tokenizer has no mask"
                if reader.tokenizer.mask_token_id is None
                else "a decoder, which reads forwards",
                expected="an encoder with a mask, such as BERT, XLM-R or bundled:e5-small",
            )
        self.language, self.seed, self.mask = language, seed, reader.tokenizer.mask_token_id
        shape = reader.layout
        types = None if shape.types is None else (shape.types[0],) * 5
        self.layout: Layout = replace(shape, middle=(), types=types)
        """Of a text alone: nothing is asked."""
        self.pieces, counts = np.unique(windows.contexts.ids, return_counts=True)
        chosen = torch.from_numpy(self.pieces.astype(np.int64))
        own = load_word_head(name, chosen)
        rows = reader.model.get_input_embeddings().weight.detach().cpu()[chosen]
        self.head: torch.nn.Module = own or NewWordHead(
            rows, torch.from_numpy(counts), reader.model.config.hidden_size
        )
        self.record = {"pieces": len(chosen), "head": "new" if own is None else "its own"}

    def loss(self, model: Any, batch: Batch, step: int) -> torch.Tensor:
        """Cross-entropy of the pieces to be guessed: the sum over the windows of each one's mean."""
        drawn = [self._draw(row, length, step) for row, length in zip(batch.rows, batch.lengths, strict=True)]
        lines = np.repeat(np.arange(len(drawn)), [len(places) for places, _ in drawn])
        places = np.concatenate([places for places, _ in drawn])
        given = np.concatenate([given for _, given in drawn])
        at = tuple(torch.from_numpy(part).to(batch.input_ids.device) for part in (lines, places, given))
        truth = batch.input_ids[at[:2]]
        masked = batch.input_ids.index_put(at[:2], torch.where(at[2] < 0, truth, at[2]))
        states = model.base_model(**replace(batch, input_ids=masked).inputs())[0][at[:2]]
        numbers = torch.from_numpy(np.searchsorted(self.pieces, truth.cpu().numpy())).to(truth.device)
        losses = cross_entropy(self.head(states).float(), numbers, reduction="none")
        shares = torch.from_numpy(1 / np.bincount(lines)[lines]).to(losses)
        return (losses * shares).sum()

    def _draw(self, row: int, length: int, step: int) -> tuple[Any, Any]:
        """Places in a row that are to be guessed, and the pieces that stand there then; −1: the one that did."""
        generator = np.random.default_rng([self.seed, step, row])
        first, size = len(self.layout.prefix), length - self.layout.special
        wanted = min(size, max(1, round(_SHARE * size)))
        places = first + generator.choice(size, wanted, replace=False)
        fate = generator.random(len(places))
        others = generator.choice(self.pieces, len(places)).astype(np.int64)
        given = np.where(fate < _MASKED, self.mask, np.where(fate < _MASKED + _REPLACED, others, -1))
        return places, given


def texts_of(corpora: Sequence[Corpus], limit: int | None, seed: int) -> tuple[list[Corpus], str]:
    """The contexts of corpora, each once and without questions, and their language.

    A corpus has one question for each of its contexts, an empty one, as windows are cut for questions. Contexts
    without a letter are left out; `limit` keeps so many of each corpus, drawn by the seed. Raises UsageError where
    the language is not one, and PolyspanError where a corpus has no text.
    """
    require_corpora(corpora, "adapt")
    languages = sorted({str(corpus.language) for corpus in corpora})
    if len(languages) != 1 or languages == ["None"]:
        found = " and ".join(languages).replace("None", "text of no known language") or "no text"
        raise UsageError("an adapter learns one language", found=found, fix="name it: --language ko")
    texts = []
    for corpus in corpora:
        contexts = dict.fromkeys(paragraph.context for paragraph in corpus.paragraphs)
        kept = [text for text in contexts if any(map(str.isalpha, text))]
        if not kept:
            raise PolyspanError(
                f"there is no text in {corpus.name}",
                where=corpus.source,
                found=f"{len(contexts)} contexts without a letter",
                expected="contexts, or lines of a .txt file",
            )
        bare = tuple(Paragraph(text, (Question(str(number), ""),)) for number, text in enumerate(kept))
        whole = replace(corpus, paragraphs=bare)
        texts.append(whole if limit is None else sample(whole, limit, seed))
    return texts, languages[0]
