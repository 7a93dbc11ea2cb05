"""A server in this process, on a free port, with the tiny encoder as its Reader."""

import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Running:
    """A server that runs in a thread, and how to ask it."""

    service: Any
    port: int
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, body (JSON where it is that), headers."""
        connection = self.connect()
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, data, self.headers | headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if "json" in answer.headers.get("content-type", ""):
            content = json.loads(content)
        return answer.status, content, {key.lower(): value for key, value in answer.getheaders()}

    def ask(self, body: Any, path: str = "/answer", **headers: str) -> tuple[int, Any, dict[str, str]]:
        return self.call("POST", path, body, **headers)


@pytest.fixture(scope="session")
def served_reader(tiny):
    """The tiny encoder as a Reader: short windows, so that few words are several."""
    from polyspan.model.reader import Reader
    from polyspan.model.windows.windows import WindowOptions

    return Reader.load(tiny, WindowOptions(max_length=64, stride=16))


@pytest.fixture(scope="session")
def served_folder(served_reader, tmp_path_factory) -> str:
    """The same Reader, saved."""
    folder = tmp_path_factory.mktemp("reader")
    served_reader.save(folder)
    return str(folder)


@pytest.fixture
def start(served_reader, monkeypatch):
    """Start servers: `start(limits=…, keys=…, cors=…)`; they drain at the end."""
    from polyspan.model.encoders import model_name
    from polyspan.model.reader import Reader
    from polyspan.serve.limits import Limits
    from polyspan.serve.service import Service
    from polyspan.serve.worker import Serving, make_server

    monkeypatch.setattr(Reader, "load", lambda *_, **__: served_reader)
    monkeypatch.setattr(model_name, "fetched", str)  # no hub is asked for it
    running = []

    def begin(limits: Limits = Limits(), load: bool = True, adapters: Any = (), **access: Any) -> Running:
        service = Service("tiny", dict(adapters), limits=limits)
        if load:
            service.load()
        server = make_server(Serving("tiny", **access), service)
        listening = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        running.append((server, service, thread))
        return Running(service, listening.getsockname()[1])

    yield begin
    for server, service, thread in running:
        server.should_exit = True
        thread.join()
        service.close()


@pytest.fixture
def hub_client(monkeypatch):
    """The hub's client, which the suite's offline mode keeps from asking even this machine."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    return huggingface_hub.InferenceClient
