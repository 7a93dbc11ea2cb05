"""Which factors move the scores of a transfer table: §2.3.2 of Hsu, Liu & Lee (2019), with effect sizes.

A factor gives each training set a level, or each pair of a training set and a test:

    corpus: {En-Fr: SQuAD, Zh-Fr: DRCD}
    translated: {En-Zh: {Zh: own, else: other}, En-Fr: other}

Training sets that a factor does not name are left out of it. The cell is the unit: seeds are averaged first, since
they do not make more training sets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyspan.errors import PolyspanError, shorten
from polyspan.files import Source, read_yaml
from polyspan.stats.anova import Anova, Values, anova, exchange_p, without
from polyspan.stats.resampling import DRAWS
from polyspan.stats.units import MEASURES

Factors = Mapping[str, Mapping[str, str | Mapping[str, str]]]
"""Factor → training set → level, or → test → level with `else` for all other tests."""

TEST = "test language"
WARNING = (
    "Cells are not independent: those of one training set share a model, those of one column a test. The p of F "
    "and of exchanging cells are therefore too sure; that of exchanging whole training sets is not."
)
_EXPECTED = "factor: {training set: level, …}, or {training set: {test: level, else: level}}"


@dataclass(frozen=True, slots=True)
class _Cell:
    train: str
    test: str
    seed: Any
    score: float
    level: str


def read_factors(path: Source) -> dict[str, dict[str, str | dict[str, str]]]:
    """Read factors from a YAML file. Raises PolyspanError where it cannot be read or has another shape."""
    content = read_yaml(path, "the factors file", _EXPECTED)
    if not isinstance(content, dict) or not content:
        raise PolyspanError("no factors", where=str(path), found=shorten(content), expected=_EXPECTED)
    return {str(name): _levels(given, f"{path}: {name}") for name, given in content.items()}


def _levels(given: object, where: str) -> dict[str, str | dict[str, str]]:
    if not isinstance(given, dict) or not given:
        raise PolyspanError("a factor has no levels", where=where, found=shorten(given), expected=_EXPECTED)
    levels: dict[str, str | dict[str, str]] = {}
    for train, level in given.items():
        inner = level if isinstance(level, dict) else {"": level}
        if wrong := [one for one in inner.values() if isinstance(one, (dict, list)) or one is None]:
            raise PolyspanError(
                "a level is one word", where=f"{where}: {train}", found=shorten(wrong[0]), expected=_EXPECTED
            )
        texts = {str(test): str(one) for test, one in inner.items()}
        levels[str(train)] = texts if isinstance(level, dict) else texts[""]
    return levels


def analyse(
    rows: Sequence[Mapping[str, Any]], factors: Factors, *, draws: int = DRAWS, seed: int = 42
) -> dict[str, Any]:
    """F, p and η² of every factor in exact match and F1, and of the test language over the same cells.

    `rows` have the keys train, test, seed, exact_match and f1, as in `report.json`. The result has `rows`, an
    object a factor and measure: `F`, `df`, `p`, `eta2`, `p_permutation` one-way; the same `without_test_means`
    (one-way after the means of the tests are removed) and `additive` (after test language, which costs its degrees
    of freedom), None where they leave nothing; `additive_with_seeds` where all cells have the same `seeds`;
    `p_training_sets`. `not_testable` names the factors that the table cannot test, and why; `left_out` counts
    scores that a row lacks.
    """
    found: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    untestable: list[dict[str, str]] = []
    seen: dict[frozenset[tuple[str, str]], str] = {}
    for name, levels in factors.items():
        if needs := _lacking(rows, levels):
            untestable.append({"factor": name, "why": f"needs {needs}"})
            continue
        for measure in MEASURES:
            cells = _cells(rows, levels, measure)
            if {cell.level for cell in cells} <= {cells[0].level if cells else ""}:
                untestable.append({"factor": name, "why": f"needs {measure} in at least two levels"})
                continue
            try:
                found.append({"factor": name, "measure": measure, **_factor(cells, draws, seed)})
            except PolyspanError as error:
                untestable.append({"factor": name, "why": f"{measure}: {error.message}"})
                continue
            places = frozenset((cell.train, cell.test) for cell in cells)
            owner = seen.setdefault(places, name)
            if owner == name and len({cell.test for cell in cells}) > 1:
                title = TEST if owner == next(iter(seen.values())) else f"{TEST} ({name})"
                tests += _test(title, measure, _averaged(cells), draws, seed)
    missing = sum(row[measure] is None for row in rows for measure in MEASURES)
    return {
        "rows": found + tests,
        "not_testable": untestable,
        "left_out": missing,
        "warning": WARNING,
        "draws": draws,
        "seed": seed,
    }


def _lacking(rows: Sequence[Mapping[str, Any]], levels: Mapping[str, str | Mapping[str, str]]) -> str:
    """What the table would have to hold for the factor to have two levels; "" where it has them."""
    present = {level for row in rows if (level := _level(levels, str(row["train"]), str(row["test"]))) is not None}
    if len(present) > 1:
        return ""
    absent = sorted(set(levels) - {str(row["train"]) for row in rows})
    runs = f"runs on {', '.join(absent)}" if absent else "another level"
    return f"{runs} (now: {'only the level ' + repr(present.pop()) if present else 'no cell has a level'})"


def _level(levels: Mapping[str, str | Mapping[str, str]], train: str, test: str) -> str | None:
    level = levels.get(train)
    return level.get(test, level.get("else")) if isinstance(level, Mapping) else level


def _cells(
    rows: Sequence[Mapping[str, Any]], levels: Mapping[str, str | Mapping[str, str]], measure: str
) -> list[_Cell]:
    return [
        _Cell(str(row["train"]), str(row["test"]), row.get("seed"), float(row[measure]), level)
        for row in rows
        if row[measure] is not None and (level := _level(levels, str(row["train"]), str(row["test"]))) is not None
    ]


def _averaged(cells: Sequence[_Cell]) -> list[_Cell]:
    """One cell a training set and test: the mean over its seeds."""
    scores: dict[tuple[str, str, str], list[float]] = {}
    for cell in cells:
        scores.setdefault((cell.train, cell.test, cell.level), []).append(cell.score)
    return [_Cell(train, test, None, float(np.mean(of)), level) for (train, test, level), of in scores.items()]


def _factor(cells: Sequence[_Cell], draws: int, seed: int) -> dict[str, Any]:
    means = _averaged(cells)
    scores, levels, tests, trains = (
        [getattr(cell, name) for cell in means] for name in ("score", "level", "test", "train")
    )
    whole = anova(scores, levels, draws=draws, seed=seed)
    found: dict[str, Any] = {**whole.as_json(), "n": len(means), "levels": _described(whole)}
    found["without_test_means"] = found["additive"] = None
    if len(set(tests)) > 1:
        found["without_test_means"] = _tried(without(scores, tests), levels, (), draws, seed)
        found["additive"] = _tried(scores, levels, [tests], draws, seed)
    found["seeds"] = seeds = _seeds(cells)
    if seeds > 1:
        every = [[getattr(cell, name) for cell in cells] for name in ("score", "level", "test", "seed")]
        blocks = [each for each in every[2:] if len(set(each)) > 1]
        found["additive_with_seeds"] = _tried(every[0], every[1], blocks, draws, seed)
    found["training_sets"] = len(set(trains))
    found["p_training_sets"] = exchange_p(scores, levels, trains, seed=seed)
    return found


def _tried(
    scores: Values, levels: Sequence[str], blocks: Sequence[Sequence[str]], draws: int, seed: int
) -> dict[str, Any] | None:
    """The factor after the blocks; None where they leave nothing to test."""
    try:
        return anova(scores, levels, blocks, draws=draws, seed=seed).as_json()
    except PolyspanError:
        return None


def _test(title: str, measure: str, means: Sequence[_Cell], draws: int, seed: int) -> list[dict[str, Any]]:
    """The row of the test language; none where nothing but it varies."""
    try:
        whole = anova([cell.score for cell in means], [cell.test for cell in means], draws=draws, seed=seed)
    except PolyspanError:
        return []
    return [{"factor": title, "measure": measure, **whole.as_json(), "n": len(means), "levels": _described(whole)}]


def _described(found: Anova) -> dict[str, dict[str, float]]:
    return {level: {"n": count, "mean": mean} for level, (count, mean) in found.levels.items()}


def _seeds(cells: Sequence[_Cell]) -> int:
    """How many seeds every cell has, the same ones; 0 where they differ."""
    seeds: dict[tuple[str, str], list[Any]] = {}
    for cell in cells:
        seeds.setdefault((cell.train, cell.test), []).append(cell.seed)
    different = {tuple(sorted(map(str, each))) for each in seeds.values()}
    return len(different.pop()) if len(different) == 1 else 0
