"""The server by its sockets: answers are those of `predict`, refusals are told, and nothing brings it down."""

import copy
import json
import re
import socket
import threading
import time

import numpy as np
import pytest
import torch

from polyspan.ask.pipeline import QuestionAnswering
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.model.answers import AnswerOptions
from polyspan.prediction import predict
from polyspan.serve.limits import Limits

CONTEXT = "The cup was won by leeds in 1920. In 1931 it was won by hull, not by leeds, and in 1932 by 東京."
LONG = " ".join(f"in {1000 + number} the cup was won by club{number}." for number in range(40))


def _offline(reader, question, context, options=AnswerOptions()):
    return predict(reader, Corpus((Paragraph(context, (Question("q", question),)),)), options).candidates["q"]


def _is(answer, candidate):
    """Texts and places are equal; probabilities but for the rounding that goes with another batch."""
    assert (answer["text"], answer["start"], answer["end"]) == (candidate.text, candidate.start, candidate.end)
    assert answer["probability"] == pytest.approx(candidate.probability, abs=1e-5)


def test_answers_are_those_of_predict(start, served_reader):
    server = start()
    status, body, headers = server.ask({"questions": ["who won", "when"], "context": CONTEXT, "top": 3})
    assert status == 200
    assert headers["x-request-id"]
    assert body["model"]["name"] == "tiny"
    for question, answer in zip(("who won", "when"), body["answers"], strict=True):
        given, *others = _offline(served_reader, question, CONTEXT, AnswerOptions(n_best=3))
        assert answer["question"] == question
        assert answer["document"] is None
        _is(answer, given)
        assert CONTEXT[answer["start"] : answer["end"]] == answer["text"]
        spans = [one for one in others if one.end > one.start]
        for alternative, candidate in zip(answer["alternatives"], spans, strict=True):
            _is(alternative, candidate)
        assert answer["no_answer"] == pytest.approx(
            next(one for one in others if not one.text).probability, abs=1e-5
        )


def test_the_hub_s_client_works_unchanged(start, served_reader, hub_client):
    server = start()
    candidates = _offline(served_reader, "when", CONTEXT, AnswerOptions(n_best=3))
    for path in ("", "/question-answering"):
        client = hub_client(model=server.address + path)
        answer = client.question_answering(question="when", context=CONTEXT)
        assert (answer.answer, answer.start, answer.end) == (
            candidates[0].text,
            candidates[0].start,
            candidates[0].end,
        )
        assert answer.score == pytest.approx(candidates[0].probability, abs=1e-5)
        several = client.question_answering(
            question="when", context=CONTEXT, top_k=3, handle_impossible_answer=True
        )
        assert [one.answer for one in several] == [one.text for one in candidates[:3]]
        short = client.question_answering(
            question="when", context=CONTEXT, max_answer_len=1, max_seq_len=40, doc_stride=8, align_to_words=True
        )
        assert CONTEXT[short.start : short.end] == short.answer


def test_documents_are_answered_together(start, served_reader):
    texts = {"a": "The cup was won by leeds.", "b": "我是誰。我在東京。", "empty": ""}
    documents = [{"id": name, "text": text} for name, text in texts.items()]
    status, body, _ = start().ask({"question": "who won", "documents": documents, "top": 5})
    assert status == 200
    (answer,) = body["answers"]
    found = {
        name: _offline(served_reader, "who won", text, AnswerOptions(n_best=5)) for name, text in texts.items()
    }
    null = {name: next(one for one in found[name] if not one.text).probability for name in "ab"}
    best = max("ab", key=lambda name: found[name][0].probability / null[name])
    assert answer["document"] == best
    _is(answer, found[best][0])
    listed = [answer, *answer["alternatives"]]
    assert len(listed) == 5
    assert {one["document"] for one in listed} <= {"a", "b"}
    for one in listed:
        assert texts[one["document"]][one["start"] : one["end"]] == one["text"]
    odds = [one["probability"] / null[one["document"]] for one in listed]
    assert odds == sorted(odds, reverse=True)
    assert answer["no_answer"] == pytest.approx(null[best], abs=1e-5)


def test_a_calibrated_reader_says_nothing_unless_it_is_to(start, served_reader, monkeypatch, hub_client):
    from polyspan.model.calibration import Calibration

    calibration = Calibration(2.0, 1.0, 0.0, -100.0, "null_odds", "f1", {}, (), 0.1, 0.1)
    monkeypatch.setattr(served_reader, "calibration", calibration)
    server = start()
    asked = {"question": "who won", "context": CONTEXT}
    (answer,) = server.ask(asked)[1]["answers"]
    assert (answer["text"], answer["start"], answer["end"]) == ("", 0, 0)
    assert answer["probability"] == answer["no_answer"]
    (answer,) = server.ask(asked | {"always": True})[1]["answers"]
    assert answer["text"]
    assert server.ask(asked)[1]["model"]["calibrated"] is True
    assert hub_client(model=server.address).question_answering(question="who won", context=CONTEXT).answer
    silent = server.ask({"inputs": asked, "parameters": {"handle_impossible_answer": True}}, "/")[1]
    assert silent["answer"] == ""


def test_without_a_calibration_nothing_is_said_only_where_that_may_be_an_answer(start, served_reader, monkeypatch):
    """As of `predict`, and of the pipeline with `handle_impossible_answer`: by the evidence for none."""
    monkeypatch.setattr("polyspan.model.answers.null_odds", lambda found: np.full(len(found.null), 9.0))
    assert served_reader.calibration is None
    server = start()
    asked = {"question": "who won", "context": CONTEXT}
    assert server.ask(asked)[1]["answers"][0]["text"]
    for silent in (False, True):
        parameters = {"handle_impossible_answer": silent}
        given = server.ask({"inputs": asked, "parameters": parameters}, "/")[1]["answer"]
        piped = QuestionAnswering(served_reader)(**asked, **parameters)["answer"]
        assert [given == "", piped == ""] == [silent, silent]


def test_many_at_once_get_each_their_own(start, served_reader):
    """Short and long texts in shared batches, one with a text of many windows among them."""
    server = start()
    texts = [
        LONG,
        *(f"The cup was won by club{number} in {1500 + number}. " * (1 + number % 5) for number in range(40)),
    ]
    answers: list = [None] * len(texts)

    def ask(number):
        answers[number] = server.ask({"question": "who won", "context": texts[number]})

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (status, body, _), text in zip(answers, texts, strict=True):
        assert status == 200
        _is(body["answers"][0], _offline(served_reader, "who won", text)[0])


REFUSED = {
    "no JSON": (b"{", 400, "invalid_json"),
    "deep": (b'{"question": ' + b"[" * 100_000, 400, "invalid_json"),
    "invalid UTF-8": (b'{"question": "\xff", "context": "x"}', 400, "invalid_json"),
    "half a pair": (rb'{"question": "who", "context": "\ud83d"}', 422, "invalid_field"),
    "half a pair in a name": (rb'{"question": "who", "context": "x", "\ud83d": 1}', 422, "invalid_field"),
    "a list": ([], 422, "invalid_field"),
    "empty": (b"", 422, "invalid_field"),
    "no question": ({"context": "x"}, 422, "invalid_field"),
    "blank question": ({"question": " \n", "context": "x"}, 422, "invalid_field"),
    "both": ({"question": "who", "questions": ["who"], "context": "x"}, 422, "invalid_field"),
    "no questions": ({"questions": [], "context": "x"}, 422, "invalid_field"),
    "a number": ({"question": 3, "context": "x"}, 422, "invalid_field"),
    "not finite": (b'{"question": "who", "context": "x", "top": NaN}', 422, "invalid_field"),
    "infinite": (b'{"question": "who", "context": "x", "top": 1e999}', 422, "invalid_field"),
    "a truth as number": ({"question": "who", "context": "x", "top": True}, 422, "invalid_field"),
    "unknown field": ({"question": "who", "context": "x", "topk": 3}, 422, "invalid_field"),
    "no such language": ({"question": "who", "context": "x", "language": "english!"}, 422, "invalid_field"),
    "no such adapter": ({"question": "who", "context": "x", "adapter": "law"}, 422, "unknown_adapter"),
    "two of a name": ({"question": "who", "documents": [{"id": "a", "text": "x"}] * 2}, 422, "invalid_field"),
    "long question": ({"question": "who " * 100, "context": "x"}, 422, "question_too_long"),
    "10,000 questions": ({"questions": ["who"] * 10_000, "context": "x"}, 413, "too_many_questions"),
    "5 MB": ({"question": "who", "context": "x" * 5_000_000}, 413, "too_large"),
}  # fmt: skip


def test_what_cannot_be_answered_is_refused_in_words(start, capfd):
    server = start()
    for name, (body, wanted, code) in REFUSED.items():
        status, told, headers = server.ask(body, **{"x-request-id": "mine-1"})
        assert (status, told["error"]["code"]) == (wanted, code), (name, told)
        assert told["error"]["message"]
        assert told["error"]["request_id"] == headers["x-request-id"] == "mine-1"
        assert "Traceback" not in json.dumps(told)
        assert "/" not in told["error"]["message"].replace("application/json", "")
    assert server.call("GET", "/nowhere")[1]["error"]["code"] == "not_found"
    assert server.call("GET", "/answer")[0] == 405
    assert server.ask({"question": "who", "context": "x"}, **{"Content-Type": "text/plain"})[0] == 415
    assert server.ask({"inputs": {"question": "who", "context": ""}}, "/")[0] == 422
    too_wide = {"inputs": {"question": "who", "context": "x"}, "parameters": {"max_seq_len": 65}}
    assert server.ask(too_wide, "/")[0] == 422
    assert server.ask({"question": "who", "context": CONTEXT})[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_long_question_is_read_in_part_and_said_to_be(start, served_reader, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(served_reader, "options", replace(served_reader.options, max_question_length=8))
    status, body, _ = start().ask({"questions": ["who", "who won the cup in 1920"], "context": CONTEXT})
    assert status == 200
    assert len(body["remarks"]) == 1
    assert "question 2" in body["remarks"][0]
    _is(body["answers"][1], _offline(served_reader, "who won the cup in 1920", CONTEXT)[0])


def test_a_body_without_a_length_is_measured_as_it_comes(start):
    server = start(Limits(max_body=1000))
    began = time.monotonic()
    connection = server.connect()
    connection.request("POST", "/answer", iter([b"x" * 600] * 50), server.headers, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["error"]["code"] == "too_large"
    assert time.monotonic() - began < 20  # it does not wait for more of a body that has ended


def test_too_much_to_read_is_refused(start):
    server = start(Limits(max_pieces=200))
    assert server.ask({"question": "who", "context": LONG * 2})[1]["error"]["code"] == "too_much_text"
    assert server.ask({"question": "who", "context": LONG * 80})[1]["error"]["code"] == "too_much_text"


def test_a_slow_client_is_sent_away(start):
    server = start(Limits(patience=0.5))
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(
            b"POST /answer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
        )
        answer = slow.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408")
    assert server.ask({"question": "who", "context": CONTEXT})[0] == 200


@pytest.fixture
def gate(served_reader, monkeypatch):
    """Holds the encoder up once it is `shut`: `asked` when it is to compute, `free` to let it."""

    class Held:
        def __init__(self):
            self.shut, self.asked, self.free = threading.Event(), threading.Event(), threading.Event()
            self.rows: list[int] = []
            compute = served_reader.logits

            def logits(batch, *, pack=False):
                if self.shut.is_set():
                    self.asked.set()
                    self.free.wait(120)
                    self.rows.append(len(batch.rows))
                return compute(batch, pack=pack)

            monkeypatch.setattr(
                type(served_reader), "logits", lambda _, batch, pack=False: logits(batch, pack=pack)
            )

    held = Held()
    yield held
    held.free.set()


def _post(server, body) -> socket.socket:
    """Ask, and leave the answer waiting."""
    content = json.dumps(body).encode()
    asking = socket.create_connection(("127.0.0.1", server.port))
    asking.sendall(_head(len(content)) + content)
    return asking


def _head(length: int) -> bytes:
    lines = ("POST /answer HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def _until(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_leaves_is_not_computed(start, gate):
    server = start()
    gate.shut.set()
    first = _post(server, {"question": "who", "context": CONTEXT})
    gate.asked.wait(120)
    leaving = _post(server, {"question": "who", "context": LONG})
    _until(lambda: server.service.in_flight == 2 and server.service._batcher._turns.left)
    leaving.close()
    _until(lambda: server.service.in_flight == 1)
    gate.free.set()
    assert first.recv(100).startswith(b"HTTP/1.1 200")
    assert server.ask({"question": "when", "context": "in 1920"})[0] == 200
    assert sum(gate.rows) < 10  # the long text alone has hundreds of windows
    assert b"polyspan_dropped_total 1.0" in server.call("GET", "/metrics")[1]


def test_a_full_queue_says_when_to_come_again(start, gate):
    server = start(Limits(max_waiting=2))
    gate.shut.set()
    waiting = [_post(server, {"question": "who", "context": CONTEXT}) for _ in range(2)]
    _until(lambda: server.service.in_flight == 2 and len(server.service._batcher._open) == 2)
    status, body, headers = server.ask({"question": "who", "context": CONTEXT})
    assert (status, body["error"]["code"]) == (429, "queue_full")
    assert int(headers["retry-after"]) >= 1
    gate.free.set()
    assert all(one.recv(100).startswith(b"HTTP/1.1 200") for one in waiting)
    assert server.ask({"question": "who", "context": CONTEXT})[0] == 200


def test_a_draining_server_finishes_what_it_has(start, gate):
    server = start()
    gate.shut.set()
    asked = _post(server, {"question": "who", "context": CONTEXT})
    gate.asked.wait(120)
    server.service.draining = True
    status, body, _ = server.ask({"question": "who", "context": CONTEXT})
    assert (status, body["error"]["code"]) == (503, "draining")
    assert server.call("GET", "/health")[:2] == (503, {"status": "draining"})
    gate.free.set()
    assert asked.recv(100).startswith(b"HTTP/1.1 200")

    def gone() -> bool:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            return True
        return False

    asked.close()
    _until(gone)


def test_a_server_that_loads_says_so(start):
    server = start(load=False)
    assert server.call("GET", "/health")[:2] == (503, {"status": "loading"})
    status, body, headers = server.ask({"question": "who", "context": CONTEXT})
    assert (status, body["error"]["code"]) == (503, "loading")
    assert headers["retry-after"]
    assert server.call("GET", "/info")[0] == 503
    server.service.load()
    assert server.call("GET", "/health")[:2] == (200, {"status": "ready"})
    assert server.ask({"question": "who", "context": CONTEXT})[0] == 200


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory")])
def test_what_is_too_large_together_is_computed_alone(start, served_reader, monkeypatch, error):
    compute = type(served_reader).logits

    def logits(self, batch, *, pack=False):
        if len(batch.rows) > 1:
            raise error
        return compute(self, batch, pack=pack)

    text = CONTEXT * 4
    expected = _offline(served_reader, "who won", text)[0]
    monkeypatch.setattr(type(served_reader), "logits", logits)
    status, body, _ = start().ask({"question": "who won", "context": text})
    assert status == 200
    _is(body["answers"][0], expected)


def test_what_cannot_be_computed_is_told_and_the_server_lives(start, served_reader, monkeypatch):
    server = start()
    monkeypatch.setattr(type(served_reader), "logits", lambda *_, **__: exec("raise MemoryError('secret')"))
    status, body, _ = server.ask({"question": "who", "context": CONTEXT})
    assert (status, body["error"]["code"]) == (424, "not_computed")
    assert "memory" in body["error"]["message"]
    monkeypatch.undo()
    assert server.ask({"question": "who", "context": CONTEXT})[0] == 200


def test_a_fault_of_ours_shows_nothing(start, monkeypatch, capfd):
    from polyspan.serve import service

    def broken(*_):
        raise ValueError("the text of a user")

    monkeypatch.setattr(service, "of_documents", broken)
    status, body, _ = start().ask({"question": "who", "context": CONTEXT})
    assert (status, body["error"]["code"]) == (500, "failed")
    err = ""
    end = time.monotonic() + 120
    while "ValueError in broken" not in err and time.monotonic() < end:  # it is told after the answer
        err += capfd.readouterr().err
    assert "ValueError in broken" in err
    assert body["error"]["request_id"] in err
    assert "the text of a user" not in err + json.dumps(body)


def test_keys(start, hub_client):
    server = start(keys=("first", "zweiter-schlüssel"))
    asked = {"question": "who", "context": CONTEXT}
    status, body, headers = server.ask(asked)
    assert (status, body["error"]["code"], headers["www-authenticate"]) == (401, "unauthorised", "Bearer")
    assert server.ask(asked, Authorization="Bearer firs")[0] == 401
    assert server.ask(asked, Authorization="Bearer first")[0] == 200
    assert server.ask(asked, **{"X-API-Key": "first"})[0] == 200
    assert server.ask({"inputs": asked}, "/")[0] == 401
    assert [server.call("GET", path)[0] for path in ("/health", "/", "/info", "/metrics", "/openapi.json")] == [
        200, 200, 401, 401, 401]  # fmt: skip
    answer = hub_client(model=server.address, token="first").question_answering(**asked)
    assert answer.answer


def test_an_adapter_answers_where_it_is_named(start, served_reader, monkeypatch):
    from polyspan.model import adapters

    other = copy.deepcopy(served_reader)
    with torch.no_grad():
        other.model.qa_outputs.weight.neg_()
    monkeypatch.setattr(adapters, "load_adapters", lambda folders, _: dict.fromkeys(folders, other))
    server = start(adapters={"law": "folder"})
    asked = {"question": "who", "context": CONTEXT}
    _is(server.ask(asked)[1]["answers"][0], _offline(served_reader, "who", CONTEXT)[0])
    _is(server.ask(asked | {"adapter": "law"})[1]["answers"][0], _offline(other, "who", CONTEXT)[0])
    assert server.ask(asked | {"adapter": "medicine"})[1]["error"]["code"] == "unknown_adapter"
    assert server.call("GET", "/info")[1]["adapters"] == ["law"]


def test_pages_of_other_origins_may_ask_where_they_are_named(start):
    asked = {"question": "who", "context": CONTEXT}
    headers = start().ask(asked, Origin="https://a.example")[2]
    assert "access-control-allow-origin" not in headers
    server = start(cors=("https://a.example",))
    assert server.ask(asked, Origin="https://a.example")[2]["access-control-allow-origin"] == "https://a.example"
    assert "access-control-allow-origin" not in server.ask(asked, Origin="https://b.example")[2]
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    assert server.call("OPTIONS", "/answer", **preflight)[0] == 200


def test_what_it_tells_of_itself(start, served_reader):
    server = start()
    server.ask({"questions": ["who", "when"], "context": CONTEXT})
    status, info, _ = server.call("GET", "/info")
    assert status == 200
    assert info["model"]["name"] == "tiny"
    assert {"base", "sha256"} < set(info["model"])
    assert info["window"] == served_reader.options.max_length
    status, counts, _ = server.call("GET", "/metrics")
    assert status == 200
    assert b'polyspan_requests_total{path="/answer",status="200"} 1.0' in counts
    assert b"polyspan_questions_total 2.0" in counts
    for name in (
        b"polyspan_batch_pieces_sum",
        b"polyspan_waiting_requests 0.0",
        b"polyspan_request_seconds_bucket",
    ):
        assert name in counts
    status, page, headers = server.call("GET", "/")
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert re.search(rb"(src|href)=.?https?:", page) is None
    schema = server.call("GET", "/openapi.json")[1]
    assert {"/answer", "/", "/question-answering", "/health", "/info", "/metrics"} == set(schema["paths"])
    assert server.call("GET", "/docs")[0] == 404
