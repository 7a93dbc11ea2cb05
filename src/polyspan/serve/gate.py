"""What every request passes before it is read: its id, the key, how large and how slow it may be.

An ASGI application around another one. Whatever is refused, here or behind, is told as `{"error": …}`; no answer
names a path of this machine or shows where a program failed.
"""

import asyncio
import contextlib
import hmac
import json
import re
import sys
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from polyspan.serve.contract import FAILED, GONE, STOPPED, Refusal
from polyspan.serve.service import Service

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = ("/", "/health")
"""What is told without a key: the page, and whether the server answers."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KNOWN = ("/", "/answer", "/question-answering", "/health", "/info", "/metrics", "/openapi.json")
# Bytes of a body too large that are still taken off the wire: a client that sends all before it listens reads why.
_SWALLOWED = 64 * 1024 * 1024


class Gate:
    """Lets requests through to the application of a service. With `keys`, only those that bring one of them."""

    def __init__(self, app: App, service: Service, keys: Sequence[str] = ()) -> None:
        self._app, self._service = app, service
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange, incoming = Exchange(scope, send, self._service), Incoming(receive)
        try:
            self._admit(scope)
            self._service.in_flight += 1
            try:
                body = await self._body(incoming)
                await self._app(scope, _replayed(body, receive), exchange.send)
            finally:
                self._service.in_flight -= 1
        except Refusal as refusal:
            await self._refuse(exchange, refusal, scope, incoming)
        except _Slow:
            pass
        except asyncio.CancelledError:  # a second signal
            await exchange.refuse(STOPPED)
            raise
        except Exception as error:
            report(error, scope["request_id"])
            await exchange.refuse(FAILED)
        finally:
            exchange.count()

    def _admit(self, scope: Scope) -> None:
        """Raise Refusal for what is not to be read at all."""
        headers = dict(scope["headers"])
        asks = scope["method"] == "POST"
        if self._keys and not (scope["path"] in OPEN and not asks) and not self._has_key(headers):
            raise Refusal(401, "unauthorised", "send one of this server's keys as Authorization: Bearer KEY")
        if asks and self._service.status != "ready":
            status = self._service.status
            raise Refusal(503, status, f"this server is {status}", retry_after=2)
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if asks and not re.fullmatch(rb"application/(.+\+)?json", kind):
            raise Refusal(415, "no_json", "send the request as Content-Type: application/json")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._service.limits.max_body:
            raise self._too_large()

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        given = given.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
        return sum(hmac.compare_digest(given, key) for key in self._keys) > 0  # all are tried, whichever is right

    def _too_large(self) -> Refusal:
        return Refusal(413, "too_large", f"a body has at most {self._service.limits.max_body} bytes here")

    async def _body(self, incoming: "Incoming") -> bytes:
        """The whole body. Raises Refusal as soon as it is too large, and where it does not come."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._service.limits.patience):
                while not incoming.ended:
                    body += await incoming.next()
                    if len(body) > self._service.limits.max_body:
                        raise self._too_large()
        except TimeoutError:
            patience = self._service.limits.patience
            late = f"the request was not there within {patience:g} seconds"
            raise Refusal(408, "too_slow", late) from None
        if incoming.gone:
            raise GONE
        return bytes(body)

    async def _refuse(self, exchange: "Exchange", refusal: Refusal, scope: Scope, incoming: "Incoming") -> None:
        if refusal.status != 408 and b"expect" not in dict(scope["headers"]):
            await incoming.swallow(self._service.limits.patience)
        await exchange.refuse(refusal)


class Incoming:
    """The body of a request as it comes in: whether it has `ended`, and whether because the client is `gone`."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self.ended, self.gone = receive, False, False

    async def next(self) -> bytes:
        """The next part of it."""
        message = await self._receive()
        self.gone = message["type"] == "http.disconnect"
        self.ended = self.gone or not message.get("more_body")
        return message.get("body", b"")  # type: ignore[no-any-return]

    async def swallow(self, patience: float) -> None:
        """Read what is left of a body that nobody wants, within bounds."""
        read = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self.ended and read < _SWALLOWED:
                    read += len(await self.next())


class _Slow(Exception):
    """The client does not take its answer."""


class Exchange:
    """A request and what was answered to it: its id on the answer, and what is counted of both."""

    def __init__(self, scope: Scope, send: Send, service: Service) -> None:
        self._scope, self._send, self._service = scope, send, service
        self._began, self._status = time.perf_counter(), 0
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        scope["request_id"] = given if _ID.fullmatch(given) else uuid.uuid4().hex

    async def send(self, message: Message) -> None:
        """Send a part of the answer, within the time that a client has to take it."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            own = [(b"x-request-id", self._scope["request_id"].encode()), (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        try:
            async with asyncio.timeout(self._service.limits.patience):
                await self._send(message)
        except TimeoutError:
            raise _Slow from None

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, unless an answer has begun."""
        if self._status:
            return
        content = refusal_body(refusal, self._scope["request_id"])
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        headers += refusal_headers(refusal)
        if refusal.status in (408, 413):
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": content})

    def count(self) -> None:
        """Count the request, by its path where that is one of ours; one whose client left has the status 499."""
        path = self._scope["path"] if self._scope["path"] in _KNOWN else "other"
        self._service.meters.requests.labels(path, self._status or 499).inc()
        self._service.meters.seconds.labels(path).observe(time.perf_counter() - self._began)


def refusal_body(refusal: Refusal, request_id: str) -> bytes:
    """A refusal as JSON; in ASCII, as it may name a field with half of a surrogate pair."""
    return json.dumps(refusal.body(request_id)).encode()


def refusal_headers(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """Headers that go with a refusal: when to come again, or how to bring a key."""
    if refusal.retry_after is not None:
        return [(b"retry-after", str(refusal.retry_after).encode())]
    return [(b"www-authenticate", b"Bearer")] if refusal.status == 401 else []


def report(error: Exception, request_id: str) -> None:
    """Say on stderr where a request failed, for who mends it. The error's message may hold texts: it stays out."""
    places = [
        f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(error.__traceback__)
    ]
    print(
        f"polyspan: request {request_id}: {type(error).__name__} in {' < '.join(places[:-6:-1])}", file=sys.stderr
    )


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read as one message, then what comes after it: that the client leaves."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
