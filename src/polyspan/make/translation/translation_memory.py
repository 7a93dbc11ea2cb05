"""Translations kept on disk, so that no engine translates a text twice, in whatever run or process."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from polyspan.errors import PolyspanError
from polyspan.files import cache_folder, explained
from polyspan.make.translation.engine import Engine
from polyspan.progress import progress

TRIES = (256, 16, 1)
"""Texts an engine gets at once: at first, and again where it failed, so that one bad text spoils no others."""

_WAIT = 60.0  # seconds for another process to finish writing
_AT_ONCE = 500  # texts asked for in one query: SQLite takes at most 999 values

_TABLES = """
CREATE TABLE IF NOT EXISTS engines (
    id INTEGER PRIMARY KEY, name TEXT, version TEXT, source TEXT, target TEXT,
    UNIQUE (name, version, source, target)
);
CREATE TABLE IF NOT EXISTS translations (
    engine INTEGER, text TEXT, translation TEXT, PRIMARY KEY (engine, text)
) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Translations:
    """What became of some texts: `texts` has the translation of each that has one.

    `cached` and `new` count translations, `retried` the texts that an engine was asked for again; `error` is what
    the engine said last where it failed.
    """

    texts: dict[str, str] = field(default_factory=dict)
    cached: int = 0
    new: int = 0
    retried: int = 0
    error: str = ""


def remember(engine: Engine, texts: Iterable[str], source: str, target: str, doing: str = "") -> Translations:
    """Translate each different text that is not blank, by the memory where it knows it and else by the engine.

    The file is `translations.sqlite` in polyspan's cache folder. Every batch is in it, whole, before the next
    begins: a run that was killed goes on from there. Texts that fail are not kept. Raises PolyspanError where the
    engine gives nothing at all for a first batch, and where the memory cannot be used.
    """
    wanted = [text for text in dict.fromkeys(texts) if text.strip()]
    with _opened(cache_folder() / "translations.sqlite") as memory:
        scope = _scope(memory, (engine.name, engine.version, source, target))
        done = Translations(_known(memory, scope, wanted))
        done.cached = len(done.texts)
        missing = [text for text in wanted if text not in done.texts]
        with progress(doing, len(missing), "texts") as advance:
            for first in range(0, len(missing), TRIES[0]):
                batch = missing[first : first + TRIES[0]]
                found = _translated(engine, batch, source, target, done)
                if not found and not done.new:
                    raise _silent(engine, batch, done.error)
                # What another process kept meanwhile holds, so that all runs see the same.
                rows = [(scope, text, translation) for text, translation in found.items()]
                with memory:
                    memory.executemany("INSERT OR IGNORE INTO translations VALUES (?, ?, ?)", rows)
                done.texts |= _known(memory, scope, list(found))
                done.new += len(found)
                advance(len(batch), "")
    return done


def _translated(
    engine: Engine, texts: Sequence[str], source: str, target: str, done: Translations
) -> dict[str, str]:
    found: dict[str, str] = {}
    for attempt, size in enumerate(TRIES):
        left = [text for text in texts if text not in found]
        done.retried += len(left) if attempt else 0
        for first in range(0, len(left), size):
            batch = left[first : first + size]
            try:
                given = engine.translate(batch, source, target)
            except PolyspanError:
                raise
            except Exception as error:  # whatever an engine raises: a broken pipe, no network, no memory
                done.error = str(error) or repr(error)
                continue
            if len(given) == len(batch):
                found |= {text: new for text, new in zip(batch, given, strict=True) if new and new.strip()}
            else:  # which of them are there cannot be told
                done.error = f"{len(given)} translations for {len(batch)} texts"
    return found


def _silent(engine: Engine, batch: Sequence[str], error: str) -> PolyspanError:
    return PolyspanError(
        f"{engine.name} translates nothing",
        found=error or f"nothing for {len(batch)} texts, such as {batch[0][:60]!r}",
        expected="a translation for each text",
        fix="try the engine by itself; what it did before is kept",
    )


def _known(memory: sqlite3.Connection, scope: int, texts: Sequence[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for first in range(0, len(texts), _AT_ONCE):
        part = texts[first : first + _AT_ONCE]
        marks = ",".join("?" * len(part))
        query = f"SELECT text, translation FROM translations WHERE engine = ? AND text IN ({marks})"
        known.update(memory.execute(query, (scope, *part)).fetchall())
    return known


def _scope(memory: sqlite3.Connection, key: tuple[str, str, str, str]) -> int:
    with memory:
        memory.execute("INSERT OR IGNORE INTO engines (name, version, source, target) VALUES (?, ?, ?, ?)", key)
    query = "SELECT id FROM engines WHERE name = ? AND version = ? AND source = ? AND target = ?"
    return int(memory.execute(query, key).fetchone()[0])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with explained(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        memory = sqlite3.connect(path, timeout=_WAIT)
        try:
            memory.execute("PRAGMA journal_mode = WAL")
            memory.execute("PRAGMA synchronous = NORMAL")
            memory.executescript(_TABLES)
            yield memory
        finally:
            memory.close()
    except sqlite3.Error as error:
        raise PolyspanError(
            "the memory of translations cannot be used",
            where=str(path),
            found=str(error),
            fix="delete the file if it is damaged, or set POLYSPAN_CACHE to a folder on a local disk",
        ) from error
