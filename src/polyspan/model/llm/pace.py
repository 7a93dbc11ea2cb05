"""How fast an endpoint is asked: no more requests a minute than it takes, and none before it takes some again."""

import threading
import time


class Pace:
    """Lets requests of several threads through, evenly: `per_minute` of them, or any number."""

    def __init__(self, per_minute: float | None = None) -> None:
        self._every = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def wait(self) -> bool:
        """Wait for one's turn; False where everything was stopped meanwhile."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._every
        return not self._stopped.wait(max(0.0, turn - time.monotonic()))

    def hold(self, seconds: float) -> None:
        """Let nobody's turn begin for so many seconds."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def stop(self) -> None:
        """Let nobody wait any more."""
        self._stopped.set()
