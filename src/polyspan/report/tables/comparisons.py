"""Systems compared, as tables: several with the first (`polyspan score`), two (`polyspan stats compare`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from polyspan.report.notation import NOTHING, SHORT, p_value, signed, stars
from polyspan.report.tables.sheet import Sheet
from polyspan.stats import Comparison, Difference
from polyspan.stats.standings import Standing

_STARS = "*, **, ***: p < .05, .01, .001 (permutation of the same questions)."


def standings_sheet(standings: Sequence[Standing], test: str, drawn: str) -> Sheet:
    """A line for each system: both measures, the interval of F1, and F1 minus the first one's.

    The rows have the intervals and differences of exact match too. `test` names the questions; `drawn` says how
    the intervals were drawn.
    """
    several = len(standings) > 1
    names = _names([one.name for one in standings])
    lines, rows = [], []
    for name, one in zip(names, standings, strict=True):
        scores = one.scores
        line = [name, str(scores.n), f"{scores.exact_match:.1f}", f"{scores.f1:.1f}", _between(one.f1)]
        if several:
            line += _against(one.against.f1) if one.against else [NOTHING] * 3
        lines.append(tuple(line))
        rows.append(_standing_row(one, test))
    columns: tuple[str, ...] = ("system", "n", "EM", "F1", "95 %")
    columns += ("ΔF1", "95 %", "p") if several else ()
    metrics = ", ".join(dict.fromkeys(one.scores.metric for one in standings))
    notes = [f"{test} by {metrics}, in percent; {drawn}."]
    if several:
        notes.append(f"ΔF1: minus that of {names[0]}. {_STARS}")
    notes += [f"{name}: not compared, {one.why}." for name, one in zip(names, standings, strict=True) if one.why]
    return Sheet(columns, tuple(lines), tuple(rows), tuple(notes), "scores")


def comparison_sheet(found: Comparison, a: str, b: str, test: str, cluster: str) -> Sheet:
    """A line for each measure of two systems; the difference is B minus A."""
    lines, rows = [], []
    runs = found.f1.p_runs is not None
    for measure in ("f1", "exact_match"):
        one: Difference = getattr(found, measure)
        difference, between, p = _against(one)
        line = [SHORT[measure], f"{one.a:.1f}", f"{one.b:.1f}", difference, between, p]
        line += [p_value(one.p_runs)] if runs else []
        lines.append((*line, f"{one.better}/{one.worse}/{one.ties}"))
        rows.append(_comparison_row(found, measure, (a, b), test, cluster))
    columns = ("", "A", "B", "B − A", "95 % interval", "p", *(["p of runs"] if runs else []), "won/lost/tied")
    units = "questions" if cluster == "question" else f"{found.units} {cluster}s"
    how = f"{found.metric}; {found.n} questions; {found.draws:,} draws of {units}; seed {found.seed}."
    names = [f"{side}: {name}{_runs(count)}" for side, name, count in zip("AB", (a, b), found.runs, strict=True)]
    notes = (f"{'; '.join(names)}; on {test}.", how, _STARS)
    return Sheet(columns, tuple(lines), tuple(rows), notes, "comparison")


def _against(one: Difference) -> list[str]:
    """The difference with its stars, its interval, its p."""
    between = f"{signed(one.low)} to {signed(one.high)}"
    return [signed(one.delta) + stars(one.p), between, p_value(one.p)]


def _between(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.1f}–{bounds[1]:.1f}"


def _runs(count: int) -> str:
    return f" ({count} runs)" if count > 1 else ""


def _names(given: Sequence[str]) -> list[str]:
    """The files' names without folder and ending, where that tells them apart."""
    short = [Path(name).stem if name.endswith(".json") else Path(name).name for name in given]
    return short if len(set(short)) == len(given) else list(given)


def _standing_row(one: Standing, test: str) -> dict[str, Any]:
    row: dict[str, Any] = {"system": one.name, "test": test, **one.scores.summary()}
    for measure, bounds in (("exact_match", one.exact_match), ("f1", one.f1)):
        row |= {f"{measure}_low": bounds[0], f"{measure}_high": bounds[1]}
    for measure in ("exact_match", "f1"):
        found = getattr(one.against, measure) if one.against else None
        for key in ("delta", "low", "high", "p"):
            row[f"against_first_{measure}_{key}"] = getattr(found, key) if found else None
    return row


def _comparison_row(
    found: Comparison, measure: str, names: tuple[str, str], test: str, cluster: str
) -> dict[str, Any]:
    one: Difference = getattr(found, measure)
    row: dict[str, Any] = {"measure": measure, "name_a": names[0], "name_b": names[1], "test": test}
    row |= {"metric": found.metric, "n": found.n, "runs_a": found.runs[0], "runs_b": found.runs[1]}
    for key in ("a", "b", "delta", "low", "high", "p", "p_runs", "better", "worse", "ties"):
        row[key] = getattr(one, key)
    return row | {"cluster": cluster, "units": found.units, "draws": found.draws, "seed": found.seed}
