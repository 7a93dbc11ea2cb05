"""What a metric is: how a text is normalised, which units of it are counted, and how units overlap."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from polyspan.data.languages import language_name, primary, spaced
from polyspan.errors import UsageError

Overlap = Callable[[Sequence[str], Sequence[str]], float]

SPACED, UNSPACED = "spaced", "unspaced"
"""In place of a language's code: all that are written with spaces between words, all that are not."""

_IN_WORDS = {
    SPACED: "languages with spaces between words",
    UNSPACED: "Chinese, Japanese and others written without spaces",
}


@dataclass(frozen=True)
class Metric:
    """One official rule. A name (`squad.v1`) never changes its meaning; a correction gets a new name.

    Languages are codes without script and region (`ko`), `SPACED` or `UNSPACED`.
    """

    name: str
    normalise: Callable[[str], str]
    """Text to what exact match compares."""
    units: Callable[[str], Sequence[str]]
    """Text (not yet normalised) to the words or characters that F1 counts."""
    overlap: Overlap
    """F1 of the prediction's units against a gold answer's units, from 0 to 1."""
    no_answer: bool = False
    """Whether questions may be unanswerable, as in SQuAD 2.0: their gold is "", and a question without a
    prediction leaves the average, where the other rules count it as 0."""
    about: str = ""
    """The rule in a sentence, as reports print it."""
    source: str = ""
    """Who made it: authors and year."""
    languages: tuple[str, ...] = ()
    """What it means something in; empty for every language."""
    default_for: tuple[str, ...] = ()
    """What it is taken for where no metric is named; a code goes before `SPACED` and `UNSPACED`."""
    localise: "Callable[[str], Metric] | None" = None
    """The rule for one of `languages` (its code), where it is not the same in all."""

    def suits(self, language: str | None) -> bool:
        """Whether the rule means something in a language (a tag in its normal form)."""
        return not self.languages or not {primary(language), kind(language)}.isdisjoint(self.languages)

    @property
    def meant_for(self) -> str:
        """Its languages in words."""
        return ", ".join(_IN_WORDS.get(code) or language_name(code) for code in self.languages) or "any language"

    def rule(self, language: str | None) -> "Metric":
        """The rule for answers in a language: itself, where it is the same in all.

        Raises UsageError where it is not, and there is no language or none of its own.
        """
        if self.localise is None:
            return self
        if not self.suits(language):
            raise UsageError(
                f"{self.name} has no rule for the language {language!r}"
                if language
                else f"{self.name} needs a language",
                expected="one of: " + ", ".join(self.languages),
                fix="give the language of the answers, or choose another metric",
            )
        return self.localise(primary(language))

    def best(self, prediction: str, golds: Sequence[str]) -> tuple[bool, float]:
        """Whether the prediction equals any gold answer, and its best F1; each for itself."""
        normalised, units = self.normalise(prediction), self.units(prediction)
        exact = any(normalised == self.normalise(gold) for gold in golds)
        return exact, max(self.overlap(units, self.units(gold)) for gold in golds)

    def exact(self, prediction: str, gold: str) -> bool:
        """Whether the two texts are the same after normalising."""
        return self.normalise(prediction) == self.normalise(gold)

    def f1(self, prediction: str, gold: str) -> float:
        """F1 of a prediction against one gold answer, from 0 to 1."""
        return self.overlap(self.units(prediction), self.units(gold))


def kind(language: str | None) -> str:
    """`SPACED` or `UNSPACED`."""
    return SPACED if spaced(language) else UNSPACED


class Rule(Protocol):
    """A metric of your own, as `score` takes it. It may also have a `name` (else that of its class) and
    `no_answer` (else False), with the meaning they have in `Metric`."""

    def exact(self, prediction: str, gold: str) -> bool:
        """Whether the two texts are the same answer."""

    def f1(self, prediction: str, gold: str) -> float:
        """How much of an answer the prediction is, from 0 to 1."""


@dataclass(frozen=True)
class Own:
    """A rule that is no `Metric`, with what scoring needs of one."""

    rule: Rule

    @property
    def name(self) -> str:
        """The rule's name, or its class's."""
        return str(getattr(self.rule, "name", type(self.rule).__name__))

    @property
    def no_answer(self) -> bool:
        """As `Metric.no_answer`."""
        return bool(getattr(self.rule, "no_answer", False))

    def normalise(self, text: str) -> str:
        """The text without space around it: nothing is left of no answer."""
        return text.strip()

    def best(self, prediction: str, golds: Sequence[str]) -> tuple[bool, float]:
        """As `Metric.best`. Raises UsageError for an F1 that is no share."""
        exact = any(self.rule.exact(prediction, gold) for gold in golds)
        f1 = max(float(self.rule.f1(prediction, gold)) for gold in golds)
        if not 0 <= f1 <= 1:
            raise UsageError(f"the metric {self.name} gives an F1 of {f1}", expected="a number from 0 to 1")
        return exact, f1


def as_metric(rule: "Metric | Rule") -> "Metric | Own":
    """A metric given as an object. Raises TypeError where it is none."""
    if isinstance(rule, Metric):
        return rule
    if isinstance(rule, type):
        raise TypeError(f"a metric is an object, not its class: {rule.__name__}()")
    if missing := [name for name in ("exact", "f1") if not callable(getattr(rule, name, None))]:
        wanted = "a metric is a name, or an object with exact(prediction, gold) and f1(prediction, gold)"
        raise TypeError(f"{wanted}; {type(rule).__name__} has no {' and no '.join(missing)}")
    return Own(rule)


def shared(prediction: Sequence[str], gold: Sequence[str]) -> float:
    """F1 over the units as multisets, order ignored. Nothing in common is 0, and so are two empty sequences."""
    if prediction == gold:
        return 1.0 if gold else 0.0
    if set(prediction).isdisjoint(gold):
        return 0.0
    return harmonic_mean((Counter(prediction) & Counter(gold)).total(), len(prediction), len(gold))


def shared_or_both_empty(prediction: Sequence[str], gold: Sequence[str]) -> float:
    """`shared`, but two empty sequences are 1, as in SQuAD 2.0's script."""
    if not prediction or not gold:
        return float(not prediction and not gold)
    return shared(prediction, gold)


def harmonic_mean(same: int, predicted: int, gold: int) -> float:
    """F1 from counts of units: those in common (at least 1), in the prediction, in the gold answer."""
    precision, recall = same / predicted, same / gold
    return 2 * precision * recall / (precision + recall)
