"""The Ray engine: the same stages as tasks of a Ray cluster, on one machine or many that share the store."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source
from polyspan.lab.engine.execution import Job, Result, execute
from polyspan.lab.engine.local import follow
from polyspan.lab.engine.processes import splits
from polyspan.lab.engine.schedule import Outcome, take_stock
from polyspan.lab.stage import KINDS, Stage
from polyspan.lab.store.store import Store

_PATIENCE = 10.0  # seconds for an address to answer
_SHARE = 0.25  # of a device for a stage that does not train: four of them fit on one
_CPUS = 1  # for a task
_RETRIES = 3
_SLOTS = 1000  # tasks handed to Ray at a time; it starts as many as there is room for


def run_ray(
    stages: Sequence[Stage],
    store: Store,
    *,
    policy: str = "missing",
    address: str | None = None,
    logs: Source | None = None,
    command: str = "",
    processes: int = 1,
) -> Outcome:
    """Make the stages wanted, and what they need, as tasks of a Ray cluster.

    `address` is that of the cluster's head (`HOST:PORT`, or `auto` for the one on this machine); without it Ray is
    started here. The store and `logs` must be on a file system that all nodes see under one path. A task takes one
    processor; where the cluster has GPUs, one that trains takes a whole one and the others a quarter. One whose
    training is split over `processes` takes as many times that, on one node. A task whose node or process dies is
    started again on another, up to three times, and a training goes on from its checkpoint. Otherwise as
    `run_local`. Raises UsageError where Ray is not installed, PolyspanError where nothing answers at the address.
    """
    stock = take_stock(stages, store, policy)
    log_folder = Path(logs).absolute() if logs is not None else None
    job = Job(store, log_folder, policy == "always", command, processes)
    with _cluster(address) as ray:
        has_gpus = ray.cluster_resources().get("GPU", 0) > 0
        _require_room(ray.nodes(), processes, has_gpus)
        task = ray.remote(execute)
        handed: list[Any] = []

        def submit(stage: Stage) -> Future[Result]:
            times = processes if splits(stage) else 1
            gpus = (times if KINDS[stage.kind].trains else _SHARE) if has_gpus else 0
            options = {"num_cpus": _CPUS * times, "num_gpus": gpus, "max_retries": _RETRIES, "name": stage.name}
            reference = task.options(**options).remote(stage, job)
            handed.append(reference)
            return _result(reference, ray)

        try:
            return follow(stock, job, submit, _SLOTS)
        except BaseException:
            for reference in handed:
                ray.cancel(reference, force=True)
            raise


def _require_room(nodes: Sequence[Any], processes: int, has_gpus: bool) -> None:
    """Raise UsageError where no node has room for all processes of a training: Ray would wait for one for ever."""
    wanted = {"GPU": float(processes)} if has_gpus else {}
    wanted["CPU"] = float(_CPUS * processes)
    for name, count in wanted.items():
        most = max((node["Resources"].get(name, 0.0) for node in nodes if node["Alive"]), default=0.0)
        if processes > 1 and most < count:
            found = f"{most:g} {name}s on the largest, {count:g} wanted"
            raise UsageError(f"no node has room for {processes} processes", found=found, fix="lower --processes")


def _result(reference: Any, ray: Any) -> Future[Result]:
    """What a task returns; a fault of the cluster that outlived all retries is a stage that failed."""
    result: Future[Result] = Future()

    def settle(done: Future[Result]) -> None:
        error = done.exception()
        cause = getattr(error, "cause", None)
        if error is None:
            result.set_result(done.result())
        elif isinstance(cause, PolyspanError):  # the worker could not write the store
            result.set_exception(cause)
        elif isinstance(error, ray.exceptions.RayError):
            result.set_result(Result("failed", message=f"{type(error).__name__}: {error}"))
        else:
            result.set_exception(error)

    reference.future().add_done_callback(settle)
    return result


@contextlib.contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected to the cluster for as long as the block takes; a connection that is there already stays."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        ray: Any = import_module("ray")
    except ImportError as error:
        raise UsageError("Ray is not installed", found=str(error), fix="pip install ray") from error
    if ray.is_initialized():
        yield ray
        return
    if address not in (None, "auto", "local"):
        _require_answer(str(address))
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "include_dashboard": False}
    if address not in (None, "local"):
        del quiet["include_dashboard"]  # the cluster's own business
    try:
        ray.init(address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _unreachable(str(address), str(error)) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Ray itself tries for minutes to reach a head that is not there."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        raise UsageError("cannot read the address of a Ray cluster", found=address, expected="HOST:PORT or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, found: str) -> PolyspanError:
    fix = "see that `ray status` answers on the head, and that this machine reaches its port"
    return PolyspanError(f"no Ray cluster at {address}", found=found.splitlines()[0] if found else "", fix=fix)
