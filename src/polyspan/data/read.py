"""Reading a data set: a file, a pattern of files, or a name."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from polyspan.data.language import contradicts, language_of
from polyspan.data.parse import parse
from polyspan.data.parsed import STRUCTURE, Parsed
from polyspan.data.reading import Reading
from polyspan.data.schema import Corpus
from polyspan.files import Source, sha256
from polyspan.languages import language_tag

if TYPE_CHECKING:
    from polyspan.data.cards import Known

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
    from polyspan.data import cards, fetch, mini

    if name.startswith("make:"):  # made by the layer above, which is asked for by name
        made: Corpus = import_module("polyspan.make.named").named(name, language)
        return made
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
    parts = parse(path, reading)
    for part in parts:
        part.overrule_language(language)
        for fault in part.faults:
            if fault.rule in STRUCTURE and not (part.plain and fault.rule == "no-questions"):
                raise fault.error()
    return _corpus(parts, str(path))


def _corpus(parts: list[Parsed], source: str) -> Corpus:
    """Parsed files as one corpus, with the name, language and metric of its card where the files are known."""
    paragraphs = tuple(paragraph for part in parts for paragraph in part.paragraphs)
    card = card_of(parts)
    if card is not None:
        return Corpus(paragraphs, card.name, language_of(parts, card.language), card.metric, source)
    name = Path(parts[0].file).name.split(".json")[0] if len(parts) == 1 else Path(source).name
    return Corpus(paragraphs, name, language_of(parts), None, source)


def card_of(parts: list[Parsed]) -> "Known | None":
    """What the files are, where all are of one known corpus. A name alone does not tell it of other content: of
    files in another language."""
    from polyspan.data import cards

    files = [part.file for part in parts]
    known = [cards.recognise(file, sha256(file)) if os.path.isfile(file) else None for file in files]
    card = known[0] if len({found.name if found else None for found in known}) == 1 else None
    other = card and card.by == "name" and any(contradicts(part, card.language) for part in parts)
    return None if other else card
