"""The command line: one function a verb, each a thin face of a public function.

Heavy modules are imported inside the verbs, so that `polyspan --help` is instant. What was asked for goes to
stdout, progress and remarks to stderr; `--json` prints one object on stdout and nothing else there. Exit status:
0 done, 1 the data or the run has a fault, 2 the call is wrong.
"""

import errno
import io
import json
import os
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from polyspan.cli.align import align_app
from polyspan.cli.ask import ask_app
from polyspan.cli.calibrate import calibrate_app
from polyspan.cli.data import data_app
from polyspan.cli.export import export_app
from polyspan.cli.help import Verbs
from polyspan.cli.lab import lab_app, store_app
from polyspan.cli.make import make_app
from polyspan.cli.models import models_app
from polyspan.cli.options import (
    Data,
    Json,
    Language,
    Seed,
    read,
    reading,
    reads,
    show,
)
from polyspan.cli.predict import predict_app
from polyspan.cli.probe import probe_app
from polyspan.cli.push import push_app
from polyspan.cli.scoring import scoring_app
from polyspan.cli.serve import serve_app
from polyspan.cli.stats import stats_app
from polyspan.cli.train import train_app
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError, not_installed, shorten
from polyspan.model.fast.own_process import prepare_process

app = Verbs(
    name="polyspan",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Zero-shot cross-lingual reading comprehension: train in one language, answer in others.",
)
app.add_typer(ask_app)
app.add_typer(data_app, name="data")
app.add_typer(make_app, name="make")
app.add_typer(train_app)
app.add_typer(predict_app)
app.add_typer(scoring_app)
app.add_typer(calibrate_app)
app.add_typer(models_app)
app.add_typer(push_app)
app.add_typer(export_app)
app.add_typer(serve_app)
app.add_typer(probe_app, name="probe")
app.add_typer(stats_app, name="stats")
app.add_typer(align_app, name="align")
app.add_typer(lab_app)
app.add_typer(store_app, name="store")

_T = typer.Option  # a short name: the options below are one line each
_INTERRUPTED = 130  # what typer makes of Ctrl-C
_OF_STREAMS = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT, errno.EAGAIN)
_TERMINATED = 143  # what a training makes of SIGTERM


def main() -> None:
    """Run the command line; a user's mistake ends in a message, never in a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8, whatever the locale; half a surrogate pair, as names of files may have, is escaped.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    prepare_process()
    warnings.showwarning = partial(_remark, warnings.showwarning)
    try:
        app(prog_name="polyspan")  # also as `python -m polyspan`
        sys.stdout.flush()
    except PolyspanError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code not in (_INTERRUPTED, _TERMINATED):
            raise
        _complain("stopped; nothing is half-written (train goes on from its last step with --resume)")
        sys.exit(_TERMINATED if end.code == _TERMINATED else 1)
    except ModuleNotFoundError as error:
        _complain(str(not_installed(error, "this command")))
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        _complain(_told(error))
        if _of_stream(error):
            os._exit(1)  # the interpreter would try to flush once more
        sys.exit(1)


def _remark(others: Callable[..., None], message: Warning, category: type[Warning], *where: Any) -> None:
    """What is to be minded, on stderr as any remark; `others` shows the warnings that are not polyspan's."""
    if issubclass(category, PolyspanWarning):
        _complain(str(message))
    else:
        others(message, category, *where)


def _told(error: OSError) -> str:
    """What an error of the system is about: the stream that takes no more, or the file that it names."""
    reason = error.strerror or str(error)
    if _of_stream(error):
        return f"cannot write to the terminal or pipe: {reason}"
    what = "the system refuses" if error.filename is None else f"cannot use {shorten(error.filename)}"
    return str(PolyspanError(what, found=reason, fix="check the path and its permissions"))


def _of_stream(error: OSError) -> bool:
    return error.filename is None and error.errno in _OF_STREAMS


def _complain(message: str) -> None:
    """One message on stderr, if there is one; control characters from data do not reach the terminal."""
    if sys.stderr is not None:
        shown = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in message)
        print(f"polyspan: {shown}", file=sys.stderr)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, _T("--version", help="Print the version.")] = False) -> None:
    if version:
        from polyspan import __version__

        print(__version__)
        raise typer.Exit


@app.command(example="polyspan quickstart --out quickstart")
def quickstart(
    out: Annotated[Path, _T(help="Folder for the Reader and the report.")] = Path("quickstart"),
    seed: Seed = 42,
    as_json: Json = False,
) -> None:
    """Train on English, answer in five, offline.

    Trains the bundled encoder on mini:en/train, tests it in five languages and draws a report.
    """
    from polyspan.cli import terminal
    from polyspan.lab.quickstart import MODEL
    from polyspan.lab.quickstart import quickstart as run

    terminal.say(f"training {MODEL} on mini:en/train, then answering in five languages; no network is used")
    report = run(out, seed)
    if show(report, as_json):
        terminal.matrix(report["matrix"])
        terminal.tell(f"report: {out / 'report.html'}\nreader: {out / 'readers' / 'mini-en-train'}")


@app.command(example="polyspan report quickstart")
def report(
    folder: Annotated[
        Path, typer.Argument(help="A folder with report.json, or an archive of `polyspan store export`.")
    ],
    out: Annotated[Path | None, _T(help="Folder for the report of an archive, by default runs/NAME.")] = None,
    as_json: Json = False,
) -> None:
    """Draw a run's page, tables and figures again, or those of an archive's recipes; nothing is run."""
    from polyspan.cli import terminal
    from polyspan.report import write_report

    if folder.is_file():
        from polyspan.lab.carrying import report_archive

        reports = report_archive(folder, out)
    elif out is not None:
        raise UsageError("--out is for the report of an archive", found=f"{folder} is none")
    else:
        reports = {str(write_report(folder).parent): json.loads((folder / "report.json").read_text("utf-8"))}
    if show(next(iter(reports.values())) if len(reports) == 1 else reports, as_json):
        for where, report in reports.items():
            terminal.matrix(report["matrix"])
            terminal.tell(f"report: {Path(where) / 'report.html'}")


@app.command(example="polyspan check data.json --fix mended.json")
@reads
def check(
    data: Data,
    fix: Annotated[
        Path | None, _T(help="Write a repaired copy; what is not certain goes to OUT.quarantine.json.")
    ] = None,
    against: Annotated[
        list[str] | None, _T(help="Data that must share no context or question with these; may be repeated.")
    ] = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Find every fault of a data set; --fix it."""
    from polyspan.cli import terminal
    from polyspan.reading import check as find_faults
    from polyspan.reading import repair

    found = find_faults(data, language, against, **reading())
    result = found.as_json()
    mended = repair(data, fix, language, **reading()) if fix else None
    if mended is not None:
        result["repair"] = mended.as_json()
    if show(result, as_json):
        terminal.check_report(result, found.counts())
        if mended is not None:
            terminal.facts({key: value for key, value in mended.as_json().items() if value})
    raise typer.Exit(0 if found.ok or mended is not None else 1)


@app.command(example="polyspan trim bundled:e5-small --keep-language ko --out small")
@reads
def trim(
    model: Annotated[str, typer.Argument(help="A Reader's folder, an encoder's, bundled:e5-small or a hub name.")],
    out: Annotated[Path, _T(help="Folder for the smaller model.")],
    data: Annotated[list[str] | None, _T(help="Keep the pieces of these texts; may be repeated.")] = None,
    keep_language: Annotated[
        list[str] | None, _T(help="Keep all pieces in this language's scripts; may be repeated.")
    ] = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Cut a multilingual encoder down to the pieces in use."""
    from polyspan.cli import terminal

    corpora = [read(name, language) for name in data or []]
    from polyspan.model.vocabulary.trim import trim as cut

    result = cut(model, out, corpora, keep_language or []).as_json()
    if show(result, as_json):
        terminal.facts({key: " → ".join(map(str, v)) if isinstance(v, tuple) else v for key, v in result.items()})


@app.command(example="polyspan bench --quick --out bench.json")
def bench(
    quick: Annotated[bool, _T("--quick", help="About five minutes on two cores (the default).")] = False,
    full: Annotated[bool, _T("--full", help="Longer turns and more pairs.")] = False,
    model: Annotated[str, _T(help="The encoder or Reader that both sides use.")] = "bundled:e5-small",
    out: Annotated[Path | None, _T(help="File for the JSON; the table goes to the same name with .md.")] = None,
    as_json: Json = False,
) -> None:
    """Measure speed against today's way, in turns, in one run."""
    from polyspan.bench.measurements import bench as measure
    from polyspan.bench.measurements import markdown
    from polyspan.cli import terminal
    from polyspan.files import require_writable, write_json, write_text

    if quick and full:
        raise UsageError("--quick and --full exclude each other")
    if out is not None:
        require_writable(out)
    result = measure("full" if full else "quick", model)
    table = markdown(result)
    if out is not None:
        write_json(out, result)
        write_text(out.with_suffix(".md"), table)
    if show(result, as_json):
        terminal.tell(table)
