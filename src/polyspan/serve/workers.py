"""Several workers on one port: processes that share its socket, and the parent that starts and ends them."""

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from prometheus_client.multiprocess import mark_process_dead

from polyspan.errors import PolyspanError
from polyspan.serve.worker import Serving, run

_METERS = "PROMETHEUS_MULTIPROC_DIR"
_POLL = 0.2  # seconds
_EARLY = 60.0  # seconds; a worker that is killed sooner would be killed again


@dataclass(slots=True)
class _Worker:
    """One of the processes, with the pipe on which it says that it is ready, or why it cannot be."""

    number: int
    process: SpawnProcess
    says: Connection
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, number: int, serving: Serving, listening: socket.socket) -> "_Worker":
        context = multiprocessing.get_context("spawn")
        says, tells = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(serving, listening, tells, number))
        process.start()
        tells.close()
        return cls(number, process, says)


def supervise(serving: Serving, listening: socket.socket, told: Callable[[], None]) -> None:
    """Keep the workers running until a signal ends them all; one that is killed has another in its place.

    Raises PolyspanError where a worker cannot start.
    """
    with tempfile.TemporaryDirectory(prefix="polyspan-") as folder, _set(_METERS, folder):
        workers = [_Worker.start(number, serving, listening) for number in range(serving.workers)]
        fault: BaseException | None = None
        with _forwarding(workers) as stopping:
            while workers:
                wait([one.process.sentinel for one in workers], timeout=_POLL)
                for worker in workers:
                    fault = fault or _heard(worker, told)
                for worker in [one for one in workers if not one.process.is_alive()]:
                    workers.remove(worker)
                    mark_process_dead(worker.process.pid, folder)  # type: ignore[no-untyped-call]
                    fault = fault or _heard(worker, told) or _end_of(worker, bool(stopping))
                    if not stopping and fault is None:
                        print(f"polyspan: worker {worker.number} was killed; it is replaced", file=sys.stderr)
                        workers.append(_Worker.start(worker.number, serving, listening))
                if fault is not None and not stopping:
                    stopping.append(signal.SIGTERM)
                    _signal(workers, signal.SIGTERM)
        if fault is not None:
            raise fault


def _heard(worker: _Worker, told: Callable[[], None]) -> BaseException | None:
    """Hear what a worker says: that it is ready, or why it cannot be, which is returned."""
    fault = None
    with contextlib.suppress(EOFError, OSError):  # it has ended, and said all
        while fault is None and worker.says.poll():
            fault = worker.says.recv()
            if fault is None:
                told()
    return fault


def _end_of(worker: _Worker, stopping: bool) -> PolyspanError | None:
    """The fault in the end of a worker, if there is one."""
    code = worker.process.exitcode or 0
    if stopping:  # one that had no time to begin ends by the signal
        ended = code in (0, -signal.SIGTERM)
        return None if ended else PolyspanError("stopped before all requests were answered")
    if code and time.monotonic() - worker.began > _EARLY:
        return None
    found = f"exit status {code}"
    return PolyspanError("a worker ended by itself", found=found, fix="fewer --workers need less memory")


@contextlib.contextmanager
def _forwarding(workers: list[_Worker]) -> Iterator[list[int]]:
    """Hand signals on to the workers; gives the list of those that came."""
    came: list[int] = []

    def forward(number: int, _: object) -> None:
        came.append(number)
        _signal(workers, signal.SIGTERM)

    before = {one: signal.signal(one, forward) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _signal(workers: list[_Worker], number: int) -> None:
    for worker in workers:
        if worker.process.pid is not None and worker.process.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.process.pid, number)


@contextlib.contextmanager
def _set(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})


def _work(serving: Serving, listening: socket.socket, tells: Connection, number: int) -> None:
    """A worker's process. It is in a group of its own, so that Ctrl-C reaches it once: by way of its parent."""
    if hasattr(os, "setpgrp"):  # not on Windows
        os.setpgrp()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        run(serving, listening, lambda: tells.send(None), number)
    except PolyspanError as error:
        with contextlib.suppress(OSError):
            tells.send(error)
        sys.exit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
