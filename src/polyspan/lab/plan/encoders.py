"""The encoders of a plan: named ones, those that the recipe makes, and whether windows and layers fit them."""

from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError
from polyspan.lab.plan.content import file_hash, model_content, pinned_model
from polyspan.lab.plan.corpora import DataStages
from polyspan.lab.plan.encoder_facts import QANET, ModelFacts, model_facts
from polyspan.lab.recipe.recipe import Encoder, Recipe
from polyspan.lab.recipe.resolve import placed, require
from polyspan.lab.stage import Stage

_SECONDS = 20.0  # of making one


class EncoderStages:
    """Encoder stages by label, and what is known of each encoder."""

    def __init__(self, recipe: Recipe, data: DataStages) -> None:
        self.recipe, self.data = recipe, data
        self._stages: dict[str, Stage] = {}
        self._known: dict[str, ModelFacts] = {}
        self._open: list[str] = []
        self._named: dict[str, tuple[str, dict[str, str]]] = {}

    def facts(self, name: str, *path: str) -> ModelFacts:
        """Facts of a model's name or label; `path` is where the recipe names it."""
        if name not in self._known:
            self._known[name] = self._facts(name, *path)
        return self._known[name]

    def start(self, name: str, *path: str) -> tuple[dict[str, Any], dict[str, Stage], dict[str, str]]:
        """How a stage is to be told what it starts from: the option `model` with its content, or the need."""
        self.facts(name, *path)
        if name in self.recipe.encoders:
            return {}, {"model": self.stage(name, *path)}, {}
        if name not in self._named:
            self._named[name] = pinned_model(name), model_content(name)
        model, content = self._named[name]
        return {"model": model}, {}, content

    def stage(self, label: str, *path: str) -> Stage:
        """The stage that makes an encoder. Raises for encoders made of each other in a circle."""
        if label in self._open:
            chain = " → ".join([*self._open, label])
            raise self.recipe.fault("encoders are made of each other in a circle", *path, found=chain)
        if label not in self._stages:
            self._open.append(label)
            try:
                self._stages[label] = self._made(label, self.recipe.encoders[label])
            finally:
                self._open.pop()
        return self._stages[label]

    def _facts(self, name: str, *path: str) -> ModelFacts:
        encoder = self.recipe.encoders.get(name)
        if encoder is None:
            try:
                return model_facts(name)
            except PolyspanError as error:
                raise placed(self.recipe, error, *path) from None
        if encoder.how == "vectors":
            fix = "name an encoder that `graft`, `qanet` or `trim` makes"
            raise self.recipe.fault(f"{name!r} is word vectors, not an encoder", *path, fix=fix)
        if encoder.how == "qanet":
            return QANET
        self.stage(name, *path)  # raises where the chain is a circle
        return self.facts(self._base(name, encoder), "encoders", name, "model")

    def _base(self, label: str, encoder: Encoder) -> str:
        if encoder.model is None:
            raise self.recipe.fault(
                f"{encoder.how} needs a model to start from", "encoders", label, fix="add `model`"
            )
        return encoder.model

    def _made(self, label: str, encoder: Encoder) -> Stage:
        path = ("encoders", label)
        options: dict[str, Any] = {"how": encoder.how, **encoder.options}
        needs = self.data.stages(encoder.data, "data", *path, "data")
        if not needs and encoder.how in ("qanet", "vectors"):
            raise self.recipe.fault(f"{encoder.how} needs corpora", *path, fix="add `data`")
        content: dict[str, str] = {}
        megabytes = 30.0
        if encoder.how in ("graft", "trim"):
            base = self._base(label, encoder)
            megabytes = 100.0
            given, start, content = self.start(base, *path, "model")
            options |= given
            needs |= start
            if not start:
                megabytes = self.facts(base, *path, "model").megabytes
        if encoder.how == "trim":
            if not encoder.data and not encoder.languages:
                raise self.recipe.fault(
                    "nothing says which pieces to keep", *path, fix="add `data` or `languages`"
                )
            options["languages"] = encoder.languages
        else:
            options["seed"] = encoder.seed
        if encoder.how in ("graft", "qanet") and encoder.vectors is not None:
            vectors, more, hashes = self._vectors(label, encoder.vectors)
            options |= vectors
            needs |= more
            content = content | hashes
        return Stage("encoder", f"encoder {label}", options, needs, _SECONDS, megabytes, content)

    def _vectors(self, label: str, name: str) -> tuple[dict[str, str], dict[str, Stage], dict[str, str]]:
        """Word vectors from a file, or from an encoder stage that makes them: options, needs and content."""
        path = ("encoders", label, "vectors")
        if name in self.recipe.encoders:
            if self.recipe.encoders[name].how != "vectors":
                raise self.recipe.fault(f"{name!r} is no word vectors", *path, fix="an encoder made by `vectors`")
            return {}, {"vectors": self.stage(name, *path)}, {}
        file = Path(name).expanduser().absolute()
        if not file.is_file():
            require(self.recipe, name, self.recipe.encoders, "vectors, neither a file nor an encoder:", *path)
        return {"vectors": str(file)}, {}, {str(file): file_hash(str(file))}
