"""A Unigram tokenizer with the pieces of few texts cuts them as the whole one does."""

import copy

import numpy as np
import pytest
from tokenizers import Tokenizer

from polyspan.errors import PolyspanError
from polyspan.model.windows import tokenizer_file
from polyspan.model.windows.plain_tokenizer import PlainTokenizer
from polyspan.model.windows.tokenizer_file import TokenizerFile
from polyspan.model.windows.tokens import tokenise
from polyspan.model.windows.windows import layout

TEXTS = [
    "the cup was won in 東京。",
    "",
    "  a  b\n\nc ▁ ▁▁x",
    "\ufb01ne … 👍🏽 हिन्दी ქართული \x00",
    "thethe the東京東 (the)",
]


@pytest.fixture
def path(unigram, tmp_path):
    unigram.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


@pytest.fixture
def plain(unigram, path) -> PlainTokenizer:
    return PlainTokenizer(TokenizerFile(path), layout(unigram), 3, 0, 64)


def same(tokenizer, other, text: str) -> bool:
    one, two = tokenise([text], tokenizer), tokenise([text], other)
    ids = tokenise([text], tokenizer, places=False).ids
    parts = ("ids", "starts", "ends", "pointers")
    return np.array_equal(ids, two.ids) and all(
        np.array_equal(getattr(one, name), getattr(two, name)) for name in parts
    )


def built(tokenizer: PlainTokenizer) -> bool:
    return "whole" in vars(tokenizer.backend)


def test_few_texts_are_cut_alike_and_nothing_more_is_built(plain, unigram):
    for text in TEXTS:
        assert same(plain, unigram, text), text
    assert not built(plain)
    assert same(plain, unigram, "▁".join(TEXTS))


def test_the_whole_is_as_it_was_saved(plain, path):
    assert plain.backend_tokenizer.to_str() == Tokenizer.from_file(str(path)).to_str()
    path.unlink()
    assert same(copy.deepcopy(plain), plain, TEXTS[0])


@pytest.mark.parametrize("text", ["the </s> cup<s>was", "the cup " * 3000])
def test_added_tokens_and_many_texts_need_the_whole(plain, unigram, text):
    assert same(plain, unigram, text)
    assert built(plain)


def test_so_do_many_turns(plain, unigram, monkeypatch):
    monkeypatch.setattr(tokenizer_file, "_TURNS", 3)
    for letter in "abcdef":
        assert same(plain, unigram, letter)
    assert built(plain)


def test_other_kinds_are_built_at_once(wordpiece, tmp_path):
    wordpiece.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    plain = PlainTokenizer(TokenizerFile(tmp_path / "tokenizer.json"), layout(wordpiece), 1, 2, 64)
    assert same(plain, wordpiece, TEXTS[0])
    assert built(plain)


def test_half_a_surrogate_pair_is_told_as_ever(plain):
    with pytest.raises(PolyspanError, match="half of a surrogate pair"):
        tokenise(["the \ud83d cup"], plain)
