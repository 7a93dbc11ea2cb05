"""`polyspan serve` as a process: its port, its signals, its workers."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from polyspan.errors import PolyspanWarning
from polyspan.serve import server as module
from polyspan.serve.limits import Limits

CONTEXT = "the cup was won by leeds in 1920. in 1931 it was won by hull."


@pytest.fixture
def process(served_folder):
    """Start `polyspan serve` of a tiny Reader with options; gives the process."""
    started = []

    def start(*options: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "polyspan", "serve", served_folder, "--port", "0", "--json"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen([*command, *options], **pipes))
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.communicate()


def _ask(address: str, body: dict) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{address}/answer", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_port_in_use_is_one_message(run, tiny):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, out, err = run("serve", tiny, "--port", taken.getsockname()[1])
    assert (code, out) == (1, "")
    assert "in use" in err
    assert "--port" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("number", "told"), [("EACCES", "above 1023"), ("EADDRNOTAVAIL", "--host 127.0.0.1")])
def test_no_permission_to_bind_is_one_message(run, tiny, monkeypatch, number, told):
    import errno

    def refuse(*_):
        code = getattr(errno, number)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module.socket.socket, "bind", refuse)
    code, _, err = run("serve", tiny)
    assert code == 1
    assert told in err


def test_a_host_that_is_none(run, tiny):
    code, _, err = run("serve", tiny, "--host", "nowhere.invalid")
    assert code == 1
    assert "nowhere.invalid" in err


def test_what_the_call_has_wrong(run, tiny):
    for options in (
        ["--port", "70000"], ["--workers", "0"], ["--api-key", ""], ["--adapter", "law"], ["--max-body", "0"],
        ["--adapter", "a=x", "--adapter", "a=y"], ["--patience", "nan"],
    ):  # fmt: skip
        code, _, err = run("serve", tiny, "--port", "0", *options)
        assert code == 2, (options, err)


def test_a_folder_that_is_no_reader_is_one_message(run, tmp_path):
    code, out, err = run("serve", tmp_path, "--port", "0")
    assert (code, out) == (1, "")
    assert "no model at" in err
    assert "Traceback" not in err


def test_whoever_is_reached_by_others_is_told_so(monkeypatch):
    monkeypatch.setattr(module, "run", lambda *_: None)
    with pytest.warns(PolyspanWarning, match="--api-key"):
        module.serve("tiny", host="0.0.0.0", port=0)


def test_the_key_may_stand_in_the_environment(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "run", lambda serving, *_: seen.append(serving))
    monkeypatch.setenv(module.KEY, "from-there")
    module.serve("tiny", port=0, api_key=["mine"], limits=Limits(max_questions=3))
    assert seen[0].language_adapter is None
    assert seen[0].keys == ("mine", "from-there")
    assert seen[0].limits.max_questions == 3


def test_a_language_s_adapter_reaches_the_reader(run, monkeypatch, served_reader):
    from polyspan.model.encoders import model_name
    from polyspan.model.reader import Reader
    from polyspan.serve.service import Service

    loaded = []
    monkeypatch.setattr(model_name, "fetched", str)  # no hub is asked for it
    monkeypatch.setattr(Reader, "load", lambda *name, **options: loaded.append((name, options)) or served_reader)

    def load_and_end(serving, *_):
        service = Service(serving.reader, language_adapter=serving.language_adapter)
        service.load()
        service.close()

    monkeypatch.setattr(module, "run", load_and_end)
    assert run("serve", "tiny", "--port", "0", "--language-adapter", "korean")[0] == 0
    assert loaded == [(("tiny",), {"dtype": "fp32", "language_adapter": "korean"})]


def test_a_process_serves_and_ends_with_0(process):
    serving = process()
    told = json.loads(serving.stdout.readline())
    status, body = _ask(told["address"], {"question": "who", "context": CONTEXT})
    assert status == 200
    assert body["answers"][0]["text"]
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(60) == 0
    out, err = serving.communicate()
    assert out == ""
    assert "Traceback" not in err


@pytest.mark.slow
def test_ctrl_c_lets_it_finish_and_a_second_one_does_not(process):
    serving = process("--max-pieces", "100000000")
    address = json.loads(serving.stdout.readline())["address"]
    long = {"question": "who", "context": CONTEXT * 30_000}
    statuses: list = []

    def ask() -> None:
        statuses.append(_ask(address, long))

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(3)
    serving.send_signal(signal.SIGINT)
    time.sleep(1)
    assert serving.poll() is None
    assert _ask(address, {"question": "who", "context": CONTEXT})[0] == 503
    serving.send_signal(signal.SIGINT)
    assert serving.wait(60) == 1
    asking.join()
    assert [(status, body["error"]["code"]) for status, body in statuses] == [(503, "stopped")]
    assert "stopped before" in serving.communicate()[1]


@pytest.mark.slow
def test_workers_share_a_port_and_end_together(process):
    serving = process("--workers", "2")
    address = json.loads(serving.stdout.readline())["address"]
    statuses = [_ask(address, {"question": "who", "context": CONTEXT})[0] for _ in range(20)]
    assert set(statuses) <= {200, 503}  # the other one may be loading
    end = time.monotonic() + 120
    while time.monotonic() < end and set(statuses[-10:]) != {200}:
        time.sleep(0.5)
        statuses.append(_ask(address, {"question": "who", "context": CONTEXT})[0])
    with urllib.request.urlopen(f"{address}/metrics", timeout=60) as answer:
        counts = answer.read().decode()
    assert f'polyspan_requests_total{{path="/answer",status="200"}} {statuses.count(200)}.0' in counts
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(60) == 0
    assert "Traceback" not in serving.communicate()[1]


@pytest.mark.slow
def test_workers_that_cannot_start_say_why_once(tmp_path):
    command = [sys.executable, "-m", "polyspan", "serve", str(tmp_path), "--port", "0", "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.count("no model at") == 1
    assert "Traceback" not in done.stderr
