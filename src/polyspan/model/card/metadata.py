"""The YAML at the head of a Reader's README.md: written for the Hugging Face hub, and read again."""

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from polyspan.data.cards import Card, cards, sets_in
from polyspan.data.licences import hub_licence
from polyspan.model.card.card import Learnt, Measured, ReaderCard
from polyspan.stats.proportion import half_width

LIBRARY = "polyspan"
"""What the hub calls this library, and our key among the metadata."""

_NAMES = {"exact_match": "Exact match", "f1": "F1"}
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_OURS = ("language", "license", "license_name", "base_model", "datasets", "metrics", "tags", "library_name")
_KEYS = (*_OURS, "pipeline_tag", "model-index", LIBRARY)
_TAGS = ["extractive-question-answering"]


def as_yaml(card: ReaderCard, text: str) -> str:
    """The metadata of a card for the hub; `text` is the digest of what stands below, where that was drawn."""
    import yaml

    return str(yaml.safe_dump(metadata(card, text), sort_keys=False, allow_unicode=True, width=110))


def metadata(card: ReaderCard, text: str = "") -> dict[str, Any]:
    """The same as a dictionary. `polyspan` holds what the hub has no key for; what has no value is left out."""
    tags = [*_TAGS, *(["cross-lingual"] if len(card.languages) > 1 else [])]
    given: dict[str, Any] = {"language": list(card.languages)} | hub_licence(card.own_licence)
    given |= {
        "base_model": card.base_model if _HUB_NAME.fullmatch(card.base_model) else None,
        "datasets": _datasets(card),
        "metrics": list(_NAMES) if card.results else None,
        "tags": tags,
        "library_name": LIBRARY,
        "pipeline_tag": "question-answering",
        "model-index": _index(card) if card.results else None,
    }
    own = {name: value for name, value in asdict(card).items() if name not in ("results", "more")}
    own["data"] = list(own["data"])
    own["results"] = [asdict(one) for one in card.results]
    own = _filled(own | {"text": text}) | ({"settings": dict(card.settings)} if card.settings else {})
    return {key: value for key, value in (given | dict(card.more)).items() if value} | {LIBRARY: own}


def from_metadata(found: Mapping[str, Any]) -> ReaderCard:
    """The card that such metadata tell of. A licence that a person has put there is the card's; what cannot be
    read is left out."""
    given = found.get(LIBRARY)
    own: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    known = {one.name for one in fields(ReaderCard)}
    own = {key: value for key, value in own.items() if key in known}
    try:
        own["data"] = tuple(Learnt(**one) for one in own.get("data", ()))
        own["results"] = tuple(Measured(**one) for one in own.get("results", ()))
        card = ReaderCard(**own)
    except TypeError:  # of another version
        card = ReaderCard()
    told = str(found.get("license_name") or found.get("license") or "")
    more = {key: value for key, value in found.items() if key not in _KEYS}
    changes: dict[str, Any] = {"more": more}
    if told and told not in (card.own_licence, card.licence):
        changes["licence"] = told
    return ReaderCard(**{one.name: getattr(card, one.name) for one in fields(ReaderCard)} | changes)


def _datasets(card: ReaderCard) -> list[str]:
    """The data sets that the hub has, by their names there."""
    names = [name for one in card.data for name in one.sets]
    found = [repo for name in names if (repo := _repository(cards().get(name)))]
    found += [match[1] for one in card.data for match in re.finditer(r"\bhub:([\w.-]+/[\w.-]+)", one.name)]
    return list(dict.fromkeys(found))


def _repository(card: Card | None) -> str:
    kind, _, place = card.source.partition(":") if card else ("", "", "")
    return place if kind == "hub" else ""


def _index(card: ReaderCard) -> list[dict[str, Any]]:
    task = {"type": "question-answering", "name": "Extractive question answering"}
    results = [
        {"task": task, "dataset": _dataset(one), "metrics": metrics}
        for one in card.results
        if (metrics := _metrics(one))
    ]
    return [{"name": card.name or "reader", "results": results}]


def _dataset(one: Measured) -> dict[str, Any]:
    """A test set as the hub names it; by its own name where it is none of the hub's."""
    head, _, key = one.data.partition(":")
    known = next(iter(sets_in(one.data)), None) or cards().get(one.of)
    split = known.splits.get(key) if known and known.name == head else None
    found: dict[str, Any] = {"name": one.data, "type": _repository(known) or (known.name if known else one.data)}
    if split is not None and _repository(known):
        found |= {"config": split.config, "split": split.part, "revision": known.revision if known else None}
    args = {"language": one.language, "n": one.n}
    return {key: value for key, value in (found | {"args": args}).items() if value}


def _metrics(one: Measured) -> list[dict[str, Any]]:
    found = []
    for kind, title in _NAMES.items():
        if (value := getattr(one, kind)) is not None:
            half = half_width(value, one.n)
            interval = [round(max(0.0, value - half), 2), round(min(100.0, value + half), 2)]
            args = {"rule": one.metric, "n": one.n, "interval": interval}
            found.append({"type": kind, "name": f"{title} ({one.metric})", "value": round(value, 2), "args": args})
    return found


def _filled(value: Any) -> Any:
    """Without keys that hold nothing."""
    if isinstance(value, dict):
        return {key: _filled(one) for key, one in value.items() if one not in (None, "", {}, [], ())}
    return [_filled(one) for one in value] if isinstance(value, (list, tuple)) else value
