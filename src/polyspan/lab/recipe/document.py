"""A YAML file as plain values, with the place of every one of them."""

from pathlib import Path
from typing import Any

import yaml

from polyspan.errors import PolyspanError
from polyspan.files import explained

Path_ = tuple[str, ...]
Tree = dict[str, Any]

MOST_BYTES = 1_000_000
MOST_VALUES = 100_000
_MERGE = "tag:yaml.org,2002:merge"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path) -> tuple[Tree, dict[Path_, str]]:
    """The mapping that a file holds, and path → `file:line` of every value in it. Keys are texts.

    Raises PolyspanError where it cannot be read, is too large, is not YAML, has a key twice, or is no mapping.
    """
    with explained(path, "read"):
        data = path.read_bytes()
    if len(data) > MOST_BYTES:
        raise PolyspanError(
            "too large for a recipe",
            where=str(path),
            found=f"{len(data):,} bytes",
            expected=f"{MOST_BYTES:,} at most",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PolyspanError("the file is not UTF-8", where=str(path), found=f"byte {error.start:,}") from None
    found, places = parse(text, str(path))
    if not isinstance(found, dict):
        kind = "an empty file" if found is None else type(found).__name__
        raise PolyspanError("this is no recipe", where=str(path), found=kind, expected="keys and values, in YAML")
    return found, places


def parse(text: str, source: str) -> tuple[Any, dict[Path_, str]]:
    """The value that a YAML text means, and the place of every part."""
    try:
        loader = _LOADER(text)
        node = loader.get_single_node()
        builder = _Builder(loader, source)
        return (None if node is None else builder.value(node, ())), builder.places
    except yaml.YAMLError as error:
        raise _broken(error, source) from None
    except ValueError as error:  # a number or a date that is none, such as 2020-99-99
        raise PolyspanError("the YAML holds a value that is none", where=source, found=str(error)) from None
    except RecursionError:
        raise PolyspanError("the YAML is nested too deep", where=source) from None


def _broken(error: yaml.YAMLError, source: str) -> PolyspanError:
    mark = getattr(error, "problem_mark", None)
    where = source if mark is None else f"{source}:{mark.line + 1}"
    return PolyspanError("this is not YAML", where=where, found=str(getattr(error, "problem", None) or error))


class _Builder:
    """Builds values from YAML nodes: safe types only, no key twice, and no more values than a recipe can need."""

    def __init__(self, loader: Any, source: str) -> None:
        self.loader, self.source = loader, source
        self.places: dict[Path_, str] = {}
        self._open: set[int] = set()
        self._values = 0

    def value(self, node: Any, path: Path_) -> Any:
        self._values += 1
        if self._values > MOST_VALUES or id(node) in self._open:
            raise PolyspanError("the YAML's aliases make it endless", where=self._place(node))
        self.places[path] = self._place(node)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, str(at))) for at, item in enumerate(node.value)]
            return self.loader.construct_object(node, deep=True)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: Any, path: Path_) -> Tree:
        found: Tree = {}
        merged: Tree = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for part in reversed(parts):
                    merged |= self._merged(part, path)
                continue
            name = self._key(key)
            if name in found:
                raise PolyspanError(
                    f"the key {name!r} stands twice",
                    where=self._place(key),
                    found=f"first in {self.places[*path, name]}",
                )
            found[name] = self.value(value, (*path, name))
            self.places[*path, name] = self._place(key)
        return merged | found

    def _merged(self, node: Any, path: Path_) -> Tree:
        if not isinstance(node, yaml.MappingNode):
            raise PolyspanError("only a mapping can be merged with <<", where=self._place(node))
        kept = dict(self.places)
        found: Tree = self.value(node, path)
        self.places |= kept  # its own keys stand where they are written
        return found

    def _key(self, node: Any) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise PolyspanError("a key must be one word", where=self._place(node))
        return str(node.value)

    def _place(self, node: Any) -> str:
        return f"{self.source}:{node.start_mark.line + 1}"
