"""What is known of an encoder without loading it: its size, its layers, and how long its input may be."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from polyspan.errors import PolyspanError, UsageError, nearest
from polyspan.lab.plan.data_facts import file_hash

_WEIGHTS = (".safetensors", ".bin", ".json", ".txt", ".model")


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


_BUNDLED = {"bundled:e5-small": ModelFacts(384, 12, 512, 465, True)}
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
        return _BUNDLED[name]
    if folder := model_folder(name):
        return _read(folder)
    if name in _HUB:
        return _HUB[name]
    cached = _cached(name)
    return ModelFacts() if cached is None else _read(cached)


def model_folder(name: str) -> Path | None:
    """The folder that a model's name means; None for a name on the hub or a bundled one."""
    folder = Path(name).expanduser()
    if name.startswith("bundled:") or not (
        folder.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1
    ):
        return None
    if not (folder / "config.json").is_file():
        raise PolyspanError(
            f"no model at {name}",
            found="no such directory" if not folder.exists() else "no config.json in it",
            expected="a directory that `polyspan train` wrote, bundled:e5-small, or a hub name",
        )
    return folder


def model_hashes(name: str) -> dict[str, str] | None:
    """The hashes of a local model's files, which decide what comes of it; None for names."""
    folder = model_folder(name)
    if folder is None:
        return None
    files = sorted(path for path in folder.iterdir() if path.suffix in _WEIGHTS and path.name != "run.json")
    return {path.name: file_hash(str(path.absolute())) for path in files}


def _read(folder: Path) -> ModelFacts:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in _WEIGHTS) / 1e6
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


@cache
def _cached(name: str) -> Path | None:
    """The folder of a hub model's snapshot where it has been fetched before."""
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(name, "config.json")
    except ValueError as error:  # no name that the hub could have
        raise PolyspanError(f"no model can have the name {name!r}", found=str(error).splitlines()[0]) from None
    return Path(found).parent if isinstance(found, str) else None
