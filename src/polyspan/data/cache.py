"""Work that is kept between runs in polyspan's cache folder: in one file with one limit windows, parses,
translations and embeddings, of which those used longest ago go first; in folders beside it unpacked encoders."""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import cache_folder, explained

LIMIT = 10.0
"""Gigabytes that are kept at most, unless `POLYSPAN_CACHE_LIMIT` says otherwise."""

UNPACKED = "encoders"
"""The folder of unpacked encoders in the cache folder: a folder each, whose time is that of its last use."""

_FILE = "cache.sqlite"
_OLD = ("windows", "parses", "translations.sqlite")  # of versions before this file
_WAIT = 60.0  # seconds for another process to finish writing
_AT_ONCE = 500  # keys asked for in one query: SQLite takes at most 999 values
_DAY = 86_400.0  # that an entry was used is noted once a day
_BYTES = "LENGTH(entries.value) + LENGTH(entries.key)"
_TABLES = """
CREATE TABLE IF NOT EXISTS shelves (id INTEGER PRIMARY KEY, room TEXT, scope TEXT, UNIQUE (room, scope));
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, shelf INTEGER, key TEXT, value BLOB, used REAL, UNIQUE (shelf, key)
);
"""


class Shelf:
    """Entries of one kind by their keys; `scope`, an engine and its version, tells those of one key apart."""

    def __init__(self, room: str, scope: str = "") -> None:
        self.room, self.scope = room, scope

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of the entries that are kept. Raises PolyspanError where the cache cannot be used."""
        found: dict[str, bytes] = {}
        now = time.time()
        with _opened() as cache:
            shelf = self._number(cache)
            for first in range(0, len(keys), _AT_ONCE):
                part = keys[first : first + _AT_ONCE]
                among = f"shelf = ? AND key IN ({','.join('?' * len(part))})"
                query = f"SELECT key, value, used FROM entries WHERE {among}"
                rows = cache.execute(query, (shelf, *part)).fetchall()
                found |= {key: value for key, value, _ in rows}
                if any(used < now - _DAY for _, _, used in rows):
                    with cache:
                        cache.execute(f"UPDATE entries SET used = ? WHERE {among}", (now, shelf, *part))
        return found

    def put(self, entries: Mapping[str, bytes], *, again: bool = False) -> None:
        """Keep entries, all of them or none; what is kept already stays, unless it is to be kept `again`.

        Where the limit is passed, the entries of any shelf that were used longest ago are dropped. Raises
        PolyspanError where the cache cannot be used.
        """
        now = time.time()
        with _opened() as cache:
            shelf = self._number(cache)
            order = f"INSERT OR {'REPLACE' if again else 'IGNORE'} INTO entries (shelf, key, value, used)"
            with cache:
                rows = ((shelf, key, value, now) for key, value in entries.items())
                cache.executemany(f"{order} VALUES (?, ?, ?, ?)", rows)
            _keep_limit(cache)

    def _number(self, cache: sqlite3.Connection) -> int:
        name = self.room, self.scope
        query = "SELECT id FROM shelves WHERE room = ? AND scope = ?"
        if (row := cache.execute(query, name).fetchone()) is None:
            with cache:
                cache.execute("INSERT OR IGNORE INTO shelves (room, scope) VALUES (?, ?)", name)
            row = cache.execute(query, name).fetchone()
        return int(row[0])


def listing(older_than: float = 0.0) -> list[dict[str, Any]]:
    """What is kept and was not used for so many seconds, by `room`: `entries`, `bytes`, and when last `used`.

    Files of older versions, which nothing reads any more, are a room of their own.
    """
    found = []
    if _file().exists():
        query = f"SELECT room, COUNT(*), SUM({_BYTES}), MAX(used) FROM entries JOIN shelves ON shelves.id = shelf"
        with _opened() as cache:
            found = cache.execute(f"{query} WHERE used <= ? GROUP BY room", (time.time() - older_than,)).fetchall()
    rows = [dict(zip(("room", "entries", "bytes", "used"), row, strict=True)) for row in found]
    if unpacked := _unpacked(older_than):
        used = max(path.stat().st_mtime for path in unpacked)
        sizes = (_size(_files(path)) for path in unpacked)
        rows.append({"room": UNPACKED, "entries": len(unpacked), "bytes": sum(sizes), "used": used})
    if old := _old_files():
        rows.append({"room": "older versions", "entries": len(old), "bytes": _size(old), "used": None})
    return rows


def empty(older_than: float = 0.0) -> int:
    """Drop what was not used for so many seconds, and the files of older versions; returns the bytes set free."""
    freed = sum(int(row["bytes"]) for row in listing(older_than))
    if _file().exists():
        with _opened() as cache:
            with cache:
                cache.execute("DELETE FROM entries WHERE used <= ?", (time.time() - older_than,))
            cache.execute("VACUUM")
    for path in _unpacked(older_than):
        with explained(path, "remove"):
            shutil.rmtree(path)
    for path in _old_files():
        with explained(path, "remove"):
            path.unlink()
    return freed


def _file() -> Path:
    return cache_folder() / _FILE


def _unpacked(older_than: float) -> list[Path]:
    """The folders of unpacked encoders, and what killed processes left of them."""
    folder, latest = cache_folder() / UNPACKED, time.time() - older_than
    return [path for path in folder.glob("*") if path.is_dir() and path.stat().st_mtime <= latest]


def _old_files() -> list[Path]:
    return [path for name in _OLD for path in _files(cache_folder() / name)]


def _files(place: Path) -> list[Path]:
    return [path for path in (place, *place.rglob("*")) if path.is_file()]


def _size(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _keep_limit(cache: sqlite3.Connection) -> None:
    pages, free, size = (
        cache.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    limit = _limit()
    if (excess := (pages - free) * size - limit) > 0:
        totals = f"SELECT id, SUM({_BYTES}) OVER (ORDER BY used, id) - ({_BYTES}) AS before FROM entries"
        with cache:
            cache.execute(
                f"DELETE FROM entries WHERE id IN (SELECT id FROM ({totals}) WHERE before < ?)",
                (excess + limit / 10,),
            )


def _limit() -> float:
    given = os.environ.get("POLYSPAN_CACHE_LIMIT")
    try:
        return 1e9 * (LIMIT if not given else float(given))
    except ValueError:
        expected = "gigabytes, such as 10"
        raise UsageError("POLYSPAN_CACHE_LIMIT is no number", found=str(given), expected=expected) from None


@contextlib.contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    path = _file()
    with explained(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        cache = sqlite3.connect(path, timeout=_WAIT)
        try:
            cache.execute("PRAGMA journal_mode = WAL")
            cache.execute("PRAGMA synchronous = NORMAL")
            cache.executescript(_TABLES)
            yield cache
        finally:
            cache.close()
    except sqlite3.Error as error:
        raise PolyspanError(
            "the cache cannot be used",
            where=str(path),
            found=str(error),
            fix="delete the file if it is damaged, or set POLYSPAN_CACHE to a folder on a local disk",
        ) from error
