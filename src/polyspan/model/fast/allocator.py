"""Keep the C library from giving memory back to the system between steps."""

import ctypes
import functools
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # parameters of mallopt(3)


@functools.cache
def keep_freed_memory() -> bool:
    """Tell glibc to reuse what was freed; returns whether it did.

    A training step frees and takes tensors of many megabytes; by default glibc maps each one afresh and the
    kernel zeroes every page again, a quarter of the time on a virtual machine. The peak stays the same.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
