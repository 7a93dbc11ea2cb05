"""Rows that belong together: identical strings and a dictionary's translations of whole words."""

import pytest

from polyspan.align.translations import identical, translated, whole_words
from polyspan.errors import PolyspanError
from polyspan.make.dictionary import Dictionary


def test_identical_strings():
    assert identical(["a", "b", "c"], ["c", "x", "a"]).tolist() == [[0, 2], [2, 0]]
    assert identical(["a", "a", "b", "a"], ["a", "b", "a"]).tolist() == [[0, 0], [1, 2], [2, 1]]
    assert identical(["a"], ["b"]).shape == (0, 2)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["The", "the", "cat"], {"the": 0, "cat": 2}),
        (["▁the", "ing", "▁The", "東京", "한"], {"the": 0, "東京": 3}),
        (["▁東京", "東京", "▁한국"], {"東京": 0, "한국": 2}),
        (["the", "##ing", "##京"], {"the": 0, "京": 2}),
        (["Ġthe", "ing"], {"the": 0}),
    ],
)
def test_whole_words(pieces, expected):
    assert whole_words(pieces) == expected


def test_translations():
    dictionary = Dictionary({"cat": ("貓", "猫"), "dog": ("狗",), "the": ("這",), "cup": ("Coupe",)}, "words")
    found = translated(["▁the", "▁Cat", "▁cat", "▁cup"], ["猫", "▁coupe", "貓"], dictionary)
    assert found.pairs.tolist() == [[1, 2], [1, 0], [3, 1]]
    assert (found.words, found.found) == (4, 2)
    with pytest.raises(PolyspanError, match="no word of the dictionary"):
        translated(["x"], ["y"], dictionary)
