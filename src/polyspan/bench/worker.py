"""A process that works when it is told to: each side has its own memory allocator and its own peak of memory."""

import contextlib
import json
import os
import subprocess
import sys
from typing import Any

from polyspan.bench.material import SCALES
from polyspan.errors import PolyspanError
from polyspan.model.fast.own_process import CHOICES, SLEEPING

_RAISED = {"MALLOC_MMAP_THRESHOLD_": "10000000000", "MALLOC_TRIM_THRESHOLD_": "10000000000"}


class Worker:
    """A side of the comparison in a process of its own; `call` waits for its answer.

    Its threads spin while they wait, as torch has it by itself, unless it is our side; `spinning` says otherwise.
    """

    def __init__(
        self, side: str, model: str, scale: str, raised: bool = False, spinning: bool | None = None
    ) -> None:
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TOKENIZERS_PARALLELISM": "true"}
        for name in ("OMP_NUM_THREADS", *CHOICES):
            environment.pop(name, None)
        if not (side == "peer" if spinning is None else spinning):
            environment |= SLEEPING
        environment |= _RAISED if raised else {}
        command = [sys.executable, "-m", "polyspan.bench.worker", side, model, scale]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True)

    def call(self, task: str, *values: Any) -> dict[str, Any]:
        """Do a task and return its measurements. Raises PolyspanError where the process ended instead."""
        self.send(task, *values)
        return self.receive(task)

    def send(self, task: str, *values: Any) -> None:
        """Begin a task."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # `receive` finds out
            self.process.stdin.write(json.dumps([task, *values]) + "\n")
            self.process.stdin.flush()

    def receive(self, task: str) -> dict[str, Any]:
        """Wait for the end of a task."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise PolyspanError(f"a process of the benchmark ended in {task}", found="see the lines above")
        result: dict[str, Any] = json.loads(line)
        if "error" in result:
            self.close()
            raise PolyspanError(result["error"])
        return result

    def close(self) -> None:
        """End the process."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    import resource  # not on Windows

    counted = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return counted / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, Linux kilobytes


def main() -> None:
    """Read tasks from stdin, a JSON list a line, and answer each with one JSON object."""
    side, model, scale = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints does not come between
    if side == "ours":
        from polyspan.bench.ours import Ours as Side
    else:
        from polyspan.bench.peer import Peer as Side  # type: ignore[assignment]
    worker: Any = None
    for line in sys.stdin:
        task, *values = json.loads(line)
        try:
            worker = worker or Side(model, SCALES[scale])
            result = {} if task == "load" else getattr(worker, task)(*values)
            result["peak"] = peak_megabytes()
        except PolyspanError as error:
            result = {"error": str(error)}
        print(json.dumps(result), file=answers, flush=True)


if __name__ == "__main__":
    main()
