"""The language models of a plan: answers to a test by prompts, of readers that nobody trains."""

from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError
from polyspan.lab.plan.content import file_hash
from polyspan.lab.plan.corpora import DataStages
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.recipe.resolve import placed
from polyspan.lab.stage import Stage
from polyspan.model.llm.llm_name import content_of, fixed_name, is_llm
from polyspan.model.llm.prompting import TEMPLATES, templates

_SECONDS = 1.0  # a question, at a guess


class LanguageModelStages:
    """Stages of the readers that are language models, by reader, test and seed."""

    def __init__(self, recipe: Recipe, data: DataStages) -> None:
        self.recipe, self.data = recipe, data
        self._named: dict[str, tuple[str, dict[str, str]]] = {}

    def has(self, label: str) -> bool:
        """Whether a reader is a language model."""
        return is_llm(str(self.recipe.readers[label].model))

    def predict(self, label: str, test: str, seed: int) -> Stage:
        """What a language model answers to a test; the seed draws its examples."""
        reader, path = self.recipe.readers[label], ("readers", label)
        assert reader.llm is not None
        model, content = self._content(str(reader.model), *path, "model")
        options: dict[str, Any] = {"llm": model, "asked": reader.llm.model_dump()}
        if reader.llm.shots:
            options["seed"] = seed
        if self.recipe.tests[test].answers_in is not None:
            message = f"a language model's answers to {test!r} are not brought back to what it was translated from"
            raise self.recipe.fault(message, "tests", test, "answers_in", fix="leave one of the two out")
        needs = {"test": self.data.test(test)} | self.data.stages(reader.data, "data", *path, "data")
        count = self.data.facts("tests", test).questions or 0
        name = f"predict {label} on {test}, seed {seed}"
        content = content | self._templates(reader.llm.templates, *path, "llm", "templates")
        return Stage("predict", name, options, needs, 2.0 + _SECONDS * count, 0.0005 * count, content)

    def refuse(self, label: str) -> None:
        """Raise for a language model where a reader has to have been trained."""
        if self.has(label):
            message = f"{label!r} is a language model: it has no states, checkpoints or probabilities"
            fix = "name a reader that is trained"
            raise self.recipe.fault(
                message, "readers", label, "model", found=str(self.recipe.readers[label].model), fix=fix
            )

    def _content(self, name: str, *path: str) -> tuple[str, dict[str, str]]:
        if name not in self._named:
            try:
                self._named[name] = fixed_name(name), content_of(name)
            except PolyspanError as error:
                raise placed(self.recipe, error, *path) from None
        return self._named[name]

    def _templates(self, file: str | None, *path: str) -> dict[str, str]:
        """The hashes of what a language model is asked."""
        own = {"templates": file_hash(str(TEMPLATES))}
        if file is None:
            return own
        try:
            templates(file)
        except PolyspanError as error:
            raise placed(self.recipe, error, *path) from None
        return own | {file: file_hash(str(Path(file).absolute()))}
