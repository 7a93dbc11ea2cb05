"""What the name of a language model means: `llm:URL#MODEL`, or `llm:` and a folder, a GGUF file or a hub name."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import sha256
from polyspan.model.encoders.model_name import LLM, model_folder, pinned, repository

GGUF = ".gguf"

_EXPECTED = "llm:https://HOST/v1#MODEL, llm:FOLDER, llm:FILE.gguf or llm:OWNER/NAME@REVISION"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PATH = "/chat/completions"
_DECISIVE = (".safetensors", ".bin", ".json", ".txt", ".model", ".jinja")  # endings of files in a model's folder


def is_llm(name: str) -> bool:
    """Whether a model's name is that of a language model, which is asked by a prompt."""
    return name.startswith(LLM)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint: the `url` that requests go to, and the name of the `model` there."""

    url: str
    model: str


def endpoint_of(name: str) -> Endpoint | None:
    """What `llm:URL#MODEL` names; None for a model on this machine. Raises UsageError for an address that lacks a
    model, and for one with a password in it."""
    address, _, model = name.removeprefix(LLM).partition("#")
    if not _ADDRESS.match(address):
        return None
    parts = urlsplit(address)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise UsageError("this is no address of a language model", found=address, expected=_EXPECTED)
    if parts.username or parts.password:
        fix = "set POLYSPAN_LLM_KEY, and leave it out of the address"
        raise UsageError("a key in an address is not taken", expected=_EXPECTED, fix=fix)
    if not model:
        fix = f"name the model: {LLM}{address}#MODEL"
        raise UsageError("an address does not say which model is meant", found=name, fix=fix)
    url = address.rstrip("/")
    return Endpoint(url if url.endswith(_PATH) else url + _PATH, model)


def local_name(name: str) -> str:
    """The folder, the file or the hub name of a model on this machine. Raises UsageError where there is none."""
    place = name.removeprefix(LLM)
    if not place:
        raise UsageError("no language model is named", found=name, expected=_EXPECTED)
    if place.endswith(GGUF) and not Path(place).expanduser().is_file():
        raise PolyspanError("there is no such file", where=place, expected=_EXPECTED)
    return place


def fixed_name(name: str) -> str:
    """The name as it means the same tomorrow: a name on the hub with its commit, a path from the root.

    An endpoint's stays as it is: nobody can tell what is behind it. Raises PolyspanError for a model that is not
    there, or whose commit nobody can tell.
    """
    if endpoint_of(name) is not None:
        return name
    place = local_name(name)
    if place.endswith(GGUF) or model_folder(place) is not None:
        return LLM + str(Path(place).expanduser().absolute())
    return LLM + pinned(place)


def content_of(name: str) -> dict[str, str]:
    """What stands behind the name of a model here: SHA-256 of each file that decides what it says; of one on the
    hub, whose name says it, and of an endpoint nothing. Raises PolyspanError for a model that is not there."""
    if endpoint_of(name) is not None:
        return {}
    place = local_name(name)
    if place.endswith(GGUF):
        file = Path(place).expanduser()
        return {file.name: sha256(file)}
    folder = model_folder(place)
    files = () if folder is None else sorted(path for path in folder.iterdir() if path.suffix in _DECISIVE)
    return {path.name: sha256(path) for path in files}


def place_of(name: str) -> dict[str, str]:
    """Where transformers finds a model on this machine, as arguments of `from_pretrained`."""
    place = local_name(name)
    if place.endswith(GGUF):
        file = Path(place).expanduser()
        return {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    if (folder := model_folder(place)) is not None:
        return {"pretrained_model_name_or_path": str(folder)}
    repo, commit = repository(pinned(place))
    return {"pretrained_model_name_or_path": repo, "revision": commit or "main"}
