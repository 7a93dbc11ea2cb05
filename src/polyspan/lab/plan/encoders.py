"""The encoders of a plan: named ones, those that the recipe makes, and whether windows and layers fit them."""

from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError
from polyspan.lab.plan.corpora import DataStages
from polyspan.lab.plan.data_facts import file_hash
from polyspan.lab.plan.encoder_facts import QANET, ModelFacts, model_facts, model_hashes
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

    def facts(self, name: str, *path: str) -> ModelFacts:
        """Facts of a model's name or label; `path` is where the recipe names it."""
        if name not in self._known:
            self._known[name] = self._facts(name, *path)
        return self._known[name]

    def start(self, name: str, *path: str) -> tuple[dict[str, Any], dict[str, Stage]]:
        """How a stage is to be told what it starts from: the option `model`, or the need."""
        self.facts(name, *path)
        if name in self.recipe.encoders:
            return {}, {"model": self.stage(name, *path)}
        hashes = model_hashes(name)
        return {"model": name} | ({"sha256": hashes} if hashes else {}), {}

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
        megabytes = 30.0
        if encoder.how in ("graft", "trim"):
            base = self._base(label, encoder)
            megabytes = 100.0
            if base in self.recipe.encoders:
                needs["model"] = self.stage(base, *path, "model")
            else:
                given, _ = self.start(base, *path, "model")
                options |= {"model": given["model"]} | ({"sha256": given["sha256"]} if "sha256" in given else {})
                megabytes = self.facts(base, *path, "model").megabytes
        if encoder.how == "trim":
            if not needs and not encoder.languages:
                raise self.recipe.fault(
                    "nothing says which pieces to keep", *path, fix="add `data` or `languages`"
                )
            options["languages"] = encoder.languages
        else:
            options["seed"] = encoder.seed
        if encoder.how in ("graft", "qanet") and encoder.vectors is not None:
            self._add_vectors(label, encoder.vectors, options, needs)
        return Stage("encoder", f"encoder {label}", options, needs, _SECONDS, megabytes)

    def _add_vectors(self, label: str, name: str, options: dict[str, Any], needs: dict[str, Stage]) -> None:
        """Word vectors from a file, or from an encoder stage that makes them."""
        path = ("encoders", label, "vectors")
        if name in self.recipe.encoders:
            if self.recipe.encoders[name].how != "vectors":
                raise self.recipe.fault(f"{name!r} is no word vectors", *path, fix="an encoder made by `vectors`")
            needs["vectors"] = self.stage(name, *path)
            return
        file = Path(name).expanduser().absolute()
        if not file.is_file():
            require(self.recipe, name, self.recipe.encoders, "vectors, neither a file nor an encoder:", *path)
        options |= {"vectors": str(file), "sha256": options.get("sha256", {}) | {file.name: file_hash(str(file))}}
