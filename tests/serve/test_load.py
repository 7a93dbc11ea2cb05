"""Requests from 64 clients: none lost, none mixed up, nearly as fast as `predict` on the same.

A tiny model is asked two thousand times, and the bundled encoder, whose speed counts, 320 times; one that
`POLYSPAN_LOAD_MODEL` names two thousand times.
"""

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import polyspan as ps

CLIENTS = 64
MODEL = os.environ.get("POLYSPAN_LOAD_MODEL")


@pytest.mark.slow
@pytest.mark.bundled
def test_a_server_is_nearly_as_fast_as_predict(capsys):
    requests = 2000 if MODEL else 320
    alone, seconds, served = _asked(MODEL or "bundled:e5-small", requests)
    p50, p99 = np.percentile(seconds, [50, 99])
    with capsys.disabled():
        print(f"\n{requests} requests from {CLIENTS} clients: {requests / served:.1f} a second, by predict")
        print(f"{requests / alone:.1f}, ratio {alone / served:.3f}; median {p50:.2f} s, p99 {p99:.2f} s")
    assert alone / served >= 0.85


@pytest.mark.slow
def test_two_thousand_requests_from_64_clients(tiny, tmp_path):
    windows = ps.WindowOptions(max_length=128, stride=96, max_question_length=32)
    ps.Reader.load(tiny, windows).save(tmp_path / "reader")
    _asked(str(tmp_path / "reader"), 2000, longest=80)


def _asked(model: str, requests: int, longest: int | None = None) -> tuple[float, list[float], float]:
    """Seconds of `predict`, of each request and of all of them; each has the answer that `predict` gives. Contexts
    have at most the `longest` characters."""
    texts = [
        (question.text, paragraph.context[:longest])
        for language in ("en", "zh", "ko", "ja", "fr")
        for paragraph, question in ps.read(f"mini:{language}/test").questions()
    ]
    asked = [texts[number % len(texts)] for number in range(requests)]
    corpus = ps.Corpus(
        tuple(
            ps.Paragraph(context, (ps.Question(str(number), question),))
            for number, (question, context) in enumerate(asked)
        )
    )
    reader = ps.Reader.load(model)
    ps.predict(reader, ps.Corpus(corpus.paragraphs[:50]))
    began = time.perf_counter()
    offline = ps.predict(reader, corpus).candidates
    alone = time.perf_counter() - began
    del reader

    server = subprocess.Popen(
        [sys.executable, "-m", "polyspan", "serve", model, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = int(json.loads(server.stdout.readline())["address"].rpartition(":")[2])
        _ask_all(port, asked[:CLIENTS])
        began = time.perf_counter()
        answers = _ask_all(port, asked)
        served = time.perf_counter() - began
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(120) == 0
    for number, (status, body, _) in enumerate(answers):
        assert status == 200, (number, body)
        (answer,), given = json.loads(body)["answers"], offline[str(number)][0]
        assert (answer["text"], answer["start"], answer["end"]) == (given.text, given.start, given.end), number
        assert answer["probability"] == pytest.approx(given.probability, abs=1e-5), number
    return alone, [seconds for _, _, seconds in answers], served


def _ask_all(port: int, asked: list[tuple[str, str]]) -> list[tuple[int, bytes, float]]:
    """Status, body and seconds of each request, asked by clients that each keep a connection."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(asked)):
        waiting.put(number)
    answers: list[tuple[int, bytes, float]] = [(0, b"", 0.0)] * len(asked)

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            question, context = asked[number]
            body = json.dumps({"question": question, "context": context})
            began = time.perf_counter()
            connection.request("POST", "/answer", body.encode(), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answers[number] = answer.status, answer.read(), time.perf_counter() - began

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
