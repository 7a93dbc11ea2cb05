"""What our numbers say of the paper's hypotheses, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from polyspan.report.notation import SHORT, few, listed
from polyspan.report.record.paper_record import HypothesisRecord

if TYPE_CHECKING:
    from polyspan.paper import Verdict

_MOST = 5  # inequalities or gaps that a sentence lists
_VERBS = {"holds": ("holds", "hold"), "partly": ("holds in part", "hold in part"), "fails": ("fails", "fail")}


def told(ours: "Sequence[Verdict]", papers: "Sequence[Verdict]") -> list[HypothesisRecord]:
    """Our verdicts in words, each beside that of the paper's own numbers."""
    printed = {(one.hypothesis, one.measure): one.status for one in papers}
    return [
        HypothesisRecord(
            **one.as_json(), words=words(one), paper_status=printed.get((one.hypothesis, one.measure), "")
        )
        for one in ours
    ]


def words(one: "Verdict") -> str:
    """The verdict as sentences, with the numbers it rests on."""
    if one.needs:
        return f"Not tested: it needs {_some(one.needs)}."
    counted = [check for check in one.checks if not check.aside]
    against = [check.text for check in counted if check.holds is False]
    if not against:
        said = f"Holds: {_some([check.text for check in counted])}."
    elif len(against) == len(counted):
        said = f"Fails: {_some(against)}."
    else:
        said = (
            f"Holds in {len(counted) - len(against)} of {len(counted)} comparisons; against it: {_some(against)}."
        )
    asides = [check.text for check in one.checks if check.aside and not check.needs]
    if asides:
        said += f" Beside it: {_some(asides)}."
    if one.holds_in is not None:
        said += f" In {100 * one.holds_in:.0f} % of the draws of questions and seeds the whole claim holds."
    return said


def summary(verdicts: Sequence[HypothesisRecord]) -> str:
    """How many hypotheses hold in F1 (or their own measure), in one sentence; "" where none was tested."""
    main = {one.claim: one for one in verdicts if one.measure != "exact_match"}
    tested = [one for one in main.values() if one.status != "not testable"]
    if not tested:
        return ""
    counts: dict[str, list[str]] = {}
    for one in tested:
        counts.setdefault(one.status, []).append(one.claim)
    parts = [
        f"{len(names)} {verbs[len(names) > 1]}"
        for status, verbs in _VERBS.items()
        if (names := counts.get(status))
    ]
    left = len(main) - len(tested)
    untested = f"; {left} could not be tested" if left else ""
    return f"Of the paper’s {len(main)} claims, {len(tested)} can be tested here: {listed(parts)} in F1{untested}."


def by_hypothesis(
    verdicts: Sequence[HypothesisRecord],
) -> list[tuple[HypothesisRecord, list[tuple[str, HypothesisRecord]]]]:
    """The hypotheses in order, each with its measures: (short name, verdict)."""
    found: dict[str, list[tuple[str, HypothesisRecord]]] = {}
    for one in verdicts:
        found.setdefault(one.claim, []).append((SHORT.get(one.measure, one.measure), one))
    return [(each[0][1], each) for each in found.values()]


def _some(texts: Sequence[str]) -> str:
    *first, last = few(texts, _MOST)
    return "; ".join([*first, last if len(texts) <= _MOST else f"and {last}"])
