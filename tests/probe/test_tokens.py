"""Context tokens: each once, none of the question, evenly drawn, the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest

import polyspan as ps
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.batch import collate
from polyspan.model.windows.tokens import tokenise
from polyspan.model.windows.windows import make_windows, owned
from polyspan.probe.token_vectors import token_vectors


def test_all_tokens_are_there_once_and_in_order(reader, some):
    found = token_vectors(reader, some, (0, 2), 10_000)
    contexts = tokenise([paragraph.context for paragraph in some.paragraphs], reader.tokenizer)
    assert found.pieces.tolist() == contexts.ids.tolist()
    assert found.paragraph.tolist() == np.repeat(np.arange(3), np.diff(contexts.pointers)).tolist()
    assert found.among == len(contexts.ids)
    assert list(found.vectors) == [0, 2]
    assert found.vectors[2].shape == (found.among, 32)


def test_a_token_is_read_where_it_has_most_context(reader, some):
    once = replace(some, paragraphs=tuple(replace(p, questions=p.questions[:1]) for p in some.paragraphs))
    windows = make_windows(once, reader.tokenizer, reader.options)
    first, last = owned(windows)
    found = token_vectors(reader, some, (2,), 10_000)
    for row in range(len(windows)):
        batch = collate(windows, reader.layout, np.array([row], np.int32))
        states = reader.hidden_states(batch, (2,))[2][0].detach().numpy()
        begin = windows.contexts.pointers[windows.paragraph[row]] + windows.first[row]
        for piece in range(first[row], last[row]):
            expected = states[int(batch.context[0, 0]) + piece]
            assert found.vectors[2][begin + piece] == pytest.approx(expected, abs=1e-5)


def test_a_sample_is_even_and_seeded(reader, english):
    whole = token_vectors(reader, english, (0,), 10_000)
    counts = np.zeros(len(english.paragraphs))
    for seed in range(10):
        part = token_vectors(reader, english, (0,), 60, seed)
        assert (len(part.pieces), part.among) == (60, whole.among)
        counts += np.bincount(part.paragraph, minlength=len(counts))
    again = token_vectors(reader, english, (0,), 60, 9)
    assert (again.vectors[0] == part.vectors[0]).all()
    assert (again.pieces == part.pieces).all()
    assert counts.min() > 25  # of 50


def test_mistakes(reader, english):
    with pytest.raises(UsageError, match="at least 1"):
        token_vectors(reader, english, (0,), 0)
    with pytest.raises(PolyspanError, match="no context"):
        token_vectors(reader, ps.Corpus((ps.Paragraph("a cup", ()),), "bare"), (0,), 5)
