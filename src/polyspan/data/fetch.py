"""Fetching a named data set once, at a fixed revision, into the cache."""

import errno
import glob
import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyspan.data.cards import Card, File, Split, cached_path, find
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import cache_folder, replacing, sha256, write_json

TIMEOUT = 10
"""Seconds without an answer after which a server counts as out of reach."""

_BY_HAND = "download it from there on a machine with a network, and give the file's path in place of the name"
_COMMIT = re.compile("[0-9a-f]{40}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HubRows:
    """Rows of a Hugging Face data set: the whole of a split, or those whose ids begin with `prefix`."""

    repo: str
    config: str | None
    part: str
    revision: str | None = None
    prefix: str = ""


def fetch(name: str) -> Path:
    """Fetch a named split and return the SQuAD JSON file that holds it; a copy in the cache is returned at once.

    Raises UsageError for an unknown name, and PolyspanError with the manual alternative where there is no network,
    where `datasets` is not installed, or where what came is not what the card says.
    """
    if name.startswith("hub:"):
        return _fetch_rows(name, hub_rows(name))
    card, split = find(name)
    kind, _, place = card.source.partition(":")
    if kind == "bundled":
        raise UsageError(f"{name} is part of polyspan: there is nothing to fetch")
    if kind == "hub":
        return _fetch_rows(name, HubRows(place, split.config, split.part or "", card.revision, split.prefix))
    target = cached_path(name, card.pin or "")
    if not target.exists():
        _require_network(name, _addresses(card, split))
        if kind == "github":
            _fetch_files(name, card, split, target)
        else:
            _fetch_member(name, card, split, target)
    return target


def hub_rows(name: str) -> HubRows:
    """The rows that `hub:OWNER/NAME[/CONFIG]/SPLIT` means; `NAME@REVISION` asks for a revision.

    Raises UsageError for another form.
    """
    parts = name.removeprefix("hub:").split("/")
    if len(parts) not in (3, 4) or not all(parts):
        raise UsageError(
            "cannot read the name of a hub data set",
            found=name,
            expected="hub:OWNER/NAME/SPLIT or hub:OWNER/NAME/CONFIG/SPLIT, such as hub:rajpurkar/squad/validation",
        )
    owner, repo, *config, part = parts
    repo, _, revision = repo.partition("@")
    return HubRows(f"{owner}/{repo}", config[0] if config else None, part, revision or None)


def pinned(name: str) -> str:
    """A name `hub:…` with its commit: `hub:OWNER/NAME@COMMIT/…`.

    It is that of the newest copy in the cache, or else what the hub says now. The name stays as it is where
    neither can be asked. Raises UsageError for a name of another form.
    """
    rows = hub_rows(name)
    if _is_pinned(rows):
        return name
    if copy := _newest_copy(name):
        commit = copy.stem[-40:]
    else:
        try:
            _require_network(name, [_address(rows)])
            commit = _commit(name, rows, _address(rows))
        except PolyspanError:
            return name
    rest = name.removeprefix(f"hub:{rows.repo}").removeprefix(f"@{rows.revision}")
    return f"hub:{rows.repo}@{commit}{rest}"


def is_fetched(name: str) -> bool:
    """Whether the rows that `hub:…` means are in the cache."""
    return _kept(name, hub_rows(name)) is not None


def _fetch_rows(name: str, rows: HubRows) -> Path:
    if copy := _kept(name, rows):
        return copy
    from polyspan.data.formats.rows import corpus_from_rows
    from polyspan.data.formats.squad import as_articles

    address = _address(rows)
    _require_network(name, [address])
    datasets = _datasets(name, address)
    commit = _commit(name, rows, address)
    if not _is_pinned(rows):
        _log.warning("%s names no commit: fetching the newest, %s", name, commit)
    try:
        table = datasets.load_dataset(rows.repo, rows.config, split=rows.part, revision=commit)
    except OSError as error:
        raise _unreachable(name, error, [address]) from error
    except (
        Exception
    ) as error:  # datasets raises some ten types for a wrong split, a wrong configuration, broken files
        raise _refused(name, error, address) from error
    corpus = corpus_from_rows(_chosen(table, rows.prefix), name=name, source=address)
    if not corpus.paragraphs:
        raise PolyspanError(f"{name} came without a single question", where=address)
    target = cached_path(name, commit)
    write_json(target, as_articles(corpus), indent=None)
    return target


def _address(rows: HubRows) -> str:
    return f"https://huggingface.co/datasets/{rows.repo}" + (f"/tree/{rows.revision}" if rows.revision else "")


def _is_pinned(rows: HubRows) -> bool:
    return _COMMIT.fullmatch(rows.revision or "") is not None


def _kept(name: str, rows: HubRows) -> Path | None:
    """The copy in the cache of the commit that is named, whatever name it was fetched by, or the newest of all."""
    if not _is_pinned(rows):
        return _newest_copy(name)
    exact = cached_path(name, str(rows.revision))
    if exact.exists():
        return exact
    start, revision, rest = exact.name.partition(f"@{rows.revision}")
    others = exact.parent.glob(f"{glob.escape(start)}*{glob.escape(rest)}") if revision else iter(())
    return next(others, None)


def _newest_copy(name: str) -> Path | None:
    start = cached_path(name, "").stem
    copies = [
        path
        for path in (cache_folder() / "data").glob("*.json")
        if path.name.startswith(start) and _COMMIT.fullmatch(path.stem[len(start) :])
    ]
    return max(copies, key=lambda path: path.stat().st_mtime, default=None)


def _datasets(name: str, address: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise PolyspanError(
            f"fetching {name} from the Hugging Face hub needs the package 'datasets'",
            where=address,
            fix=f"pip install datasets, or {_BY_HAND}",
        ) from error
    return datasets


def _commit(name: str, rows: HubRows, address: str) -> str:
    # One short question first: without a network load_dataset itself retries for half a minute.
    import huggingface_hub

    try:
        info = huggingface_hub.HfApi().dataset_info(rows.repo, revision=rows.revision, timeout=TIMEOUT)
    except huggingface_hub.errors.HfHubHTTPError as error:
        raise _refused(name, error, address) from error
    except Exception as error:  # the errors of its HTTP library have no stable common type
        raise _unreachable(name, error, [address]) from error
    return str(info.sha or rows.revision)


def _chosen(table: Iterable[dict[str, Any]], prefix: str) -> Iterable[dict[str, Any]]:
    return (row for row in table if str(row["id"]).startswith(prefix)) if prefix else table


def _fetch_files(name: str, card: Card, split: Split, target: Path) -> None:
    import json

    if len(split.files) == 1:
        _download(name, _addresses(card, split)[0], target, split.files[0].sha256)
        return
    articles: list[Any] = []
    for file, address in zip(split.files, _addresses(card, split), strict=True):
        piece = target.with_name(f"{target.stem}-{file.name}")
        _download(name, address, piece, file.sha256)
        articles += json.loads(piece.read_text(encoding="utf-8-sig"))["data"]
    write_json(target, {"version": f"{name}@{card.revision}", "data": articles}, indent=None)
    for file in split.files:
        target.with_name(f"{target.stem}-{file.name}").unlink(missing_ok=True)


def _fetch_member(name: str, card: Card, split: Split, target: Path) -> None:
    import zipfile

    archive = cached_path(card.name, card.pin or "").with_suffix(".zip")
    if not archive.exists():
        _download(name, card.source, archive, card.archive_sha256)
    with zipfile.ZipFile(archive) as opened, replacing(target) as part:
        part.write_bytes(opened.read(split.files[0].path))


def _addresses(card: Card, split: Split) -> list[str]:
    def raw(file: File) -> str:
        place = card.source.removeprefix("github:")
        return f"https://raw.githubusercontent.com/{place}/{card.revision}/{file.path}"

    return [raw(file) for file in split.files] if card.source.startswith("github:") else [card.source]


def _download(name: str, address: str, target: Path, expected: str | None) -> None:
    if target.exists() and expected and sha256(target) == expected:
        return
    import http.client

    with replacing(target) as part:
        try:
            _copy(address, part, target.name)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            raise _unreachable(name, error, [address]) from error
        found = sha256(part)
        if expected and found != expected:
            raise PolyspanError(
                "the file that came is not the file that the card describes",
                where=address,
                found=f"SHA-256 {found}",
                expected=f"SHA-256 {expected}",
                fix="try again; if it stays so, the source has changed: please report it",
            )


def _copy(address: str, target: Path, title: str) -> None:
    import urllib.request

    from rich.console import Console
    from rich.progress import wrap_file

    screen = Console(stderr=True)
    with urllib.request.urlopen(address, timeout=TIMEOUT) as answer, open(target, "wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        with wrap_file(answer, size, description=title, console=screen, transient=True) as stream:
            while block := stream.read(1 << 20):
                file.write(block)
        if size and file.tell() != size:
            raise ConnectionError(f"the connection broke off after {file.tell()} of {size} bytes")


def _require_network(name: str, addresses: list[str]) -> None:
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        if os.environ.get(variable, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise _unreachable(name, f"{variable} is set", addresses)


def _unreachable(name: str, reason: Exception | str, addresses: list[str]) -> PolyspanError:
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return PolyspanError(
        f"cannot fetch {name}",
        where=addresses[0] + more,
        found=_first_line(reason) if isinstance(reason, Exception) else reason,
        fix=_BY_HAND,
    )


def _refused(name: str, reason: Exception, address: str) -> PolyspanError:
    return PolyspanError(
        f"the Hugging Face hub does not give {name}",
        where=address,
        found=_first_line(reason),
        fix="look there for the right owner, name, configuration, split and licence terms",
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
