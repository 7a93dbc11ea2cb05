"""The Ray engine on a real cluster of two nodes on this machine: a node dies in the middle, the run finishes."""

import json
import os
import sys
import threading
import time

import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.engine.local import run_local
from polyspan.lab.engine.ray_cluster import run_ray
from polyspan.lab.stage import KINDS, Stage
from polyspan.lab.store.store import Store

WORK = """
import os, time
from pathlib import Path
from polyspan.files import write_text
from polyspan.lab.stage import KINDS, Kind
from polyspan.lab.work import WORK

PACE = 0.05

def count(options, inputs, out):
    import ray
    node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else "here"
    kept = out / "step"
    step = int(kept.read_text()) if kept.exists() else 0
    with open(Path(options["tally"]) / out.parent.name, "a") as file:
        file.write(f"from {step} in {os.getpid()} on {node}\\n")
    while step < options["steps"]:
        time.sleep(PACE)
        step += 1
        write_text(kept, str(step))

def nothing(options, inputs, out):
    write_text(out / "text", str(options))

def register():
    KINDS["count"], WORK["count"] = Kind(trains=True), count
    KINDS["nothing"], WORK["nothing"] = Kind(), nothing

register()
"""


def test_an_address_where_nothing_answers():
    pytest.importorskip("ray")
    began = time.monotonic()
    with pytest.raises(PolyspanError, match=r"no Ray cluster at 127\.0\.0\.1:1"):
        run_ray([Stage("nothing", "one")], Store("unused"), address="127.0.0.1:1")
    with pytest.raises(UsageError, match="cannot read the address"):
        run_ray([Stage("nothing", "one")], Store("unused"), address="head")
    assert time.monotonic() - began < 30


def test_without_ray_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match="Ray is not installed"):
        run_ray([Stage("nothing", "one")], Store(tmp_path / "store"))


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A head without processors for tasks, and two nodes with two each."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    (tmp_path / "lab_ray_kinds.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    import lab_ray_kinds

    lab_ray_kinds.register()
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()
    del KINDS["count"], sys.modules["lab_ray_kinds"]


@pytest.mark.slow
def test_a_node_dies_in_the_middle(cluster, tmp_path, monkeypatch):
    import ray

    nodes = [cluster.add_node(num_cpus=2) for _ in range(2)]
    tally = tmp_path / "tally"
    tally.mkdir()
    corpora = [Stage("nothing", f"corpus {i}", {"i": i}) for i in range(4)]
    readers = [
        Stage("count", f"train {i}", {"steps": 60, "tally": str(tally), "i": i}, {"data": corpora[i]})
        for i in range(4)
    ]
    wanted = [Stage("nothing", f"predict {i}", {}, {"reader": reader}) for i, reader in enumerate(readers)]
    store = Store(tmp_path / "store")

    def kill_a_node():
        while len(list(tally.iterdir())) < 4:  # all four trainings have begun, two on each node
            time.sleep(0.05)
        time.sleep(0.5)
        cluster.remove_node(nodes[0], allow_graceful=False)

    killer = threading.Thread(target=kill_a_node)
    killer.start()
    ray.init(
        cluster.address, runtime_env={"worker_process_setup_hook": "lab_ray_kinds.register"}, log_to_driver=False
    )
    try:
        outcome = run_ray(wanted, store, address=cluster.address, logs=tmp_path / "logs")
    finally:
        killer.join()
        ray.shutdown()
    assert outcome.failed == {}
    assert len(outcome.made) == 12
    begun = [path.read_text().splitlines() for path in tally.iterdir()]
    assert len(begun) == 4
    again = [lines for lines in begun if len(lines) > 1]
    assert len(again) == 2  # those of the dead node
    for first, second in again:
        assert first.split()[-1] != second.split()[-1]
        assert int(second.split()[1]) > 0  # from its checkpoint
    assert list((store.folder / "partial").iterdir()) == []
    monkeypatch.setattr("lab_ray_kinds.PACE", 0)
    local = Store(tmp_path / "local")
    run_local(wanted, local)
    assert _contents(store) == _contents(local)


def _contents(store: Store) -> dict[str, str]:
    """The hash of every file in the store, as its record has it."""
    found = {}
    for path in sorted((store.folder / "stages").iterdir()):
        record = json.loads((path / "stage.json").read_text("utf-8"))
        found |= {f"{path.name}/{name}": known["sha256"] for name, known in record["files"].items()}
    return found


@pytest.mark.slow
def test_ray_started_here(tmp_path):
    pytest.importorskip("ray")
    one = Stage("corpus", "one", {"data": "mini:fr/test"})
    store = Store(tmp_path / "store")
    outcome = run_ray([Stage("baseline", "two", {}, {"test": one})], store, logs=tmp_path / "logs")
    assert outcome.made == ["one", "two"]
    assert len(os.listdir(tmp_path / "logs")) == 2
    assert run_ray([one], store).kept == ["one"]
    with pytest.raises(UsageError, match="no node has room for 500 processes"):
        run_ray([Stage("corpus", "three")], store, processes=500)
