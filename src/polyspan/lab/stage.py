"""A stage of an experiment: one piece of work whose output depends on its options and inputs alone."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

Inputs = Mapping[str, Path]
Work = Callable[[Mapping[str, Any], Inputs, Path], None]
"""`work(options, inputs, out)`: read the folders of the stages needed, by role, and write files into the folder
`out`, which is empty; work that trains finds there what a killed run left. Raises PolyspanError for a fault of the
data or the run."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is to be known of a kind of stage before its work, which is in `polyspan.lab.work`, is loaded.

    Raise `version` when the same options and inputs give another output than before: everything made by the old
    code is then made again.
    """

    version: int = 1
    trains: bool = False
    """Whether it is to have a device of its own, where there are several."""


KINDS: dict[str, Kind] = {
    "corpus": Kind(),
    "encoder": Kind(),
    "map": Kind(),
    "train": Kind(trains=True),
    "average": Kind(),
    "predict": Kind(),
    "baseline": Kind(),
    "probe": Kind(),
}
"""Every kind of stage by its name."""


ORIGINAL = "original"
"""The role of the corpus that a predict stage's test is a translation of, where answers are brought back to it."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One node of a plan. `name` is for people and unique in the plan; it is not part of the key.

    `options` hold nothing that JSON cannot; `needs` are the stages whose output is read, by role. `content` says
    what stands behind the names among the options: the SHA-256 of a file, a commit, a version. `seconds` and
    `megabytes` estimate the work and the output.
    """

    kind: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, "Stage"] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: float = 0.0
    content: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that decides the output: kind, code version, options, content, and the keys of what it
        needs; not the name."""
        return key_of(self.definition)

    @property
    def answered(self) -> "Stage":
        """Of a predict stage: the corpus whose texts its answers stand in."""
        return self.needs.get(ORIGINAL, self.needs["test"])

    @property
    def definition(self) -> dict[str, Any]:
        """All that decides the output, as plain JSON."""
        return {
            "kind": self.kind,
            "version": KINDS[self.kind].version,
            "options": dict(self.options),
            "content": dict(self.content),
            "needs": {role: need.key for role, need in self.needs.items()},
        }


def key_of(definition: Mapping[str, Any]) -> str:
    """The key of a stage by its definition, or by its record, which has that too."""
    content = [definition[name] for name in ("kind", "version", "options", "content", "needs")]
    return hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()


def in_order(wanted: Sequence[Stage]) -> list[Stage]:
    """The wanted stages and all that they need, each once by its key, needed ones first."""
    found: dict[str, Stage] = {}
    seen: set[int] = set()
    waiting = [(stage, False) for stage in reversed(wanted)]
    while waiting:  # not recursive, and keys from the bottom up: a chain of stages may be long
        stage, entered = waiting.pop()
        if entered:
            found.setdefault(stage.key, stage)
        elif id(stage) not in seen:
            seen.add(id(stage))
            waiting += [(stage, True), *((need, False) for need in reversed(list(stage.needs.values())))]
    return list(found.values())
