"""The README.md of a Reader's folder: read, written, and drawn again where something beside it has changed.

Its head is the card's metadata; the text below is drawn from them and from the folder's other files.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from polyspan.data.cards import sets_in
from polyspan.data.schema import Corpus
from polyspan.files import Source, write_text
from polyspan.model.card.card import Measured, ReaderCard, shown
from polyspan.model.card.card_text import text_of
from polyspan.model.card.metadata import LIBRARY, as_yaml, from_metadata
from polyspan.score import Scores

CARD_FILE = "README.md"
_RECORD = "run.json"  # of the training, in folders that older versions wrote without a card
_HEAD = re.compile(r"\A---\r?\n(.*?)^---\r?\n?", re.DOTALL | re.MULTILINE)
_PARENTS = {"bundled:e5-small": ("intfloat/multilingual-e5-small", "MIT")}
"""Bundled models by what they are on the hub, and its licence."""


def card_of(name: str, folder: Path | None) -> ReaderCard:
    """The card of the model of that name: in its folder, where it is a Reader's; for others one that names them as
    the base, with the licence that their own card tells."""
    found = {} if folder is None else _parts(folder / CARD_FILE)[0]
    if found.get("library_name") == LIBRARY:
        return from_metadata(found)
    if folder is not None and (folder / _RECORD).is_file():
        return _of_record(folder)
    parent, licence = _PARENTS.get(name, ("", str(found.get("license") or "")))
    if folder is not None and Path(name).exists():
        known = found.get("base_model") or ""
        parent = str(known[0] if isinstance(known, list) else known)
        return ReaderCard(base=folder.resolve().name, base_model=parent, base_licence=licence)
    return ReaderCard(base=name, base_model=parent or name.partition("@")[0], base_licence=licence)


def _of_record(folder: Path) -> ReaderCard:
    """What the record of a training tells of its Reader."""
    try:
        record = json.loads((folder / _RECORD).read_text("utf-8"))
        return card_of(shown(str(record["model"])), None).trained(record, folder.resolve().name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ReaderCard()


def read_card(folder: Source) -> ReaderCard:
    """The card in a folder; an empty one where there is none, or none that can be read."""
    return from_metadata(_parts(Path(folder) / CARD_FILE)[0])


def write_card(card: ReaderCard, folder: Source) -> Path:
    """Write README.md into the folder of a Reader that has been saved there; returns its path. See `readme`."""
    path = Path(folder) / CARD_FILE
    write_text(path, readme(card, Path(folder)))
    return path


def readme(card: ReaderCard, folder: Path) -> str:
    """The README.md of a Reader saved in a folder: metadata, and a text drawn from them and from the files there.

    Text that a person wrote there stays: then the metadata alone are new.
    """
    before, body = _parts(folder / CARD_FILE)
    own = before.get(LIBRARY)
    drawn = isinstance(own, dict) and own.get("text") == _digest(body)
    text = body if body and not drawn else text_of(card, folder)
    head = as_yaml(card, _digest(text) if text != body or drawn else "")
    return f"---\n{head}---\n\n{text}"


def redraw(folder: Source) -> None:
    """Draw the card in a Reader's folder again, where there is one: a file beside it has changed."""
    if (Path(folder) / CARD_FILE).is_file():
        write_card(read_card(folder), folder)


def add_scores(folder: Source, scores: Scores, corpus: Corpus) -> Path:
    """Write a Reader's scores on a corpus into the card in its folder; returns the card's path."""
    of = next((card.name for card in sets_in(corpus.name)), "")
    measured = (scores.n, corpus.language, scores.exact_match, scores.f1)
    result = Measured(corpus.name, scores.metric, *measured, of)
    return write_card(card_of(str(folder), Path(folder)).measured([result]), folder)


def _parts(path: Path) -> tuple[dict[str, Any], str]:
    """The metadata of a README.md and its text; empty where there is none. What is no YAML counts as text."""
    import yaml

    try:
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}, ""
    head = _HEAD.match(content)
    try:
        found = yaml.load(head[1], getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if head else None
    except yaml.YAMLError:
        found = None
    text = content[head.end() :] if head and isinstance(found, dict) else content
    return found if isinstance(found, dict) else {}, text.strip() + "\n" if text.strip() else ""


def _digest(text: str) -> str:
    """SHA-256 of a card's text, by which one that was drawn is told from one that a person wrote."""
    return hashlib.sha256(text.strip().encode()).hexdigest()
