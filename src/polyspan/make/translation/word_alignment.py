"""Which words of a translation stand for which of its source, by a multilingual encoder's own hidden states.

Mutual argmax of cosine similarities, as SimAlign (Jalili Sabet et al. 2020) does with mBERT's layer 8.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from polyspan.errors import UsageError
from polyspan.model.encoders.model_name import BUNDLED
from polyspan.text import units

ENCODER, LAYER = BUNDLED, 8


class WordAligner:
    """Aligns sentences with a layer of an encoder: a Reader's folder, a name on the hub, or the bundled one."""

    def __init__(self, encoder: str = ENCODER, layer: int = LAYER) -> None:
        from polyspan.model.abilities import require
        from polyspan.model.reader import Reader

        reader = Reader.load(encoder)
        self._model, self._tokenizer, self._layer = reader.model, reader.tokenizer, layer
        require("probe", self._model)
        layers = self._model.config.num_hidden_layers
        if not 0 <= layer <= layers:
            raise UsageError(f"{encoder} has no layer {layer}", expected=f"0 (embeddings) to {layers}")
        self._words = lru_cache(maxsize=4096)(self._encoded)

    def project(self, source: str, start: int, end: int, target: str) -> tuple[int, int] | None:
        """The span of `target` that `source[start:end]` became: from the first to the last word that is mutually
        the nearest of one of its words. None where no word has one, as in a text without letters."""
        (old, a), (new, b) = self._words(source), self._words(target)
        inside = [number for number, (first, last) in enumerate(old) if first < end and start < last]
        if not inside or not new:
            return None
        similar = a @ b.T
        there, back = similar.argmax(axis=1), similar.argmax(axis=0)
        found = [int(there[number]) for number in inside if back[there[number]] == number]
        return (new[min(found)][0], new[max(found)][1]) if found else None

    def _encoded(self, text: str) -> tuple[Sequence[tuple[int, int]], Any]:
        """Spans of the text's words and their unit vectors, (words, width): the mean of a word's pieces.

        What is beyond the encoder's positions is left out.
        """
        import numpy as np
        import torch

        pieces = self._tokenizer(text, truncation=True, return_offsets_mapping=True, return_tensors="pt")
        with torch.inference_mode():
            ids = pieces["input_ids"].to(self._model.device)
            layers = self._model(input_ids=ids, output_hidden_states=True).hidden_states
        states = layers[self._layer][0].float().cpu().numpy()
        offsets = pieces["offset_mapping"][0].numpy()
        spans, vectors = [], []
        for start, end in units(text):
            among = (offsets[:, 0] < end) & (offsets[:, 1] > start)
            if among.any():
                vector = states[among].mean(axis=0)
                spans.append((start, end))
                vectors.append(vector / np.linalg.norm(vector))
        return spans, np.stack(vectors) if vectors else np.zeros((0, states.shape[1]), np.float32)
