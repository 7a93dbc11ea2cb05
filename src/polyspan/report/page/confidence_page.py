"""What the page shows of confidence: for each reader what was fitted by what it was tried on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polyspan.data.languages import language_name
from polyspan.report.notation import signed
from polyspan.report.tables.trials_sheet import MEANINGS, goal, number


@dataclass(frozen=True, slots=True)
class Trial:
    """A cell, as texts: F1 on all questions, ECE and AUROC of given answers and of best spans, and what is lost on
    the answerable ones."""

    f1: str
    ece: tuple[str, str]
    auroc: tuple[str, str]
    lost: str
    below: bool
    own: bool


@dataclass(frozen=True, slots=True)
class TrialTable:
    """A reader: tests as (language, label, counts), and fits as (label, what it is, a cell for each test)."""

    reader: str
    tests: list[tuple[str, str, str]]
    fits: list[tuple[str, str, list[Trial | None]]]


def confidence_view(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The variables of the section on confidence; None where the report has none."""
    if not found:
        return None
    readers = dict.fromkeys(row["reader"] for row in found["rows"])
    tables = [_table(name, found) for name in readers]
    own = any(row["own"] for row in found["rows"])
    return {"goal": goal(found), "tables": tables, "own": own, "why": found["why"], "meanings": MEANINGS}


def _table(reader: str, found: Mapping[str, Any]) -> TrialTable:
    rows = {(row["fit"], row["test"]): row for row in found["rows"] if row["reader"] == reader}
    tests = {row["test"]: row for row in rows.values()}
    heads = [
        (language_name(row["language"]), test, f"n = {row['n']:,}, {row['unanswerable']:,} without answer")
        for test, row in tests.items()
    ]
    fits = [
        (fit, _fit_told(reader, fit, found), [_trial(rows.get((fit, test))) for test in tests])
        for fit in dict.fromkeys(fit for fit, _ in rows)
    ]
    return TrialTable(reader, heads, fits)


def _fit_told(reader: str, fit: str, found: Mapping[str, Any]) -> str:
    """On what a fit rests, and its temperature, or those of its seeds."""
    some = [one for one in found["fits"] if (one["reader"], one["fit"]) == (reader, fit)]
    if not some:
        return "temperature 1, always answers"
    one = some[0]
    told = f"{', '.join(one['tests'])}: {one['n']:,}, {one['unanswerable']:,} without answer"
    temperatures = ", ".join(f"{each['temperature']:.2f}" for each in some)
    kind = signed if one["measure"] == "null_odds" else "{:.2f}".format
    thresholds = ", ".join("none" if each["threshold"] is None else kind(each["threshold"]) for each in some)
    return f"{told}; temperature {temperatures}; threshold {thresholds} ({one['measure'].replace('_', ' ')})"


def _trial(row: Mapping[str, Any] | None) -> Trial | None:
    if row is None:
        return None
    lost = row["lost_f1_mean"]
    told = "" if lost is None or row["fit"] == "uncalibrated" else signed(-lost)
    ece, auroc = ((number(row, name), number(row, f"span_{name}")) for name in ("ece", "auroc"))
    return Trial(number(row, "f1"), ece, auroc, told, bool(lost and lost > 0), row["own"])
