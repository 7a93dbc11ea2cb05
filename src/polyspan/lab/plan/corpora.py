"""The corpora of a plan: which question counts, languages and metrics they have, and the stages that read them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from polyspan.data.languages import primary
from polyspan.errors import PolyspanError
from polyspan.lab.plan import cost
from polyspan.lab.plan.data_facts import DataFacts, drawn_first, facts, resolved
from polyspan.lab.recipe.recipe import Data, Recipe
from polyspan.lab.recipe.resolve import placed, require
from polyspan.lab.stage import ORIGINAL, Stage
from polyspan.score import default_metric, find

_FETCH = 20.0  # seconds of fetching a data set, at a guess


class DataStages:
    """Corpus stages by section (`corpora` or `tests`) and label; what is behind each label is looked up once."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._facts: dict[tuple[str, str], DataFacts] = {}
        self._sizes: dict[tuple[str, str], int | None] = {}
        self._stages: dict[tuple[str, str], Stage] = {}

    def facts(self, section: str, label: str) -> DataFacts:
        """What is known of a corpus as it is used: limited, and in the language that the recipe gives it."""
        key = section, label
        if key not in self._facts:
            given = self._given(section, label)
            try:
                found = facts(given.data, given.language)
            except PolyspanError as error:
                raise placed(self.recipe, error, section, label, "data") from None
            size = self._sizes[key] = self._size(section, label, found)
            self._facts[key] = replace(
                found, questions=cost.questions(found, size), metric=given.metric or found.metric
            )
            if section == "tests":
                self._check_metric(label, self._facts[key])
        return self._facts[key]

    def stage(self, section: str, label: str) -> Stage:
        """The stage that reads or makes a corpus."""
        key = section, label
        if key not in self._stages:
            known = self.facts(section, label)
            options = self._options(section, label, self._sizes[key])
            count = known.questions or 0
            seconds = 1.0 + 0.00005 * count + known.work * count + (_FETCH if known.distant else 0.0)
            name = f"test {label}" if section == "tests" else f"corpus {label}"
            self._stages[key] = Stage(
                "corpus", name, options, {}, seconds, cost.corpus_megabytes(count), known.content
            )
        return self._stages[key]

    def stages(self, labels: Sequence[str], role: str, *path: str) -> dict[str, Stage]:
        """The corpora of a list of labels in the roles `role.0`, `role.1`, …"""
        return {f"{role}.{at}": self.corpus(label, *path) for at, label in enumerate(labels)}

    def corpus(self, label: str, *path: str) -> Stage:
        """The stage of one of the recipe's `corpora`; `path` is where it is asked for."""
        require(self.recipe, label, self.recipe.corpora, "corpus", *path)
        return self.stage("corpora", label)

    def test(self, label: str) -> Stage:
        """The stage of one of the recipe's `tests`."""
        return self.stage("tests", label)

    def asked(self, label: str) -> dict[str, Stage]:
        """A test by its roles in a predict stage: the `test`, and where it is a translation what it is one of."""
        original = self.recipe.tests[label].answers_in
        if original is None:
            return {"test": self.test(label)}
        path = "tests", label, "answers_in"
        require(self.recipe, original, self.recipe.tests, "test", *path)
        if self.recipe.tests[original].answers_in is not None:
            fix = f"name the test that {original} is a translation of"
            raise self.recipe.fault(f"{original!r} is a translation too", *path, found=original, fix=fix)
        return {"test": self.test(label), ORIGINAL: self._whole(original)}

    def _whole(self, label: str) -> Stage:
        """All questions of a test, whatever it is cut to: a translation has others of them."""
        cut = self.test(label)
        if self._sizes["tests", label] is None:
            return cut
        return replace(cut, name=f"test {label}, whole", options=self._options("tests", label, None))

    def _given(self, section: str, label: str) -> Data:
        found: Data = getattr(self.recipe, section)[label]
        return found

    def _options(self, section: str, label: str, size: int | None) -> dict[str, Any]:
        """What a corpus stage is given: all of the data, or `size` questions."""
        given = self._given(section, label)
        data = resolved(given.data)
        if size is not None and (made := drawn_first(data, size, given.seed)):
            data, size = made, None
        options: dict[str, Any] = {"data": data, "language": given.language, "metric": given.metric}
        options |= {"limit": size, "seed": None if size is None else given.seed}
        if section == "tests":
            options["name"] = label
        return options

    def _size(self, section: str, label: str, known: DataFacts) -> int | None:
        """The questions that are drawn; None where all are taken."""
        given = self._given(section, label)
        if given.like is None:
            return given.limit
        chain = [label]
        while (model := self._given(section, chain[-1]).like) is not None:
            path = section, chain[-1], "like"
            require(self.recipe, model, getattr(self.recipe, section), "corpus", *path)
            if model in chain:
                raise self.recipe.fault(
                    "corpora are like each other in a circle", *path, found=" → ".join([*chain, model])
                )
            chain.append(model)
        size = self.facts(section, chain[1]).questions or 1
        scaled = self.recipe.scale.limit if section == "corpora" else self.recipe.scale.test_limit
        whole = facts(self._given(section, chain[-1]).data).questions
        own = known.questions
        if scaled is None or own is None or whole is None or own <= whole:
            return size
        return max(1, round(min(scaled, own) * whole / own))  # cut down, both keep their proportion

    def _check_metric(self, label: str, known: DataFacts) -> None:
        """A test needs a language, and a metric that means something in it."""
        path = ("tests", label)
        if known.language is None and known.metric is None:
            fix = f"add `language` to the test, or --set tests.{label}.language=…"
            raise self.recipe.fault(f"the language of the test {label!r} is not known", *path, fix=fix)
        metric = known.metric or default_metric(known.language)
        try:
            rule = find(metric, known.language)
        except PolyspanError as error:
            raise placed(self.recipe, error, *path, "metric") from None
        tag = known.language
        if tag and not rule.suits(tag):
            raise self.recipe.fault(
                f"the metric of the test {label!r} is one for another language",
                *path,
                "metric",
                found=f"{metric} for {primary(tag)}",
                expected=f"{metric} is for {rule.meant_for}",
                fix=f"metric: {default_metric(tag)}",
            )
