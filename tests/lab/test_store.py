"""The store: whole or not at all, shared by processes, damage found by hashes, garbage that nobody needs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.errors import PolyspanError
from polyspan.lab.engine.execution import Job, execute
from polyspan.lab.stage import Stage, in_order
from polyspan.lab.store import lease as claims
from polyspan.lab.store.lease import Lease, holder
from polyspan.lab.store.store import Store
from polyspan.lab.work import WORK

ONE = Stage("nothing", "one", {"a": 1})
TWO = Stage("nothing", "two", {"a": 2}, {"before": ONE})


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "store")
    made.prepare()
    return made


def make(store, *stages):
    return [execute(stage, Job(store)).state for stage in stages]


@st.composite
def graphs(draw):
    """Stages that need earlier ones; some have the same options and needs, and so the same key."""
    stages = []
    for number in range(draw(st.integers(1, 12))):
        needs = draw(st.lists(st.sampled_from(stages), max_size=3)) if stages else []
        options = {"value": draw(st.integers(0, 3))}
        stages.append(Stage("nothing", str(number), options, {str(i): need for i, need in enumerate(needs)}))
    return stages


@given(graphs(), st.data())
def test_order_of_need(stages, data):
    wanted = data.draw(st.lists(st.sampled_from(stages)))
    order = in_order(wanted)
    place = {stage.key: number for number, stage in enumerate(order)}
    assert len(place) == len(order)  # each once
    assert {stage.key for stage in wanted} <= set(place)
    for stage in order:
        assert all(place[need.key] < place[stage.key] for need in stage.needs.values())
    reached = {stage.key for stage in wanted}
    for stage in reversed(order):  # nothing that nobody needs
        assert stage.key in reached
        reached |= {need.key for need in stage.needs.values()}


@given(graphs())
def test_the_key_is_that_of_options_and_needs_and_not_of_the_name(stages):
    for stage in stages:
        assert replace(stage, name="another", seconds=9.0).key == stage.key
        assert replace(stage, options={"value": "other"}).key != stage.key
        assert replace(stage, needs={**stage.needs, "more": ONE}).key != stage.key


def test_an_output_with_its_record(store):
    assert make(store, ONE, TWO, ONE) == ["made", "made", "found"]
    record = store.record(TWO)
    assert record["kind"] == "nothing"
    assert record["name"] == "two"
    assert record["options"] == {"a": 2}
    assert record["needs"] == {"before": ONE.key}
    assert record["files"]["nothing.json"]["bytes"] == (store.path(TWO) / "nothing.json").stat().st_size
    assert {"seconds", "versions", "machine", "command"} <= set(record)
    assert {"host", "cpu", "cores", "memory_gb", "gpu", "system"} == set(record["machine"])
    assert list((store.folder / "partial").iterdir()) == []


def test_opening_a_store_writes_nothing(tmp_path):
    assert not Store(tmp_path / "new").has(ONE)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(PolyspanError, match="not a store"):
        Store(tmp_path)
    with pytest.raises(PolyspanError, match="not a store"):
        Store(tmp_path / "thesis.tex")


def test_a_store_of_another_form_is_refused(store):
    (store.folder / "store.json").write_text('{"store": 2}')
    with pytest.raises(PolyspanError, match="another form"):
        Store(store.folder)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told_once(store, monkeypatch):
    def full(*_):
        with open("/dev/full", "w") as file:
            file.write("x" * 10)

    monkeypatch.setitem(WORK, "nothing", full)
    with pytest.raises(PolyspanError, match="cannot write") as raised:
        make(store, ONE)
    assert "No space left" in str(raised.value)
    assert holder(store.folder / "partial" / ONE.key) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(store):
    (store.folder / "partial").chmod(0o500)
    with pytest.raises(PolyspanError, match="cannot write"):
        store.prepare()


def test_a_store_under_a_system_folder():
    with pytest.raises(PolyspanError, match="cannot write"):
        Store("/proc/polyspan").prepare()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda path: (path / "nothing.json").write_text("{}"), "bytes instead of"),
        (lambda path: (path / "nothing.json").unlink(), "No such file"),
        (lambda path: (path / "stage.json").unlink(), "stage.json"),
        (lambda path: (path / "stage.json").write_text('{"files":'), "stage.json"),
        (lambda path: (path / "stage.json").write_text('{"files": 3}'), "stage.json"),
    ],
)
def test_sizes_and_records_are_looked_at_always(store, harm, says):
    make(store, ONE)
    assert store.has(ONE)
    harm(store.path(ONE))
    assert not store.has(ONE)
    assert says in store.fault(ONE)


def test_hashes_are_compared_once(store):
    make(store, ONE)
    path = store.path(ONE) / "nothing.json"
    path.write_text(path.read_text().replace("1", "7"))
    assert store.has(ONE)  # the same size
    assert store.damage(ONE) is None  # this very object has written it
    assert "another content" in Store(store.folder).damage(ONE)


def test_a_live_lease_keeps_others_out_and_a_dead_one_does_not(store):
    with store.lease(ONE) as mine:
        assert mine.out.is_dir()
        assert store.lease(ONE) is None
        assert make(store, ONE) == ["busy"]
        assert f"process {os.getpid()}" in store.maker(ONE)
    assert make(store, ONE) == ["made"]


def test_a_lease_of_a_killed_process_is_taken_with_what_it_left(tmp_path):
    script = f"""
import os, sys, time
from pathlib import Path
from polyspan.lab.store.lease import Lease
with Lease.take(Path({str(tmp_path / "place")!r})) as lease:
    (lease.out / "left").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    child.stdout.readline()
    assert Lease.take(tmp_path / "place") is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    with Lease.take(tmp_path / "place") as lease:
        assert (lease.out / "left").read_text() == "half"
        assert holder(tmp_path / "place")["pid"] == os.getpid()


def elsewhere(folder: Path) -> None:
    """Make a claim look like one of another machine, of which this one's pulse knows nothing."""
    path = max(folder.glob("claim.*"))
    claims._pulse().discard(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": "elsewhere"}))


def test_a_lease_of_another_machine_goes_by_its_signs_of_life(tmp_path, monkeypatch):
    first = Lease.take(tmp_path)
    elsewhere(tmp_path)
    assert Lease.take(tmp_path) is None
    time.sleep(0.2)
    monkeypatch.setattr(claims, "STALE", 0.1)
    with Lease.take(tmp_path) as second:
        assert first.lost
        assert not first.out.exists()  # its late writes fail
        assert not second.lost
    first.__exit__()


def test_whoever_lost_a_lease_leaves_the_winner_s_output(store, monkeypatch):
    first = store.lease(ONE)
    elsewhere(store.folder / "partial" / ONE.key)
    time.sleep(0.2)
    monkeypatch.setattr(claims, "STALE", 0.1)
    with store.lease(ONE) as second:
        (second.out / "answer").write_text("second")
        assert store.keep(ONE, second, {"seconds": 1})
        first.out.mkdir(parents=True)
        (first.out / "answer").write_text("first")
        assert not store.keep(ONE, first, {"seconds": 1})
    assert (store.path(ONE) / "answer").read_text() == "second"


def test_garbage_is_what_no_recipe_needs_and_nobody_uses(store):
    three = Stage("nothing", "three", {"a": 3})
    make(store, ONE, TWO, three)
    killed = Stage("nothing", "killed", {"a": 4})
    left = store.folder / "partial" / killed.key / "out.1"
    left.mkdir(parents=True)
    (left / "half").write_text("1234")
    keep = [stage.key for stage in in_order([TWO])]
    found = store.garbage(keep)
    assert {each.path for each in found} == {store.path(three), left.parent}
    assert store.garbage([*keep, three.key, killed.key]) == []
    assert store.garbage(keep, older_than=3600) == []
    assert store.remove(found) == sum(each.bytes for each in found) > 0
    assert store.has(ONE)
    assert store.has(TWO)
    assert not store.path(three).exists()
    assert list((store.folder / "partial").iterdir()) == []
    assert list((store.folder / "trash").iterdir()) == []


def test_what_is_there_is_listed_by_kind(store, tmp_path):
    assert Store(tmp_path / "none").contents() == []
    make(store, ONE, TWO)
    (store.path(TWO) / "stage.json").write_text("{")
    Lease.take(store.folder / "partial" / "KEY").out.joinpath("half").write_text("123")
    kinds = {row["kind"]: row["stages"] for row in store.contents()}
    assert kinds == {"nothing": 1, "damaged": 1, "partial": 1}
    assert all(row["bytes"] > 0 and row["used"] > 0 for row in store.contents())


def test_what_another_run_makes_or_reads_is_no_garbage(store):
    make(store, ONE)
    with store.lease(TWO) as lease:  # it reads ONE
        found = store.garbage([])
        assert found == []
        shutil.rmtree(lease.out)
    late = store.garbage([])
    with store.lease(ONE):
        store.remove(store.garbage([]))
    assert [each.path for each in late] == [store.path(ONE)]


def test_an_output_in_use_gets_young_again(store):
    make(store, ONE)
    os.utime(store.path(ONE) / "stage.json", (1, 1))
    assert len(store.garbage([], older_than=3600)) == 1
    store.use([ONE])
    assert store.garbage([], older_than=3600) == []
