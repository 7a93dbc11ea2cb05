"""What is known of a model besides its weights: its name and commit, and what its record and its card say."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from polyspan.errors import PolyspanError
from polyspan.model.encoders.model_name import cached_folder, model_folder, repository

_FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model's name, which is no path; its commit on the hub; the languages that it learnt from; its results."""

    name: str
    commit: str | None = None
    languages: list[str] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    """The results of `model-index` in its README.md: task, dataset and metrics."""


def model_card(name: str) -> ModelCard:
    """The card of a folder's or a hub model; of a bundled one the name alone. What cannot be read is left out."""
    if name.startswith("bundled:"):
        return ModelCard(name)
    folder = model_folder(name)
    shown, commit = (folder.resolve().name, None) if folder is not None else repository(name)
    if folder is None:
        try:
            folder = cached_folder(name)
        except PolyspanError:
            folder = None
        commit = commit if folder is None else folder.name
    if folder is None:
        return ModelCard(shown, commit)
    return ModelCard(shown, commit, _languages(folder), _metrics(folder))


def _languages(folder: Path) -> list[str]:
    try:
        record = json.loads((folder / "run.json").read_text("utf-8"))
        tags = [each["language"] for each in record["data"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted({tag for tag in tags if isinstance(tag, str)})


def _metrics(folder: Path) -> list[dict[str, Any]]:
    try:
        front = _FRONT.match((folder / "README.md").read_text("utf-8"))
        index = yaml.safe_load(front[1])["model-index"] if front else []
        results = [result for model in index for result in model["results"]]
        return json.loads(json.dumps(results, default=str))  # type: ignore[no-any-return]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return []
