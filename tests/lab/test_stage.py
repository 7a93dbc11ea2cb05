"""Stages: their keys, and their order."""

from polyspan.lab.stage import Stage, in_order


def test_a_key_follows_options_and_needs_but_not_names():
    one, two = (Stage("nothing", name, {"a": 1}) for name in ("one", "two"))
    assert one.key == two.key
    assert Stage("nothing", "one", {"a": 2}).key != one.key
    assert Stage("nothing", "one", {"a": 1}, {"role": two}).key != one.key
    assert Stage("corpus", "one", {"a": 1}).key != one.key


def test_needed_ones_come_first_and_each_once():
    base, again = (Stage("nothing", name, {"base": True}) for name in ("base", "again"))
    ends = [Stage("nothing", f"end {i}", {"i": i}, {"role": need}) for i, need in enumerate((base, again))]
    assert [stage.name for stage in in_order(ends)] == ["base", "end 0", "end 1"]


def test_a_long_chain():
    stage = Stage("nothing", "0", {"i": 0})
    for i in range(1, 3000):
        stage = Stage("nothing", f"{i}", {"i": i}, {"before": stage})
    assert [one.name for one in in_order([stage])] == [f"{i}" for i in range(3000)]
