"""The paths of a server, as an ASGI application that any server can run."""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response

from polyspan.errors import PolyspanError
from polyspan.serve.contract import (
    FAILED,
    AnswerRequest,
    AnswerResponse,
    Health,
    HubAnswer,
    HubRequest,
    Refusal,
    RefusalResponse,
    refused,
)
from polyspan.serve.gate import App, Gate, refusal_body, refusal_headers
from polyspan.serve.service import Service

_CODES = {400: "invalid_json", 404: "not_found", 405: "method_not_allowed"}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": RefusalResponse, "description": told}
    for status, told in {
        400: "No JSON",
        401: "No key of this server",
        408: "The request did not come in time",
        413: "Too large, or too much to read",
        415: "Another content type",
        422: "A field is wrong, or a question does not fit a window",
        424: "It could not be computed",
        429: "Too many requests wait",
        503: "Still loading, or about to end",
    }.items()
}
_SHOWN = 80  # characters of a field's name in a message


def make_application(service: Service, *, keys: Sequence[str] = (), cors: Sequence[str] = ()) -> App:
    """The application of a service. Who loads and closes the service is up to the caller.

    `keys` are those of which a request must bring one, where there are any; pages of the origins in `cors` may ask
    from a browser.
    """
    from polyspan import __version__

    app = FastAPI(
        title="polyspan",
        version=__version__,
        summary="Answers to questions, as spans of texts.",
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere
        redoc_url=None,
    )
    _add_answers(app, service)
    _add_state(app, service)
    _add_page(app)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused_by_http)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(PolyspanError, _refused_by_polyspan)
    app.add_exception_handler(Exception, _failed)
    gate = Gate(app, service, keys)
    if not cors:
        return gate
    return CORSMiddleware(
        gate,
        allow_origins=list(cors),
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
        expose_headers=["x-request-id", "retry-after"],
    )


def _add_answers(app: FastAPI, service: Service) -> None:
    @app.post("/answer", responses={200: {"model": AnswerResponse}, **_REFUSALS}, tags=["answers"])
    async def answer(asked: AnswerRequest, request: Request) -> JSONResponse:
        """Answer one question or several from a context, or from several documents together."""
        return JSONResponse(await service.answer(asked, request.receive))

    async def hub(asked: HubRequest, request: Request) -> JSONResponse:
        """Answer a question in the Hugging Face hub's inference format; for `top_k` > 1 with a list."""
        return JSONResponse(await service.answer_hub(asked, request.receive))

    for path, name in (("/", "hub"), ("/question-answering", "hub_task")):
        app.post(
            path, responses={200: {"model": HubAnswer}, **_REFUSALS}, tags=["hub"], operation_id=name, name=name
        )(hub)


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/health", responses={200: {"model": Health}, 503: {"model": Health}}, tags=["state"])
    async def health() -> JSONResponse:
        """Whether requests are answered: 503 while the model loads and while the server ends."""
        return JSONResponse({"status": service.status}, 200 if service.status == "ready" else 503)

    @app.get("/info", tags=["state"])
    async def info() -> JSONResponse:
        """The model, its languages, the metrics of its card, and the limits of this server."""
        return JSONResponse(service.info())

    @app.get("/metrics", tags=["state"])
    async def metrics() -> Response:
        """Counts for Prometheus."""
        return Response(service.meters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_page(app: FastAPI) -> None:
    page = (Path(__file__).parent / "page.html").read_text("utf-8")
    headers = {"content-security-policy": _policy(page), "referrer-policy": "no-referrer"}

    @app.get("/", include_in_schema=False)
    async def show_page() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)


def _policy(page: str) -> str:
    """A policy by which nothing runs but the page's own scripts, and nothing is asked but this server."""
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first, *others = error.errors()
    if first["type"] == "json_invalid":
        return await _refused(request, Refusal(400, "invalid_json", "the body is no JSON"))
    place = ".".join(map(str, first["loc"][1:]))[:_SHOWN] or "body"
    more = f" (and {len(others)} more)" if others else ""
    message = f"{place}: {first['msg'].removeprefix('Value error, ')}{more}"
    return await _refused(request, Refusal(422, "invalid_field", message))


async def _refused_by_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "refused")
    return await _refused(request, Refusal(error.status_code, code, str(error.detail)))


async def _refused_by_polyspan(request: Request, error: Exception) -> Response:
    assert isinstance(error, PolyspanError)
    return await _refused(request, refused(error))


async def _failed(request: Request, error: Exception) -> Response:
    return await _refused(request, FAILED)  # the gate reports it


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    headers = {name.decode(): value.decode() for name, value in refusal_headers(error)}
    content = refusal_body(error, request.scope["request_id"])
    return Response(content, error.status, headers, "application/json")
