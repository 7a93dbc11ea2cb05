"""The readers of a plan: maps, trainings, answers, baselines and probes, each stage made once."""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from polyspan.data import mini
from polyspan.errors import PolyspanError
from polyspan.lab.outputs import START
from polyspan.lab.plan import cost
from polyspan.lab.plan.content import file_hash
from polyspan.lab.plan.corpora import DataStages
from polyspan.lab.plan.data_facts import DataFacts
from polyspan.lab.plan.encoder_facts import ModelFacts
from polyspan.lab.plan.encoders import EncoderStages
from polyspan.lab.plan.language_models import LanguageModelStages
from polyspan.lab.recipe.reader_entry import Align, MapEntry, ReaderEntry, Shift
from polyspan.lab.recipe.recipe import Probe, Recipe
from polyspan.lab.recipe.resolve import choice, origin, placed
from polyspan.lab.stage import Stage
from polyspan.model.encoders.model_name import model_folder, repository
from polyspan.model.windows.windows import WindowOptions
from polyspan.training.settings import PRESETS, TrainSettings, as_options
from polyspan.training.settings import preset as preset_named

_GAME = 1.35  # an adversary reads target text beside every batch
_QUESTIONS = 5  # on one context, which a map reads once
_ADAPTER = 10.0  # megabytes, of a common rank
_MOST_WINDOWS = 5  # of one question: contexts of a thousand characters


class ReaderStages:
    """Stages by reader, test and seed. What a reader cannot be trained with is found when it is first needed."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.data = DataStages(recipe)
        self.encoders = EncoderStages(recipe, self.data)
        self.language_models = LanguageModelStages(recipe, self.data)
        self._settings: dict[str, TrainSettings] = {}
        self._written: dict[str, dict[str, Any]] = {}
        self._models: dict[str, ModelFacts] = {}
        self._made: dict[tuple[object, ...], Stage] = {}
        asked = recipe.statistics.confidence  # drawn or not: what is drawn changes no key
        self._sure = frozenset(itertools.product(asked.readers, asked.needs()) if asked else ())

    def seeds(self, label: str) -> Sequence[int]:
        """The seeds that a reader is trained with."""
        return self.recipe.readers[label].seeds or self.recipe.seeds

    def train(self, label: str, seed: int) -> Stage:
        """The training of a reader, or what makes one of all trainings of another."""
        self.language_models.refuse(label)
        key = "train", label, seed
        if key not in self._made:
            mean = self.recipe.readers[label].mean_of
            self._made[key] = self._train(label, seed) if mean is None else self._average(label, mean)
        return self._made[key]

    def predict(self, label: str, test: str, seed: int, checkpoint: int | None = None) -> Stage:
        """A reader's answers to a test, or those of one of its checkpoints, from 1; the last is the reader."""
        last = self.recipe.readers[label].checkpoints
        number = last if checkpoint is None else checkpoint
        key = "predict", label, test, seed, number
        if self.language_models.has(label):
            if (label, test) in self._sure:
                self.language_models.refuse(label)
            if key not in self._made:
                self._made[key] = self.language_models.predict(label, test, seed)
            return self._made[key]
        if key not in self._made:
            needs = {"reader": self.train(label, seed), **self.data.asked(test)}
            model, settings = self._models[label], self._settings[label]
            name = f"predict {label} on {test}, seed {seed}"
            options = self._answering(label)
            if number < last:
                name += f", checkpoint {number} of {last}"
                options["checkpoint"] = number
            seconds, megabytes = self._answers(test, model, settings)
            if (shift := self.recipe.readers[label].shift) is not None:
                needs["map"] = self._shift(label, shift, test, seed)
            if number == last and (label, test) in self._sure:
                self._refuse_carried(label, test)
                options["evidence"] = True
                megabytes *= 3  # numbers at many temperatures
            self._made[key] = Stage("predict", name, options, needs, seconds, megabytes)
        return self._made[key]

    def baseline(self, test: str) -> Stage:
        """What word overlap answers on a test."""
        test = self.recipe.tests[test].answers_in or test
        key = "baseline", test
        if key not in self._made:
            count = self.data.facts("tests", test).questions or 0
            needs = {"test": self.data.test(test)}
            seconds = 0.5 + 0.0005 * count
            self._made[key] = Stage("baseline", f"lexical on {test}", {}, needs, seconds, 0.0004 * count)
        return self._made[key]

    def untrained(self, label: str, test: str) -> Stage:
        """What a reader's encoder answers before it was trained, its head drawn from the first seed; the same for
        all readers that start from one encoder with the same windows."""
        reader, seed = self.recipe.readers[label], self.seeds(label)[0]
        self._prepare(label, reader)
        model = self._model(label)
        given, needs, content = self.encoders.start(model, "readers", label, "model")
        options: dict[str, Any] = {"untrained" if key == "model" else key: value for key, value in given.items()}
        options |= {"windows": self._written[label]["windows"], "seed": seed, **self._answering(label)}
        key = "untrained", model, test, json.dumps(options, sort_keys=True)
        if key not in self._made:
            started = repository(model)[0].rpartition("/")[2]
            same = sum(known[:3] == key[:3] for known in self._made)
            name = f"predict untrained {started} on {test}" + (f", {same + 1}" if same else "")
            costs = self._answers(test, self._models[label], self._settings[label])
            needs |= self.data.asked(test)
            self._made[key] = Stage("predict", name, options, needs, *costs, content)
        return self._made[key]

    def _answering(self, label: str) -> dict[str, Any]:
        """How a reader answers; float32, the default, is not in the key."""
        dtype = self.recipe.readers[label].dtype or self.recipe.dtype
        return {"pack": None} | ({} if dtype == "fp32" else {"dtype": dtype})

    def probe(self, name: str, probe: Probe, label: str, seed: int) -> Stage:
        """A look at a reader's states over some tests."""
        tests = probe.readers[label]
        needs = {f"data.{at}": self.data.test(test) for at, test in enumerate(tests)}
        needs["reader"] = self.train(label, seed)
        options: dict[str, Any] = {"kind": probe.kind, "name": label, "seed": probe.seed}
        options |= {key: value for key in ("layers", "limit") if (value := getattr(probe, key)) is not None}
        options |= probe.options()
        model = self._models[label]
        content: dict[str, str] = {}
        for layer in probe.layers or ():
            self._check_layer(model, layer, "probes", name, "layers")
        if probe.before:
            given, more, content = self._start(label, seed, "probes", name)
            options |= {"before": given["model"]} if given else {}
            needs |= more
        passes = 2 if probe.before else 1
        total = sum(self._test_pieces(test, self._settings[label], probe.limit) for test in tests)
        seconds = cost.predicting(model, total) * passes + 5.0
        return Stage("probe", f"probe {name}, {label}, seed {seed}", options, needs, seconds, 1.0, content)

    def _train(self, label: str, seed: int) -> Stage:
        reader, path = self.recipe.readers[label], ("readers", label)
        needs = self.data.stages(reader.data, "data", *path, "data")
        self._prepare(label, reader)
        model, settings = self._models[label], self._settings[label]
        given, start, content = self._start(label, seed, *path, "model")
        needs |= start
        options: dict[str, Any] = {**given, "settings": self._written[label]}
        options |= {"seed": seed, "limit": reader.limit, "weights": reader.weights}
        if reader.checkpoints > 1:
            options["checkpoints"] = reader.checkpoints
        known = [self.data.facts("corpora", name) for name in reader.data]
        total = sum(cost.epoch(one, cost.questions(one, _one(reader.limit)), settings) for one in known)
        seconds = cost.training(model, settings, total)
        if reader.align is not None:
            needs["map"] = self._map(label, reader.align, model, seed)
        if reader.adversary is not None:
            options["adversary"] = {"layer": reader.adversary.layer, "weight": reader.adversary.weight}
            needs |= self.data.stages(reader.adversary.data, "adversary", *path, "adversary", "data")
            seconds *= _GAME
        if reader.augment is not None:
            words, hashes = self._words(reader.augment.dictionaries, (*path, "augment"), "dictionaries")
            options["augment"] = {"dictionaries": words, "rate": reader.augment.rate}
            content = content | hashes
        kept = _ADAPTER if settings.lora and given else model.megabytes
        megabytes = kept * reader.checkpoints
        return Stage("train", f"train {label}, seed {seed}", options, needs, seconds, megabytes, content)

    def _average(self, label: str, mean: str) -> Stage:
        """The mean of a reader's seeds."""
        self._prepare(label, self.recipe.readers[label])
        runs = [self.train(mean, seed) for seed in self.seeds(mean)]
        needs = {f"reader.{at}": run for at, run in enumerate(runs)}
        megabytes = self._models[label].megabytes
        return Stage("average", f"average {label}", {}, needs, 2.0 * len(runs), megabytes)

    def _model(self, label: str) -> str:
        """The model of a reader, or of the one that it goes on from in the end."""
        return str(origin(self.recipe.readers, label).model)

    def _start(self, label: str, seed: int, *path: str) -> tuple[dict[str, Any], dict[str, Stage], dict[str, str]]:
        """What the training of a reader starts from, as `EncoderStages.start` tells it; another reader is a need.

        That one's training has the same seed, or the only one that it has.
        """
        start = self.recipe.readers[label].start
        if start is None:
            return self.encoders.start(self._model(label), *path)
        seeds = self.seeds(str(start))
        if seed not in seeds and len(seeds) > 1:
            raise self.recipe.fault(
                f"{label!r} has a seed that {start!r}, which it goes on from, has not",
                *("readers", label, "start"),
                found=f"seed {seed}; {start!r} has {', '.join(map(str, seeds))}",
                fix=f"give {start!r} that seed too, or a single one",
            )
        return {}, {START: self.train(str(start), seed if seed in seeds else seeds[0])}, {}

    def _prepare(self, label: str, reader: ReaderEntry) -> None:
        """What holds for all seeds of a reader, looked at once."""
        if label in self._settings:
            return
        path = ("readers", label)
        name = self._model(label)
        model = self.encoders.facts(name, *path, "model")
        settings = self._checked_settings(reader, path)
        longest, wanted = model.longest, settings.windows.max_length
        if longest is not None and wanted > longest:
            place = (*path, "settings", "max_length") if "max_length" in reader.settings else (*path, "preset")
            raise self.recipe.fault(
                f"the model of {label!r} does not take windows so long",
                *place,
                found=f"max_length {wanted}",
                expected=f"{longest} pieces at most ({name})",
            )
        if reader.weights is not None and len(reader.weights) != len(reader.data):
            found = f"{len(reader.weights)} weights for {len(reader.data)} corpora"
            raise self.recipe.fault("one weight a corpus is needed", *path, "weights", found=found)
        if reader.align is not None:
            self._check_layer(model, _one(reader.align.layer) or 0, *path, "align", "layer")
        if reader.adversary is not None:
            self._check_layer(
                model, _one(reader.adversary.layer) or 0, *path, "adversary", "layer", from_zero=True
            )
        if reader.checkpoints > 1 and settings.average > 1:
            raise self.recipe.fault(
                "checkpoints beside weights averaged at the end cannot be compared",
                *(*path, "checkpoints"),
                fix="keep one checkpoint, or average: 1",
            )
        self._check_warmup(label, reader, settings)
        self._models[label], self._settings[label] = model, settings
        self._written[label] = as_options(settings)

    def _checked_settings(self, reader: ReaderEntry, path: tuple[str, ...]) -> TrainSettings:
        preset = str(reader.preset)
        choice(self.recipe, "preset", preset, tuple(PRESETS), *path, "preset")
        changes: Any = {
            key: tuple(value) if isinstance(value, list) else value for key, value in reader.settings.items()
        }
        try:
            return preset_named(preset, **changes)
        except PolyspanError as error:
            raise placed(self.recipe, error, *path, "settings") from None

    def _check_warmup(self, label: str, reader: ReaderEntry, settings: TrainSettings) -> None:
        """A warm-up in steps is as long as a small training; only what is certain is refused."""
        known = [self.data.facts("corpora", name) for name in reader.data]
        windows = _MOST_WINDOWS * sum(cost.questions(one, _one(reader.limit)) for one in known)
        steps = math.ceil(windows / settings.batch_size) * settings.epochs
        if settings.warmup >= 1 and steps <= settings.warmup:
            raise self.recipe.fault(
                f"the warm-up of {label!r} is as long as its training",
                *("readers", label),
                found=f"a warm-up of {settings.warmup:g} steps, {steps:.0f} steps at most in all",
                fix="set `warmup` to a share of the steps, such as 0.1",
            )

    def _map(self, label: str, align: Align, model: ModelFacts, seed: int) -> Stage:
        """The map that a reader is trained with, fitted with its own seed."""
        path = ("readers", label, "align")
        needs = {role: self.data.corpus(getattr(align, role), *path, role) for role in ("source", "target")}
        given, start, content = self._start(label, seed, "readers", label, "model")
        windows = _windows(self.recipe.readers[label])
        own = not windows and (start or model_folder(given["model"]))  # a Reader in a folder has its own
        options = given if own else given | {"windows": asdict(WindowOptions(**windows))}
        sides = [self.data.facts("corpora", name) for name in (align.source, align.target)]
        stage = self._fitted(f"map {label}, seed {seed}", align, path, model, seed, sides)
        return replace(
            stage,
            options={**options, **stage.options},
            needs=needs | start,
            content={**content, **stage.content},
        )

    def _shift(self, label: str, shift: Shift, test: str, seed: int) -> Stage:
        """The map from a test to a corpus that a reader answers with, fitted to its own states."""
        path, reader = ("readers", label, "shift"), self.train(label, seed)
        needs = {"source": self.data.test(test), "target": self.data.corpus(shift.onto, *path, "onto")}
        model = self._models[label]
        self._check_layer(model, _one(shift.layer) or 0, *path, "layer", from_zero=True)
        sides = [self.data.facts("tests", test), self.data.facts("corpora", shift.onto)]
        stage = self._fitted(f"map {label} from {test}, seed {seed}", shift, path, model, seed, sides)
        return replace(stage, needs=needs | {"reader": reader})

    def _fitted(
        self,
        name: str,
        entry: MapEntry,
        path: tuple[str, ...],
        model: ModelFacts,
        seed: int,
        sides: Sequence[DataFacts],
    ) -> Stage:
        """A map stage but for what it needs and whose states it is fitted to."""
        method, label = str(entry.method), path[1]
        options: dict[str, Any] = {"method": method, "layer": entry.layer, "kind": entry.kind}
        options |= {"most": entry.most, "limit": entry.limit, "seed": seed, "options": dict(entry.options)}
        content: dict[str, str] = {}
        for key in ("pairs", "dictionary"):
            value = getattr(entry, key)
            if key == "pairs" and value in ("identical", "none"):
                options[key] = value
            elif value is not None:
                (options[key],), hashes = self._words([value], path, key)
                content = content | hashes
        total = sum(cost.pieces(one, one.questions or 0, self._settings[label]) for one in sides)
        seconds = cost.fitting(model, method, total / _QUESTIONS)
        return Stage("map", name, options, {}, seconds, model.hidden**2 * 4e-6, content)

    def _words(self, given: Sequence[str], path: tuple[str, ...], key: str) -> tuple[list[str], dict[str, str]]:
        """Dictionaries, `mini:ko` or files by their absolute paths, and their hashes."""
        hashes: dict[str, str] = {}
        for name in given:
            if name.startswith("mini:"):
                try:
                    hashes[name] = file_hash(str(mini.dictionary(name.removeprefix("mini:"))))
                except PolyspanError as error:
                    raise placed(self.recipe, error, *path, key) from None
                continue
            file = Path(name).expanduser().absolute()
            if not file.is_file():
                raise self.recipe.fault(
                    "there is no such dictionary", *path, key, found=name, fix="a file, or mini:ko"
                )
            hashes[str(file)] = file_hash(str(file))
        return list(hashes), hashes

    def _refuse_carried(self, label: str, test: str) -> None:
        if self.recipe.readers[label].shift is not None:
            message = f"how sure {label!r} is, whose states are shifted while it answers, is not measured"
            raise self.recipe.fault(message, "readers", label, "shift", fix="leave the reader out there, or this")
        if self.recipe.tests[test].answers_in is not None:
            message = f"answers to {test!r} are brought back to other texts, which have no probabilities"
            raise self.recipe.fault(message, "tests", test, "answers_in", fix="leave the test out there, or this")

    def _check_layer(self, model: ModelFacts, layer: int, *path: str, from_zero: bool = False) -> None:
        last = model.layers
        lowest = 0 if from_zero else -last - 1
        if model.known and not lowest <= layer <= last:
            expected = f"{lowest} to {last}; 0 is the embeddings' output"
            raise self.recipe.fault(f"the encoder has no layer {layer}", *path, expected=expected)

    def _answers(self, test: str, model: ModelFacts, settings: TrainSettings) -> tuple[float, float]:
        """Seconds and megabytes of answering a test."""
        count = self.data.facts("tests", test).questions or 0
        return cost.predicting(model, self._test_pieces(test, settings, None)), 0.0005 * count

    def _test_pieces(self, test: str, settings: TrainSettings, limit: int | None) -> float:
        known = self.data.facts("tests", test)
        return cost.pieces(known, cost.questions(known, limit), settings)


_WINDOWS = frozenset(WindowOptions.__dataclass_fields__)


def _windows(reader: ReaderEntry) -> dict[str, Any]:
    """What a reader's settings say of windows."""
    return {name: value for name, value in sorted(reader.settings.items()) if name in _WINDOWS}


def _one(value: int | list[int] | None) -> int | None:
    """A value that a sweep has been made into; resolved recipes hold no lists."""
    return value[0] if isinstance(value, list) else value
