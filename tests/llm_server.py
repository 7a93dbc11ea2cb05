"""A small OpenAI-compatible server on this machine, which can be slow, fail, break off and say nonsense."""

import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[["_Handler", dict], None]


class LlmServer:
    """Answers each question by `answers` (question text → reply), and before that as `faults` say, one a request.

    `asked` has the body of every request, `headers` what came with it, `most` how many were answered at once.
    """

    def __init__(self, answers: Callable[[str], str] | None = None) -> None:
        self.answers = answers or (lambda prompt: "leeds")
        self.faults: list[Fault | None] = []
        self.asked: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.always: Fault | None = None
        self.delay = 0.0
        self.running = self.most = 0
        self.lock = threading.Lock()
        served = self

        class Handler(_Handler):
            def __init__(self, *args):
                self.served = served
                super().__init__(*args)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def name(self) -> str:
        return f"llm:{self.url}#fake"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: LlmServer

    def log_message(self, *_):
        pass

    def do_POST(self):
        served, body = self.served, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with served.lock:
            served.asked.append(body)
            served.headers.append(dict(self.headers))
            served.times.append(time.monotonic())
            served.running += 1
            served.most = max(served.most, served.running)
            fault = served.faults.pop(0) if served.faults else served.always
        try:
            time.sleep(served.delay)
            (fault or reply)(self, body)
        except OSError:
            pass  # the client has gone
        finally:
            with served.lock:
                served.running -= 1

    def send(self, status: int, content: str, kind: str = "application/json", **headers: str) -> None:
        data = content.encode()
        self.send_response(status)
        for key, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)


def _text(handler: _Handler, body: dict) -> str:
    return handler.served.answers(body["messages"][-1]["content"])


def reply(handler: _Handler, body: dict) -> None:
    text = _text(handler, body)
    usage = {"prompt_tokens": 10, "completion_tokens": len(text.split())}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    handler.send(200, json.dumps({"choices": [choice], "usage": usage}))


def streamed(handler: _Handler, body: dict) -> None:
    handler.send(200, _stream(_text(handler, body), "stop"), "text/event-stream")


def broken_stream(handler: _Handler, body: dict) -> None:
    handler.send(200, _stream(_text(handler, body), None), "text/event-stream")


def _stream(text: str, ended: str | None) -> str:
    events = [{"choices": [{"delta": {"content": char}, "finish_reason": None}]} for char in text]
    if ended:
        events.append({"choices": [{"delta": {}, "finish_reason": ended}]})
        events.append({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 3}})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join([": ping\n\n", *lines, "data: [DONE]\n\n" if ended else ""])


def says(status: int, content: str, kind: str = "application/json", **headers: str) -> Fault:
    """A fault that sends just this."""
    return lambda handler, body: handler.send(status, content, kind, **headers)


def cut(handler: _Handler, body: dict) -> None:
    """The connection goes in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"mess')
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def drips(handler: _Handler, body: dict) -> None:
    """A byte now and then, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def echoes_key(handler: _Handler, body: dict) -> None:
    error = {"error": {"message": f"Incorrect API key provided: {handler.headers['Authorization']}"}}
    handler.send(401, json.dumps(error))
