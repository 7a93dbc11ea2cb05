"""`polyspan serve`: answers over HTTP."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, show
from polyspan.errors import UsageError
from polyspan.model.encoders.model_name import BUNDLED_READER

_T = typer.Option
serve_app = Verbs()


@serve_app.command(example="polyspan serve reader --port 8080")
def serve(
    reader: Annotated[str, typer.Argument(help="A Reader's folder, or any question-answering model.")] = (
        BUNDLED_READER
    ),
    host: Annotated[str, _T(help="Address to serve on; 0.0.0.0 is every one of this machine.")] = "127.0.0.1",
    port: Annotated[int, _T(help="Port to serve on; 0 takes a free one.")] = 8000,
    workers: Annotated[int, _T(help="Processes, each with the model: for several GPUs or many cores.")] = 1,
    api_key: Annotated[
        list[str] | None, _T(help="A key that requests must bring; may be repeated. Also POLYSPAN_API_KEY.")
    ] = None,
    cors: Annotated[
        list[str] | None, _T(help="An origin whose pages may ask from a browser; may be repeated.")
    ] = None,
    adapter: Annotated[
        list[str] | None, _T(help="NAME=FOLDER of an adapter that requests may name; may be repeated.")
    ] = None,
    language_adapter: Annotated[
        Path | None, _T(help="Folder of `adapt`, in the place of the language that the Reader was trained on.")
    ] = None,
    dtype: Annotated[str, _T(help="fp32, or bf16: faster, one answer in fifty differs.")] = "fp32",
    max_body: Annotated[int, _T(help="Bytes of a request at most.")] = 2 * 1024 * 1024,
    max_questions: Annotated[int, _T(help="Questions of a request at most, once for each document.")] = 1000,
    max_pieces: Annotated[int, _T(help="Pieces (tokens) read for a request at most.")] = 1_000_000,
    max_waiting: Annotated[int, _T(help="Requests that may wait at most.")] = 256,
    patience: Annotated[float, _T(help="Seconds that a client has to send its request.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Answer over HTTP, with a page to ask from.

    Prints its address once the model is loaded. SIGTERM or Ctrl-C: it answers what was asked, and ends.
    """
    from polyspan.cli import terminal
    from polyspan.serve.limits import Limits
    from polyspan.serve.server import serve as run

    def ready(address: str) -> None:
        if show({"address": address, "reader": reader}, as_json):
            terminal.tell(f"{reader}: {address}")
        sys.stdout.flush()

    terminal.say(f"loading {reader}")
    run(
        reader,
        host=host,
        port=port,
        workers=workers,
        api_key=api_key or [],
        cors=cors or [],
        adapter=_named(adapter or []),
        language_adapter=language_adapter,
        dtype=dtype,
        limits=Limits(max_body, max_questions, max_pieces, max_waiting, patience),
        ready=ready,
    )


def _named(adapters: list[str]) -> dict[str, str]:
    pairs = [given.partition("=") for given in adapters]
    if any(not name or not folder for name, _, folder in pairs):
        raise UsageError("cannot read --adapter", found=" ".join(adapters), expected="NAME=FOLDER")
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise UsageError("two adapters have the same name", found=" ".join(adapters))
    return {name: folder for name, _, folder in pairs}
