"""Files put on the Hugging Face hub in one commit, all or nothing; what it says against that, in one sentence."""

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from polyspan.data.cards import sets_in
from polyspan.data.dataset_card import dataset_card
from polyspan.data.formats.format import pieces, written
from polyspan.data.licences import clashes, joint_licence
from polyspan.data.schema import Corpus, require_corpus
from polyspan.errors import PolyspanError, PolyspanWarning, UsageError
from polyspan.files import read_yaml

Kind = Literal["model", "dataset"]
_SPLIT = re.compile(r"\w+(\.\w+)*")
_TOKEN = "hf auth login, or set HF_TOKEN to one of https://huggingface.co/settings/tokens that may write"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was put on the hub: the repository, its commit with it, and where people see it."""

    repository: str
    commit: str
    url: str
    private: bool
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As `push --json` prints it."""
        return asdict(self) | {"files": list(self.files)}


def push_corpus(
    corpus: Corpus,
    repo: str,
    *,
    private: bool = False,
    split: str | None = None,
    made: Mapping[str, Any] | None = None,
) -> Pushed:
    """Put a corpus on the hub as a split of the data set `repo` (`OWNER/NAME`): Parquet, with a card.

    `datasets.load_dataset(repo, split=…)` and `polyspan.read("hub:OWNER/NAME/SPLIT")` read it back. The split is
    called as in the corpus' name (`mini:ko/test`), or train. `made` is the card of a made corpus; the one beside
    the corpus' file is found. A licence that forbids it is a PolyspanWarning. Raises as `push_files`, and
    PolyspanError for a corpus without questions.
    """
    require_corpus(corpus, "push_corpus")
    if not len(corpus):
        raise PolyspanError(f"{corpus.name} has no questions", where=corpus.source)
    split = _split_of(corpus.name) if split is None else split
    if not _SPLIT.fullmatch(split):
        raise UsageError("a split's name is letters, digits, _ and dots", found=split, expected="train or test")
    parquet = written()[".parquet"].write
    assert parquet is not None
    if made is None and (beside := Path(f"{corpus.source}.card.yaml")).is_file():
        made = read_yaml(beside, "the card of the corpus", "what `polyspan make` wrote")
    name = (made or {}).get("source", {}).get("name") or corpus.name
    licences = {card.name: card.licence for card in sets_in(f"{name} {corpus.name}")}
    licence = joint_licence(licences.values())
    clash = clashes(licence, licences)
    if clash:
        warnings.warn(clash, PolyspanWarning, stacklevel=2)
    files = {
        f"data/{split}-00000-of-00001.parquet": b"".join(pieces(parquet(corpus))),
        "README.md": dataset_card(corpus, repo, split, licence, licences, made).encode(),
    }
    return push_files(files, repo, "dataset", private=private, message=f"{corpus.name}: {len(corpus):,} questions")


def push_files(
    files: Mapping[str, Path | bytes], repo: str, kind: Kind, *, private: bool = False, message: str
) -> Pushed:
    """Put files, by their names there, into the repository `OWNER/NAME` of the hub; other files there stay. It is
    made where there is none.

    Raises UsageError for no name of a repository, and PolyspanError for what the hub refuses, for no token and no
    network, and where `private` is asked of a repository that is public. In none of these cases is a part of the
    files there.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    owner, slash, name = repo.partition("/")
    if not slash or not re.fullmatch(r"[\w-][\w.-]*", owner) or not re.fullmatch(r"[\w-][\w.-]{0,95}", name):
        raise UsageError("this is no name of a repository", found=repo, expected="OWNER/NAME, such as me/reader")
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise PolyspanError(f"cannot push {repo}", found="HF_HUB_OFFLINE is set", fix="unset it")
    if get_token() is None:
        raise PolyspanError(f"cannot push {repo}", found="no token of the hub", fix=_TOKEN)
    api = HfApi()
    with _refusals(repo, api.endpoint):
        made = api.create_repo(repo, repo_type=kind, private=private or None, exist_ok=True)
        hidden = bool(api.repo_info(made.repo_id, repo_type=kind).private)
        if private and not hidden:
            raise PolyspanError(
                f"{repo} is there already, and it is public",
                expected="a private one, as --private asks",
                fix="make it private in its settings on the hub, or choose another name",
            )
        operations = [CommitOperationAdd(path, content) for path, content in files.items()]
        done = api.create_commit(repo, operations, commit_message=message, repo_type=kind)
    where = f"{api.endpoint}/{'datasets/' if kind == 'dataset' else ''}{repo}"
    return Pushed(repo, str(done.oid), where, hidden, tuple(sorted(files)))


@contextmanager
def _refusals(repo: str, endpoint: str) -> Iterator[None]:
    """Within it, whatever the hub's client raises as a PolyspanError: its types are many."""
    try:
        yield
    except PolyspanError:
        raise
    except Exception as error:
        status = _status(error)
        owner = repo.partition("/")[0]
        told = {
            401: ("the hub does not know the token", _TOKEN),
            403: (f"the token may not write to what is {owner}'s", f"push to a name of your own, or {_TOKEN}"),
            404: (f"there is no {owner} on the hub, or no repository {repo}", "check the name"),
        }
        found, fix = told.get(status or 0, (_first_line(error), "push it again: all of it is there, or nothing"))
        broken = isinstance(error, (OSError, RuntimeError)) or type(error).__module__.startswith("httpx")
        if status is None and broken:
            found = f"the connection broke, or there is none: {found}"
        raise PolyspanError(f"cannot push {repo}", where=endpoint, found=found, fix=fix) from error


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error, or behind what caused it; 400 for a card that the hub does not take."""
    while error is not None:
        if (response := getattr(error, "response", None)) is not None:
            return int(response.status_code)
        if isinstance(error, ValueError) and "metadata" in str(error):
            return 400
        error = error.__cause__
    return None


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _split_of(name: str) -> str:
    """The split that a corpus' name tells: `test` of `mini:ko/test`; `train` where it tells none."""
    last = re.split(r"[:/]", name)[-1]
    return last if last in ("train", "dev", "test", "validation") else "train"
