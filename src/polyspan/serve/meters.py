"""What a server counts, as Prometheus reads it."""

import os
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_SHARED = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client puts the counts of several processes together

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SIZES = tuple(2**power for power in range(0, 17, 2))


class Meters:
    """The counts of one server; several workers' are added up."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": registry, "namespace": "polyspan"}
        self.requests = Counter("requests", "Requests answered", ["path", "status"], **own)
        self.seconds = Histogram(
            "request_seconds", "From a request's head to its answer", ["path"], buckets=_SECONDS, **own
        )
        self.waiting = Gauge(
            "waiting_requests", "Requests that are read or wait", multiprocess_mode="livesum", **own
        )
        self.questions = Counter("questions", "Questions asked, once for each document", **own)
        self.dropped = Counter("dropped", "Requests whose client left before the answer", **own)
        self.failures = Counter("failures", "Requests that could not be computed", **own)
        self.pieces = Counter("pieces", "Pieces (tokens) computed", **own)
        self._sizes = [
            Histogram(f"batch_{name}", f"{name.capitalize()} in a batch", buckets=_SIZES, **own)
            for name in ("requests", "windows", "pieces")
        ]

    def batch(self, *sizes: int) -> None:
        """Count a batch: its requests, windows and pieces."""
        for histogram, size in zip(self._sizes, sizes, strict=True):
            histogram.observe(size)
        self.pieces.inc(sizes[-1])

    def text(self) -> bytes:
        """All counts, of all workers, in Prometheus's format."""
        if _SHARED not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
