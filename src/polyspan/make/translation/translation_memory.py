"""Translations kept on disk, so that no engine translates a text twice, in whatever run or process."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from polyspan.data.cache import Shelf
from polyspan.errors import PolyspanError
from polyspan.make.translation.engine import Engine
from polyspan.progress import progress

TRIES = (256, 16, 1)
"""Texts an engine gets at once: at first, and again where it failed, so that one bad text spoils no others."""


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

    Every batch is in polyspan's cache, whole, before the next begins: a run that was killed goes on from there.
    Texts that fail are not kept. Raises PolyspanError where the engine gives nothing at all for a first batch, and
    where the cache cannot be used.
    """
    wanted = [text for text in dict.fromkeys(texts) if text.strip()]
    memory = Shelf("translations", " ".join((engine.name, engine.version, source, target)))
    done = Translations(_known(memory, wanted))
    done.cached = len(done.texts)
    missing = [text for text in wanted if text not in done.texts]
    with progress(doing, len(missing), "texts") as advance:
        for first in range(0, len(missing), TRIES[0]):
            batch = missing[first : first + TRIES[0]]
            found = _translated(engine, batch, source, target, done)
            if not found and not done.new and not _works(engine, done.texts, source, target):
                raise _silent(engine, batch, done.error)
            memory.put({text: translation.encode() for text, translation in found.items()})
            done.texts |= found | _known(memory, list(found))  # another process' hold: all runs see the same
            done.new += len(found)
            advance(len(batch), "")
    return done


def _known(memory: Shelf, texts: Sequence[str]) -> dict[str, str]:
    return {text: translation.decode() for text, translation in memory.get(texts).items()}


def _works(engine: Engine, known: Mapping[str, str], source: str, target: str) -> bool:
    """Whether an engine that gives nothing for what is left, texts that failed before, still does for one that is
    known."""
    return bool(_translated(engine, list(known)[:1], source, target, Translations()))


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
