"""The local engine: stages one after another in this process, or over devices with a process for each."""

import contextlib
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from polyspan.errors import UsageError
from polyspan.files import Source
from polyspan.lab.engine.execution import Job, Result, execute
from polyspan.lab.engine.live import LiveView
from polyspan.lab.engine.processes import end_this_process
from polyspan.lab.engine.schedule import Outcome, Stock, run_all, take_stock
from polyspan.lab.machine import usable_cores
from polyspan.lab.stage import Stage
from polyspan.lab.store.store import Store
from polyspan.lab.work.loaded import put_away
from polyspan.model.fast.own_process import prepare_process

_CPU = "cpu"  # a device without a GPU

Submit = Callable[[Stage], Future[Result]]


def run_local(
    stages: Sequence[Stage],
    store: Store,
    *,
    policy: str = "missing",
    devices: Sequence[str] | None = None,
    logs: Source | None = None,
    command: str = "",
    processes: int = 1,
) -> Outcome:
    """Make the stages wanted, and what they need, on this machine.

    One after another in this process; with `devices` (numbers or UUIDs as CUDA_VISIBLE_DEVICES takes them) one at
    a time on each. A device `cpu` has no GPU and its share of the cores: with two of them two stages are made at a
    time, each with half. A training is split over so many `processes`; each of `devices` then names as many GPUs,
    with commas between them. `logs` is the folder for a log of each stage; without it stages write where the
    caller does. A stage that fails stops only those that need it: see `Outcome.failed`. Raises PolyspanError for a
    store that cannot be written, and under the policy `never` where something is missing; UsageError for another
    policy.
    """
    if wrong := [device for device in devices or () if processes > 1 and len(device.split(",")) != processes]:
        fix = "name as many GPUs, as in --device 0,1 --device 2,3 with --processes 2"
        raise UsageError("each process of a training needs a GPU", found=f"{wrong[0]} for {processes}", fix=fix)
    stock = take_stock(stages, store, policy)
    log_folder = Path(logs).absolute() if logs is not None else None
    job = Job(store, log_folder, policy == "always", command, processes)
    if not devices:
        return follow(stock, job, _here(job), 1)
    with _on_devices(devices, job) as submit:
        return follow(stock, job, submit, len(devices))


def follow(stock: Stock, job: Job, submit: Submit, slots: int) -> Outcome:
    """Make what is missing in the store and show it; `submit` gives a stage to one of the `slots` workers."""
    outcome = Outcome(kept=[stage.name for stage in stock.kept])
    names = {stage.key: stage.name for stage in stock.todo}
    with LiveView(stock.todo, len(stock.kept), slots) as view:
        for key, fault in stock.damaged.items():
            if key in names:
                outcome.damaged[names[key]] = fault
                view.say(f"{names[key]}: {fault}; made again")
        if stock.todo:
            job.store.prepare()
            for stage in stock.todo:
                if stage.key in stock.damaged and not job.store.lacks(stage):  # a part stays until there is more
                    job.store.discard(stage)
            if job.logs is not None:
                view.say(f"logs: {job.logs}")
        job.store.use(stock.kept)
        try:
            run_all(stock.todo, submit, slots, view, outcome)
        finally:
            put_away()
    return outcome


def _here(job: Job) -> Submit:
    def submit(stage: Stage) -> Future[Result]:
        future: Future[Result] = Future()
        future.set_result(execute(stage, job))
        return future

    return submit


@contextlib.contextmanager
def _on_devices(devices: Sequence[str], job: Job) -> Iterator[Submit]:
    """A process for each device, started with the first stage; one that dies is replaced, its stage has failed."""
    free: queue.SimpleQueue[int] = queue.SimpleQueue()
    shares = devices.count(_CPU)
    processes = [_process(device, shares) for device in devices]
    for number in range(len(processes)):
        free.put(number)

    def on_free_device(stage: Stage) -> Result:
        number = free.get()
        try:
            return processes[number].submit(execute, stage, job).result()
        except BrokenProcessPool:
            processes[number] = _process(devices[number], shares)
            return Result("failed", message="its process was killed: out of memory, or by hand")
        finally:
            free.put(number)

    threads = ThreadPoolExecutor(len(processes))
    try:
        yield lambda stage: threads.submit(on_free_device, stage)
    finally:
        threads.shutdown(cancel_futures=True)
        for process in processes:
            process.shutdown()


def _process(device: str, shares: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, context, initializer=_use, initargs=(str(device), shares))


def _use(device: str, shares: int) -> None:
    """Before anything looks for devices: see this one alone, and end with the run that started the process."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if device == _CPU else device
    if device == _CPU:  # more threads than processors wait for one another
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // shares)))
    prepare_process()
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()
            end_this_process()

    threading.Thread(target=end_with_parent, daemon=True).start()
