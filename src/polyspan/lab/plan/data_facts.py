"""What a DATA argument is, without reading it: language, metric, size, local files; and names of made corpora."""

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from polyspan.data import cards, fetch, mini
from polyspan.data.cards import card_of
from polyspan.data.formats.parse import parse
from polyspan.data.guess import language_of
from polyspan.data.languages import language_tag, primary
from polyspan.errors import PolyspanError
from polyspan.files import explained, sha256
from polyspan.make.maker import MAKERS, Maker, Shape
from polyspan.make.naming import Call, call
from polyspan.reading import is_name

_BYTES = {"zh": 620, "ko": 670, "ja": 750}  # a question of SQuAD JSON, with its share of the context
_LATIN_BYTES = 320


@dataclass(frozen=True, slots=True)
class DataFacts(Shape):
    """What is known of data beforehand. `files` are local ones by absolute path with their SHA-256; `distant` data
    come over a network when they are first used; `work` is the seconds that making takes for each question."""

    files: Mapping[str, str] = field(default_factory=dict)
    distant: bool = False
    work: float = 0.0
    short: bool = False
    """Whether its contexts are short, as the mini corpus' are."""


def facts(data: str, language: str | None = None) -> DataFacts:
    """What the recipe's word for data tells. `language` wins, as in `read`. A file that no card knows is read.

    Raises PolyspanError for a file that is not there, UsageError for a name that cannot be.
    """
    language = language_tag(language)
    if data.startswith("make:"):
        return _made(call(data), language)
    if not is_name(data):
        return _local(data, language)
    if data.startswith("hub:"):
        rows = fetch.hub_rows(data)
        return DataFacts(language, None, None, {}, not _fetched(data, rows.revision))
    card, split = cards.find(data)
    bundled = card.source == "bundled"
    questions = _counted(split.name) if bundled else split.questions or _of_source(split.name)
    distant = not bundled and not cards.cached_path(split.name, card.pin or "").exists()
    return DataFacts(language or split.language, split.metric, questions, {}, distant, short=bundled)


def drawn_first(data: str, limit: int, seed: int) -> str | None:
    """The same made corpus of `limit` questions that are drawn before the slow part of the making.

    None where nothing in its making is slow: then the whole is made, and drawn from. Parallel corpora drawn
    either way hold the same questions, but for those that a maker loses.
    """
    if not data.startswith("make:"):
        return None
    made = call(data)
    maker = MAKERS[made.maker]
    if maker.whole:
        return None
    inner = drawn_first(made.data, limit, seed)
    if inner is None and maker.slow:
        inner = f"make:sample({made.data}, size={limit}, seed={seed})"
    return None if inner is None else str(replace(made, data=inner))


def file_hash(path: str) -> str:
    """SHA-256 of a local file, kept as long as its size and time stay."""
    with explained(path, "read"):
        state = os.stat(path)
        return _hashed(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hashed(path: str, size: int, changed: int) -> str:
    return sha256(path)


def _of_source(name: str) -> int | None:
    """About how many questions a translated or reordered set has: as many as the one it was made from."""
    head, _, key = name.partition(":")
    kind, _, part = key.partition("/")
    if head != "hsu2019":
        return None
    return cards.find(f"{'drcd' if kind.startswith('zh-') else 'squad'}:{part}")[1].questions


def _made(made: Call, language: str | None) -> DataFacts:
    maker, known = MAKERS[made.maker], facts(made.data, language)
    files = dict(known.files)
    for option, value in made.options.items():
        if path := _local_file(maker.file(option, value)):
            files[path] = file_hash(path)

    def of(data: str) -> DataFacts:
        other = facts(data, language)
        files.update(other.files)
        return other

    after = maker.expected(known, made.values(of))
    work = known.work + maker.work(made.options)
    return replace(
        known, language=after.language, metric=after.metric, questions=after.questions, files=files, work=work
    )


def _local_file(path: str) -> str | None:
    """The file that an option of a maker names, by its absolute path; None where it is none or bundled."""
    if path.startswith("mini:"):
        mini.dictionary(path.removeprefix("mini:"))  # raises for a language without one
        return None
    if path in ("", "mini"):
        return None
    if not Path(path).expanduser().is_file():
        raise PolyspanError("there is no such file", where=path, fix="check the path")
    return os.path.abspath(os.path.expanduser(path))


def _local(data: str, language: str | None) -> DataFacts:
    paths = [data] if os.path.exists(data) else [os.path.expanduser(data)]
    if not os.path.exists(paths[0]) and re.search(r"[*?\[]", paths[0]):
        paths = sorted(path for path in glob.glob(paths[0]) if os.path.isfile(path))
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing or not paths:
        if data in cards.cards():
            cards.find(data)  # raises: which split?
        found = "a folder" if missing and os.path.isdir(missing[0]) else "nothing there"
        fix = "check the path; `polyspan data list` has names"
        raise PolyspanError("there is no such file", where=data, found=found, fix=fix)
    files = {os.path.abspath(path): file_hash(os.path.abspath(path)) for path in paths}
    known = [cards.recognise(path, digest) for path, digest in files.items()]
    card = known[0] if len({one.name if one else None for one in known}) == 1 else None
    if card is None or card.by == "name":
        card, told = _read(tuple(files.items()))
        language = language or told
    language = language or (card.language if card else None)
    each = _BYTES.get(primary(language), _LATIN_BYTES)
    questions = sum(os.path.getsize(path) for path in files) // each or 1
    if card is not None and not card.extent:
        questions = cards.find(card.name)[1].questions or questions
    return DataFacts(language, card.metric if card else None, questions, files)


@lru_cache(maxsize=256)
def _read(files: tuple[tuple[str, str], ...]) -> tuple[cards.Known | None, str | None]:
    """What files are and in which language, by their content; `files` has paths and hashes."""
    parts = [part for path, _ in files for part in parse(path)]
    card = card_of(parts)
    return card, language_of(parts, card.language if card else None)


def _fetched(name: str, revision: str | None) -> bool:
    start = cards.cached_path(name, revision or "")
    return any(start.parent.glob(f"{glob.escape(start.stem)}*.json"))


@lru_cache
def _counted(name: str) -> int:
    return sum(len(row["questions"]) for row in mini.rows(name.rpartition("/")[2]))


def absolute(data: str) -> str:
    """Local data by its absolute path, so that it means the same wherever a stage runs; names as they are."""
    if data.startswith("make:"):
        made = call(data)
        maker = MAKERS[made.maker]
        options = {name: _absolute_option(maker, name, value) for name, value in made.options.items()}
        return str(Call(made.maker, absolute(made.data), options))
    if is_name(data):
        return data
    return os.path.abspath(data if os.path.exists(data) else os.path.expanduser(data))


def _absolute_option(maker: Maker, name: str, value: str) -> str:
    if name in maker.corpora:
        return absolute(value)
    path = maker.file(name, value)
    return value.removesuffix(path) + (_local_file(path) or path)
