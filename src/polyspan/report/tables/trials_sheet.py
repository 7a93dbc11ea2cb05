"""Fitted on, tested on: how sure readers are and what they give up, a line for each reader, test and fit."""

from collections.abc import Mapping
from typing import Any

from polyspan.report.notation import NOTHING, mean_and_deviation
from polyspan.report.tables.sheet import Sheet

COLUMNS = (
    *("reader", "test", "n", "no answer", "fitted on", "T", "answered", "ECE", "ECE, spans"),
    *("AUROC", "AUROC, spans", "AURC", "Brier"),
    *("EM", "F1", "EM, answerable", "F1, answerable", "EM lost", "F1 lost"),
)
GOALS = {
    "f1": "the best F1",
    "accuracy": "an accuracy of {:.0%} among the answers given",
    "coverage": "{:.0%} of the questions answered",
}
MEANINGS = {
    "ECE": "how far an answer’s probability is from how often such answers are right (15 bins of as many answers)",
    "AUROC": "how often a right answer is more probable than a wrong one",
    "AURC": "the share of wrong answers among the surest, averaged over how many of them are kept",
    "Brier": "the mean squared error of the probability",
    "spans": "the best spans of all questions, given or withheld: of them the temperature alone decides",
    "lost": "points fewer than without a calibration, on the questions that have an answer",
}


def confidence_sheet(found: Mapping[str, Any]) -> Sheet:
    """The table of a report's `statistics.confidence`. T is the temperature; answered, what is not withheld."""
    lines = tuple(_line(row) for row in found["rows"])
    seeds = max((row["seeds"] for row in found["rows"]), default=0)
    notes = [f"Thresholds for {goal(found)}."]
    notes += [f"{name}: {meaning}." for name, meaning in MEANINGS.items()]
    notes += [f"Mean ± standard deviation over {seeds} seeds."] if seeds > 1 else []
    return Sheet(COLUMNS, lines, tuple(found["rows"]), (*notes, *found["why"]), "confidence")


def goal(found: Mapping[str, Any]) -> str:
    """What the thresholds were fitted for, in words."""
    name, _, share = str(found["goal"]).partition(" ")
    return GOALS.get(name, name).format(float(share or 0))


def number(row: Mapping[str, Any], name: str) -> str:
    """A measure's mean, and its deviation where seeds differ: percentages with one digit, all else with three."""
    mean, deviation = row[f"{name}_mean"], row[f"{name}_sd"] or None
    if "exact_match" in name or "f1" in name:
        return mean_and_deviation(mean, deviation)
    if mean is None:
        return NOTHING
    return _short(mean) + ("" if deviation is None else f" ± {_short(deviation)}")


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    told = [row["reader"], row["test"], str(row["n"]), str(row["unanswerable"]), row["fit"]]
    told += [number(row, name) for name in ("temperature", "answered", "ece", "span_ece")]
    told += [number(row, name) for name in ("auroc", "span_auroc", "aurc", "brier")]
    told += [number(row, name) for name in ("exact_match", "f1", "answerable_exact_match", "answerable_f1")]
    lost = [
        NOTHING if row["fit"] == "uncalibrated" else number(row, f"lost_{name}") for name in ("exact_match", "f1")
    ]
    return (*told, *lost)


def _short(value: float) -> str:
    """Three digits, as .083 where it is below one."""
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.3g}"
