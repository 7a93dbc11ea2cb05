"""Each room says in its `__init__.py` what it is for, what it gives to others, and which files are its own."""

import ast
import re
from pathlib import Path

import pytest

import polyspan

ROOT = Path(polyspan.__file__).parent
ROOMS = sorted(file.parent for file in ROOT.rglob("__init__.py") if file.parent != ROOT)


def _children(room: Path) -> set[str]:
    """Files and rooms in a room; one without others in it, as `data/mini`, has none."""
    files = {file.stem for file in room.glob("*.py")} - {"__init__"}
    return files | {file.parent.name for file in room.glob("*/__init__.py")}


def _imported(file: Path) -> set[str]:
    """All that a file imports of polyspan, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("polyspan"):
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


IMPORTS = {file: _imported(file) for file in ROOT.rglob("*.py")}


def _given(room: Path) -> set[str]:
    """The files and rooms in it that stand in an import elsewhere."""
    prefix = ".".join(["polyspan", *room.relative_to(ROOT).parts]) + "."
    outside = [names for file, names in IMPORTS.items() if not file.is_relative_to(room)]
    used = {
        name.removeprefix(prefix).partition(".")[0]
        for names in outside
        for name in names
        if name.startswith(prefix)
    }
    return used & _children(room)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_says_what_it_gives_and_what_is_its_own(room):
    told = " ".join((ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or "").split())
    assert len(told) > 40
    given = _given(room)
    for words, names in (("Gives", given), ("Its own", _children(room) - given)):
        said = re.search(rf"{words}: ([^.]*)\.", told)
        assert set(re.findall(r"`(\w+)`", said[1] if said else "")) == names, words
