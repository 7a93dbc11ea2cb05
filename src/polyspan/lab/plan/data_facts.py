"""What a DATA argument is, without reading it: language, metric, size, local files; and names of made corpora."""

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from polyspan.data import cards, fetch, mini
from polyspan.data.cards import card_of
from polyspan.data.formats.parse import parse
from polyspan.data.guess import language_of
from polyspan.data.languages import language_tag, primary
from polyspan.errors import PolyspanError
from polyspan.lab.plan.content import (
    bundled_hash,
    file_hash,
    model_content,
    pinned_model,
    tool_content,
    tool_file,
)
from polyspan.make.maker import MAKERS, Maker, Shape
from polyspan.make.naming import Call, call
from polyspan.model.encoders.model_name import BUNDLED, model_folder
from polyspan.reading import is_name

_BYTES = {"zh": 620, "ko": 670, "ja": 750}  # a question of SQuAD JSON, with its share of the context
_LATIN_BYTES = 320
_LANGUAGES = ("to", "pivot")  # options that are languages


@dataclass(frozen=True, slots=True)
class DataFacts(Shape):
    """What is known of data beforehand.

    `content` says what stands behind the names of all that they are made of: the SHA-256 of a file, a commit, the
    version of an installed model. `distant` data come over a network when they are first used; `work` is the
    seconds that making takes for each question.
    """

    content: Mapping[str, str] = field(default_factory=dict)
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
        return DataFacts(language, None, None, {}, not fetch.is_fetched(data))
    card, split = cards.find(data)
    bundled = card.source == "bundled"
    questions = _counted(split.name) if bundled else split.questions or _of_source(split.name)
    distant = not bundled and not cards.cached_path(split.name, card.pin or "").exists()
    content = {split.name: bundled_hash(split.name) if bundled else str(card.pin)}
    return DataFacts(language or split.language, split.metric, questions, content, distant, short=bundled)


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


def _of_source(name: str) -> int | None:
    """About how many questions a translated or reordered set has: as many as the one it was made from."""
    head, _, key = name.partition(":")
    kind, _, part = key.partition("/")
    if head != "hsu2019":
        return None
    return cards.find(f"{'drcd' if kind.startswith('zh-') else 'squad'}:{part}")[1].questions


def _made(made: Call, language: str | None) -> DataFacts:
    maker, known = MAKERS[made.maker], facts(made.data, language)
    content = dict(known.content)
    spoken = [known.language, *(made.options.get(option) for option in _LANGUAGES)]
    for option in (*maker.tools, *maker.files):
        if value := made.options.get(option):
            content |= tool_content(maker, option, value, [one for one in spoken if one])
    if made.options.get("recover") == "aligned":
        content |= model_content(BUNDLED)

    def of(data: str) -> DataFacts:
        other = facts(data, language)
        content.update(other.content)
        return other

    after = maker.expected(known, made.values(of))
    work = known.work + maker.work(made.options)
    return replace(
        known, language=after.language, metric=after.metric, questions=after.questions, content=content, work=work
    )


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


@lru_cache
def _counted(name: str) -> int:
    return sum(len(row["questions"]) for row in mini.rows(name.rpartition("/")[2]))


def resolved(data: str) -> str:
    """Data by a name that means the same wherever and whenever a stage runs: local ones by the absolute path,
    those of the hub by the commit where it can be told now."""
    if data.startswith("make:"):
        made = call(data)
        maker = MAKERS[made.maker]
        options = {name: _resolved_option(maker, name, value) for name, value in made.options.items()}
        return str(Call(made.maker, resolved(made.data), options))
    if is_name(data):
        return fetch.pinned(data) if data.startswith("hub:") else data
    return os.path.abspath(data if os.path.exists(data) else os.path.expanduser(data))


def _resolved_option(maker: Maker, name: str, value: str) -> str:
    if name in maker.corpora:
        return "+".join(map(resolved, value.split("+"))) if name in maker.lists else resolved(value)
    kind, _, rest = value.partition(":")
    if name in maker.tools and kind == "hf":
        folder = model_folder(rest)
        return f"hf:{folder.absolute() if folder else pinned_model(rest)}"
    path = maker.file(name, value)
    return value.removesuffix(path) + (tool_file(path) or path)
