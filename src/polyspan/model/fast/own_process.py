"""What a process of polyspan's own sets before torch is loaded: the command line, and the workers that it starts.

`import polyspan` in somebody else's process sets none of it.
"""

import gc
import os

CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Any of them says how threads wait, to one of the OpenMP libraries that torch is built with."""

SLEEPING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "7000"}
"""Threads sleep where another one keeps them waiting. GNU's library first looks 7,000 times, some tenths of a
millisecond: that long a step's own threads wait for each other, and waking each costs more (docs/training.md)."""

_YOUNG = 200_000  # objects: importing torch and transformers makes more, and nearly all of them stay


def prepare_process() -> None:
    """Let threads sleep where they wait long, and collect garbage after 200,000 new objects, not 700.

    Both are a matter of speed alone. What is freed by its last reference, as tensors are, is freed as before.
    """
    os.environ.update(waiting())
    gc.set_threshold(_YOUNG)


def waiting() -> dict[str, str]:
    """The variables that let threads sleep where they wait long; none where the person has chosen otherwise.

    OpenMP's threads spin by default, so that beside other busy processes they take the time of what they wait for.
    """
    return {} if any(name in os.environ for name in CHOICES) else SLEEPING
