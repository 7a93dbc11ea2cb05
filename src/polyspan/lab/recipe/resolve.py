"""A recipe as it is run: the scale applied, sweeps made into readers, and every default filled in."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from polyspan.align import METHODS
from polyspan.errors import PolyspanError, UsageError, choose, nearest, shorten
from polyspan.lab.recipe.fields import checked, is_sweep
from polyspan.lab.recipe.reader_entry import MapEntry, PromptEntry, ReaderEntry
from polyspan.lab.recipe.recipe import (
    Data,
    Encoder,
    Places,
    Probe,
    Recipe,
    Statistics,
    TableEntry,
    options_of,
    paired,
)
from polyspan.lab.recipe.variables import filled
from polyspan.make.recover import POLICIES
from polyspan.model.llm.llm_name import is_llm

_SWEPT = ("model", "start", "preset", "limit")
_COMMIT = re.compile("(?<=@[0-9a-f]{7})[0-9a-f]{33}$")  # as much of it as a label does not need
_INNER = {
    "align": ("method", "layer"),
    "shift": ("method", "layer"),
    "adversary": ("layer", "weight"),
    "augment": ("rate",),
}


def resolve(recipe: Recipe) -> Recipe:
    """The same experiment without sweeps, scale or defaults: each reader has one model, preset and settings.

    Raises PolyspanError for two labels that are alike, a sweep that leads to such, unknown options, and variables
    that are not set.
    """
    recipe = filled(recipe)
    known = {label: tuple(_variants(label, reader)) for label, reader in recipe.readers.items()}
    labels = {label: [name for name, _ in variants] for label, variants in known.items()}
    _check_starts(recipe, known, labels)
    given = {name: reader for variants in known.values() for name, reader in variants}
    readers = {
        name: _filled(recipe, label, reader, origin(given, name))
        for label, variants in known.items()
        for name, reader in variants
        if reader.mean_of is None
    }
    readers = {
        name: _mean(recipe, name, reader, readers) if reader.mean_of else readers[name]
        for name, reader in given.items()
    }
    if len(readers) < sum(map(len, labels.values())):
        twice = [name for names in labels.values() for name in names]
        raise recipe.fault("a sweep makes a reader that is there already", "readers", found=_double(twice))
    scale, tests = recipe.scale, _limited(recipe.tests, recipe.scale.test_limit)
    resolved = recipe.model_copy(
        update={
            "model": scale.model or recipe.model,
            "preset": scale.preset or recipe.preset,
            "seeds": scale.seeds or recipe.seeds,
            "corpora": _limited(recipe.corpora, scale.limit),
            "tests": tests | _pairs(recipe, tests, labels),
            "encoders": {label: _encoder(recipe, label) for label in recipe.encoders},
            "readers": readers,
            "tables": {name: _table(table, labels) for name, table in recipe.tables.items()},
            "probes": {name: _probe(probe, labels) for name, probe in recipe.probes.items()},
            "statistics": _statistics(recipe.statistics, labels),
        }
    )
    resolved._places = _places(recipe, labels)
    for section in ("corpora", "tests", "encoders", "readers", "tables", "probes"):
        _apart(recipe, section, getattr(resolved, section))
    return resolved


def _places(recipe: Recipe, labels: Mapping[str, list[str]]) -> Places:
    """Where the values of resolved readers were written: those of a sweep, and those from the recipe and scale."""
    places = dict(recipe._places)
    for label, names in labels.items():
        own = {path[2:]: place for path, place in places.items() if path[:2] == ("readers", label)}
        for name in names:
            places |= {("readers", name, *rest): place for rest, place in own.items()}
            for key in ("model", "preset", "settings"):
                scaled = recipe._places.get(("scale", key))
                if place := scaled or own.get((key,)) or recipe._places.get((key,)):
                    places["readers", name, key] = place
    return places


def _variants(label: str, reader: ReaderEntry) -> Iterator[tuple[str, ReaderEntry]]:
    """The readers of a sweep, every combination of its lists, with their labels."""
    axes: list[tuple[str, str, list[Any]]] = [
        ("", name, value) for name in _SWEPT if isinstance(value := getattr(reader, name), list)
    ]
    for part, names in _INNER.items():
        inner = getattr(reader, part)
        axes += [(part, name, value) for name in names if isinstance(value := getattr(inner, name, None), list)]
    axes += [("settings", key, value) for key, value in reader.settings.items() if is_sweep(key, value)]
    for values in itertools.product(*(axis[2] for axis in axes)):
        name, one = label, reader
        for (part, key, _), value in zip(axes, values, strict=True):
            said = f"{value:g}" if isinstance(value, float) else str(value)
            name += "-" + _COMMIT.sub("", said.rpartition("/")[2]).replace(":", "-").replace(".", "_")
            one = one.model_copy(update=_updated(one, part, key, value))
        yield name, one


def _updated(reader: ReaderEntry, part: str, key: str, value: Any) -> dict[str, Any]:
    if not part:
        return {key: value}
    inner = getattr(reader, part)
    if isinstance(inner, dict):
        return {part: inner | {key: value}}
    return {part: inner.model_copy(update={key: value})}


def origin(readers: Mapping[str, ReaderEntry], label: str) -> ReaderEntry:
    """The reader that a reader goes on from in the end, or is the mean of; itself where it starts from a model."""
    while (before := _before(readers[label])) is not None:
        label = before
    return readers[label]


def _before(reader: ReaderEntry) -> str | None:
    return str(before) if (before := reader.start or reader.mean_of) else None


def _check_starts(
    recipe: Recipe, known: Mapping[str, Sequence[tuple[str, ReaderEntry]]], labels: Mapping[str, list[str]]
) -> None:
    """Raise where a reader has a model too, or goes on from none that there is, from several, or from itself."""
    starts = {name: _before(reader) for variants in known.values() for name, reader in variants}
    asked = [(label, name, one) for label in known for name, one in known[label] if starts[name]]
    for label, name, reader in asked:
        start, path = str(starts[name]), ("readers", label, "start" if reader.start else "mean_of")
        if reader.start and reader.model is not None:
            message = f"{label!r} has a model and goes on from another reader, whose model it has"
            raise recipe.fault(message, *path, found=f"{reader.model} and {start}", fix="keep one of them")
        if labels.get(start, [start]) != [start]:
            expected = f"one of {', '.join(labels[start])}"
            raise recipe.fault(f"a reader goes on from one, and {start!r} is a sweep", *path, expected=expected)
        require(recipe, start, starts, "reader", *path)
    for label, name, reader in asked:
        chain = [name]
        while (before := starts[chain[-1]]) is not None:
            chain.append(before)
            if chain[-1] in chain[:-1]:
                message, key = "readers go on from each other in a circle", "start" if reader.start else "mean_of"
                raise recipe.fault(message, "readers", label, key, found=" → ".join(chain))


def _filled(recipe: Recipe, label: str, reader: ReaderEntry, first: ReaderEntry) -> ReaderEntry:
    """A reader with what it takes from the recipe and the scale; `first` is the one that it goes on from in the
    end, or itself."""
    scale, model = recipe.scale, str(first.model or recipe.model)
    if is_llm(model):
        return _prompted(recipe, label, reader, model)
    if not reader.data:
        raise recipe.fault(f"{label!r} has nothing to be trained on", "readers", label, fix="add `data`")
    if reader.llm is not None:
        fix = "give it a `model` that begins with llm:"
        raise recipe.fault(f"{label!r} is no language model", "readers", label, "llm", found=model, fix=fix)
    encoder = recipe.encoders.get(model)
    own = reader.preset is not None and reader.preset != recipe.preset
    settings = reader.settings if own else recipe.settings | reader.settings
    preset = reader.preset or recipe.preset
    if encoder is None or encoder.how != "qanet":
        preset, settings = scale.preset or preset, settings | scale.settings
    if scale.epochs is not None:
        settings = settings | {"epochs": scale.epochs}
    if swept := [key for key, value in settings.items() if is_sweep(key, value)]:
        raise recipe.fault(
            f"{swept[0]} is swept for all readers at once", "settings", swept[0], fix="sweep it in a reader"
        )
    for name, entry in (("align", reader.align), ("shift", reader.shift)):
        if entry is not None:
            _check_aligner(recipe, entry, "readers", label, name)
    model = model if encoder else scale.model or model
    update = {"model": None if reader.start else model, "preset": preset, "settings": settings}
    return reader.model_copy(update=update | {"seeds": scale.seeds or reader.seeds or recipe.seeds})


def _mean(recipe: Recipe, label: str, reader: ReaderEntry, readers: Mapping[str, ReaderEntry]) -> ReaderEntry:
    """A reader that is the mean of another one's seeds: it answers as that one, and has one seed."""
    path, name = ("readers", label, "mean_of"), str(reader.mean_of)
    for key in reader.model_dump(exclude_defaults=True, exclude={"mean_of"}):
        message = f"{label!r} is the mean of {name!r}, and not trained"
        raise recipe.fault(message, "readers", label, key, found=key, fix=f"take out `{key}`")
    if name not in readers:
        raise recipe.fault(f"{name!r} is a mean itself", *path, fix="name the reader that it is the mean of")
    one = readers[name]
    if one.llm is not None:
        raise recipe.fault("a language model has no weights here to average", *path, found=name)
    return one.model_copy(update={"mean_of": name, "seeds": (one.seeds or recipe.seeds)[:1], "checkpoints": 1})


def _prompted(recipe: Recipe, label: str, reader: ReaderEntry, model: str) -> ReaderEntry:
    """A reader that is a language model: it is asked, so that nothing which is said of a training can be meant."""
    asked = reader.llm or PromptEntry()
    path = ("readers", label, "llm", "recover")
    choice(recipe, "recovery policy", asked.recover, (*POLICIES, "none"), *path)
    given = reader.model_dump(exclude_defaults=True, exclude={"data", "model", "seeds", "llm"})
    for key in given:
        message = f"{label!r} is a language model, which is asked and not trained"
        fix = f"take out `{key}`" if key != "start" else "go on from a reader that is trained"
        raise recipe.fault(message, "readers", label, key, found=f"{key}: {given[key]}", fix=fix)
    if bool(asked.shots) != bool(reader.data):
        message = f"{label!r} needs `data` and `llm.shots` to have examples, or neither"
        raise recipe.fault(message, "readers", label, found=f"{asked.shots} shots, {len(reader.data)} corpora")
    seeds = recipe.scale.seeds or reader.seeds or recipe.seeds
    return reader.model_copy(update={"model": model, "llm": asked, "seeds": seeds if asked.shots else seeds[:1]})


def _check_aligner(recipe: Recipe, entry: MapEntry, *path: str) -> None:
    if entry.method not in METHODS:
        message = f"unknown alignment method {entry.method!r}"
        raise recipe.fault(message, *path, "method", fix=nearest(str(entry.method), METHODS))
    _checked_options(recipe, entry.options, options_of(entry), path)


def _encoder(recipe: Recipe, label: str) -> Encoder:
    encoder = recipe.encoders[label]
    _checked_options(recipe, encoder.options, options_of(encoder), ("encoders", label))
    if encoder.model is None or encoder.model in recipe.encoders:
        return encoder
    return encoder.model_copy(update={"model": recipe.scale.model or encoder.model})


def _checked_options(
    recipe: Recipe, given: Mapping[str, Any], known: Mapping[str, Any], path: tuple[str, ...]
) -> None:
    for key, value in given.items():
        try:
            checked(known, {key: value})
        except ValueError as error:
            context = getattr(error, "context", None) or {}
            message = f"unknown option {key!r}" if "fix" in context else f"the option {key!r} cannot be so"
            parts = {"found": "" if "fix" in context else shorten(value), "fix": context.get("fix", "")}
            raise recipe.fault(
                message, *path, "options", key, **parts, expected=context.get("wanted", "")
            ) from None


def _limited(corpora: Mapping[str, Data], limit: int | None) -> dict[str, Data]:
    if limit is None:
        return dict(corpora)
    return {
        label: one if one.like else one.model_copy(update={"limit": min(limit, one.limit or limit)})
        for label, one in corpora.items()
    }


def _table(table: TableEntry, labels: Mapping[str, list[str]]) -> TableEntry:
    """The rows of a sweep under the readers' own labels."""
    if table.reader is not None:
        return table
    rows: dict[str, str] = {}
    for label, reader in table.rows.items():
        names = labels.get(reader, [reader])
        rows |= {label: names[0]} if names == [reader] else {name: name for name in names}
    return table.model_copy(update={"rows": rows})


def _pairs(recipe: Recipe, tests: Mapping[str, Data], labels: Mapping[str, list[str]]) -> dict[str, Data]:
    """The tests that tables of one reader ask for: questions of one test on the texts of another."""
    found: dict[str, Data] = {}
    for name, table in recipe.tables.items():
        if table.reader is None:
            continue
        for side, given in (("rows", table.rows), ("columns", table.columns)):
            for label, test in given.items():
                require(recipe, test, tests, "test", "tables", name, side, label)
        if labels.get(table.reader, [table.reader]) != [table.reader]:
            expected = f"one of {', '.join(labels[table.reader])}"
            raise recipe.fault(
                "such a table has one reader, no sweep", "tables", name, "reader", expected=expected
            )
        for asked, read in itertools.product(table.rows.values(), table.columns.values()):
            if asked != read:
                data = f"make:pair({tests[asked].data}, contexts={tests[read].data})"
                found[paired(asked, read)] = tests[read].model_copy(update={"data": data})
    return found


def _probe(probe: Probe, labels: Mapping[str, list[str]]) -> Probe:
    readers = {name: tests for label, tests in probe.readers.items() for name in labels.get(label, [label])}
    return probe.model_copy(update={"readers": readers})


def _statistics(given: Statistics, labels: Mapping[str, list[str]]) -> Statistics:
    """The readers of a sweep where a statistic names them all at once."""
    update: dict[str, Any] = {}
    for name in ("selection", "confidence"):
        if (asked := getattr(given, name)) is not None:
            readers = [one for label in asked.readers for one in labels.get(label, [label])]
            update[name] = asked.model_copy(update={"readers": readers})
    return given.model_copy(update=update)


def _apart(recipe: Recipe, section: str, labels: Mapping[str, object]) -> None:
    """Labels name files, on some disks without regard to case: refuse two that would be one."""
    seen: dict[str, str] = {}
    for label in labels:
        slug = "".join(char if char.isalnum() or char in "-_+" else "-" for char in label).casefold()
        if slug in seen:
            raise recipe.fault(
                f"two {section} with names alike", section, label, found=f"{seen[slug]} and {label}"
            )
        seen[slug] = label


def _double(names: list[str]) -> str:
    return ", ".join(sorted({name for name in names if names.count(name) > 1}))


def require(recipe: Recipe, label: str, among: Mapping[str, object], what: str, *path: str) -> None:
    """Raise where a label is none of those there are, naming the nearest."""
    if label not in among:
        fix = nearest(label, among) if among else f"the recipe has no {what} at all"
        raise recipe.fault(f"unknown {what} {label!r}", *path, fix=fix)


def choice(recipe: Recipe, what: str, given: str, options: tuple[str, ...], *path: str) -> None:
    """`choose`, with the place in the recipe."""
    try:
        choose(what, given, options)
    except UsageError as error:
        raise recipe.fault(error.message, *path, fix=error.fix) from None


def placed(recipe: Recipe, error: PolyspanError, *path: str) -> PolyspanError:
    """A fault of something that the recipe names, with the place where it names it."""
    return type(error)(
        error.message,
        where=": ".join(filter(None, (recipe.where(*path), error.where))),
        **{name: getattr(error, name) for name in ("found", "expected", "fix")},
    )
