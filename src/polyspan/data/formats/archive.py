"""Compressed data: the one data file inside a zip or gz, unpacked in memory and within limits."""

import io
from pathlib import PurePosixPath
from typing import IO, cast

from polyspan.data.formats.documents import refuse_document, refuse_parts
from polyspan.data.formats.format import format_of
from polyspan.errors import PolyspanError, shorten

LARGEST = 2 * 2**30
"""Bytes that a file may unpack to: far more than any reading-comprehension set."""

_LARGEST_RATIO = 500
_RATIO_FROM = 16 * 2**20
_CHUNK = 2**20
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GZ = b"\x1f\x8b"
_TAR_AT = 257


def is_packed(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a zip or gz."""
    return head.startswith((*_ZIP, _GZ))


def unpack(data: bytes, name: str, largest: int = LARGEST) -> tuple[bytes, str]:
    """The bytes and the name of the data file in a zip or gz; anything else comes back as it is.

    The archive is told by its first bytes, not by its name. Nothing is ever written to the disk, so a member's
    name cannot lead anywhere. Raises PolyspanError for a damaged or encrypted archive, for one that unpacks to
    more than `largest` bytes or more than 500 times its size, for one with several data files, and for one with
    another archive inside, as a .tar.gz has; and for a document that is no data file, as .xlsx and .docx are.
    """
    refuse_document(data, name)
    if data.startswith(_ZIP):
        inner = _unzip(data, name, largest)
    elif data.startswith(_GZ):
        inner = _gunzip(data, name, largest)
    else:
        return data, name
    packed = is_packed(inner[0]) or inner[0][_TAR_AT:].startswith(b"ustar")
    if packed and format_of("", inner[0], binary=True) is None:
        fix = "unpack it and give the data file, or that file alone in a zip or gz"
        raise PolyspanError("an archive inside an archive: unpack it first", where=name, found=inner[1], fix=fix)
    return inner


def _unzip(data: bytes, name: str, largest: int) -> tuple[bytes, str]:
    import lzma
    import struct
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            refuse_parts(archive.namelist(), name)
            members = [info for info in archive.infolist() if _is_data(info.filename, info.is_dir())]
            if len(members) != 1:
                listed = ", ".join(shorten(info.filename) for info in members[:8])
                raise PolyspanError(
                    "an archive must hold one data file",
                    where=name,
                    found=f"{len(members)}: {listed}" if members else "none",
                    fix="unpack it and give the file, or a quoted pattern such as 'train_*.json'",
                )
            with archive.open(members[0]) as member:
                return _limited(member, name, len(data), largest), members[0].filename
    except PolyspanError:
        raise
    # RuntimeError is what zipfile raises for a password.
    except (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, RuntimeError, EOFError, OSError, ValueError,
    ) as error:  # fmt: skip
        raise _damaged(name, "zip", error) from error


def _gunzip(data: bytes, name: str, largest: int) -> tuple[bytes, str]:
    import gzip
    import zlib

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as member:
            return _limited(cast(IO[bytes], member), name, len(data), largest), name.removesuffix(".gz")
    except (zlib.error, EOFError, OSError) as error:
        raise _damaged(name, "gz", error) from error


def _limited(member: IO[bytes], name: str, packed: int, largest: int) -> bytes:
    allowed = min(largest, max(_RATIO_FROM, packed * _LARGEST_RATIO))
    chunks: list[bytes] = []
    size = 0
    while chunk := member.read(_CHUNK):
        size += len(chunk)
        if size > allowed:
            raise PolyspanError(
                "the archive unpacks to more than a data set would",
                where=name,
                found=f"{packed:,} bytes that unpack to more than {allowed:,}",
                fix="if you trust it, unpack it yourself and give the file",
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _is_data(name: str, is_folder: bool) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in path.parts)
    return not is_folder and not hidden and path.suffix.lower() not in (".md", ".txt", ".pdf", ".html")


def _damaged(name: str, kind: str, error: Exception) -> PolyspanError:
    return PolyspanError(
        f"cannot unpack the {kind} archive",
        where=name,
        found=str(error) or type(error).__name__,
        fix="download or copy it again; an archive with a password must be unpacked first",
    )
