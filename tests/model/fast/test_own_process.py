"""What polyspan's own processes set before torch is loaded, and what it leaves alone in those of others."""

import os
import subprocess
import sys

import pytest

from polyspan.bench import worker
from polyspan.model.fast.own_process import CHOICES, SLEEPING, waiting

TOLD = "import gc, json, os, sys; print(json.dumps([os.environ.get('OMP_WAIT_POLICY'), gc.get_threshold()[0]]))"
COMMAND = """
import sys
sys.argv = ["polyspan", "--version"]
from polyspan.cli.main import main
try:
    main()
except SystemExit:
    pass
"""


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)


def told(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code + TOLD], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def test_the_command_lets_threads_sleep_and_an_import_does_not():
    assert told(COMMAND) == '["PASSIVE", 200000]'
    assert told("import polyspan, polyspan.cli.main\n") == f"[null, {700 if sys.version_info < (3, 13) else 2000}]"


@pytest.mark.parametrize(
    ("name", "value"), [("OMP_WAIT_POLICY", "ACTIVE"), ("GOMP_SPINCOUNT", "9"), ("KMP_BLOCKTIME", "1")]
)
def test_a_choice_stands(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert waiting() == {}
    policy = f'"{value}"' if name == "OMP_WAIT_POLICY" else "null"
    assert told(COMMAND) == f"[{policy}, 200000]"


@pytest.mark.parametrize(
    ("side", "spinning", "policy"), [("ours", None, "PASSIVE"), ("peer", None, None), ("ours", True, None)]
)
def test_the_peers_of_the_benchmark_wait_as_torch_has_it(monkeypatch, side, spinning, policy):
    """Also where the command that measures has set it for itself."""
    monkeypatch.setattr(os, "environ", {**os.environ, **SLEEPING})
    given = {}
    monkeypatch.setattr(worker.subprocess, "Popen", lambda command, env, **others: given.update(env))
    worker.Worker(side, "tiny", "quick", spinning=spinning)
    assert given.get("OMP_WAIT_POLICY") == policy
