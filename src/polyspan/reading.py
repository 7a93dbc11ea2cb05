"""What a DATA word means: a file, a pattern of files, a name, or `make:…(…)`; read, checked or mended.

Nothing else knows both the data sets that are and those that are made.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from polyspan.data import cards, fetch, mini
from polyspan.data.check import checking
from polyspan.data.check import repair as mending
from polyspan.data.formats.options import Reading
from polyspan.data.formats.parse import parse
from polyspan.data.formats.parsed import STRUCTURE, Parsed
from polyspan.data.guess import language_of
from polyspan.data.languages import language_tag
from polyspan.data.schema import Corpus
from polyspan.files import Source
from polyspan.make import naming
from polyspan.make.made import Made

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]+:.*", re.DOTALL)


def read(
    data: Source,
    language: str | None = None,
    *,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Corpus:
    """Read a data set: a file, a quoted pattern of files ('train_0*.json', in sorted order), or a name.

    Formats, told by content and suffix: SQuAD 1.1 and 2.0 with its kin (DRCD, KorQuAD 1.0, XQuAD, MLQA,
    TyDiQA-GoldP, JaQuAD, the paper's released files), both shapes of CMRC 2018, rows as JSON, JSON Lines, CSV,
    TSV or Parquet, and a zip or gz of one of these. A plain text (.txt) is read too, each line as a context
    without questions, for the makers. Names (`squad:dev`, `mini:zh/test`, `hub:…`) are resolved by their cards;
    `make:permute(mini:en/test, seed=1)` is made on the spot. `language` (BCP 47) wins over what the file says
    itself (`language` in SQuAD JSON or a column of rows), that over a card, and that over a guess by the file's
    name. `encoding` is what a file of text was saved in, where that is not UTF-8, and `columns` what the columns
    of rows are called in it: `{"question": "Frage"}`; neither matters to names.

    Reading is strict about structure and silent about content: raises PolyspanError at the first missing key,
    wrong type or undecodable byte, while offsets and texts stand as the file has them; `check` looks at those.
    Raises UsageError for what is no language.
    """
    reading = Reading(encoding, columns or {})
    language = language_tag(language)
    if is_name(data):
        return resolve(str(data), language)
    return _read_path(data, language, reading)


def is_name(data: Source) -> bool:
    """Whether a data argument is a name such as `squad:dev` rather than a path."""
    return isinstance(data, str) and _NAME.fullmatch(data) is not None and not os.path.exists(data)


def resolve(name: str, language: str | None = None) -> Corpus:
    """The corpus of a name: bundled, fetched before, or fetched now (`hub:OWNER/NAME[/CONFIG]/SPLIT` too).

    `language` takes the place of the card's. Raises UsageError for an unknown name before any network is touched,
    and PolyspanError where fetching fails.
    """
    if name.startswith("make:"):
        return build(name, language).corpus
    if name.startswith("hub:"):
        source = f"hub:{fetch.hub_rows(name).repo}"
        return replace(_read_path(fetch.fetch(name), language), name=name, metric=None, source=source)
    card, split = cards.find(name)
    if card.source == "bundled":
        corpus = mini.load(*name.partition(":")[2].split("/"))
    else:
        corpus = _read_path(fetch.fetch(name), language or split.language)
    source = f"{card.source}@{card.pin}" if card.pin else card.source
    return replace(corpus, name=name, language=language or split.language, metric=split.metric, source=source)


def _read_path(path: Source, language: str | None, reading: Reading | None = None) -> Corpus:
    parts = _parsed(path, language, reading)
    for part in parts:
        for fault in part.faults:
            if fault.rule in STRUCTURE and not (part.plain and fault.rule == "no-questions"):
                raise fault.error()
    return _corpus(parts, str(path))


def _corpus(parts: list[Parsed], source: str) -> Corpus:
    """Parsed files as one corpus, with the name, language and metric of its card where the files are known."""
    paragraphs = tuple(paragraph for part in parts for paragraph in part.paragraphs)
    card = cards.card_of(parts)
    if card is not None:
        return Corpus(paragraphs, card.name, language_of(parts, card.language), card.metric, source)
    name = Path(parts[0].file).name.split(".json")[0] if len(parts) == 1 else Path(source).name
    return Corpus(paragraphs, name, language_of(parts), None, source)


def build(name: str, language: str | None = None, doing: str = "") -> Made:
    """What a name `make:MAKER(DATA, option=value, …)` makes, with its card; DATA may be such a name itself.

    `language` is that of the innermost data. Raises UsageError for names that cannot be read.
    """
    return naming.build(name, lambda data: read(data, language), doing)


def check(
    data: Source | Corpus,
    language: str | None = None,
    against: Source | Corpus | Sequence[Source | Corpus] | None = None,
    *,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> checking.Report:
    """Find every fault of a data set: a path, a quoted pattern, a name, or a corpus.

    `against` is another data set, or several, that must share no context and no question with it, as training
    data with test data (rules `leak…`).
    `language` takes the place of the file's own; `encoding` and `columns` are as in `read`, and of files alone.
    Raises PolyspanError where there is nothing to read: no such file, a folder, an empty file, a damaged archive,
    an unknown name.
    """
    reading = Reading(encoding, columns or {})
    name = data.source or data.name if isinstance(data, Corpus) else str(data)
    parts = _parts(data, language, reading)
    if against is None:
        return checking.find_faults(name, parts)
    others = [against] if isinstance(against, (str, os.PathLike, Corpus)) else against
    return checking.find_faults(name, parts, [part for one in others for part in _parts(one, language, reading)])


def repair(
    data: Source | Corpus,
    out: Source,
    language: str | None = None,
    *,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> mending.RepairReport:
    """Write to `out` the data set with every certain repair made, and to `OUT.quarantine.json` what is left over.

    What is repaired stands in docs/own-data.md. `language`, `encoding` and `columns` are as in `check`. Both files
    are written whole or not at all. Raises PolyspanError where no question could be kept, and UsageError where one
    of the two is the file that is read.
    """
    return mending.mend(_parts(data, language, Reading(encoding, columns or {})), out)


def _parts(data: Source | Corpus, language: str | None, reading: Reading) -> list[Parsed]:
    """Whatever a data argument may be, parsed."""
    language = language_tag(language)
    if not isinstance(data, Corpus):
        if not is_name(data):
            return _parsed(data, language, reading)
        data = resolve(str(data), language)
    places = [f"paragraph {number}" for number in range(1, len(data.paragraphs) + 1)]
    name, spoken = data.source or data.name, language or data.language
    return [replace(Parsed.of(data), file=name, places=places, version="corpus", language=spoken)]


def _parsed(path: Source, language: str | None, reading: Reading | None) -> list[Parsed]:
    if str(path) in cards.cards() and not os.path.exists(path):
        cards.find(str(path))  # raises: which split?
    parts = parse(path, reading)
    for part in parts:
        part.overrule_language(language)
    return parts
