"""Environments of their own, for what cannot be installed beside polyspan: found, or made in the cache folder."""

import os
import subprocess
import venv
from pathlib import Path

from polyspan.errors import PolyspanError
from polyspan.files import cache_folder

NAMED = "POLYSPAN_BENCH_ENVIRONMENTS"
"""The variable that names existing ones: `NAME=FOLDER`, several with the separator of `PATH` between them."""


def python_of(name: str, packages: list[str]) -> Path:
    """The Python of an environment that has the packages, which are installed at the first call.

    Raises PolyspanError where that fails, as it does without a network.
    """
    named = dict(one.split("=", 1) for one in os.environ.get(NAMED, "").split(os.pathsep) if "=" in one)
    folder = Path(named[name]) if name in named else cache_folder() / "bench" / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "polyspan-bench.txt"
    wanted = "\n".join(packages)
    if name in named or (ready.is_file() and ready.read_text("utf-8") == wanted):
        return python
    venv.create(folder, with_pip=True, clear=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *packages], check=False, capture_output=True, text=True
    )
    if done.returncode:
        found = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        fix = f"name one that has them: {NAMED}={name}=FOLDER"
        raise PolyspanError(
            f"no environment with {' and '.join(packages)}", where=str(folder), found=found, fix=fix
        )
    ready.write_text(wanted, "utf-8")
    return python


def packages_of(python: Path) -> str:
    """The folder in which an environment has its packages."""
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
