"""Files written whole or not at all, and content hashes."""

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError

Source = str | os.PathLike[str]

_OF_FOLDERS = (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS)


def sha256(path: Source) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def explained(path: Source, doing: str) -> Iterator[None]:
    """Turn an `OSError` (no such folder, no permission, full disk) into a message that names the path.

    Where a file cannot be written because of one of the folders that it is to be in, the message names that one.
    """
    try:
        yield
    except Exception as error:
        full = getattr(error, "errno", None) == errno.ENOSPC or "os error 28" in str(error)
        if not isinstance(error, OSError) and type(error).__name__ != "SafetensorError":  # an OSError in disguise
            raise
        reason = _obstacle(Path(path), error) if isinstance(error, OSError) and doing == "write" else None
        reason = reason or getattr(error, "strerror", None) or str(error)
        fix = "free some space or choose another disk" if full else "check the path and its permissions"
        raise PolyspanError(f"cannot {doing} {path}", found=reason, fix=fix) from error


def _obstacle(path: Path, error: OSError) -> str | None:
    # The nearest parent that is there, where it is the reason: the errno alone says "File exists" for a file
    # among the folders, and "No such file" for a folder of the system that takes none.
    if error.errno not in _OF_FOLDERS:
        return None
    parent = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not os.path.isdir(parent):
        return f"{parent} is not a folder"
    if not os.access(parent, os.W_OK | os.X_OK):
        return f"the folder {parent} may not be written to"
    if error.errno == errno.ENOENT:
        return f"the folder {parent} does not take new files"
    return None


@contextlib.contextmanager
def replacing(path: Source) -> Iterator[Path]:
    """A temporary file beside `path` to write to; it takes the place of `path` when the block ends well.

    The bytes are flushed to the disk before the rename, so that after a power cut either the old or the new
    content is there, whole. Raises PolyspanError where the folder cannot be written.
    """
    target = Path(path)
    with explained(target, "write"):
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_folder(target)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
        part = Path(name)
        try:
            yield part
            with open(part, "r+b") as written:  # Windows flushes only what may be written
                os.fsync(written.fileno())
            part.chmod(0o666 & ~_umask())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Source) -> Iterator[Path]:
    """Like `replacing`, for a folder: written under a temporary name beside it, then renamed.

    It changes places with a folder that stands there, in one step on Linux and macOS; that one is removed last.
    Some file systems cannot do this: there a kill in between leaves the old one beside the place as `.NAME.….old`.
    Raises PolyspanError where a file stands there.
    """
    target = Path(path).absolute()
    with explained(target, "write"):
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_file(target)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        try:
            yield part
            part.chmod(0o777 & ~_umask())
            for inner in part.rglob("*"):
                inner.chmod((0o777 if inner.is_dir() else 0o666) & ~_umask())
                if inner.is_file():
                    with open(inner, "r+b") as written:
                        os.fsync(written.fileno())
            if not target.exists():
                part.rename(target)
            elif not _exchange(part, target):
                old = part.with_suffix(".old")
                target.rename(old)
                part.rename(target)
                shutil.rmtree(old)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two paths change places in one step; False, and nothing is done, where the system cannot."""
    import ctypes

    here, swap = -2 if sys.platform == "darwin" else -100, 2  # AT_FDCWD; RENAME_EXCHANGE, on macOS RENAME_SWAP
    try:
        library = ctypes.CDLL(None)
        rename = library.renameatx_np if sys.platform == "darwin" else library.renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), swap) == 0)


def require_writable(path: Source, folder: bool = False) -> None:
    """Find out before long work whether a file, or a folder, can be written at `path`.

    Raises PolyspanError where it cannot: no permission, a folder where a file is to be, a file where a folder is
    to be, or a folder that has something in it.
    """
    target = Path(path).absolute()
    with explained(target, "write"):
        if folder:
            _refuse_file(target)
            if target.is_dir() and any(target.iterdir()):
                fix = "choose another, or remove it; --resume goes on with a run that was stopped"
                raise PolyspanError(f"{path} is taken", found="a folder with files in it", fix=fix)
        else:
            _refuse_folder(target)
        there = next(parent for parent in target.parents if parent.exists())  # nothing is made yet
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=there)
        os.close(handle)
        os.unlink(name)


def _refuse_folder(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder, and a file is to be written")


def _refuse_file(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file, and a folder is to be written")


def read_yaml(path: Source, what: str, expected: str) -> Any:
    """The content of a small YAML file, which messages call `what`.

    Raises PolyspanError where it cannot be read or is not YAML; `expected` then says what it should have been.
    """
    import yaml

    try:
        with explained(path, "read"):
            return yaml.safe_load(Path(path).read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = " ".join(str(error).split())
        raise PolyspanError(f"{what} is not YAML", where=str(path), found=found, expected=expected) from error


LEFT_BY_KILLS = (".*.part", ".*.old")
"""Patterns of the names that `replacing` and `replacing_folder` leave when they are killed."""


def csv_text(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = (), **style: Any) -> str:
    """Rows as CSV under the first one's keys, or under `columns`; nothing for None. `style` is `csv.writer`'s."""
    return "".join(csv_pieces(rows, columns or (list(rows[0]) if rows else []), **style))


def csv_pieces(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], **style: Any) -> Iterator[str]:
    """As `csv_text`, in pieces: the header, and each row."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", **({"lineterminator": "\n"} | style))
    writer.writeheader()
    for row in rows:
        yield text.getvalue()
        text.seek(0)
        text.truncate()
        writer.writerow(row)
    yield text.getvalue()


def csv_rows(path: Source) -> list[dict[str, str]]:
    """The rows of a CSV file that was written as `csv_text` gives it."""
    return list(csv.DictReader(io.StringIO(Path(path).read_text("utf-8"), newline="")))


def write_text(path: Source, text: str) -> None:
    """Write a UTF-8 file whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Source, value: Any, indent: int | None = 2) -> None:
    """Write JSON as UTF-8, keys in the order given, a newline at the end."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False) + "\n")


def file_name(text: str) -> str:
    """A text as the name of a file or folder: what is no letter, digit, `-`, `_` or `.` becomes `-`."""
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in text).strip("-") or "-"


def cache_folder() -> Path:
    """Where reusable work is kept: `POLYSPAN_CACHE`, or else `polyspan` in the user's cache folder."""
    if chosen := os.environ.get("POLYSPAN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polyspan"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
