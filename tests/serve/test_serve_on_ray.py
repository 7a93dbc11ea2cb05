"""The application on a local Ray cluster, as the documentation shows it."""

import json
import socket
import urllib.request

import pytest


@pytest.mark.slow
def test_a_ray_cluster_answers(served_folder, monkeypatch):
    ray = pytest.importorskip("ray")
    serve = pytest.importorskip("ray.serve", reason="pip install 'ray[serve]'", exc_type=ImportError)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")

    def application():
        from polyspan.serve.application import make_application
        from polyspan.serve.service import Service

        service = Service(served_folder)
        service.load()
        return make_application(service)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        answers = serve.deployment(
            serve.ingress(application)(), num_replicas=2, ray_actor_options={"num_cpus": 0.5}
        )
        serve.run(answers.bind())
        context = "the cup was won by leeds in 1920."
        body = json.dumps({"questions": ["who", "when"], "context": context}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/answer", body, {"Content-Type": "application/json"}
        )
        for _ in range(10):
            with urllib.request.urlopen(request, timeout=60) as answer:
                given = json.load(answer)["answers"]
            assert [context[one["start"] : one["end"]] for one in given] == [one["text"] for one in given]
    finally:
        serve.shutdown()
        ray.shutdown()
