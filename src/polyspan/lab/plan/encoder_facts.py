"""What is known of an encoder without loading it: its size, its layers, and how long its input may be."""

import json
from dataclasses import dataclass
from pathlib import Path

from polyspan.errors import PolyspanError, UsageError, nearest
from polyspan.lab.plan.content import WEIGHTS
from polyspan.model.encoders.model_name import BUNDLED, BUNDLED_READER, cached_folder, model_folder, repository


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """`hidden` numbers in a state, `layers`, the longest input in pieces (None: any, or not known), and the size
    on the disk; `known` is False for a guess."""

    hidden: int = 768
    layers: int = 12
    longest: int | None = None
    megabytes: float = 700.0
    known: bool = False

    @property
    def work(self) -> float:
        """What a piece costs, in proportion."""
        return float(self.hidden**2 * self.layers)


_BUNDLED = dict.fromkeys((BUNDLED, BUNDLED_READER), ModelFacts(384, 12, 512, 465, True))
_HUB = {
    "google-bert/bert-base-multilingual-cased": ModelFacts(768, 12, 512, 712, True),
    "google-bert/bert-base-cased": ModelFacts(768, 12, 512, 434, True),
    "google-bert/bert-base-chinese": ModelFacts(768, 12, 512, 410, True),
    "FacebookAI/xlm-roberta-base": ModelFacts(768, 12, 512, 1110, True),
    "FacebookAI/xlm-roberta-large": ModelFacts(1024, 24, 512, 2240, True),
    "microsoft/mdeberta-v3-base": ModelFacts(768, 12, None, 1115, True),
}
QANET = ModelFacts(128, 30, None, 40, True)


def model_facts(name: str) -> ModelFacts:
    """Facts of an encoder's name or folder. Nothing is fetched: of an unknown hub name only what the cache has is
    known. Raises PolyspanError for a folder that is no model's, UsageError for an unknown bundled one."""
    if name.startswith("bundled:"):
        if name not in _BUNDLED:
            raise UsageError(f"there is no {name!r}", fix=nearest(name, _BUNDLED))
        model_folder(name)  # raises where this build has none
        return _BUNDLED[name]
    if folder := model_folder(name):
        return _read(folder)
    if (repo := repository(name)[0]) in _HUB:
        return _HUB[repo]
    cached = cached_folder(name)
    return ModelFacts() if cached is None else _read(cached)


def _read(folder: Path) -> ModelFacts:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in WEIGHTS) / 1e6
        hidden = int(config.get("hidden_size") or config.get("dim") or 768)
        layers = int(config.get("num_hidden_layers") or config.get("n_layers") or 12)
        positions = config.get("max_position_embeddings")
        kind = str(config.get("model_type"))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise PolyspanError(
            "the model's config.json cannot be read", where=str(folder), found=str(error)
        ) from None
    if kind in ("roberta", "xlm-roberta", "camembert"):
        positions = None if positions is None else int(positions) - 2  # its positions begin after the padding's
    relative = kind in ("deberta-v2", "deberta", "qanet")
    return ModelFacts(hidden, layers, None if relative or positions is None else int(positions), size, True)
