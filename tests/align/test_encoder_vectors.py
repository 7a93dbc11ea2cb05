"""An encoder's vectors: means over every instance of a piece, or single instances, the frequent first."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import polyspan as ps
from polyspan.align.layer_vectors import encoder_vectors
from polyspan.errors import PolyspanError, UsageError
from polyspan.probe.token_vectors import token_vectors


@pytest.fixture
def reader(tiny):
    return ps.Reader.load(tiny, ps.WindowOptions(max_length=32, stride=8))  # windows that overlap


def test_types_are_means_of_all_instances(reader, corpus):
    every = token_vectors(reader, corpus, [1], 10**6)
    assert len(every.pieces) == every.among
    counts = Counter(reader.tokenizer.convert_ids_to_tokens(every.pieces.tolist()))
    found = encoder_vectors(reader, corpus, 1)
    assert set(found.words) == set(counts)
    assert [counts[word] for word in found.words] == sorted(counts.values(), reverse=True)
    for word, row in zip(found.words, found.matrix, strict=True):
        mine = every.pieces == reader.tokenizer.convert_tokens_to_ids(word)
        np.testing.assert_allclose(row, every.vectors[1][mine].mean(0), atol=1e-5)
    few = encoder_vectors(reader, corpus, 1, most=5)
    assert few.words == found.words[:5]
    assert np.array_equal(few.matrix, found.matrix[:5])


def test_tokens_are_instances_of_frequent_pieces_first(reader, corpus):
    found = encoder_vectors(reader, corpus, -1, "tokens", most=40, seed=3)
    assert len(found) == 40
    assert found.width == 32
    counts = Counter(found.words)
    assert [counts[word] for word in found.words] == sorted((counts[word] for word in found.words), reverse=True)
    again = encoder_vectors(reader, corpus, 2, "tokens", most=40, seed=3)
    assert np.array_equal(found.matrix, again.matrix)


def test_limit_draws_paragraphs(reader, corpus):
    one = encoder_vectors(reader, corpus, 0, limit=1, seed=0)
    assert len(one) < len(encoder_vectors(reader, corpus, 0))
    assert one.words == encoder_vectors(reader, corpus, 0, limit=1, seed=0).words


def test_mistakes(reader, corpus):
    for layer in (3, -4):
        with pytest.raises(UsageError, match=f"no layer {layer}"):
            encoder_vectors(reader, corpus, layer)
    with pytest.raises(UsageError, match="kind of vectors"):
        encoder_vectors(reader, corpus, 1, "words")
    with pytest.raises(UsageError, match="most must be at least 1"):
        encoder_vectors(reader, corpus, 1, most=0)
    bare = replace(corpus, paragraphs=tuple(replace(part, questions=()) for part in corpus.paragraphs))
    with pytest.raises(PolyspanError, match="no context"):
        encoder_vectors(reader, bare, 1)
