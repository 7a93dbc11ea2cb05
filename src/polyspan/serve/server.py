"""`polyspan serve`: the server from the port to its end, in one process or several workers."""

import contextlib
import errno
import os
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.files import Source
from polyspan.model.encoders.model_name import BUNDLED_READER
from polyspan.serve.limits import Limits
from polyspan.serve.worker import BACKLOG, Serving, run

KEY = "POLYSPAN_API_KEY"
"""The variable of the environment that holds a key, where command lines can be seen by others."""

_FIXES = {errno.EADDRINUSE: "choose another --port; 0 takes a free one", errno.EACCES: "a --port above 1023"}


def serve(
    reader: str = BUNDLED_READER,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    api_key: Sequence[str] = (),
    cors: Sequence[str] = (),
    adapter: Mapping[str, str] | None = None,
    language_adapter: Source | None = None,
    dtype: str = "fp32",
    limits: Limits = Limits(),
    ready: Callable[[str], None] | None = None,
) -> None:
    """Answer questions over HTTP until SIGTERM or Ctrl-C; then finish what was asked, and return.

    Port 0 takes a free one. `ready` is told the address as soon as a worker has loaded the Reader. Each request
    must bring one of the keys, if there are any here or in `POLYSPAN_API_KEY`; pages of the origins `cors` may ask
    from a browser. `adapter` names folders of adapters, for requests that name one; `language_adapter` is as of
    `Reader.load`. Raises PolyspanError where the port or the Reader cannot be had, and where a second signal ends
    it before all is answered.
    """
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        missing = f"polyspan serve needs {error.name}, which is not installed"
        raise PolyspanError(missing, fix="pip install 'polyspan[serve]'") from error
    keys = (*api_key, *filter(None, [os.environ.get(KEY)]))
    if workers < 1:
        raise UsageError("workers must be at least 1", found=str(workers))
    if not all(key.strip() == key != "" for key in keys):
        raise UsageError("a key must not be empty or begin or end with a space")
    language = None if language_adapter is None else str(language_adapter)
    adapters = dict(adapter or {})
    serving = Serving(str(reader), adapters, dtype, keys, tuple(cors), limits, workers, language)
    with _bound(host, port) as listening:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        if not keys and not _is_local(listening.getsockname()[0]):
            note = f"whoever reaches {address} may ask: --api-key or {KEY} asks for a key"
            warnings.warn(note, PolyspanWarning, stacklevel=2)
        told = _once(ready, address)
        if workers == 1:
            run(serving, listening, told)
        else:
            from polyspan.serve.workers import supervise

            supervise(serving, listening, told)


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises PolyspanError where the port is taken or not ours to take."""
    if not 0 <= port < 2**16:
        raise UsageError("a port is a number from 0 to 65535", found=str(port))
    try:
        family, kind, _, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise PolyspanError(f"cannot serve on {host}", found=str(error), fix="--host 127.0.0.1") from error
    with listening:
        if os.name != "nt":  # there it would share a port that is taken
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(where)
            listening.listen(BACKLOG)
        except OSError as error:
            found = error.strerror or str(error)
            fix = _FIXES.get(error.errno or 0, "--host 127.0.0.1")
            raise PolyspanError(f"cannot serve on {host}:{port}", found=found, fix=fix) from error
        yield listening


def _is_local(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _once(ready: Callable[[str], None] | None, address: str) -> Callable[[], None]:
    """Tells the address the first time that it is called."""
    waiting = [] if ready is None else [ready]

    def told() -> None:
        if waiting:
            waiting.pop()(address)

    return told
