"""`polyspan ask`: questions put to files of text, PDF and the like."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, show
from polyspan.errors import UsageError
from polyspan.model.encoders.model_name import BUNDLED_READER

if TYPE_CHECKING:
    from polyspan.ask.asking import DocumentAnswer, Reply

_T = typer.Option
ask_app = Verbs()


@ask_app.command(example='polyspan ask "언제 완공되었나?" manual.txt chapter2.md')
def ask(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="QUESTION FILE",
            help="A question in any language; then text, Markdown, HTML, PDF, Word: files, quoted patterns, -.",
        ),
    ],
    questions: Annotated[Path | None, _T(help="A file with a question a line, in place of QUESTION.")] = None,
    model: Annotated[str, _T(help="A Reader's folder, or any question-answering model.")] = BUNDLED_READER,
    language_adapter: Annotated[
        Path | None, _T(help="Folder of `adapt`, in the place of the language that the Reader was trained on.")
    ] = None,
    top: Annotated[int, _T(help="How many answers are shown for a question.")] = 1,
    passages: Annotated[int, _T(help="Passages that are read for a question, the likeliest ones. 0: all.")] = 20,
    always: Annotated[
        bool, _T("--always", help="Give the best answer also where there seems to be none.")
    ] = False,
    encoding: Annotated[
        str | None, _T(help="What files of text were saved in, if not UTF-8: windows-1252, big5, …")
    ] = None,
    largest: Annotated[float, _T(help="Megabytes that a file may have.")] = 20.0,
    as_json: Json = False,
) -> None:
    """Answer a question from files, in any language.

    Prints the answer, how sure it is, where it stands, and the sentence around it.
    """
    from polyspan.ask.asking import ask as answer

    if questions is None:
        asked, files = words[:1], words[1:]
    else:
        asked, files = _lines(questions), words
    if not files:
        raise UsageError("no document is given", fix="polyspan ask QUESTION FILE; - is stdin")
    replies = answer(
        asked,
        files,
        reader=model,
        language_adapter=language_adapter,
        top=top,
        passages=passages,
        always=always,
        encoding=encoding,
        largest=largest,
    )
    if show({"answers": [reply.as_json() for reply in replies]}, as_json):
        for number, reply in enumerate(replies):
            _print(reply, first=not number, alone=len(replies) == 1)


def _lines(path: Path) -> list[str]:
    from polyspan.ask.documents.document_format import read_document

    return [line.strip() for line in read_document(path).text.removeprefix("\ufeff").splitlines() if line.strip()]


def _print(reply: "Reply", first: bool, alone: bool) -> None:
    from polyspan.cli import terminal

    if not first:
        terminal.tell("")
    if not alone:
        terminal.tell(reply.question)
    for answer in (reply.answer, *reply.alternatives):
        terminal.tell(" ".join(answer.text.split()) or "no answer")
        if answer.file is None:
            terminal.tell(f"  {_sure(answer)} that it is not in {terminal.count(reply.documents, 'document')}")
        else:
            terminal.tell(f"  {_sure(answer)}; {_place(answer)}")
            terminal.passage(*answer.shown)


def _sure(answer: "DocumentAnswer") -> str:
    return f"{100 * answer.probability:.0f} % sure"


def _place(answer: "DocumentAnswer") -> str:
    characters = f"characters {answer.start}-{answer.end}"
    if answer.part is None:
        return f"{answer.file}:{answer.line}: {characters}"
    return f"{answer.file}, {answer.counted} {answer.part}, line {answer.line}: {characters} of it"
