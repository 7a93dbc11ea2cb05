"""Loss and learning rate of a training sent to TensorBoard, Weights & Biases, trackio and the like."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from accelerate import Accelerator
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker, get_available_trackers

from polyspan.errors import UsageError, choose

Tracker: TypeAlias = "str | GeneralTracker"
"""A tracker's name, or one of your own as accelerate has them."""
VARIABLE = "POLYSPAN_TRACK"
"""Names of trackers, between commas, for every training of this process, those of a recipe's run among them."""


def chosen_trackers(given: Sequence[Tracker] = ()) -> list[Tracker]:
    """The trackers given, else those that the environment names.

    Raises UsageError for one that accelerate does not know or whose package is not installed.
    """
    wanted = list(given) or [name for name in os.environ.get(VARIABLE, "").split(",") if name]
    there = {str(getattr(name, "value", name)) for name in get_available_trackers()}
    for name in wanted:
        if isinstance(name, str):
            choose("tracker", name, LOGGER_TYPE_TO_CLASS)
            if name not in there:
                raise UsageError(f"the tracker {name} is not installed", fix=f"pip install {name}")
    return wanted


def start(accelerator: Accelerator, run: Path, facts: dict[str, Any], fingerprint: str) -> None:
    """Open the trackers of an accelerator; `facts` are the run's settings, `fingerprint` lets it go on as one."""
    if accelerator.log_with:
        flat = {name: value for name, value in _flat(facts).items() if isinstance(value, str | int | float)}
        options = {"wandb": {"id": fingerprint[:16], "resume": "allow", "name": run.name}}
        accelerator.init_trackers("polyspan", flat, init_kwargs=options)


def _flat(facts: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in facts.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return flat
