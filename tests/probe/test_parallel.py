"""Parallel corpora cut to what they share; their joint moments, stopped and gone on with."""

from dataclasses import replace

import numpy as np
import pytest

import polyspan as ps
from polyspan.errors import PolyspanError, UsageError
from polyspan.probe import parallel as module
from polyspan.probe.answer_vectors import answer_vectors, paired
from polyspan.probe.moments import Moments
from polyspan.probe.parallel import paired_moments, parallel


def ids(corpus):
    return [question.id for _, question in corpus.questions()]


def test_what_all_share(english, chinese):
    fewer = replace(chinese, paragraphs=chinese.paragraphs[4:])
    both = parallel([english, fewer])
    assert ids(both[0]) == ids(both[1]) == ids(fewer)
    some = parallel([english, fewer, english], limit=5, seed=1)
    assert ids(some[0]) == ids(some[1]) == ids(some[2])
    assert len(some[0]) == 5
    assert ids(parallel([english, fewer], limit=5, seed=2)[0]) != ids(some[0])
    with pytest.raises(UsageError, match="at least two"):
        parallel([english])
    with pytest.raises(UsageError, match="at least 1"):
        parallel([english, chinese], limit=0)
    with pytest.raises(PolyspanError, match="share no question"):
        parallel([english, ps.read("mini:en/test")])


def test_moments_are_those_of_the_vectors(reader, english, chinese, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 5)
    fewer = replace(chinese, paragraphs=chinese.paragraphs[4:])
    found = paired_moments(reader, english, fewer, (1, -1))
    both = paired(*(answer_vectors(reader, corpus, (1, 2)) for corpus in (english, fewer)))
    assert (found.pairs, found.alone) == (len(fewer), len(english) - len(fewer))
    for layer in (1, 2):
        expected = Moments.of(both.a[layer], both.b[layer])
        assert found.true[layer].covariance == pytest.approx(expected.covariance, abs=1e-5)
        shuffled = found.shuffled[layer]
        assert shuffled.x().covariance == pytest.approx(expected.x().covariance, abs=1e-5)
        assert np.abs(shuffled.covariance - expected.covariance).max() > 1e-3


def test_a_stopped_pass_goes_on_to_the_same_result(reader, english, chinese, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_CHUNK", 7)
    whole = paired_moments(reader, english, chinese, (2,))
    path, calls, original = tmp_path / "pass.npz", [], module.answer_vectors

    def stops(*arguments, **options):
        if len(calls) == 4:
            raise KeyboardInterrupt
        calls.append(1)
        return original(*arguments, **options)

    monkeypatch.setattr(module, "answer_vectors", stops)
    with pytest.raises(KeyboardInterrupt):
        paired_moments(reader, english, chinese, (2,), checkpoint=path)
    monkeypatch.setattr(module, "answer_vectors", original)
    again = paired_moments(reader, english, chinese, (2,), checkpoint=path)
    assert again.pairs == whole.pairs == len(english)
    for one, two in ((again.true, whole.true), (again.shuffled, whole.shuffled)):
        assert (one[2].scatter == two[2].scatter).all()
    with pytest.raises(PolyspanError, match="another pass"):
        paired_moments(reader, english, chinese, (1,), checkpoint=path)
