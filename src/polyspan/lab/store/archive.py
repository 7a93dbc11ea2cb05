"""Archives of outputs: a compressed tar whose first file lists the others with their sizes and hashes.

What is read is not trusted: nothing is written but files that the list names, under names that outputs and plans
have, of the size and hash that it says.
"""

import gzip
import hashlib
import io
import json
import lzma
import re
import shutil
import sys
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import polyspan
from polyspan.errors import PolyspanError, UsageError, shorten
from polyspan.files import Source, explained, replacing, sha256

MANIFEST = "archive.json"
FORMAT = 1
_NAME = re.compile(r"(stages/[0-9a-f]{64}(/[^/\\:\0]+)+|plans/[^/\\:\0]+\.json)")
_MOST_LISTED = 200_000_000  # bytes of the list
_MOST, _MOST_TIMES = 1_000_000_000, 500  # bytes unpacked, or so many times the archive's own
_LONGEST = 1000  # characters of a name
_LEVEL = 12  # of zstd: nearly as small as its best, and as fast as a disk
_BROKEN = (tarfile.TarError, EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error)
_CHUNK = 1 << 20
_SLACK = 8192  # bytes of a file's head and filling in the tar


def _zst(path: Path, mode: str) -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.open(path, "wb", level=_LEVEL) if mode == "wb" else zstd.open(path, "rb")


_Opener = Callable[[Path, str], Any]
_KINDS: dict[str, tuple[bytes, _Opener]] = {
    ".tar.zst": (b"\x28\xb5\x2f\xfd", _zst),
    ".tar.xz": (b"\xfd7zXZ\0", lzma.open),
    ".tar.gz": (b"\x1f\x8b", gzip.open),
}
"""What each kind of archive begins with, and how it is opened."""


def require_suffix(path: Source) -> None:
    """Raise UsageError for a name that does not say how the archive is compressed."""
    if not str(path).endswith(tuple(_KINDS)):
        raise UsageError("an archive needs a known ending", found=str(path), expected=", ".join(_KINDS))


def write_archive(path: Source, files: Mapping[str, Path | bytes], facts: Mapping[str, Any]) -> int:
    """Write the files under their names into an archive, whole or not at all; returns its size in bytes.

    `facts` go into its list. The same files give the same tar.
    """
    require_suffix(path)
    opened = next(opener for suffix, (_, opener) in _KINDS.items() if str(path).endswith(suffix))
    listed = {name: described(file) for name, file in sorted(files.items())}
    manifest = {"format": FORMAT, "polyspan": polyspan.__version__, **facts, "files": listed}
    head = json.dumps(manifest, ensure_ascii=False, allow_nan=False).encode()
    with replacing(path) as part, opened(part, "wb") as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
        for name, file in {MANIFEST: head, **{name: files[name] for name in listed}}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(file) if isinstance(file, bytes) else listed[name]["bytes"]
            with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as content:
                tar.addfile(entry, content)
    return Path(path).stat().st_size


def described(file: Path | bytes) -> dict[str, Any]:
    """Size and hash of a file, as lists and records have them."""
    if isinstance(file, bytes):
        return {"bytes": len(file), "sha256": hashlib.sha256(file).hexdigest()}
    return {"bytes": file.stat().st_size, "sha256": sha256(file)}


def unpack(path: Source, folder: Path, leave: Callable[[str], bool] = lambda _: False) -> dict[str, Any]:
    """Write an archive's files into a folder, but for those whose names are to be left; returns its list.

    Raises PolyspanError for what is no archive, one that is cut short, changed or of a newer form, and for one
    with what no archive has: links, names that lead elsewhere, more bytes than it may have. The folder then has
    some of the files.
    """
    path = Path(path)
    with explained(path, "read"), path.open("rb") as file:
        begins = file.read(8)
    opened = next((opener for magic, opener in _KINDS.values() if begins.startswith(magic)), None)
    if opened is None:
        raise PolyspanError(
            f"{path} is no archive of a store", fix="name a file that `polyspan store export` wrote"
        )
    try:
        with opened(path, "rb") as stream:
            counted = _Counted(stream, path)
            with tarfile.open(fileobj=counted, mode="r|") as tar:
                manifest = _manifest(tar, counted, folder)
                _unpack_files(tar, manifest["files"], folder, leave, path)
            while counted.read(_CHUNK):  # to its end: its own checksum may be there
                pass
            return manifest
    except _BROKEN as error:
        raise _broken(path, "it is cut short or damaged") from error
    except Exception as error:
        if type(error).__name__ != "ZstdError":
            raise
        raise _broken(path, "it is cut short or damaged") from error


def _manifest(tar: tarfile.TarFile, counted: "_Counted", folder: Path) -> dict[str, Any]:
    """The archive's list, checked; from then on so many bytes are read as it announces."""
    path, entry = counted.path, tar.next()
    if entry is None or entry.name != MANIFEST or not _is_plain(entry):
        raise PolyspanError(
            f"{path} is no archive of a store", found="it does not begin with its list", expected=MANIFEST
        )
    try:
        manifest: dict[str, Any] = json.loads(_content(tar, entry).read())
        form, files = manifest["format"], manifest["files"]
        if not isinstance(form, int) or form > FORMAT:
            raise PolyspanError(
                f"{path} was written by a newer polyspan",
                found=f"form {form}, of polyspan {manifest.get('polyspan')}",
                expected=f"form {FORMAT}",
                fix="update polyspan, here " + polyspan.__version__,
            )
        total = sum(int(known["bytes"]) + _SLACK for known in files.values())
        negative = any(known["bytes"] < 0 or not isinstance(known["sha256"], str) for known in files.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken(path, f"its list cannot be read ({type(error).__name__}: {error})") from error
    if wrong := next((name for name in files if not _is_safe(name)), None):
        raise _broken(path, f"the name {shorten(wrong)}, which no file of a store has")
    most = max(_MOST, _MOST_TIMES * path.stat().st_size)
    if negative or total > most:
        raise _broken(path, f"{total:,} bytes are to come out of {path.stat().st_size:,}: {most:,} at most may")
    if total > (free := shutil.disk_usage(folder).free):
        fix = "free some space, or name a store on another disk"
        raise PolyspanError(f"no room for {path}", found=f"{total:,} bytes", expected=f"{free:,} at most", fix=fix)
    counted.left = total + _SLACK
    return manifest


def _unpack_files(
    tar: tarfile.TarFile, files: Mapping[str, Any], folder: Path, leave: Callable[[str], bool], path: Path
) -> None:
    left = dict(files)
    while (entry := tar.next()) is not None:
        known = left.pop(entry.name, None)
        if not _is_plain(entry):
            raise _broken(path, f"{shorten(entry.name)} is a link or no file at all")
        if known is None:
            raise _broken(path, f"{shorten(entry.name)} is there and not in its list, or twice")
        if entry.size != known["bytes"]:
            raise _broken(path, f"{entry.name} has {entry.size:,} bytes instead of {known['bytes']:,}")
        if _written(_content(tar, entry), None if leave(entry.name) else folder / entry.name) != known["sha256"]:
            raise _broken(path, f"{entry.name} has another content than was written")
    if left:
        raise _broken(path, f"{len(left)} of {len(files)} files are missing, such as {next(iter(left))}")


def _written(content: IO[bytes], target: Path | None) -> str:
    """The SHA-256 of a file of the archive, which is written to `target`."""
    digest = hashlib.sha256()
    if target is None:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest()
    with explained(target, "write"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
    return digest.hexdigest()


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    found = tar.extractfile(entry)
    assert found is not None  # it is plain
    return found


def _is_plain(entry: tarfile.TarInfo) -> bool:
    return entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not entry.issparse()


def _is_safe(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not {".", ".."} & set(name.split("/")) and len(name) < _LONGEST


def _broken(path: Path, found: str) -> PolyspanError:
    return PolyspanError(
        f"{path} is not as it was written",
        found=found,
        fix="copy it again; nothing of it was taken into the store",
    )


class _Counted(io.RawIOBase):
    """A stream that gives no more bytes than it may: an archive of a few may unpack to any number."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self.stream, self.path, self.left = stream, path, _MOST_LISTED

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def read(self, size: int = -1) -> bytes:
        """As the stream does; PolyspanError where it is too much."""
        found = self.stream.read(min(size, self.left + 1) if size >= 0 else self.left + 1)
        self.left -= len(found)
        if self.left < 0:
            raise _broken(self.path, "it has more bytes than it announces")
        return found
