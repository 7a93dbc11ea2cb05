"""The transfer matrix of corpora at hand: train on each, test on each, as in Table 2 of Hsu, Liu & Lee (2019)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from polyspan.data.schema import Corpus
from polyspan.data.write import write
from polyspan.errors import UsageError
from polyspan.files import Source, explained, write_json
from polyspan.lab.run import require_free, run
from polyspan.training.settings import TrainSettings, preset

_PRESET = "readme"  # what the settings are told against: like None, it leaves dropout to the encoder
_Given = TypeVar("_Given")


def transfer_matrix(
    training: Mapping[str, Sequence[Corpus]],
    tests: Sequence[Corpus],
    model: str,
    out: Source,
    settings: TrainSettings,
    *,
    seed: int = 42,
    limit: int | None = None,
    test_limit: int | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Train a Reader on each of the named sets of corpora, answer each test set, and score by its own metric.

    `limit` and `test_limit` sample that many questions of each corpus by the seed. The corpora and a recipe of
    them are written into the folder `out`, then run there: see `run`. The store is in `out` too, and the Readers
    are in `readers/`. Names become labels of the recipe: `mini:en/test` is `mini-en-test`. Raises UsageError where
    two sets have one name.
    """
    out = Path(out).absolute()
    require_free(out)
    with explained(out, "write"):
        (out / "logs").mkdir(parents=True, exist_ok=True)
    tested = _labelled("test sets", [(test.name, test) for test in tests])
    sets = _labelled("training sets", list(training.items()))
    readers = {label: [f"{label}-{at}" for at in range(len(some))] for label, some in sets.items()}
    trained = {name: sets[label][at] for label, names in readers.items() for at, name in enumerate(names)}
    sampled = {} if test_limit is None else {"limit": test_limit, "seed": seed}
    recipe = {
        "name": "matrix",
        "model": model,
        "preset": _PRESET,
        "settings": _changes(settings),
        "seeds": [seed],
        "corpora": {name: _written(corpus, out / "corpora" / f"{name}.json") for name, corpus in trained.items()},
        "tests": {name: _written(test, out / "tests" / f"{name}.json") | sampled for name, test in tested.items()},
        "readers": {label: {"data": names, "limit": limit} for label, names in readers.items()},
        "tables": {"transfer": {"rows": list(readers), "columns": list(tested)}},
    }
    write_json(out / "recipe.yaml", recipe)  # JSON is YAML
    return run(out / "recipe.yaml", out, store=out / "store", command=command)


def _labelled(what: str, named: Sequence[tuple[str, _Given]]) -> dict[str, _Given]:
    """By labels of a recipe, in which `-` stands for what cannot be in one."""
    found = {
        "".join(char if char.isalnum() or char in "-_+" else "-" for char in name)[:50]: given
        for name, given in named
    }
    if len(found) < len(named):
        raise UsageError(f"two {what} have one name", found=", ".join(name for name, _ in named))
    return found


def _written(corpus: Corpus, path: Path) -> dict[str, Any]:
    """A corpus as a file, and what a recipe says of it."""
    write(corpus, path)
    given = {"data": str(path), "language": corpus.language, "metric": corpus.metric}
    return {key: value for key, value in given.items() if value is not None}


def _changes(settings: TrainSettings) -> dict[str, Any]:
    """In what settings differ from the preset."""
    given, usual = (asdict(each) for each in (settings, preset(_PRESET)))
    given, usual = (each | each.pop("windows") for each in (given, usual))
    return {key: value for key, value in given.items() if value != usual[key]}
