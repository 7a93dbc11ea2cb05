"""The code runs on Linux, macOS and Windows: what one of them lacks is asked for before it is used."""

import ast
import os
import re
from pathlib import Path

import psutil

import polyspan
from polyspan.lab.store import lease

SOURCE = Path(polyspan.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
POSIX_ALONE = {"crypt", "fcntl", "grp", "posix", "pty", "pwd", "resource", "spwd", "syslog", "termios", "tty"}
NOT_ON_WINDOWS = (
    *("chown", "chroot", "fork", "forkpty", "getegid", "geteuid", "getgid", "getgroups", "getloadavg", "getpgid"),
    *("getpgrp", "getuid", "killpg", "lchown", "mkfifo", "mknod", "nice", "pread", "sched_getaffinity", "setpgid"),
    *("setpgrp", "setsid", "sysconf", "uname", "wait3", "wait4"),
)


def _at_import(node: ast.AST) -> list[ast.AST]:
    """The statements that importing a file runs: none within its functions."""
    inner = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.FunctionDef)]
    return [*inner, *(one for child in inner for one in _at_import(child))]


def test_every_file_can_be_imported_anywhere():
    for file in FILES:
        for node in _at_import(ast.parse(file.read_text("utf-8"))):
            named = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not POSIX_ALONE & {name.partition(".")[0] for name in named}, f"{file}: {ast.unparse(node)}"


def test_what_windows_lacks_is_asked_for():
    for file in FILES:
        text = file.read_text("utf-8")
        for name in re.findall(rf"\bos\.({'|'.join(NOT_ON_WINDOWS)})\(", text):
            assert f'hasattr(os, "{name}")' in text, f"{file}: os.{name}"
        assert not re.search(r"os\.kill\([^)]*, 0\)", text), f"{file}: on Windows this ends the process"
        assert ".read_text()" not in text, f"{file}: in which encoding?"


def test_a_process_is_looked_for_without_proc(monkeypatch):
    """As on macOS and Windows, where it says nothing of when it started."""
    monkeypatch.setattr(lease, "_place", lambda: "")
    monkeypatch.setattr(lease, "Path", lambda name: Path("/nowhere") / name.lstrip("/"))
    assert lease._started(os.getpid()) == ""
    gone = max(psutil.pids()) + 1000
    assert lease._started(gone) is None
