"""Whose windows stand in a batch: shares are even, nothing waits for ever, and who left is forgotten."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from polyspan.serve.turns import Pending, Turns


def _reader(packs: bool = True) -> Any:
    return SimpleNamespace(packs=packs, device=SimpleNamespace(type="cpu"))  # batches of 2,048 pieces


def _pending(reader: Any, *lengths: int) -> Pending:
    pending = Pending(reader, None, None, None)  # type: ignore[arg-type]
    pending.lengths = np.array(lengths, np.int32)
    return pending


def _all(turns: Turns) -> list[dict[Pending, list[int]]]:
    batches = []
    while parts := turns.next():
        batches.append({pending: rows.tolist() for pending, rows in parts})
    return batches


def _turns(*pending: Pending) -> Turns:
    turns = Turns()
    for one in pending:
        turns.add(one)
    return turns


def test_a_long_text_takes_its_share_and_what_is_left_over():
    reader = _reader()
    long, *short = [_pending(reader, *[300] * 40), *(_pending(reader, 100) for _ in range(12))]
    first, *others = _all(_turns(long, *short))
    assert all(first[one] == [0] for one in short)
    assert first[long] == [0, 1]  # one as its turn, one in the room that was left
    assert [len(batch[long]) for batch in others] == [6] * 6 + [2]
    rows = [row for batch in (first, *others) for row in batch[long]]
    assert rows == list(range(40))


def test_who_had_no_turn_is_first_in_the_next_batch():
    reader = _reader()
    long, *short = [_pending(reader, *[384] * 9), *(_pending(reader, 384) for _ in range(9))]
    batches = _all(_turns(long, *short))
    assert [list(batch) for batch in batches[:2]] == [[long, *short[:4]], short[4:]]
    assert [batch[long] for batch in batches if long in batch] == [[0], [1, 2, 3, 4, 5], [6, 7, 8]]


def test_a_request_alone_has_the_whole_batch():
    pending = _pending(_reader(), *[400] * 7)
    assert [list(*batch.values()) for batch in _all(_turns(pending))] == [[0, 1, 2, 3, 4], [5, 6]]


def test_a_window_larger_than_a_batch_is_one():
    pending = _pending(_reader(), 3000, 3000, 10)
    assert [list(*batch.values()) for batch in _all(_turns(pending))] == [[0], [1], [2]]


@pytest.mark.parametrize(("packs", "batches"), [(True, 1), (False, 2)])
def test_padding_counts_where_there_is_any(packs, batches):
    pending = _pending(_reader(packs), 500, *[10] * 10)
    assert len(_all(_turns(pending))) == batches


def test_readers_do_not_share_a_batch():
    one, other = _reader(), _reader()
    pending = [_pending(reader, 100) for reader in (one, other, one)]
    assert [list(batch) for batch in _all(_turns(*pending))] == [[pending[0], pending[2]], [pending[1]]]


def test_who_left_is_forgotten():
    reader = _reader()
    gone, here = _pending(reader, *[100] * 100), _pending(reader, 100)
    turns = _turns(gone, here)
    turns.next()
    gone.answers.cancel()
    assert turns.next() == []
    assert turns.left == 0
