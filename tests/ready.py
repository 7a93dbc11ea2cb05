"""Processes that have torch, transformers and polyspan imported before they begin.

Importing these takes seconds of a processor, and tests start processes by the hundred. Here they are forked off
one that has imported them and done nothing else; so each is as new as any other, and begins at once.
"""

import json
import multiprocessing
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["polyspan.training.loop", "polyspan.lab.run", "polyspan.cli.main", "transformers.models.bert.modeling_bert"]
)

_SHIM = """#!{python} -IS
import json, os, socket, sys
name, *words = os.path.basename(sys.argv[0]), *sys.argv[1:]
if words[:1] == ["serve"] or name == "python" and words[:1] != ["-c"]:  # what is sent signals, and files
    program = os.path.join({programs!r}, name)
    os.execv(program, [program, *words])  # by its whole path: Python finds its environment by that
with socket.socket(socket.AF_UNIX) as called:
    called.connect({address!r})
    socket.send_fds(called, [b"."], [0, 1, 2])
    called.sendall(json.dumps([[name, *words], os.getcwd(), dict(os.environ)]).encode())
    called.shutdown(socket.SHUT_WR)
    sys.exit(int(called.recv(16) or b"1"))
"""


def start(
    words: Sequence[str], folder: Path | None = None, log: Path | None = None, **environment: str
) -> BaseProcess:
    """Start `polyspan …` or `python -c CODE` in a folder, with more in its environment; `log` gets its output."""
    given = (list(words), str(folder or Path.cwd()), os.environ | environment, log and str(log))
    process = FORKS.Process(target=_run, args=given)
    process.start()
    return process


def ended(process: BaseProcess, seconds: float | None = None) -> int | None:
    """The exit status of a process, waited for; None where it still runs."""
    process.join(seconds)
    return process.exitcode


class Programs:
    """A folder for PATH with a `polyspan` and a `python` that are such processes, for shells."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ready-"))
        address, programs = str(self.folder / "socket"), str(Path(sys.executable).parent)
        for name in ("polyspan", "python"):
            program = self.folder / name
            program.write_text(_SHIM.format(python=sys.executable, address=address, programs=programs), "utf-8")
            program.chmod(0o755)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(address)
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Start nothing more."""
        self._listening.close()
        shutil.rmtree(self.folder)

    def _serve(self) -> None:
        while True:
            try:
                call, _ = self._listening.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._answer, args=(call,), daemon=True).start()

    @staticmethod
    def _answer(call: socket.socket) -> None:
        with call:
            process = FORKS.Process(target=_called, args=(call,))
            process.start()
            status = ended(process) or 0
            call.sendall(str(status if status >= 0 else 128 - status).encode())


def _called(call: socket.socket) -> None:
    """Take the streams of who called, and do what was asked for."""
    _, streams, _, _ = socket.recv_fds(call, 1, 3)
    words, folder, environment = json.loads(b"".join(iter(lambda: call.recv(2**16), b"")))
    call.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    _run(words, folder, environment)


def _run(words: list[str], folder: str, environment: dict[str, str], log: str | None = None) -> None:
    """Be the command, in its folder and environment."""
    os.chdir(folder)
    if log is not None:
        with open(log, "ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part]
    if words[0] == "polyspan":
        from polyspan.cli.main import main

        sys.argv = words
        main()
    else:
        sys.argv = ["-c", *words[3:]]
        sys.modules["__main__"] = module = ModuleType("__main__")
        exec(compile(words[2], "<string>", "exec"), module.__dict__)
