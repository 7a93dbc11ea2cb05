"""A worker: one process that serves on a socket until a signal ends it, and drains before."""

import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

from polyspan.errors import PolyspanError
from polyspan.serve.limits import Limits

if TYPE_CHECKING:
    import uvicorn

    from polyspan.serve.service import Service

BACKLOG = 2048
"""Connections that wait to be accepted."""

_KEEP_ALIVE = 65  # seconds: longer than most proxies keep a connection that is not used
_LAST_ANSWERS = 5  # seconds for answers to be sent when all is computed


@dataclass(frozen=True, slots=True)
class Serving:
    """What a server serves, and to whom."""

    reader: str
    adapters: Mapping[str, str] = field(default_factory=dict)
    dtype: str = "fp32"
    keys: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    workers: int = 1
    language_adapter: str | None = None


def run(serving: Serving, listening: socket.socket, told: Callable[[], None], worker: int = 0) -> None:
    """Be a worker on a socket until a signal ends it; `told` is called when the Reader is loaded."""
    from polyspan.serve.service import Service

    service = Service(
        serving.reader, serving.adapters, serving.dtype, serving.limits, language_adapter=serving.language_adapter
    )
    server = make_server(serving, service)
    failed: list[BaseException] = []

    def load() -> None:
        try:
            for remark in service.load(worker, serving.workers):
                if worker == 0:
                    print(f"polyspan: {remark}", file=sys.stderr)
            told()
        except BaseException as error:
            failed.append(error)
            server.should_exit = True

    loading = threading.Thread(target=load, name="polyspan-load", daemon=True)
    loading.start()
    server.run(sockets=[listening])
    loading.join()
    service.close()
    if failed:
        raise failed[0]
    if server.force_exit:
        raise PolyspanError("stopped before all requests were answered")


def make_server(serving: Serving, service: "Service") -> "uvicorn.Server":
    """A server that drains: from the first signal on it refuses what is new, and ends when all is answered."""
    import uvicorn

    from polyspan.serve.application import make_application

    class Draining(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Signals mean `handle_exit`, and nothing more once it is done: uvicorn would raise them again."""
            if threading.current_thread() is not threading.main_thread():  # where no signal arrives
                yield
                return
            before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
            try:
                yield
            finally:
                for one, handler in before.items():
                    signal.signal(one, handler)

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """The first signal lets the server drain, a second one ends it at once."""
            if service.draining:
                self.should_exit = self.force_exit = True
            service.draining = True

        async def on_tick(self, counter: int) -> bool:
            """Whether it is over; asked ten times a second."""
            over = await super().on_tick(counter)
            return over or (service.draining and not service.in_flight)

    app = make_application(service, keys=serving.keys, cors=serving.cors)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_level="critical",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_LAST_ANSWERS,
    )
    return Draining(config)
