"""Training beside a busy process a core, and with threads that sleep or spin while they wait."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from polyspan.bench.worker import Worker
from polyspan.lab.machine import usable_cores

_BUSY = "while True: pass"


def busy(pairs: int, model: str, scale: str) -> list[dict[str, float]]:
    """Windows a second of the preset `cpu`, in turns: `sleeping` and `spinning` threads on a quiet machine, and
    `beside` a busy process a core with sleeping ones."""
    sleeping, spinning = (Worker("ours", model, scale, spinning=each) for each in (False, True))
    turns = []
    try:
        for worker in (sleeping, spinning):
            _rate(worker, 10_000)  # once unmeasured
        for turn in range(pairs):
            rates = {"sleeping": _rate(sleeping, turn), "spinning": _rate(spinning, turn)}
            with _busy_cores():
                turns.append(rates | {"beside": _rate(sleeping, turn)})
    finally:
        sleeping.close()
        spinning.close()
    return turns


def _rate(worker: Worker, turn: int) -> float:
    done = worker.call("train", "cpu", turn)
    return float(done["count"] / done["seconds"])


@contextlib.contextmanager
def _busy_cores() -> Iterator[None]:
    others = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(usable_cores())]
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()
