"""What our numbers say of the paper's claims, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from polyspan.report.languages import listed
from polyspan.report.record.paper_record import ClaimRecord

if TYPE_CHECKING:
    from polyspan.paper import Verdict

_MOST = 4  # inequalities or gaps that a sentence lists
_SHORT = {"exact_match": "EM", "f1": "F1"}


def told(ours: "Sequence[Verdict]", papers: "Sequence[Verdict]") -> list[ClaimRecord]:
    """Our verdicts in words, each beside that of the paper's own numbers."""
    printed = {(one.claim, one.measure): one.status for one in papers}
    claims = []
    for one in ours:
        content = one.as_json()
        content |= {"words": words(one), "paper_status": printed.get((one.claim, one.measure), "")}
        claims.append(ClaimRecord(**content))
    return claims


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


def summary(claims: Sequence[ClaimRecord]) -> str:
    """How many claims hold in F1 (or their own measure), in one sentence; "" without claims that were tested."""
    main = {one.claim: one for one in claims if one.measure != "exact_match"}
    tested = [one for one in main.values() if one.status != "not testable"]
    if not tested:
        return ""
    counts: dict[str, list[str]] = {}
    for one in tested:
        counts.setdefault(one.status, []).append(one.claim)
    parts = [f"{len(names)} {verbs[len(names) > 1]}" for status, verbs in _VERBS if (names := counts.get(status))]
    left = len(main) - len(tested)
    untested = f"; {left} could not be tested" if left else ""
    return f"Of the paper’s {len(main)} claims, {len(tested)} can be tested here: {listed(parts)} in F1{untested}."


def by_claim(claims: Sequence[ClaimRecord]) -> list[tuple[ClaimRecord, list[tuple[str, ClaimRecord]]]]:
    """The claims in order, each with its measures: (short name, verdict)."""
    found: dict[str, list[tuple[str, ClaimRecord]]] = {}
    for one in claims:
        found.setdefault(one.claim, []).append((_SHORT.get(one.measure, "EM/F1"), one))
    return [(each[0][1], each) for each in found.values()]


_VERBS = (
    ("holds", ("holds", "hold")),
    ("partly", ("holds in part", "hold in part")),
    ("fails", ("fails", "fail")),
)


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST
    shown: list[Any] = list(texts[:_MOST] if more > 1 else texts)
    return "; ".join(shown) + (f"; and {more} more" if more > 1 else "")
