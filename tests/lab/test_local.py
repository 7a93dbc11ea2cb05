"""The local engine: order, failures, logs, several processes; SIGKILL at any moment ends in the same store."""

import functools
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import polyspan
from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.engine.execution import Result
from polyspan.lab.engine.live import Estimate, LiveView, duration
from polyspan.lab.engine.local import run_local
from polyspan.lab.engine.schedule import Schedule, take_stock
from polyspan.lab.machine import usable_cores
from polyspan.lab.stage import KINDS, Stage, in_order
from polyspan.lab.store.store import Store
from polyspan.training.settings import as_options, preset

WORK = '''
"""Kinds of stages for tests: one that sleeps, one that counts and keeps a checkpoint, one that fails."""
import os, sys, time
from pathlib import Path
from polyspan.errors import PolyspanError
from polyspan.files import write_text
from polyspan.lab.stage import KINDS, Kind, Stage
from polyspan.lab.work import WORK

def slow(options, inputs, out):
    assert not any(out.iterdir()), "not empty"
    (out / "half").write_text("x" * 50)
    time.sleep(options.get("seconds", 0.02))
    (out / "half").unlink()
    print("slept", options.get("seconds"))
    os.write(2, b"from below\\n")
    names = [role + (path / "text").read_text() for role, path in sorted(inputs.items())]
    write_text(out / "text", str(options) + " of " + ", ".join(names))

def count(options, inputs, out):
    """Goes on from its checkpoint; every step is noted outside."""
    kept = out / "reader.checkpoint" / "step"
    step = int(kept.read_text()) if kept.exists() else 0
    while step < options["steps"]:
        time.sleep(0.01)
        step += 1
        with open(options["tally"], "a") as file:
            file.write(f"{step}\\n")
        write_text(kept, str(step))
    write_text(out / "text", f"counted to {step}")

def fail(options, inputs, out):
    if options.get("bug"):
        raise ZeroDivisionError("a bug")
    if options.get("lacks"):
        import no_such_package
    if options.get("die"):
        os._exit(9)
    raise PolyspanError("no such corpus", where="somewhere", fix="name another")

def device(options, inputs, out):
    time.sleep(0.05)
    seen = [os.environ.get(name, "-") for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")]
    (out / "text").write_text("\\n".join([*seen, str(os.getpid())]))

def register():
    KINDS.update(slow=Kind(), count=Kind(trains=True), fail=Kind(), device=Kind())
    WORK.update(slow=slow, count=count, fail=fail, device=device)

register()
'''
RUN = """
import sys
import lab_kinds
from polyspan.lab.engine.local import run_local
from polyspan.lab.stage import Stage
from polyspan.lab.store.store import Store

def wanted(tally):
    corpora = [Stage("slow", f"corpus {i}", {"i": i}) for i in range(4)]
    readers = [Stage("count", f"train {i}", {"steps": 25, "tally": tally + str(i)}, {"data": corpora[i]})
               for i in range(2)]
    return [Stage("slow", f"predict {i} {j}", {}, {"reader": readers[i], "test": corpora[j]})
            for i in range(2) for j in range(4)]

if __name__ == "__main__":
    store, logs, tally = sys.argv[1:]
    outcome = run_local(wanted(tally), Store(store), logs=logs)
    assert not outcome.failed, outcome.failed
"""


@pytest.fixture
def kinds(tmp_path, monkeypatch):
    """The kinds above, here and in processes that are started."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "lab_kinds.py").write_text(WORK)
    (folder / "run.py").write_text(RUN)
    (folder / "sitecustomize.py").write_text("import lab_kinds")  # for the processes of devices
    before = dict(KINDS)
    monkeypatch.syspath_prepend(folder)
    source = Path(polyspan.__file__).parent.parent  # the one that is tested, in other processes too
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(source)]))
    import lab_kinds

    lab_kinds.register()
    yield folder
    KINDS.clear()
    KINDS.update(before)
    del sys.modules["lab_kinds"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def contents(folder: Path) -> dict[str, object]:
    """Every file of every finished stage; of the records all but times."""
    found: dict[str, object] = {}
    for path in sorted((folder / "stages").rglob("*")):
        if path.name == "stage.json":
            record = json.loads(path.read_text("utf-8"))
            del record["seconds"]
            found[str(path.relative_to(folder))] = record
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def start(kinds: Path, tmp_path: Path, name: str) -> subprocess.Popen:
    command = [sys.executable, str(kinds / "run.py"), str(tmp_path / name), str(tmp_path / f"{name}.logs")]
    command.append(str(tmp_path / "tally"))
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_killed_at_any_moment_it_goes_on_to_the_same_end(kinds, tmp_path):
    began = time.monotonic()
    whole = start(kinds, tmp_path, "whole")
    assert whole.communicate()[1] is not None
    assert whole.returncode == 0
    taken = time.monotonic() - began
    for path in tmp_path.glob("tally*"):
        path.unlink()
    generator = random.Random()
    killed = 0
    for _ in range(10):
        child = start(kinds, tmp_path, "broken")
        try:
            child.wait(generator.uniform(0.3, 0.9) * taken)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            killed += 1
        child.communicate()
    last = start(kinds, tmp_path, "broken")
    assert "Traceback" not in last.communicate()[1]
    assert last.returncode == 0
    assert killed
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")
    assert list((tmp_path / "broken" / "partial").iterdir()) == []
    for number in range(2):  # a kill costs the step it falls into, not those before
        steps = [int(line) for line in (tmp_path / f"tally{number}").read_text().split()]
        assert 25 <= len(steps) <= 25 + killed
        assert steps == sorted(steps)


def test_killed_before_the_output_is_in_the_store_nothing_is_done_twice(kinds, store, tmp_path, monkeypatch):
    """The checkpoint is gone by then: without it a training would begin anew."""
    stage = Stage("count", "train", {"steps": 3, "tally": str(tmp_path / "tally")})
    keep = Store.keep

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        run_local([stage], store)
    assert not list(store.folder.rglob("*.checkpoint"))
    monkeypatch.setattr(Store, "keep", keep)
    assert run_local([stage], store).made == ["train"]
    assert (tmp_path / "tally").read_text().split() == ["1", "2", "3"]
    assert set(store.record(stage)["files"]) == {"text"}


def test_two_runs_on_one_store_share_the_work(kinds, tmp_path):
    for path in tmp_path.glob("tally*"):
        path.unlink()
    runs = [start(kinds, tmp_path, "shared") for _ in range(2)]
    said = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    for number in range(2):  # each step once: no training ran twice
        assert len((tmp_path / f"tally{number}").read_text().split()) == 25
    assert len(list((tmp_path / "shared" / "stages").iterdir())) == 4 + 2 + 8
    assert list((tmp_path / "shared" / "partial").iterdir()) == []


def test_each_stage_has_a_log(kinds, store, tmp_path, capfd):
    run_local([Stage("slow", "a/b c")], store, logs=tmp_path / "logs")
    (log,) = (tmp_path / "logs").iterdir()
    assert log.name.startswith("a-b-c.")
    assert log.read_text().splitlines() == ["slept None", "from below"]
    out, err = capfd.readouterr()
    assert out == ""
    assert "from below" not in err
    print("still here")
    assert capfd.readouterr().out == "still here\n"


def test_a_failure_stops_only_what_needs_it(kinds, store, tmp_path, capfd):
    bad = Stage("fail", "bad")
    buggy = Stage("fail", "buggy", {"bug": True})
    after = Stage("slow", "after", {}, {"x": Stage("slow", "between", {}, {"x": bad})})
    good = Stage("slow", "good")
    outcome = run_local([bad, buggy, after, good], store, logs=tmp_path / "logs")
    assert outcome.made == ["good"]
    assert list(outcome.failed) == ["bad", "buggy"]
    assert outcome.skipped == {"between": "bad", "after": "bad"}
    with pytest.raises(PolyspanError, match="stages failed: 2; not made because they need them: 2") as raised:
        outcome.require_whole()
    assert "bad: no such corpus\n  where:    somewhere\n  fix:      name another\n  log:      " in str(
        raised.value
    )
    log = next((tmp_path / "logs").glob("buggy*"))
    assert "ZeroDivisionError: a bug" in log.read_text()
    assert str(log) in outcome.failed["buggy"]
    assert "bad: FAILED: no such corpus" in capfd.readouterr().err
    assert list((store.folder / "partial").iterdir()) == []


def test_a_missing_package_is_named(kinds, store):
    outcome = run_local([Stage("fail", "parsed", {"lacks": True})], store)
    told = "parsed needs no_such_package, which is not installed\n  fix:      pip install no_such_package"
    assert outcome.failed == {"parsed": told}


def test_policies(kinds, store):
    stages = [Stage("slow", "one"), Stage("slow", "two", {"b": 1})]
    with pytest.raises(PolyspanError, match="nothing is to be made: 2 stages"):
        run_local(stages, store, policy="never")
    assert not store.folder.exists()
    assert run_local(stages[:1], store).made == ["one"]
    again = run_local(stages, store)
    assert (again.kept, again.made) == (["one"], ["two"])
    always = run_local(stages, store, policy="always")
    assert (always.kept, always.made) == ([], ["one", "two"])
    assert run_local(stages, store, policy="never").kept == ["one", "two"]
    with pytest.raises(UsageError, match="did you mean 'missing'"):
        run_local(stages, store, policy="mising")


def test_damage_is_made_again_and_said(kinds, store, capfd):
    corpus = Stage("slow", "corpus")
    reader = Stage("slow", "reader", {"r": 1}, {"data": corpus})
    answers = Stage("slow", "answers", {"p": 1}, {"reader": reader})
    run_local([answers], store)
    text = store.path(answers) / "text"
    text.write_text(text.read_text().swapcase())  # as long as before
    outcome = run_local([answers], Store(store.folder))
    assert outcome.made == ["answers"]
    assert "another content" in outcome.damaged["answers"]
    assert "answers: damaged in the store" in capfd.readouterr().err
    (store.path(reader) / "text").write_text("")
    store.discard(answers)
    outcome = run_local([answers], Store(store.folder))
    assert outcome.made == ["reader", "answers"]
    assert list(outcome.damaged) == ["reader"]


def test_what_only_kept_stages_need_is_not_made(kinds, store):
    corpus = Stage("slow", "corpus")
    answers = Stage("slow", "answers", {}, {"test": corpus})
    run_local([answers], store)
    store.discard(corpus)
    assert take_stock([answers], store).todo == []
    more = Stage("slow", "more", {"m": 1}, {"test": corpus})
    assert [stage.name for stage in take_stock([answers, more], store).todo] == ["corpus", "more"]


def test_a_process_for_each_device(kinds, store):
    stages = [Stage("device", f"{i}", {"i": i}) for i in range(6)]
    outcome = run_local(stages, store, devices=["3", "5"])
    assert len(outcome.made) == 6
    seen = {tuple((store.path(stage) / "text").read_text().split("\n")) for stage in stages}
    assert {device for device, _, _ in seen} == {"3", "5"}
    assert str(os.getpid()) not in {pid for _, _, pid in seen}
    assert len(seen) == 2


def test_processes_without_gpus_share_the_processors(kinds, store, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    stages = [Stage("device", f"{i}", {"i": i}) for i in range(6)]
    assert len(run_local(stages, store, devices=["cpu", "cpu"]).made) == 6
    seen = {tuple((store.path(stage) / "text").read_text().split("\n")) for stage in stages}
    assert {(device, threads) for device, threads, _ in seen} == {("", str(max(1, usable_cores() // 2)))}
    assert len({pid for _, _, pid in seen}) == 2


def test_a_process_that_dies_is_a_failed_stage(kinds, store):
    outcome = run_local([Stage("fail", "dies", {"die": True}), Stage("slow", "lives")], store, devices=["0"])
    assert outcome.made == ["lives"]
    assert "killed" in outcome.failed["dies"]


@given(st.integers(1, 30), st.integers(0, 1000))
def test_a_schedule_hands_out_all_and_nothing_too_early(count, seed):
    generator = random.Random(seed)
    stages: list[Stage] = []
    for number in range(count):
        needs = generator.sample(stages, min(len(stages), generator.randrange(3)))
        stages.append(Stage("nothing", str(number), {"n": number}, {str(i): s for i, s in enumerate(needs)}))
    schedule, running, done = Schedule(in_order(stages)), [], set()
    while True:
        while stage := schedule.next():
            assert all(need.key in done for need in stage.needs.values())
            running.append(stage)
        if not running and not schedule.look_again():
            break
        if running:
            stage = running.pop(generator.randrange(len(running)))
            if generator.random() < 0.2:
                schedule.put_back(stage)
            else:
                done.add(stage.key)
                schedule.met(stage)
    assert done == {stage.key for stage in stages}


def test_estimates_follow_what_was_measured():
    estimate = Estimate()
    train, predict = Stage("train", "t", seconds=100), Stage("predict", "p", seconds=10)
    assert estimate.expected("train", 1, 100) == 100
    estimate.learn(predict, 30)
    assert estimate.expected("predict", 2, 20) == 60
    assert estimate.expected("train", 1, 100) == 300  # this machine is three times slower than was thought
    estimate.learn(train, 50)
    assert estimate.expected("train", 1, 100) == 50
    assert [duration(seconds) for seconds in (0.42, 12, 200, 7500)] == ["0.4 s", "12 s", "3:20 min", "2:05 h"]


def test_the_table_fits_into_eighty_columns():
    stages = [Stage("nothing", f"train {'long name ' * 9}{i}", {"i": i}, seconds=4000) for i in range(20)]
    with LiveView(stages, 3, workers=10) as view:
        for stage in stages[:11]:
            view.begin(stage)
        view.end(stages[0], Result("failed", 1.0, "no such corpus\n  where: …"))
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(view.table())
    lines = console.export_text().splitlines()
    assert len(lines) == 9
    assert all(len(line) <= 80 for line in lines)
    assert lines[-1].startswith("1 of 20 stages, 1 failed, 2 more running")


def test_two_hundred_stages_take_little_time(store):
    """The benchmark says how little; this is against growing with the square of their number."""
    stages = [Stage("nothing", str(i), {"i": i}) for i in range(60)]
    began = time.monotonic()
    run_local(stages, store)
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_a_training_goes_on_from_its_checkpoint(store, tiny, tmp_path, monkeypatch):
    """Broken off at a step, the Reader ends with the bytes of one that was not."""
    from polyspan.lab.work import reader as work_reader
    from polyspan.training import loop as training

    options = {"model": tiny, "seed": 1, "limit": 12}
    changes = {"epochs": 2, "batch_size": 4, "max_length": 128, "stride": 32, "freeze_layers": 0}
    options["settings"] = as_options(preset("cpu", **changes))
    corpus = Stage("corpus", "French", {"data": "mini:fr/train"})
    reader = Stage("train", "French reader", options, {"data.0": corpus})
    run_local([reader], Store(tmp_path / "whole")).require_whole()
    taken: list[int] = []
    take_step = training.take_step

    def broken(run, model, optimizer, step):
        taken.append(step)
        if len(taken) == 4:
            raise KeyboardInterrupt
        return take_step(run, model, optimizer, step)

    often = functools.partial(training.train, checkpoint_seconds=0.0)
    monkeypatch.setattr(work_reader, "fine_tune", often)
    monkeypatch.setattr(training, "take_step", broken)
    with pytest.raises(KeyboardInterrupt):
        run_local([reader], store)
    assert not store.has(reader)
    run_local([reader], store).require_whole()
    assert taken[:5] == [1, 2, 3, 4, 4]
    weights = "reader/model.safetensors"
    files = store.record(reader)["files"]
    assert files[weights] == Store(tmp_path / "whole").record(reader)["files"][weights]
    assert not any("checkpoint" in name for name in files)
    assert list((store.folder / "partial").iterdir()) == []
