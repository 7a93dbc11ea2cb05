"""`polyspan push`: a Reader or a corpus put on the Hugging Face hub, with its card."""

from typing import TYPE_CHECKING, Annotated

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, read, reads, show
from polyspan.errors import UsageError

if TYPE_CHECKING:
    from polyspan.data.push import Pushed

_T = typer.Option
push_app = Verbs()


@push_app.command(example="polyspan push reader me/reader --private")
@reads
def push(
    what: Annotated[str, typer.Argument(help="A Reader's folder, or bundled:reader; with --dataset, data.")],
    repository: Annotated[str, typer.Argument(help="OWNER/NAME on the hub; made where there is none.")],
    dataset: Annotated[
        bool, _T("--dataset", help="Push questions as Parquet, for datasets.load_dataset.")
    ] = False,
    split: Annotated[
        str | None, _T(help="With --dataset: the split's name; default: as in the data's name.")
    ] = None,
    private: Annotated[bool, _T("--private", help="Make the repository a private one.")] = False,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Put a Reader, or a corpus, on the Hugging Face hub.

    In one commit, with its card. The token is that of `hf auth login`, or HF_TOKEN.
    """
    from polyspan.cli import terminal

    if not dataset and (split or language):
        raise UsageError("--split and --language are those of data", fix="give --dataset too, or leave them out")
    terminal.say(f"pushing {what} to {repository}")
    pushed = _data(what, repository, language, split, private) if dataset else _reader(what, repository, private)
    if show(pushed.as_json(), as_json):
        terminal.tell(f"{pushed.url} at {pushed.commit}")


def _reader(name: str, repository: str, private: bool) -> "Pushed":
    from polyspan.model.push import push as push_reader

    return push_reader(name, repository, private=private)


def _data(name: str, repository: str, language: str | None, split: str | None, private: bool) -> "Pushed":
    from polyspan.data.push import push_corpus
    from polyspan.reading import build

    if name.startswith("make:"):
        made = build(name, language)
        return push_corpus(made.corpus, repository, private=private, split=split, made=made.card())
    return push_corpus(read(name, language), repository, private=private, split=split)
