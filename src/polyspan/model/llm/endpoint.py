"""A language model behind an OpenAI-compatible address, asked over HTTP by several threads at once."""

import json
import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.model.llm.llm_name import Endpoint
from polyspan.model.llm.pace import Pace
from polyspan.model.llm.reply import LlmReply, Prompt
from polyspan.model.llm.server_answer import Passing, ServerAnswer

KEYS = ("POLYSPAN_LLM_KEY", "OPENAI_API_KEY")
"""The environment's names for the key; the first that is set counts, and nothing else is ever looked at."""

_MOST_BYTES = 10_000_000  # of one answer
_LONGEST_PAUSE = 60.0  # seconds between two tries, where the server asks for none


@dataclass(frozen=True, slots=True)
class Requests:
    """How an endpoint is asked."""

    parallel: int = 4
    """Requests at once."""
    requests_per_minute: float | None = None
    """Requests begun in a minute at most, in this process."""
    timeout: float = 60.0
    """Seconds for one answer, whole."""
    retries: int = 4
    """How often a question is asked again after a fault that may pass; a second is waited, then two, then four."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """What else each request says, or in place of what is usual; None leaves a part out."""

    def __post_init__(self) -> None:
        for name, least in (("parallel", 1), ("retries", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}", found=str(getattr(self, name)))
        for name in ("requests_per_minute", "timeout"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise UsageError(f"{name} must be above 0", found=str(value))
        if {"model", "messages"} & set(self.body):
            raise UsageError("the model and the messages of a request are not changed by its body")


class EndpointModel:
    """Replies of the model at an endpoint, greedy as far as it follows. Nothing is sent anywhere else: no redirect
    is followed. `identity` says what its replies depend on beside the prompt."""

    def __init__(self, endpoint: Endpoint, max_tokens: int, requests: Requests) -> None:
        self.endpoint, self.requests = endpoint, requests
        body = {"temperature": 0, "max_tokens": max_tokens} | dict(requests.body)
        self._body = {name: value for name, value in body.items() if value is not None}
        self.identity = json.dumps([endpoint.url, endpoint.model, self._body], sort_keys=True)
        self._key = _key(endpoint.url)
        self.retried = 0
        self._counting = threading.Lock()

    def replies(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, LlmReply]]:
        """The reply to each prompt with its place, in the order in which they come.

        Raises PolyspanError where one cannot be had; those that were under way are given before.
        """
        import httpx2

        pace = Pace(self.requests.requests_per_minute)
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx2.Limits(max_connections=self.requests.parallel)
        with (
            httpx2.Client(timeout=self.requests.timeout, limits=limits, headers=headers) as client,
            ThreadPoolExecutor(self.requests.parallel) as pool,
        ):
            waiting = iter(enumerate(prompts))
            running: dict[Future[LlmReply], int] = {}
            fault: BaseException | None = None
            try:
                while True:
                    while fault is None and len(running) < self.requests.parallel:
                        if (following := next(waiting, None)) is None:
                            break
                        running[pool.submit(self._replied, client, pace, following[1])] = following[0]
                    if not running:
                        break
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        place = running.pop(done)
                        if error := done.exception():
                            fault = fault or error
                            pace.stop()
                        else:
                            yield place, done.result()
            finally:
                pace.stop()
            if fault is not None:
                raise fault

    def _replied(self, client: Any, pace: Pace, prompt: Prompt) -> LlmReply:
        last = Passing("nothing")
        for attempt in range(self.requests.retries + 1):
            if not pace.wait():
                break
            try:
                return self._asked(client, prompt)
            except Passing as fault:
                last = fault
            if attempt < self.requests.retries:
                with self._counting:
                    self.retried += 1
                pace.hold(min(2.0**attempt, _LONGEST_PAUSE) if last.after is None else last.after)
        raise PolyspanError(
            f"the endpoint gives no answer, asked {self.requests.retries + 1} times",
            where=self.endpoint.url,
            found=last.found,
            fix="try later: the same command goes on where this one stopped",
        )

    def _asked(self, client: Any, prompt: Prompt) -> LlmReply:
        import httpx2

        body = {"model": self.endpoint.model, "messages": list(prompt), **self._body}
        try:
            with client.stream("POST", self.endpoint.url, json=body) as response:
                content = self._read(response)
        except httpx2.TimeoutException:
            raise Passing(f"no answer within {self.requests.timeout:g} s") from None
        except httpx2.TransportError as error:
            raise Passing(str(error) or type(error).__name__) from None
        except httpx2.HTTPError as error:
            raise Passing(f"{type(error).__name__}: {error}") from None
        text = content.decode("utf-8", errors="replace")
        return ServerAnswer(self.endpoint.url, response.status_code, response.headers, text, self._key).reply()

    def _read(self, response: Any) -> bytes:
        """The answer's bytes; time and number have a limit, so that no endless one is waited for."""
        ends, content = time.monotonic() + self.requests.timeout, b""
        for part in response.iter_bytes():
            content += part
            if len(content) > _MOST_BYTES:
                raise Passing(f"an answer of more than {_MOST_BYTES:,} bytes")
            if time.monotonic() > ends:
                raise Passing(f"no whole answer within {self.requests.timeout:g} s")
        return content


def _key(url: str) -> str:
    name = next((name for name in KEYS if os.environ.get(name)), None)
    if name is None:
        return ""
    key = os.environ[name].strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError(f"the key in {name} cannot be sent", expected="printable ASCII without spaces")
    parts = urlsplit(url)
    if key and parts.scheme.lower() == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        text = f"the key in {name} goes to {parts.hostname} unencrypted; https:// would hide it on the way"
        warnings.warn(text, PolyspanWarning, stacklevel=2)
    return key
