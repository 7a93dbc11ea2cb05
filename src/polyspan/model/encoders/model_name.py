"""What the name of a model means: a bundled one, a folder, or `OWNER/NAME@REVISION` on the Hugging Face hub."""

import re
from collections.abc import Sequence
from pathlib import Path

from polyspan.errors import PolyspanError, UsageError

BUNDLED = "bundled:e5-small"
BUNDLED_READER = "bundled:reader"
SHA256 = {"e5-small": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"}
"""The bundled encoders and the hash of each one's file."""

ADAPTER, DIFFERENCE = "adapter_config.json", "difference.safetensors"
"""The files that tell the folder of an adapter, and that of a difference, from one of a whole model."""

LLM = "llm:"
"""How the names of language models begin, which are asked by a prompt."""

EXPORT = "export.json"
"""The file that tells the folder of an exported Reader, which answers and does nothing else."""

_READER = Path(__file__).parent / "reader"  # what `make reader` wrote: a difference from the bundled encoder
_COMMIT = re.compile("[0-9a-f]{40}")
_PATIENCE = 10  # seconds without an answer of the hub


def model_folder(name: str) -> Path | None:
    """The folder that a model's name means; None for the bundled encoder and for a name on the hub.

    Raises PolyspanError for a folder that is no model's, and for the bundled Reader where this build has none;
    UsageError for a language model.
    """
    if name.startswith(LLM):
        message = "a language model is asked by predict and in recipes, and does nothing else"
        raise UsageError(message, found=name, fix="take a Reader")
    if name == BUNDLED_READER:
        if not (_READER / DIFFERENCE).is_file():
            fix = "install a release of polyspan, or make one as CONTRIBUTING.md says"
            raise PolyspanError(f"this build of polyspan has no {BUNDLED_READER}", fix=fix)
        return _READER
    folder = Path(name).expanduser()
    written = name.startswith((".", "/", "~")) or name.partition("@")[0].count("/") > 1
    if name.startswith("bundled:") or not (written or folder.exists()):
        return None
    if not (folder / "config.json").is_file():
        raise PolyspanError(
            f"no model at {name}",
            found="no such directory" if not folder.exists() else "no config.json in it",
            expected="a directory that `polyspan train` wrote, bundled:e5-small, or a hub name",
            fix=f"--model {inside[0].parent}" if (inside := _models_in(folder)) else "",
        )
    return folder


def folder_with(file: str, name: str) -> Path | None:
    """The folder that a model's name means, where it has such a file; None for other models."""
    folder = model_folder(name)
    return folder if folder is not None and (folder / file).is_file() else None


def _models_in(folder: Path) -> list[Path]:
    """Configurations of models in a folder, or in its `readers`, as a quickstart leaves it."""
    return [*sorted(folder.glob("*/config.json")), *sorted(folder.glob("readers/*/config.json"))]


def repository(name: str) -> tuple[str, str | None]:
    """The repository and the revision of a name on the hub; None where it names no revision."""
    repo, _, revision = name.partition("@")
    return repo, revision or None


def pinned(name: str) -> str:
    """The same model with the commit that its name means now: `OWNER/NAME@COMMIT`; other names as they are.

    A name without a revision means the copy in the hub's cache, and what the hub has on its main branch where
    there is none. A branch or tag is looked up on the hub, and in its cache where that does not answer. Raises
    PolyspanError where neither knows it, and for what is no model.
    """
    if name.startswith("bundled:") or model_folder(name) is not None:
        return name
    repo, revision = repository(name)
    return name if is_commit(revision) else f"{repo}@{hub_commit(repo, revision)}"


def is_commit(revision: str | None) -> bool:
    """Whether a revision is the whole hash of a commit, which never means anything else."""
    return _COMMIT.fullmatch(revision or "") is not None


def hub_commit(repo: str, revision: str | None) -> str:
    """The commit of a revision of a model, as `pinned` finds it; the hub is asked one short question at most."""
    cached = _cached_commit(repo, revision)
    if cached and (revision is None or is_commit(revision)):
        return cached
    import huggingface_hub

    try:
        info = huggingface_hub.HfApi().model_info(repo, revision=revision, timeout=_PATIENCE)
        return str(info.sha)
    except Exception as error:  # no network, no such name, no right to it: whatever the hub's client raises
        if cached:
            return cached
        raise PolyspanError(
            f"cannot load the model {repo + (f'@{revision}' if revision else '')!r}",
            found=f"no such folder here, and from the hub: {str(error).strip().splitlines()[0]}",
            fix="check the name and the network, or use a downloaded directory or bundled:e5-small",
        ) from error


def cached_folder(name: str) -> Path | None:
    """The folder of a hub model's files in the hub's cache, where they have been fetched before."""
    from huggingface_hub import try_to_load_from_cache

    repo, revision = repository(name)
    try:
        found = try_to_load_from_cache(repo, "config.json", revision=revision)
    except ValueError as error:  # no name that the hub could have
        raise PolyspanError(f"no model can have the name {name!r}", found=str(error).splitlines()[0]) from None
    return Path(found).parent if isinstance(found, str) else None


def reader_folder(name: str, files: Sequence[str]) -> Path | None:
    """The folder that holds these files of a model, as far as it has them: of one on the hub that of its commit in
    the cache, where they are fetched to. None for the bundled encoder.

    Where the hub does not answer, the files that were fetched before are all there are.
    """
    folder = model_folder(name)
    if folder is not None or name.startswith("bundled:"):
        return folder
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    repo, commit = repository(pinned(name))
    for file in files:
        if try_to_load_from_cache(repo, file, revision=commit) is None:  # neither there nor known to be missing
            try:
                hf_hub_download(repo, file, revision=commit)
            except LocalEntryNotFoundError:  # no answer
                break
            except EntryNotFoundError:
                continue
            except OSError:
                break
    return cached_folder(f"{repo}@{commit}")


def fetched(name: str) -> str:
    """The folder that a name on the hub means where that is no whole model but an export, an adapter or a
    difference: that of its commit in the hub's cache, with all files. Other names as they are.

    Where the hub does not answer, it is what was fetched before. Raises as `pinned`, and PolyspanError where a
    download breaks, or broke before and cannot go on.
    """
    if name.startswith("bundled:") or model_folder(name) is not None:
        return name
    kinds = (EXPORT, ADAPTER, DIFFERENCE)
    folder = reader_folder(name, ("config.json", *kinds))
    if folder is None or not any((folder / kind).is_file() for kind in kinds):
        return name
    from huggingface_hub import snapshot_download

    try:
        repo = repository(name)[0]
        return snapshot_download(repo, revision=folder.name, ignore_patterns=["*/*"], etag_timeout=_PATIENCE)
    except Exception as error:  # whatever the hub's client raises
        raise PolyspanError(
            f"cannot load the model {name!r}",
            found=(str(error).strip() or repr(error)).splitlines()[0],
            fix="check the network, or use a downloaded directory",
        ) from error


def _cached_commit(repo: str, revision: str | None) -> str | None:
    folder = cached_folder(f"{repo}@{revision}" if revision else repo)
    return None if folder is None else folder.name
