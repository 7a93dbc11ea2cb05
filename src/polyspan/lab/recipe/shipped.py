"""The recipes that polyspan brings, by name: `quickstart`, `hsu2019/table2`, `mini/paper`, …"""

from pathlib import Path

import polyspan

FOLDER = Path(polyspan.__file__).parent / "recipes"


def shipped() -> dict[str, Path]:
    """The file of each, in order of names."""
    files = sorted(FOLDER.rglob("*.yaml"))
    return {file.relative_to(FOLDER).with_suffix("").as_posix(): file for file in files}
