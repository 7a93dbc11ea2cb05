"""Archives unpacked within limits, or refused in one sentence."""

import gzip
import io
import tarfile
import zipfile

import pytest

from polyspan.data.formats.archive import unpack
from polyspan.errors import PolyspanError


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_one_member() -> None:
    assert unpack(zipped({"in/a.json": b"{}", ".hidden": b"x", "in/LICENSE.txt": b"x"}), "a.zip") == (
        b"{}",
        "in/a.json",
    )
    assert unpack(gzip.compress(b"{}"), "a.jsonl.gz") == (b"{}", "a.jsonl")
    assert unpack(b"{}", "a.json") == (b"{}", "a.json")


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (zipped({"a.json": b"1", "b.json": b"2"}), "'a.json', 'b.json'"),
        (zipped({}), "none"),
        (zipped({"a.json": b"{}" * 999})[:60], "zip"),
        (gzip.compress(b"{}" * 999)[:-9], "gz"),
        (gzip.compress(b" " * 40 * 2**20), "unpack to more than"),
        (zipped({"a.json": b" " * 40 * 2**20}), "unpack to more than"),
    ],
    ids=["two members", "no member", "cut zip", "cut gz", "gz bomb", "zip bomb"],
)
def test_refused(data: bytes, part: str) -> None:
    with pytest.raises(PolyspanError) as caught:
        unpack(data, "x.zip")
    assert part in str(caught.value)


def test_limit() -> None:
    with pytest.raises(PolyspanError, match="more than a data set would"):
        unpack(zipped({"a.json": bytes(range(256)) * 8}), "a.zip", largest=1000)


def test_password() -> None:
    data = bytearray(zipped({"a.json": b"{}"}))
    for signature, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flag] |= 1
    with pytest.raises(PolyspanError, match="unpack the zip"):
        unpack(bytes(data), "a.zip")


def test_an_archive_inside_an_archive() -> None:
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.json"))
    inner = zipped({"a.json": b"{}"})
    for data in (
        gzip.compress(inner),
        zipped({"a.zip": inner}),
        zipped({"a.gz": gzip.compress(b"{}")}),
        tarred.getvalue(),
    ):
        with pytest.raises(PolyspanError, match="an archive inside an archive: unpack it first"):
            unpack(data, "x.tar.gz")
