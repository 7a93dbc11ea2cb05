"""The benchmark measures what it says: both sides do the same work, and the arithmetic is counted right."""

import contextlib
import subprocess

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import polyspan as ps
from polyspan.bench import busy, material, peer
from polyspan.bench import measurements as rows
from polyspan.bench.ours import Ours, operations_of
from polyspan.bench.peer import Peer
from polyspan.errors import PolyspanError
from polyspan.model.batch import input_lengths
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows


def test_both_sides_make_the_same_windows(tiny, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setattr(peer, "LENGTH", 96)
    monkeypatch.setattr(peer, "STRIDE", 32)
    corpus = ps.sample(ps.read("mini:zh/test"), 20)
    reader = Reader.load(
        tiny, WindowOptions(max_length=96, stride=32, stride_as="overlap", max_question_length=90)
    )
    windows = make_windows(corpus, reader.tokenizer, reader.options, training=True)
    features = peer.featurise(peer.as_rows(corpus), reader.tokenizer, "same", labelled=True)
    theirs = [sum(feature["attention_mask"]) for feature in features]
    assert theirs == input_lengths(windows, reader.layout).tolist()
    outside = [feature["start_positions"] == 0 for feature in features]
    assert outside == (windows.label_start < 0).tolist()


def test_both_sides_score_alike():
    corpus = ps.read("mini:en/test")
    gold, guesses = peer.gold_and_guesses(corpus)
    ours = ps.score(corpus, guesses, "squad.v1").summary()
    exact = [max(peer.normalised(guesses[key]) == peer.normalised(text) for text in gold[key]) for key in gold]
    f1 = [max(peer.overlap(guesses[key], text) for text in gold[key]) for key in gold]
    assert 100 * np.mean(exact) == pytest.approx(ours["exact_match"])
    assert 100 * np.mean(f1) == pytest.approx(ours["f1"])


@pytest.mark.parametrize("frozen", [(), ("embeddings",), ("embeddings", "layer.0.")])
def test_operations_are_those_that_torch_counts(tiny, frozen):
    model, _ = load_encoder(tiny)
    for name, weight in model.named_parameters():
        weight.requires_grad_(not any(part in name for part in frozen))
    ids = torch.randint(5, 60, (4, 32))
    model.set_attn_implementation("eager")  # attention as products that the counter sees
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids).start_logits.sum().backward()
    head = 2 * 4 * 32 * 32 * 2 * (2 if frozen == () else 3)  # the span head, which is not counted
    ours = operations_of(model, np.full(4, 32))
    assert ours == pytest.approx(counter.get_total_flops() - head, rel=0.02)


def test_evenly_takes_batches_of_like_length_over_all_lengths():
    lengths = np.random.default_rng(0).integers(20, 384, 500)
    batches = [lengths[rows] for rows in peer.evenly(lengths, 4)]
    assert all(len(batch) == peer.BATCH and np.ptp(batch) < 20 for batch in batches)
    assert [batch.mean() for batch in batches] == sorted(batch.mean() for batch in batches)


def test_a_row_is_the_median_of_the_pairs():
    row = rows._row("decode", [10.0, 20.0, 30.0], [1.0, 1.0, 1.0], "windows/s")
    assert (row.ours, row.peer, row.ratio, row.pairs, row.goal) == (20, 1, 20, 3, 30)
    assert row.noise == pytest.approx(1.4826 * 10 / 20)
    table = rows.markdown({"rows": [rows.asdict(row)]})
    assert "| decode | 20 | 1 | 20 | ±74 % | ≥ 30 | windows/s |" in table


def test_training_beside_busy_cores_is_a_share_of_the_quiet_rate(monkeypatch):
    """Both kinds of threads once a turn without anything beside them, and those that sleep beside busy cores."""
    at_work: list[bool] = []
    asked: list[tuple[bool, bool]] = []

    class Counted:
        def __init__(self, side, model, scale, spinning):
            self.spinning = spinning

        def call(self, task, kind, turn):
            asked.append((self.spinning, bool(at_work)))
            return {"count": 10 if self.spinning else 9, "seconds": 2.0 if at_work else 1.0}

        def close(self):
            asked.append((self.spinning, False))

    @contextlib.contextmanager
    def beside():
        at_work.append(True)
        yield
        at_work.clear()

    monkeypatch.setattr(busy, "Worker", Counted)
    monkeypatch.setattr(busy, "_busy_cores", beside)
    one, two = rows._busy_rows(busy.busy(2, "tiny", "quick"))
    assert (one.name, one.ratio, one.goal) == ("train_beside_busy", 0.5, 0.45)
    assert (two.name, two.ratio, two.goal) == ("train_sleeping", 0.9, 0.95)
    quiet = [(False, False), (True, False)]
    assert asked == [*quiet, *2 * [*quiet, (False, True)], *quiet]


def test_busy_cores_are_quiet_afterwards(monkeypatch):
    started, popen = [], subprocess.Popen

    def noted(*command):
        started.append(popen(*command))
        return started[-1]

    monkeypatch.setattr(busy.subprocess, "Popen", noted)
    with contextlib.suppress(KeyboardInterrupt), busy._busy_cores():
        assert len(started) == busy.usable_cores()
        assert all(one.poll() is None for one in started)
        raise KeyboardInterrupt
    assert all(one.poll() is not None for one in started)


def test_missing_corpora_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("POLYSPAN_DATA", str(tmp_path))
    with pytest.raises(PolyspanError, match=r"no squad:dev"):
        material.corpus("squad:dev")


@pytest.mark.bundled
def test_one_turn_of_everything(monkeypatch):
    pytest.importorskip("datasets")
    given = ps.read("mini:en/test")
    monkeypatch.setattr(material, "corpus", lambda name: given)
    monkeypatch.setattr("polyspan.bench.ours.corpus", lambda name: given)
    monkeypatch.setattr("polyspan.bench.peer.corpus", lambda name: given)
    scale = material.Amount(pairs=1, featurised=20, decoded=8, answered=6, batches=1)
    ours, theirs = Ours("bundled:e5-small", scale), Peer("bundled:e5-small", scale)
    one, two = ours.predict("xquad:en", "fp32", 0), theirs.predict("xquad:en", 0)
    assert rows._agreement([one], [two])["other"] == 0
    assert ours.score(0)["scores"] == pytest.approx(theirs.score(0)["scores"])
    assert ours.windows("squad:dev", 0)["count"] == theirs.windows("squad:dev", 0)["count"]
    assert ours.decode(0)["count"] == theirs.decode(0)["count"]
    assert ours.missed(0)["ours"] == 0 < ours.missed(0)["peer"]
    assert ours.train("cpu", 0)["rate"] > 0
    assert theirs.train("bucketed", 0)["count"] == 8
