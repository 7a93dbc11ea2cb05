"""A language model behind an address: slow, failing, saying nonsense, streaming; its key, its cache, its pace."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

import llm_server
from llm_server import broken_stream, cut, drips, echoes_key, reply, says, streamed
from polyspan.data.write import write
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.model.llm.endpoint import EndpointModel, Requests
from polyspan.model.llm.language_model import LanguageModel
from polyspan.model.llm.llm_name import Endpoint
from polyspan.model.llm.pace import Pace
from polyspan.model.llm.prompting import Prompting
from polyspan.prediction import predict_llm

KEY = "sk-very-secret"
QUICK = Requests(timeout=5, retries=2)
PAGE = "<html><head><title>Welcome to nginx!</title></head></html>"


@pytest.fixture
def at_once(monkeypatch):
    """No pauses between two tries; returns the seconds that they would have been."""
    held: list[float] = []
    monkeypatch.setattr(Pace, "hold", lambda self, seconds: held.append(seconds))
    return held


def ask(server, corpus, requests=QUICK, **options):
    return predict_llm(LanguageModel.load(server.name, requests=requests), corpus, **options)


def test_all_questions_are_asked_and_counted(server, corpus, tmp_path):
    found = ask(server, corpus, requests=Requests(parallel=1))
    assert found.texts == {"0-0": "leeds", "0-1": "1920", "1-0": "leeds", "1-1": "", "2-0": ""}
    assert found.said["1-1"] == "1920"
    assert found.spans["0-0"] == (19, 24)
    counts = {"unanswered": 0, "not_found": 2, "cut_short": 0, "prompt_tokens": 50, "reply_tokens": 5, "new": 5}
    assert found.facts == {"template": "en", "retried": 0, **counts}
    first = server.asked[0]
    assert (first["model"], first["temperature"], first["max_tokens"]) == ("fake", 0, 64)
    assert "The cup was won by leeds in 1920." in first["messages"][0]["content"]
    assert "Authorization" not in server.headers[0]
    found.write(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == found.texts
    assert json.loads((tmp_path / "a.json.said.json").read_text("utf-8")) == found.said


def test_nothing_is_asked_twice(server, corpus):
    first = ask(server, corpus)
    assert ask(server, corpus).texts == first.texts
    assert ask(server, corpus).facts["new"] == 0
    assert len(server.asked) == 5
    assert ask(server, corpus, again=True).facts["new"] == 5
    ask(server, corpus, prompting=Prompting(no_answer=True))  # other words
    ask(server, corpus, requests=Requests(body={"top_p": 0.5}))  # other settings
    assert len(server.asked) == 20
    assert ask(server, corpus, recover="none").texts == first.said
    assert len(server.asked) == 20


@pytest.mark.parametrize(
    "fault",
    [
        says(500, "oops", "text/plain"),
        says(502, PAGE, "text/html"),
        says(429, json.dumps({"error": {"message": "slow down"}})),
        says(200, '{"choices": [{"mess'),
        says(200, "garbage"),
        says(200, "[]"),
        says(200, '{"error": {"message": "overloaded"}}'),
        says(200, '{"choices": [{"message": null}]}'),
        says(200, 'data: {"error": "overloaded"}\n\n', "text/event-stream"),
        broken_stream,
        cut,
    ],
)
def test_what_may_pass_is_asked_again(server, corpus, at_once, fault):
    server.faults = [fault, None, fault]
    found = ask(server, corpus, requests=Requests(parallel=1, retries=1))
    assert found.texts["0-0"] == "leeds"
    assert found.facts["retried"] == 2
    assert at_once == [1.0, 1.0]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (says(500, "oops", "text/plain"), "status 500: 'oops'"),
        (says(200, '{"choices": [{"mess'), 'no whole JSON: \'{"choices": [{"mess\''),
        (says(200, '{"object": "x"}'), 'no choices in \'{"object": "x"}\''),
        (broken_stream, "a stream that breaks off after 'leeds'"),
    ],
)
def test_what_does_not_pass_is_told(server, corpus, at_once, fault, said):
    server.always = fault
    with pytest.raises(PolyspanError, match="no answer, asked 3 times") as caught:
        ask(server, corpus, requests=Requests(parallel=1, retries=2))
    assert caught.value.found == said
    assert caught.value.where == f"{server.url}/chat/completions"
    assert at_once == [1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "message", "found"),
    [
        (
            says(200, PAGE, "text/html; charset=utf-8"),
            "a web page",
            "status 200, text/html: '<html><head><title>We",
        ),
        (says(200, PAGE, "application/json"), "a web page", "<title>Welcome to nginx!"),
        (says(404, '{"error": "no model fake"}'), "nothing there", "no model fake"),
        (says(400, '{"error": "context is 9000, 8192 at most"}'), "a refusal", "8192 at most"),
        (says(301, "", Location="http://elsewhere/v1"), "another address, http://elsewhere/v1", "status 301"),
        (says(401, '{"error": "no key"}'), "without a right key", "no key"),
    ],
)
def test_what_cannot_pass_is_told_at_once(server, corpus, at_once, fault, message, found):
    server.always = fault
    with pytest.raises(PolyspanError, match=message) as caught:
        ask(server, corpus, requests=Requests(parallel=1))
    assert found in caught.value.found
    assert len(server.asked) == 1


def test_what_was_answered_before_a_fault_is_kept(server, corpus):
    server.faults = [None, None, says(401, "{}")]
    with pytest.raises(PolyspanError, match="without a right key"):
        ask(server, corpus, requests=Requests(parallel=1))
    assert ask(server, corpus).facts["new"] == 3


def test_streams_are_read(server, corpus):
    server.always = streamed
    found = ask(server, corpus)
    assert found.texts["0-1"] == "1920"
    assert (found.facts["prompt_tokens"], found.facts["reply_tokens"]) == (50, 15)


def test_slow_endpoints_are_waited_for_and_not_for_ever(server, corpus, at_once):
    server.faults = [drips]
    began = time.monotonic()
    found = ask(server, corpus, requests=Requests(parallel=1, timeout=0.3, retries=1))
    assert found.facts["retried"] == 1
    server.delay = 0.4
    with pytest.raises(PolyspanError, match="no answer") as caught:
        ask(server, corpus, requests=Requests(parallel=1, timeout=0.2, retries=0), again=True)
    assert caught.value.found == "no answer within 0.2 s"
    assert time.monotonic() - began < 4


def test_retry_after_is_followed(server, corpus, at_once):
    server.faults = [
        says(429, "{}", Retry_After="7"),
        says(503, "{}", Retry_After="Fri, 01 Jan 2100 00:00:00 GMT"),
    ]
    ask(server, corpus, requests=Requests(parallel=1, retries=3))
    assert at_once == [7.0, 600.0]


def test_a_pace_is_kept(server, corpus):
    began = time.monotonic()
    ask(server, corpus, requests=Requests(parallel=4, requests_per_minute=600))
    assert all(at - began >= 0.1 * place for place, at in enumerate(sorted(server.times)))


def test_requests_are_parallel_and_bounded(server, corpus):
    met = threading.Barrier(3)

    def meets(handler, body):
        met.wait(timeout=30)
        reply(handler, body)

    server.faults = [meets] * 3
    ask(server, corpus, requests=Requests(parallel=3, timeout=60))
    assert server.most == 3


def test_nobody_there(corpus, at_once):
    model = LanguageModel.load("llm:http://127.0.0.1:9/v1#fake", requests=Requests(retries=1))
    with pytest.raises(PolyspanError, match="asked 2 times") as caught:
        predict_llm(model, corpus)
    assert "refused" in caught.value.found.lower() or "connect" in caught.value.found.lower()


def test_the_key_comes_from_the_environment_and_is_never_shown(server, corpus, monkeypatch, run, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "other")
    monkeypatch.setenv("POLYSPAN_LLM_KEY", f"{KEY}\n")
    model = LanguageModel.load(server.name)
    predict_llm(model, corpus)
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(model)
    server.always = echoes_key
    write(corpus, tmp_path / "dev.json")
    call = ("predict", "--model", server.name, "--data", tmp_path / "dev.json", "--out", tmp_path / "a.json")
    code, out, err = run(*call, "--again")
    assert code == 1
    assert KEY not in out + err
    assert "Bearer ***" in err
    assert "check POLYSPAN_LLM_KEY" in err
    assert KEY.encode() not in b"".join(path.read_bytes() for path in Path(os.environ["POLYSPAN_CACHE"]).iterdir())


def test_a_key_that_cannot_be_sent_or_would_be_read_on_the_way(monkeypatch):
    monkeypatch.setenv("POLYSPAN_LLM_KEY", "schlüssel")
    with pytest.raises(UsageError, match="POLYSPAN_LLM_KEY cannot be sent") as caught:
        LanguageModel.load("llm:https://example.org/v1#x")
    assert "schl" not in str(caught.value)
    monkeypatch.setenv("POLYSPAN_LLM_KEY", KEY)
    with pytest.warns(PolyspanWarning, match="goes to example.org unencrypted"):
        LanguageModel.load("llm:http://example.org/v1#x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LanguageModel.load("llm:https://example.org/v1#x")
        LanguageModel.load("llm:http://localhost:1234/v1#x")


def test_a_body_changes_what_is_sent(server, corpus):
    ask(server, corpus, requests=Requests(body={"max_tokens": None, "max_completion_tokens": 9}))
    assert "max_tokens" not in server.asked[0]
    assert server.asked[0]["max_completion_tokens"] == 9


@pytest.mark.parametrize(
    "options",
    [{"parallel": 0}, {"retries": -1}, {"requests_per_minute": 0}, {"timeout": 0.0}, {"body": {"model": "x"}}],
)
def test_impossible_requests(options):
    with pytest.raises(UsageError):
        Requests(**options)


def test_what_no_address_says_is_not_added():
    requests = Requests(body={"seed": 1})
    model = EndpointModel(Endpoint("http://127.0.0.1/v1/chat/completions", "m"), 5, requests)
    said = ["http://127.0.0.1/v1/chat/completions", "m", {"temperature": 0, "max_tokens": 5, "seed": 1}]
    assert json.loads(model.identity) == said


def test_a_killed_run_goes_on(server, corpus):
    """One reply comes; the second request hangs, and the process is killed meanwhile."""
    server.faults = [None, drips]
    program = (
        "from conftest import make_corpus\n"
        "from polyspan.model.llm.language_model import LanguageModel, Requests\n"
        "from polyspan.model.llm.prompting import Prompting\n"
        f"model = LanguageModel.load({server.name!r}, requests=Requests(parallel=1))\n"
        "model.reply(Prompting().prompts(make_corpus()))\n"
    )
    places = os.pathsep.join([str(Path(llm_server.__file__).parent), *sys.path])
    call = [sys.executable, "-c", program]
    with subprocess.Popen(call, env=os.environ | {"PYTHONPATH": places}) as process:
        while len(server.asked) < 2 and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert ask(server, corpus).facts["new"] == 4
    assert len(server.asked) == 6
