"""What is known of a model besides its weights: its name, commit and base, and what its record and card say."""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from polyspan.errors import PolyspanError
from polyspan.model.encoders.base import Base, base_of
from polyspan.model.encoders.model_name import cached_folder, model_folder, repository

_FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model's name, which is no path; its commit on the hub, or the hashes of its files; the languages that it
    learnt from; its results."""

    name: str
    commit: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)
    """By file, where it has no commit."""
    base: str | None = None
    """The model that it is an adapter to, or a difference from; no path either."""
    languages: list[str] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    """The results of `model-index` in its README.md: task, dataset and metrics."""


def model_card(name: str) -> ModelCard:
    """The card of a bundled, a folder's or a hub model. What cannot be read is left out."""
    folder = model_folder(name)
    hashes: Mapping[str, str] = {}
    commit = None
    if name.startswith("bundled:"):
        shown, hashes = name, base_of(name).sha256
    elif folder is not None:
        shown, hashes = folder.resolve().name, base_of(name).sha256
    else:
        shown, commit = repository(name)
        with contextlib.suppress(PolyspanError):
            folder = cached_folder(name)
        commit = commit if folder is None else folder.name
    if folder is None:
        return ModelCard(shown, commit, hashes)
    front = _front(folder)
    return ModelCard(shown, commit, hashes, _base(folder), _languages(folder, front), _metrics(front))


def _front(folder: Path) -> dict[str, Any]:
    """What stands above the text of README.md, as the hub reads it."""
    try:
        front = _FRONT.match((folder / "README.md").read_text("utf-8"))
        found = yaml.safe_load(front[1]) if front else None
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def _base(folder: Path) -> str | None:
    try:
        base = Base.load(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Path(base.name).name if Path(base.model).is_absolute() else base.name


def _languages(folder: Path, front: dict[str, Any]) -> list[str]:
    """Those of the training's record, else those of the card."""
    try:
        record = json.loads((folder / "run.json").read_text("utf-8"))
        tags = [each["language"] for each in record["data"]]
    except (OSError, ValueError, KeyError, TypeError):
        told = front.get("language")
        tags = told if isinstance(told, list) else [told]
    return sorted({tag for tag in tags if isinstance(tag, str)})


def _metrics(front: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        results = [result for model in front["model-index"] for result in model["results"]]
        return json.loads(json.dumps(results, default=str))  # type: ignore[no-any-return]
    except (ValueError, KeyError, TypeError):
        return []
