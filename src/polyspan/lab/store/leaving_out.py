"""What an archive may leave out of a finished output: weights, and the text of corpora."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from polyspan.lab.outputs import EVIDENCE, MODEL, READER, SAID, VECTORS

_TEXT = ("corpus.json", "predictions.json", SAID, EVIDENCE)


def is_weights(name: str) -> bool:
    """Whether a file of an output is one of a Reader, an encoder or word vectors; a Reader's run record is not."""
    return name == VECTORS or (name.startswith((f"{READER}/", f"{MODEL}/")) and name != f"{READER}/run.json")


def is_text(name: str) -> bool:
    """Whether a file holds words of a corpus: contexts, questions and answers, gold or given."""
    return name in _TEXT


def without(record: Mapping[str, Any], leave: Callable[[str], bool]) -> dict[str, Any]:
    """The record of an output without some of its files, which it tells under `left_out`."""
    files: dict[str, Any] = record["files"]
    left = record.get("left_out", {}) | {name: known for name, known in files.items() if leave(name)}
    kept = {name: known for name, known in files.items() if name not in left}
    return dict(record) | {"files": kept} | ({"left_out": left} if left else {})


def told(lacking: Collection[str]) -> str:
    """What is left out, in words."""
    kinds = {"weights": any(map(is_weights, lacking)), "text": any(map(is_text, lacking))}
    return " and ".join(kind for kind, is_so in kinds.items() if is_so) or "other files"
