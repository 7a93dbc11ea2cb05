"""The model that something small belongs to: an adapter, or a difference, which are nothing without it."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError

from polyspan.errors import PolyspanError
from polyspan.files import Source, sha256, write_json
from polyspan.model.encoders.model_name import (
    ADAPTER,
    SHA256,
    cached_folder,
    is_commit,
    model_folder,
    pinned,
    repository,
)

BASE_FILE = "base.json"


@dataclass(frozen=True, slots=True)
class Base:
    """The model that an adapter or a difference belongs to: its name, its commit on the hub, and the hashes of its
    files."""

    model: str
    revision: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)
    """By file: the weights, and the tokenizer where it is one."""

    @property
    def name(self) -> str:
        """As `Reader.load` takes it."""
        return f"{self.model}@{self.revision}" if self.revision else self.model

    def same_as(self, other: "Base") -> bool:
        """Whether both have the same files, wherever they stand."""
        return (self.sha256 or self.name) == (other.sha256 or other.name)

    @classmethod
    def load(cls, folder: Path) -> "Base":
        """What `base.json` in a folder says. Raises what reading, JSON and a wrong key raise."""
        given = json.loads((folder / BASE_FILE).read_text("utf-8"))
        given.pop("language", None)  # of an adapter
        return cls(**given)

    def save(self, folder: Path, **others: str) -> None:
        """Write `base.json` into an existing folder, with what else is known of what belongs to the base."""
        write_json(folder / BASE_FILE, asdict(self) | others)

    def require(self, what: str, where: Source) -> None:
        """Raise PolyspanError where it has other weights now than those that what is at `where` came from."""
        now = base_of(self.name).sha256
        for file, hashed in self.sha256.items():
            if now.get(file) != hashed:
                raise PolyspanError(
                    f"the base of the {what} is not the one that it was trained beside",
                    where=str(where),
                    found=f"{self.name}: {file} with SHA-256 {now[file]}" if file in now else f"no {file}",
                    expected=f"SHA-256 {hashed}",
                    fix=f"put the base back as it was, or make the {what} again",
                )


def base_of(name: str) -> Base:
    """The model of that name as a base; a folder's path becomes an absolute one. The model has been loaded."""
    folder = model_folder(name)
    if name.startswith("bundled:"):
        known = name.removeprefix("bundled:")  # the encoder's file is checked whenever it is read
        return Base(name, None, {f"{known}-q4.bin": SHA256[known]} if folder is None else _hashes(folder))
    if folder is not None:
        return Base(str(folder.absolute()), None, _hashes(folder))
    repo, revision = repository(pinned(name))
    cached = cached_folder(f"{repo}@{revision}")
    return Base(repo, revision if is_commit(revision) else None, {} if cached is None else _hashes(cached))


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    files += [path for path in (folder / ADAPTER, folder / "tokenizer.json") if path.is_file()]
    return {path.name: sha256(path) for path in files}


@contextlib.contextmanager
def readable(what: str, folder: Path) -> Iterator[None]:
    """Within it, PolyspanError where an adapter's or a difference's files cannot be read."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SafetensorError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        fix = "make it again, or copy the folder again"
        raise PolyspanError(f"the {what} cannot be read", where=str(folder), found=found, fix=fix) from error


@contextlib.contextmanager
def fitting(what: str, base: Base) -> Iterator[None]:
    """Within it, PolyspanError where an adapter or a difference and its base do not fit."""
    try:
        yield
    except (AttributeError, KeyError, IndexError, RuntimeError, ValueError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[-1].strip()
        expected = f"the layers of {base.name}"
        raise PolyspanError(f"the {what} does not fit its base", found=found, expected=expected) from error
