"""Reading a recipe: the file, those it includes, and what `--set` changes; faults with file and line."""

import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from polyspan.errors import PolyspanError, UsageError, nearest, shorten
from polyspan.files import Source
from polyspan.lab.recipe.document import Path_, Tree, load, parse
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.recipe.shipped import shipped

_SHORT = ("corpora", "tests", "readers")  # sections where `label: DATA` stands for `label: {data: DATA}`
_INCLUDE = "include"
_WHOLE = ("rows", "columns", "readers", "fit")  # of tables, probes and confidence: an including recipe has its own

Places = dict[Path_, str]


def read_recipe(path: Source, changes: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, or that of polyspan's own of this name (`hsu2019/table2`).

    It is laid over the files that it includes, with `changes` as `scale.limit=100`. Raises PolyspanError for a
    file that cannot be read or says what no recipe can, naming file, line and the nearest key; UsageError where a
    change is at fault.
    """
    tree, places = _laid_out(_found(path), ())
    for change in changes:
        _change(tree, places, change)
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        raise _explained(error, places) from None
    recipe._places = places
    return recipe


def _found(name: Source) -> Path:
    """The file at a path, or else that of a recipe's name."""
    path, own = Path(name), shipped()
    if path.expanduser().is_file() or path.suffix in (".yaml", ".yml"):
        return path
    if str(name) not in own:
        found = "a folder" if path.is_dir() else "no such file or name"
        raise PolyspanError("there is no recipe", where=str(name), found=found, fix=nearest(str(name), own))
    return own[str(name)]


def _laid_out(path: Path, above: tuple[Path, ...]) -> tuple[Tree, Places]:
    """A file over those that it includes."""
    own = path.expanduser()
    if not own.is_file():
        found = "a folder" if own.is_dir() else "no such file"
        raise PolyspanError("there is no recipe", where=str(path), found=found, fix="check the path")
    if own.resolve() in above:
        chain = " → ".join(each.name for each in (*above, own.resolve()))
        raise PolyspanError("recipes include each other in a circle", where=str(path), found=chain)
    tree, places = load(own)
    _lengthen(tree, places)
    names = tree.get(_INCLUDE, [])
    names = names if isinstance(names, list) else [names]
    tree[_INCLUDE] = names
    base: Tree = {}
    base_places: Places = {}
    for name in names:
        if not isinstance(name, str):
            raise PolyspanError("include takes file names", where=places[(_INCLUDE,)], found=shorten(name))
        below, below_places = _laid_out(own.parent / name, (*above, own.resolve()))
        _lay(below, below_places, base, base_places, ())
    _lay(tree, places, base, base_places, ())
    base_places[()] = str(path)
    return base, base_places


def _lay(tree: Tree, places: Places, base: Tree, base_places: Places, path: Path_) -> None:
    """Put a mapping over another: mappings are joined, but for `_WHOLE`; everything else is replaced."""
    for key, value in tree.items():
        here = (*path, key)
        whole = len(here) == 3 and key in _WHOLE
        if isinstance(value, dict) and isinstance(base.get(key), dict) and not whole:
            base_places[here] = places[here]
            _lay(value, places, base[key], base_places, here)
            continue
        for old in [known for known in base_places if known[: len(here)] == here]:
            del base_places[old]
        base[key] = value
        base_places |= {known: place for known, place in places.items() if known[: len(here)] == here}


def _lengthen(tree: Tree, places: Places) -> None:
    """`En: squad:train` as `En: {data: squad:train}`."""
    for section in _SHORT:
        inside = tree.get(section)
        for label, value in inside.items() if isinstance(inside, dict) else ():
            if not isinstance(value, dict):
                inside[label] = {"data": value}  # type: ignore[index]
                if place := places.get((section, label)):  # not where --set gave the whole section
                    places[section, label, "data"] = place


def _change(tree: Tree, places: Places, change: str) -> None:
    """Set one value: `readers.En.settings.epochs=2`, the value in YAML."""
    name, equals, text = change.partition("=")
    path, place = tuple(name.strip().split(".")), f"--set {change}"
    if not equals or not all(path):
        raise UsageError("cannot read a change", found=place, expected="--set key=value, such as scale.limit=100")
    if path[0] == _INCLUDE:
        raise UsageError("include cannot be changed", found=place, fix="write a recipe that includes this one")
    value, _ = parse(text, place)
    here, kind = tree, _Shape(Recipe)
    for at, key in enumerate(path):
        known, kind = kind.keys(here), kind.inside(key)
        if known is not None and key not in known:
            raise UsageError(
                f"there is no {'.'.join(path[: at + 1])!r} to set", found=place, fix=nearest(key, known)
            )
        if at == len(path) - 1:
            here[key] = value
        else:
            below = here.setdefault(key, {})
            if not isinstance(below, dict) or kind.kind is None:
                expected = "a mapping; lists and values are set as a whole"
                raise UsageError(f"{'.'.join(path[: at + 1])} has nothing in it", found=place, expected=expected)
            here = below
        for old in [one for one in places if one[: at + 1] == path[: at + 1] and at == len(path) - 1]:
            del places[old]
        places.setdefault(path[: at + 1], place)
    _lengthen(tree, places)


class _Shape:
    """What may stand at a place of a recipe, by the types of its parts."""

    def __init__(self, kind: Any) -> None:
        self.kind: Any = next((one for one in _alternatives(kind) if _is_part(one) or _origin(one) is dict), None)

    def keys(self, tree: Tree) -> list[str] | None:
        """The keys that there are; None where any may come."""
        if _is_part(self.kind):
            return list(self.kind.model_fields)
        if _origin(self.kind) is dict and typing.get_args(self.kind)[1] is not Any:
            return list(tree)
        return None

    def inside(self, key: str) -> "_Shape":
        """What may stand under a key."""
        if _is_part(self.kind):
            fields = self.kind.model_fields
            return _Shape(fields[key].annotation if key in fields else None)
        return _Shape(typing.get_args(self.kind)[1] if _origin(self.kind) is dict else None)


def _alternatives(kind: Any) -> Iterator[Any]:
    """The types that a union, a list or an annotated type is about."""
    if _origin(kind) in (typing.Union, types.UnionType, list, typing.Annotated):
        for one in typing.get_args(kind):
            yield from _alternatives(one)
    elif kind is not None:
        yield kind


def _origin(kind: Any) -> Any:
    return typing.get_origin(kind)


def _is_part(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _explained(error: ValidationError, places: Places) -> PolyspanError:
    """The first fault of a recipe, unknown keys before all: what is missing may be what they mean."""
    faults = error.errors(include_url=False)
    fault = min(faults, key=lambda one: one["type"] not in ("extra_forbidden", "unknown_option"))
    loc, context = tuple(str(part) for part in fault["loc"]), fault.get("ctx", {})
    if "key" in context:
        loc = (*loc, context["key"])
    path = next(loc[:end] for end in range(len(loc), -1, -1) if loc[:end] in places)
    where = places[path]
    raised = UsageError if where.startswith("--set") else PolyspanError
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    if fault["type"] == "extra_forbidden":
        shape = _Shape(Recipe)
        for key in loc[:-1]:
            shape = shape if key.isdigit() else shape.inside(key)
        return raised(f"unknown key {loc[-1]!r}{more}", where=where, fix=nearest(loc[-1], shape.keys({}) or []))
    if fault["type"] == "unknown_option":
        return raised(f"unknown key {loc[-1]!r}{more}", where=where, fix=context["fix"])
    if fault["type"] == "missing":
        name = ".".join(loc)
        return raised(f"the recipe lacks {name!r}{more}", where=where, fix=f"add the key {loc[-1]!r} there")
    expected = context.get("wanted") or fault["msg"].removeprefix("Input should be ")
    value = fault["input"].get(context["key"]) if "key" in context else fault["input"]
    said = {"found": shorten(value), "expected": expected, "fix": context.get("fix", "")}
    return raised(f"{'.'.join(path)} cannot be so{more}", where=where, **said)
