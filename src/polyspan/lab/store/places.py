"""Records that mean the same on another machine: `${POLYSPAN_DATA}` stands for the folder of one's corpora, as in
a recipe, and other variables of the environment for theirs."""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter
from typing import Any

from polyspan.lab.stage import key_of

DATA = "POLYSPAN_DATA"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def is_placed(name: str) -> bool:
    """Whether a file of an output tells where its data lie."""
    return name in ("about.json", "card.yaml")


def variables(text: str) -> set[str]:
    """The names for which `${NAME}` stands in a text."""
    return set(_VARIABLE.findall(text))


def anywhere(text: str, names: Iterable[str]) -> str:
    """JSON or YAML with `${NAME}` for the path that a variable of the environment holds here, such as DATA."""
    paths = {path: name for name in names if (path := _path(name))}
    for path in sorted(paths, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.~/-]){re.escape(path)}(?![\w.~-])", f"${{{paths[path]}}}", text)
    return text


def here(text: str) -> str:
    """The text with this machine's paths for `${NAME}`; one that is not set, or no path that is there, stays."""
    return _VARIABLE.sub(lambda found: _path(found[1]) or found[0], text)


def _path(name: str) -> str:
    """The path that a variable holds, as JSON has it; "" where there is none such, or it is the root."""
    given = os.path.expanduser(os.environ.get(name, "")) or os.sep
    found = os.path.abspath(given) if (os.sep in given or name == DATA) and os.path.exists(given) else os.sep
    return "" if found == os.sep else json.dumps(found, ensure_ascii=False)[1:-1]


def moved(definitions: Mapping[str, Mapping[str, Any]], change: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    """Definitions or records of stages with their paths changed, by the keys that they had; `key` is the new one.

    `change` is given the JSON of options and content. A stage that is needed and not among them
    keeps its key. Raises CycleError where they need each other.
    """
    order = TopologicalSorter({key: set(one["needs"].values()) for key, one in definitions.items()})
    found: dict[str, dict[str, Any]] = {}
    for key in order.static_order():
        if key in definitions:
            one = dict(definitions[key])
            one |= {
                name: json.loads(change(json.dumps(one[name], ensure_ascii=False)))
                for name in ("options", "content")
            }
            one["needs"] = {
                role: found[need]["key"] if need in found else need for role, need in one["needs"].items()
            }
            found[key] = one | {"key": key_of(one)}
    return found
