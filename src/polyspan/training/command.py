"""The card of what was trained, with the call that trains it again."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from polyspan.model.card.card import ReaderCard
from polyspan.model.windows.windows import WindowOptions
from polyspan.training.settings import PRESETS, TrainSettings

_BESIDE = ("limit", "weights", "merge", "checkpoints")
_NAMED = ("augment", "align", "adversary")  # objects of their own, which run.json tells of


def trained_card(card: ReaderCard, record: Mapping[str, Any], settings: TrainSettings, name: str) -> ReaderCard:
    """The card of a Reader of that name, trained from the one that `card` is of, by the training's record."""
    trained = card.trained(record, name)
    return replace(trained, command=command(record, settings, trained.base))


def command(record: Mapping[str, Any], settings: TrainSettings, base: str) -> str:
    """`ps.train([…], "bundled:e5-small", "reader", ps.preset("cpu", epochs=1.0), seed=42)`, by a run's record.

    The preset is the one that differs least. What is a file is called by the name of its corpus, without folders.
    """
    data = ", ".join(f'ps.read("{one["name"]}")' for one in record["data"])
    name, changes = min(((name, _changes(settings, name)) for name in PRESETS), key=lambda each: len(each[1]))
    given = "".join(f", {key}={value!r}" for key, value in changes.items())
    more = "".join(f", {key}={record[key]!r}" for key in _BESIDE if record.get(key))
    more += "".join(f", {key}=…" for key in _NAMED if key in record)
    return f'ps.train([{data}], "{base}", "reader", ps.preset("{name}"{given}), seed={record["seed"]}{more})'


def _changes(settings: TrainSettings, name: str) -> dict[str, Any]:
    """What is to be changed of a preset, by the names that `preset` takes."""
    preset, found = PRESETS[name], dict[str, Any]()
    for one in fields(TrainSettings):
        if one.name != "windows" and (value := getattr(settings, one.name)) != getattr(preset, one.name):
            found[one.name] = value
    for one in fields(WindowOptions):
        if (value := getattr(settings.windows, one.name)) != getattr(preset.windows, one.name):
            found[one.name] = value
    return found
