"""One command, no downloads: train on English, answer in five languages, draw the result."""

from pathlib import Path
from typing import Any

import polyspan.lab.work.reader  # noqa: F401  # what its stages need: a package that lacks is told first
from polyspan.files import Source
from polyspan.lab.run import run

MODEL = "bundled:e5-small"


def quickstart(out: Source = "quickstart", seed: int = 42) -> dict[str, Any]:
    """Fine-tune the bundled encoder on `mini:en/train` and test it on all five languages of the mini corpus.

    It runs the recipe `quickstart`, whose report it returns and whose store is in the folder `out`, with the
    Reader at `readers/mini-en-train`. Takes minutes on two cores and needs no network; run again, it only draws
    the report anew.
    """
    command = f"polyspan quickstart --out {out} --seed {seed}"
    changes = [f"seeds=[{seed}]", "title=''"]  # the page's headline is then what came out
    return run("quickstart", out, changes, store=Path(out) / "store", command=command)
