"""What tells one training run from another: everything its caller chose, as it stands in the run record."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError
from polyspan.make.codeswitching.augmenting import Augmentation
from polyspan.model.map import Map
from polyspan.model.windows.windows import saved_options
from polyspan.training.adversary import Adversary
from polyspan.training.settings import TrainSettings


def identity(
    corpora: Sequence[Corpus],
    model: str,
    settings: TrainSettings,
    seed: int,
    limit: int | None,
    weights: Sequence[float] | None,
) -> dict[str, Any]:
    """What the caller chose, as it stands in the run record."""
    data = [
        {"name": one.name, "language": one.language, "questions": len(one), "sha256": one.fingerprint()}
        for one in corpora
    ]
    chosen: dict[str, Any] = {"model": model, "data": data, "weights": weights and list(weights)}
    chosen |= {"limit": limit, "seed": seed, "settings": asdict(settings)}
    return json.loads(json.dumps(chosen))  # type: ignore[no-any-return]


def additions(
    augment: Augmentation | None,
    align: Map | None,
    adversary: Adversary | None,
    checkpoints: int = 1,
    merge: bool = False,
) -> dict[str, Any]:
    """What else was done while training; nothing where nothing was."""
    chosen: dict[str, Any] = {} if checkpoints == 1 else {"checkpoints": checkpoints}
    if merge:
        chosen["merge"] = True
    if augment is not None:
        chosen["augment"] = augment.as_json()
    if align is not None:
        content = align.matrix.tobytes() + align.bias.tobytes()
        chosen["align"] = align.record | {"sha256": hashlib.sha256(content).hexdigest()}
    if adversary is not None:
        chosen["adversary"] = adversary.as_json()
    return json.loads(json.dumps(chosen))  # type: ignore[no-any-return]


def is_finished(out: Path, chosen: dict[str, Any]) -> bool:
    """Whether this very run has written its Reader; raises PolyspanError where another one has."""
    path = out / "run.json"
    if not path.is_file():
        return False
    try:
        record = json.loads(path.read_text("utf-8"))
        if not isinstance(record, dict):
            raise ValueError("not an object")
        record["settings"] = _whole(record.get("settings", {}))
    except (TypeError, ValueError) as error:
        raise PolyspanError("the run record cannot be read", where=str(path), fix="remove the folder") from error
    if other := [name for name, value in chosen.items() if record.get(name) != value]:
        raise PolyspanError(
            f"{out} holds the Reader of another run",
            found=f"another {', '.join(other)}",
            fix="give the options it was trained with, choose another --out, or remove it",
        )
    return True


def _whole(saved: dict[str, Any]) -> dict[str, Any]:
    """Settings that an older version saved, with the defaults of those that came since: it did as these say."""
    known = asdict(TrainSettings())
    whole = known | saved | {"windows": asdict(saved_options(saved.get("windows", {})))}
    return json.loads(json.dumps(whole))  # type: ignore[no-any-return]
