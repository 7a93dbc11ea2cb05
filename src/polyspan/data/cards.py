"""The named data sets: what each is, its licence and source, and how to know one of its files."""

import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from polyspan.data.formats.parsed import Parsed
from polyspan.data.guess import contradicts
from polyspan.errors import PolyspanError, UsageError, nearest
from polyspan.files import Source, cache_folder, sha256

_HEAD = re.compile(r"(?<![\w:/-])([A-Za-z][\w-]*):")  # of SET:KEY
_COMPARED = re.compile(r"against=[^,)]*")


@dataclass(frozen=True, slots=True)
class File:
    """A published file. `path` is where its source keeps it; `generic` names do not tell the data set."""

    path: str
    sha256: str | None = None
    generic: bool = False

    @property
    def name(self) -> str:
        """The file name without folders."""
        return PurePath(self.path).name


@dataclass(frozen=True, slots=True)
class Split:
    """One corpus of a data set, known as `SET:KEY`: a part of it, in one language.

    Counts are None where nobody has verified them. `config`, `part` and `prefix` say which rows of a hub data set
    belong to it: its configuration, its own name of the split, and how the ids begin.
    """

    name: str
    language: str
    metric: str
    paragraphs: int | None = None
    questions: int | None = None
    files: tuple[File, ...] = ()
    config: str | None = None
    part: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a local file is.

    `extent` says which piece of the split it holds (empty: the whole); `by` what told it, `content` or `name`.
    """

    name: str
    language: str | None
    metric: str
    card: str
    extent: str
    by: str


@dataclass(frozen=True, slots=True)
class Card:
    """A named data set. `splits` go by the key after the colon, as `dev` in `squad:dev`.

    `source` is `hub:OWNER/NAME`, `github:OWNER/NAME`, the address of an archive, or `bundled`; `revision` the
    commit that is fetched (40 hexadecimal digits), `archive_sha256` the hash of an archive.
    """

    name: str
    title: str
    licence: str
    homepage: str
    source: str
    citation: str
    splits: Mapping[str, Split]
    revision: str | None = None
    archive_sha256: str | None = None
    known: tuple[tuple[File, Known], ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """Language tags, in the order of the splits."""
        return tuple(dict.fromkeys(split.language for split in self.splits.values()))

    @property
    def pin(self) -> str | None:
        """What fixes the content: the commit, or else the archive's hash."""
        return self.revision or self.archive_sha256


@functools.cache
def cards() -> dict[str, Card]:
    """All named data sets by name, in the order in which they are listed."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    return {name: _card(name, entry) for name, entry in yaml.load(text, Loader=loader).items()}


def find(name: str) -> tuple[Card, Split]:
    """The card and the split of a name such as `squad:dev`, `xquad:zh` or `mini:zh/test`.

    Raises UsageError for an unknown data set or split, naming those there are, and for an address.
    """
    head, _, key = name.partition(":")
    if key.startswith("//"):
        fix = "give a local file: download it first"
        raise UsageError("a data set is a local file or a name, not an address", where=name, fix=fix)
    card = cards().get(head)
    if card is None:
        raise UsageError(f"unknown data set {head!r}", where=name, fix=nearest(head, [*cards(), "hub"]))
    if key not in card.splits:
        raise UsageError(
            f"data set {head!r} has no split {key!r}" if key else f"which split of {head!r}?",
            where=name,
            expected="one of " + ", ".join(split.name for split in card.splits.values()),
        )
    return card, card.splits[key]


def sets_in(name: str) -> list[Card]:
    """The data sets that a corpus rests on, by its name: squad of
    `make:unanswerable(squad:train, share=0.2)`.

    What a maker only compares with (`against=`) is none of them. Empty where the name tells of none.
    """
    heads = _HEAD.findall(_COMPARED.sub("", name))
    return [cards()[head] for head in dict.fromkeys(heads) if head in cards()]


def recognise(path: Source, sha256: str) -> Known | None:
    """What a local file is, by its SHA-256 or else by a file name that only one data set uses.

    A compressed copy (`DRCD_dev.json.gz`) goes by the name inside. None where neither tells.
    """
    by_hash, by_name = _index()
    name = PurePath(path).name
    stem = name.removesuffix(".gz").removesuffix(".zip")
    return by_hash.get(sha256) or by_name.get(name) or by_name.get(stem)


def card_of(parts: Sequence[Parsed]) -> Known | None:
    """What the files are, where all are of one known corpus. A name alone does not tell it of other content: of
    files in another language."""
    files = [part.file for part in parts]
    known = [recognise(file, sha256(file)) if os.path.isfile(file) else None for file in files]
    card = known[0] if len({found.name if found else None for found in known}) == 1 else None
    other = card and card.by == "name" and any(contradicts(part, card.language) for part in parts)
    return None if other else card


def listing() -> list[dict[str, Any]]:
    """The catalogue, one plain dictionary a data set, as `data list` prints it.

    `where` is `bundled`, `cached` (all splits), `partly cached`, or the kind of source: `hub`, `github`, `web`.
    `questions` is None where a split's number is not known.
    """
    return [_listed(card) for card in cards().values()]


def cached_path(name: str, pin: str) -> Path:
    """Where the fetched copy of a name is kept; `pin` is its commit or archive hash."""
    flat = name.replace(":", "-").replace("/", "-")
    return cache_folder() / "data" / f"{flat}-{pin}.json"


def _card(name: str, entry: dict[str, Any]) -> Card:
    metric = entry.get("metric", "")
    splits = {key: _split(f"{name}:{key}", metric, split) for key, split in entry["splits"].items()}
    known = [pair for split in splits.values() for pair in _known(name, split)]
    for raw in entry.get("known_files", ()):
        file, extent = File(raw["path"], raw["sha256"]), raw.get("extent", "")
        if split := splits.get(raw.get("split", "")):
            what = Known(split.name, split.language, split.metric, name, extent, "content")
        else:
            what = Known(f"{name}:{extent}", None, metric, name, "all languages", "content")
        known.append((file, what))
    return Card(
        name=name,
        title=entry["title"],
        licence=entry["licence"],
        homepage=entry["homepage"],
        source=entry["source"],
        citation=entry["citation"],
        splits=splits,
        revision=entry.get("revision"),
        archive_sha256=entry.get("archive_sha256"),
        known=tuple(known),
    )


def _known(card: str, split: Split) -> Iterator[tuple[File, Known]]:
    total = len(split.files)
    for number, file in enumerate(split.files, 1):
        extent = f"file {number} of {total}" if total > 1 else ""
        yield file, Known(split.name, split.language, split.metric, card, extent, "content")


def _split(name: str, metric: str, entry: dict[str, Any]) -> Split:
    files = tuple(File(**file) for file in entry.get("files", ()))
    return Split(**{"name": name, "metric": metric, **entry, "files": files})


@functools.cache
def _index() -> tuple[dict[str, Known], dict[str, Known]]:
    by_hash, by_name = {}, {}
    for card in cards().values():
        for file, known in card.known:
            if file.sha256:
                by_hash[file.sha256] = known
            if not file.generic:
                by_name[file.name] = replace(known, by="name")
    return by_hash, by_name


def _listed(card: Card) -> dict[str, Any]:
    splits = [_listed_split(card, split) for split in card.splits.values()]
    counts = [split["questions"] for split in splits]
    places = {str(split["where"]) for split in splits}
    return {
        "name": card.name,
        "title": card.title,
        "languages": list(card.languages),
        "questions": None if None in counts else sum(counts),
        "licence": card.licence,
        "metric": ", ".join(dict.fromkeys(split.metric for split in card.splits.values())),
        "where": places.pop() if len(places) == 1 else "partly cached",
        "source": card.source,
        "revision": card.revision,
        "archive_sha256": card.archive_sha256,
        "homepage": card.homepage,
        "citation": card.citation,
        "splits": splits,
    }


def _listed_split(card: Card, split: Split) -> dict[str, Any]:
    questions, paragraphs, where = split.questions, split.paragraphs, _kind(card.source)
    if card.source == "bundled":
        paragraphs, questions = _bundled_counts(split)
    elif card.pin and cached_path(split.name, card.pin).exists():
        where = "cached"
    return {
        "name": split.name,
        "language": split.language,
        "paragraphs": paragraphs,
        "questions": questions,
        "metric": split.metric,
        "where": where,
        "files": [{"path": file.path, "sha256": file.sha256} for file in split.files],
    }


def _kind(source: str) -> str:
    return "web" if source.startswith("https:") else source.partition(":")[0]


def _bundled_counts(split: Split) -> tuple[int | None, int | None]:
    from polyspan.data import mini

    try:
        rows = mini.rows(split.name.rpartition("/")[2])
    except PolyspanError:
        return None, None
    return len(rows), sum(len(row["questions"]) for row in rows)
