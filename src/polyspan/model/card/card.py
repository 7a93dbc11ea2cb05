"""What is known of a Reader beside its weights: what it was made from, how, and how well it answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from polyspan.data.cards import sets_in
from polyspan.data.languages import primary
from polyspan.data.licences import clashes, joint_licence


@dataclass(frozen=True, slots=True)
class Learnt:
    """A corpus that a Reader was trained on: its name, language tag, number of questions and content's SHA-256.

    `sets` are the data sets it rests on, each with its licence; empty where its name tells of none.
    """

    name: str
    language: str | None = None
    questions: int | None = None
    sha256: str = ""
    sets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "Learnt":
        """That of an entry of `data` in a training's record."""
        known = {card.name: card.licence for card in sets_in(str(entry["name"]))}
        facts = {key: entry.get(key) for key in ("language", "questions")}
        return cls(str(entry["name"]), sha256=entry.get("sha256") or "", sets=known, **facts)


@dataclass(frozen=True, slots=True)
class Measured:
    """Scores on a test set, in percent, by the metric of that versioned name; None where not computed.

    `of` is the data set in the catalogue that it is a part of, "" where that is not known.
    """

    data: str
    metric: str
    n: int
    language: str | None = None
    exact_match: float | None = None
    f1: float | None = None
    of: str = ""


@dataclass(frozen=True, slots=True)
class ReaderCard:
    """What is known of a Reader beside its weights.

    `base` is the model it was trained from, as `Reader.load` takes it, or the name alone of a folder; `base_model`
    what the hub calls that, and `hashes` are SHA-256 of its weights. `licence` is its own; "" stands for what base
    and data ask. `command` makes it again. `notes` are sentences for the sections `data`, `results` and `licence`;
    `more` are other keys at the head of the file, which a person wrote.
    """

    name: str = ""
    base: str = ""
    base_model: str = ""
    base_licence: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)
    data: tuple[Learnt, ...] = ()
    licence: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    command: str = ""
    results: tuple[Measured, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it was trained on, without script and region."""
        return tuple(sorted({primary(one.language) for one in self.data if one.language}))

    @property
    def sources(self) -> dict[str, str]:
        """Licences by what asks them: the base, and the data sets behind the corpora; "" where not known."""
        found = {self.base: self.base_licence} if self.base else {}
        for one in self.data:
            found |= one.sets or {one.name: ""}
        return found

    @property
    def own_licence(self) -> str:
        """The licence of the Reader, by its name on the hub; `unknown` where a source's is."""
        return self.licence or joint_licence(self.sources.values())

    @property
    def clash(self) -> str:
        """What the card's licence allows and a source's does not, in one sentence; "" where all is well."""
        return clashes(self.own_licence, {name: licence for name, licence in self.sources.items() if licence})

    def trained(self, record: Mapping[str, Any], name: str) -> "ReaderCard":
        """The card of what was trained from this one's Reader, by the record of that training."""
        learnt = tuple(Learnt.of(one) for one in record["data"])
        hashes = {"weights": record["encoder"]} if "encoder" in record else {}
        return replace(
            self,
            name=name,
            base=shown(str(record["model"])),
            hashes=hashes,
            data=(*self.data, *learnt),
            settings=dict(record.get("settings", {})),
            seed=record.get("seed"),
            command="",
            results=(),
            licence="",
            notes={},
            more={},
        )

    def measured(self, results: Iterable[Measured]) -> "ReaderCard":
        """The card with these results, each in the place of an older one of the same data and metric."""
        found = {(one.data, one.metric): one for one in (*self.results, *results)}
        return replace(self, results=tuple(found.values()))


def shown(model: str) -> str:
    """A model's name as others may see it: of a folder its own name alone."""
    written = model.startswith((".", "/", "~")) or model.partition("@")[0].count("/") > 1
    return Path(model).name if written or Path(model).exists() else model
