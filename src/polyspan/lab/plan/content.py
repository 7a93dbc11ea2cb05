"""What stands behind the names in a recipe, for the keys of its stages: hashes of files, commits, versions."""

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from polyspan.data import mini
from polyspan.data.languages import primary
from polyspan.errors import PolyspanError
from polyspan.files import explained, sha256
from polyspan.make.maker import Maker
from polyspan.make.translation.apertium import Apertium
from polyspan.make.translation.engine import EngineFailure
from polyspan.model.encoders.model_name import SHA256, model_folder, pinned

WEIGHTS = (".safetensors", ".bin", ".json", ".txt", ".model")
"""Endings of the files of a model's folder that decide what comes of it."""


def file_hash(path: str) -> str:
    """SHA-256 of a local file, kept as long as its size and time stay."""
    with explained(path, "read"):
        state = os.stat(path)
        return _hashed(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hashed(path: str, size: int, changed: int) -> str:
    return sha256(path)


def bundled_hash(name: str) -> str:
    """SHA-256 of a part of the mini corpus: one language of one split."""
    language, split = name.partition(":")[2].split("/")
    return _bundled_part(language, split, file_hash(str(mini.file(split))))


@lru_cache
def _bundled_part(language: str, split: str, file: str) -> str:
    corpus = mini.load(language, split)
    titles = [paragraph.title for paragraph in corpus.paragraphs]
    return hashlib.sha256(json.dumps([corpus.fingerprint(), titles]).encode()).hexdigest()


def model_content(name: str) -> dict[str, str]:
    """What stands behind a model's name: the hash of the bundled encoder, or of each file of a folder that decides
    what comes of it. A name on the hub says it itself, once it is pinned."""
    folder = model_folder(name)
    if folder is None:
        return {name: SHA256[name.removeprefix("bundled:")]} if name.startswith("bundled:") else {}
    files = sorted(path for path in folder.iterdir() if path.suffix in WEIGHTS and path.name != "run.json")
    return {path.name: file_hash(str(path.absolute())) for path in files}


def pinned_model(name: str) -> str:
    """The name with its commit where that can be told now; a name that cannot is refused when its stage runs."""
    try:
        return pinned(name)
    except PolyspanError:
        return name


def commit_unknown(name: str, known: str) -> PolyspanError:
    """To be raised by the work of a stage that was planned without a commit: what it made could not be told from
    what another commit makes."""
    return PolyspanError(
        f"cannot tell which commit of {name!r} is meant",
        found="it was not in the hub's cache, and the hub did not answer, when the run was planned",
        fix=f"start the run again, or name the commit: {known}",
    )


def tool_content(maker: Maker, option: str, value: str, languages: Sequence[str]) -> dict[str, str]:
    """What stands behind a maker's dictionary, engine or parser, by its name."""
    kind, _, rest = value.partition(":")
    path = maker.file(option, value)
    if path.startswith("mini:"):
        return {path: file_hash(str(mini.dictionary(path.removeprefix("mini:"))))}
    if value == "conllu:mini":
        return {value: file_hash(str(mini.trees()))}
    if value == "file:mini":
        short = {primary(language) for language in languages} & set(mini.LANGUAGES)
        names = [f"mini:{one}/{split}" for one in sorted(short) for split in mini.SPLITS]
        return {name: bundled_hash(name) for name in names}
    if local := tool_file(path):
        return {local: file_hash(local)}
    if kind == "hf":
        return model_content(rest)
    if kind == "apertium":
        return _apertium(value, *[*languages, "", ""][:2])
    return _installed(kind, rest)


def _installed(*packages: str) -> dict[str, str]:
    """The versions of those packages that are installed: parsers, and their models that are packages too."""
    found = {}
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError, ValueError):
            found[package] = metadata.version(package)
    return found


@lru_cache
def _apertium(value: str, source: str, target: str) -> dict[str, str]:
    """The version of an installed pair, in which its data is; of one that is not, nothing."""
    try:
        return {value: Apertium(value.partition(":")[2], source, target).version}
    except (PolyspanError, EngineFailure):
        return {}


def tool_file(path: str) -> str | None:
    """A local file that an engine, a parser or a dictionary is read from, by its absolute path; None where it is
    none or bundled."""
    if path in ("", "mini") or path.startswith("mini:"):
        return None
    if not Path(path).expanduser().is_file():
        raise PolyspanError("there is no such file", where=path, fix="check the path")
    return os.path.abspath(os.path.expanduser(path))
