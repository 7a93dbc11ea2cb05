"""How sure a recipe's readers are: fitted on some tests, tried on others, by the evidence beside their answers."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from polyspan.data.languages import primary
from polyspan.errors import PolyspanError
from polyspan.lab.recipe.recipe import BESIDE_FITS
from polyspan.stats.calibration import FEW, AnswersGiven, Fitted, Goal, fit, together
from polyspan.stats.confidence import BINS, aurc, auroc, brier, ece, reliability, risk_coverage
from polyspan.stats.judged import Judged, judge

if TYPE_CHECKING:
    from polyspan.lab.plan.plan import Plan, PlannedCell
    from polyspan.lab.results.gathered import Gathered

MEASURES = (
    *("temperature", "threshold", "answered", "ece", "span_ece", "auroc", "span_auroc", "aurc", "brier"),
    *("exact_match", "f1", "answerable_exact_match", "answerable_f1", "lost_exact_match", "lost_f1"),
)
"""What a trial is measured by: a temperature, a threshold, shares, and from exact match on percentages.

Those of spans are of the best spans of all questions, whichever are given: of them only the temperature decides.
"""

_UNCALIBRATED, _POOLED = BESIDE_FITS
_IN_A_BIN = 20  # answers in a bin of a diagram at least
_POINTS = 100  # of a curve at most
_SUREST = 0.02  # coverage where a curve begins: of fewer answers the risk is noise

Known = Mapping[str, Judged]
"""The evidence of one Reader and seed by test."""
Run = dict[str, float | None]
"""One seed by its measures."""


def confidence(plan: "Plan", gathered: "Gathered") -> dict[str, Any]:
    """Every reader and test without a calibration and with each fit, as docs/reports.md has it.

    `rows` are means over seeds, `fits` what was fitted for each seed, `curves` what is drawn; `why` has sentences
    on what could not be fitted, and on tests that share questions with what was fitted on.
    """
    return _Trials(plan, gathered).all()


class _Trials:
    """What a recipe asks for, with the answers that there are and what is known of each test."""

    def __init__(self, plan: "Plan", gathered: "Gathered") -> None:
        asked = plan.recipe.statistics.confidence
        assert asked is not None
        self.asked, self.gathered = asked, gathered
        every = list(dict.fromkeys(test for tests in asked.fit.values() for test in tests))
        self.sets = dict(asked.fit) | ({_POOLED: every} if len(asked.fit) > 1 else {})
        shares = {"accuracy": asked.accuracy, "coverage": asked.coverage}
        self.goal = next((Goal(name, share) for name, share in shares.items() if share is not None), Goal())
        made = [cell for cell in plan.cells if cell.reader in asked.readers and gathered.is_done(cell.predict)]
        done = [cell for cell in made if gathered.has_text(cell.predict)]
        self.lost = len(made) - len(done)
        self.cells: dict[str, list[PlannedCell]] = {
            test: some for test in asked.needs() if (some := [cell for cell in done if cell.test == test])
        }
        self.about = {
            test: {"language": gathered.about(some[0].corpus)["language"]} for test, some in self.cells.items()
        }

    def all(self) -> dict[str, Any]:
        """The whole statistic."""
        found: dict[str, Any] = {"goal": str(self.goal), "rows": [], "fits": [], "curves": []}
        lost = f"{self.lost} outputs were imported without the text that confidence is computed from."
        found["why"] = [*([lost] if self.lost else []), *self.shared()]
        for reader in dict.fromkeys(self.asked.readers):
            self.add(reader, found)
        return found

    def add(self, reader: str, found: dict[str, Any]) -> None:
        """Fit one Reader, seed by seed, and try every fit on every test."""
        runs: dict[tuple[str, str], list[Run]] = {}
        given: dict[tuple[str, str], list[tuple[AnswersGiven, AnswersGiven]]] = {}
        counts: dict[str, dict[str, int]] = {}
        for seed in dict.fromkeys(cell.seed for some in self.cells.values() for cell in some):
            known = self.known(reader, seed)
            fits = self.fitted(known, f"{reader}, seed {seed}", found["why"])
            found["fits"] += [{"reader": reader, "seed": seed} | told for told in self.told(fits, known)]
            counts |= {test: _counts([one]) for test, one in known.items()}
            for test in (test for test in self.asked.tests if test in known):
                for name, fitted in fits.items():
                    made = fitted.answers(known[test]), replace(fitted, threshold=None).answers(known[test])
                    given.setdefault((name, test), []).append(made)
                    plain = runs[_UNCALIBRATED, test][-1] if name != _UNCALIBRATED else {}
                    runs.setdefault((name, test), []).append(_measured(fitted, known[test], *made, plain))
        for (name, test), some in runs.items():
            row = {"reader": reader, "test": test, **self.about[test], **counts[test]}
            row |= {"fit": name, "own": self.is_own(name, test), "seeds": len(some)}
            found["rows"].append(row | _means(some))
        for test in self.asked.tests:
            if lines := list(self.lines(test, given)):
                found["curves"].append({"reader": reader, "test": test, **self.about[test], "lines": lines})

    def known(self, reader: str, seed: int) -> Known:
        """The judged evidence of one Reader."""
        return {
            test: judge(self.gathered.corpus(cell.corpus), self.gathered.evidence(cell.predict))
            for test, some in self.cells.items()
            for cell in some
            if (cell.reader, cell.seed) == (reader, seed)
        }

    def fitted(self, known: Known, whose: str, why: list[str]) -> dict[str, Fitted]:
        """None at all, then every fit whose tests were all answered; `why` is told of those that cannot be."""
        found = {_UNCALIBRATED: Fitted()}
        for name, tests in self.sets.items():
            some = [known[test] for test in tests if test in known]
            if len(some) < len(tests):
                continue
            if self.goal.name == "f1" and (told := _doubt(name, _counts(some))) and told not in why:
                why.append(told)
            try:
                found[name] = fit(some, self.goal)
            except PolyspanError as error:
                why.append(f"{whose}, not fitted on {name}: {error.brief}")
        return found

    def told(self, fits: Mapping[str, Fitted], known: Known) -> Iterator[dict[str, Any]]:
        """What each fit is, and what it was fitted on."""
        for name, one in fits.items():
            if tests := self.sets.get(name):
                told = {"fit": name, "tests": list(tests), **_counts([known[test] for test in tests])}
                numbers = ("temperature", "null_scale", "null_bias", "threshold", "measure")
                yield told | {key: getattr(one, key) for key in numbers}

    def is_own(self, name: str, test: str) -> bool:
        """Whether a fit is on the language of a test alone."""
        known = {primary(self.about[one]["language"]) for one in self.sets.get(name, ()) if one in self.about}
        return known == {primary(self.about[test]["language"])}

    def lines(
        self, test: str, given: Mapping[tuple[str, str], Sequence[tuple[AnswersGiven, AnswersGiven]]]
    ) -> Iterator[dict[str, Any]]:
        """The curves of a test: uncalibrated, with the first fit, with that of its own language, and with the
        pooled one; `bins` of the best spans, `risk` of the given answers. All seeds are taken together."""
        first = next(iter(self.sets))
        own = next((name for name in self.asked.fit if test in self.about and self.is_own(name, test)), "")
        kinds = {"uncalibrated": _UNCALIBRATED, "source": "" if own == first else first, "own": own}
        for kind, name in (kinds | {"pooled": _POOLED}).items():
            if some := given.get((name, test)):
                (p, right), (span_p, span_right) = (together(side) for side in zip(*some, strict=True))
                bins = reliability(span_p, span_right, min(BINS, len(p) // _IN_A_BIN or 1))
                line = {"kind": kind, "fit": name, "span_ece": round(ece(span_p, span_right), 5)}
                line |= {"aurc": round(aurc(p, right), 5), "risk": _thinned(p, right)}
                yield line | {"bins": bins.round(4).tolist()}

    def shared(self) -> Iterator[str]:
        """Sentences on tests that hold questions which were fitted on, with their contexts."""
        held = {
            test: {
                (paragraph.context, question.text)
                for paragraph, question in self.gathered.corpus(some[0].corpus).questions()
            }
            for test, some in self.cells.items()
        }
        for one in (test for test in held if test not in self.asked.tests):
            for test in (test for test in self.asked.tests if test in held):
                if same := len(held[one] & held[test]):
                    yield f"{same} of {len(held[test])} questions of {test} are in {one} too, which is fitted on."


def _counts(judged: Sequence[Judged]) -> dict[str, int]:
    return {"n": sum(map(len, judged)), "unanswerable": int(sum(one.impossible.sum() for one in judged))}


def _doubt(name: str, counts: Mapping[str, int]) -> str:
    """What is to be said of a threshold for F1 on too few questions of a kind, "" where they suffice."""
    none, some = counts["unanswerable"], counts["n"] - counts["unanswerable"]
    if min(none, some) >= FEW:
        return ""
    told = f"{name} has {none} questions without an answer and {some} with one: "
    return told + ("no threshold is fitted." if not none else "its threshold rests on few.")


def _measured(fitted: Fitted, judged: Judged, given: AnswersGiven, spans: AnswersGiven, plain: Run) -> Run:
    """One trial by `MEASURES`; lost is what `plain`, the same without a calibration, has more."""
    p, right, able = given.probability, given.right, ~judged.impossible
    found: Run = {"temperature": fitted.temperature, "threshold": fitted.threshold}
    found |= {"answered": float(given.answered.mean()), "ece": ece(p, right), "auroc": auroc(p, right)}
    found |= {"aurc": aurc(p, right), "brier": brier(p, right)}
    found["span_ece"] = ece(spans.probability, spans.right)
    found["span_auroc"] = auroc(spans.probability, spans.right)
    for name, values in (("exact_match", right), ("f1", given.f1)):
        found[name] = 100 * float(values.mean())
        now = found[f"answerable_{name}"] = 100 * float(values[able].mean()) if able.any() else None
        was = plain.get(f"answerable_{name}", now)
        found[f"lost_{name}"] = None if now is None or was is None else was - now
    return found


def _means(runs: Sequence[Run]) -> Run:
    """Mean and sample standard deviation over seeds."""
    found: Run = {}
    for name in MEASURES:
        values = [value for run in runs if (value := run[name]) is not None]
        found[f"{name}_mean"] = round(statistics.fmean(values), 5) if values else None
        found[f"{name}_sd"] = round(statistics.stdev(values), 5) if len(values) > 1 else None
    return found


def _thinned(p: Any, right: Any) -> list[list[float]]:
    """Pairs of coverage and risk, about evenly spaced."""
    points = risk_coverage(p, right)
    places = np.searchsorted(points[:, 0], np.linspace(_SUREST, 1 - 1e-9, _POINTS))
    thinned: list[list[float]] = points[np.unique(places)].round(4).tolist()
    return thinned
