"""From a recipe to the stages of its run: only what something drawn needs, and each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from polyspan.errors import UsageError, nearest
from polyspan.lab.plan.readers import ReaderStages
from polyspan.lab.recipe.recipe import BESIDE_FITS, Probe, Recipe, TableEntry
from polyspan.lab.recipe.resolve import placed, require, resolve
from polyspan.lab.stage import Stage, in_order
from polyspan.probe import KINDS


@dataclass(frozen=True)
class PlannedCell:
    """One run of a reader on a test, under the recipe's labels, and what stands beside its score.

    A language model is not trained, and has no untrained head.
    """

    reader: str
    test: str
    seed: int
    predict: Stage
    train: Stage | None
    baseline: Stage | None
    untrained: Stage | None

    @property
    def corpus(self) -> Stage:
        """The test's corpus."""
        return self.predict.answered


@dataclass(frozen=True)
class PlannedProbe:
    """A probe of one reader over some tests; `scored` are its cells there, for likeness against scores."""

    probe: str
    reader: str
    tests: tuple[str, ...]
    seed: int
    stage: Stage
    scored: tuple[PlannedCell, ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """What a reader answers on a test on its way, at its checkpoint `number`, from 1; the last is the reader."""

    reader: str
    test: str
    seed: int
    number: int
    predict: Stage


@dataclass(frozen=True)
class Plan:
    """What a run makes.

    `recipe` is without sweeps, scale and defaults. `stages` are all that there are, needed ones first; `wanted`
    names those behind each thing drawn. `cells`, `looks` and `checkpoints` are all that is drawn, each once.
    """

    recipe: Recipe
    stages: tuple[Stage, ...]
    cells: tuple[PlannedCell, ...]
    looks: tuple[PlannedProbe, ...]
    wanted: Mapping[str, tuple[Stage, ...]]
    checkpoints: tuple[Checkpoint, ...] = ()

    def of_table(self, name: str) -> list[tuple[str, str, PlannedCell]]:
        """The planned cells of a table as (row, column, cell), under its own labels, seeds in order."""
        table = self.recipe.tables[name]
        by_place: dict[tuple[str, str], list[PlannedCell]] = {}
        for cell in self.cells:
            by_place.setdefault((cell.reader, cell.test), []).append(cell)
        return [
            (row, column, cell)
            for (row, column), place in table.places().items()
            for cell in by_place.get(place, ())
        ]

    def stage(self, name: str) -> Stage:
        """The stage of a name. Raises PolyspanError where there is none, naming the nearest."""
        by_name = {stage.name: stage for stage in self.stages}
        require(self.recipe, name, by_name, "stage", "name")
        return by_name[name]


def plan(recipe: Recipe) -> Plan:
    """The stages of a recipe, with estimates of time and size. No data is read, but that local files are hashed.

    Raises PolyspanError or UsageError, with the place in the recipe, for what cannot be run: unknown labels,
    missing files, circles, metrics of other languages, models that are not there or too short.
    """
    drawing = _Drawing(resolve(recipe))
    wanted = {name: tuple(drawing.draw(name)) for name in recipe.drawn()}
    order = in_order([stage for stages in wanted.values() for stage in stages])
    cells, looks = tuple(drawing.cells.values()), tuple(drawing.looks.values())
    return Plan(drawing.recipe, tuple(order), cells, looks, wanted, tuple(drawing.checkpoints))


class _Drawing:
    """Plans what is drawn, one thing after another; what two of them share is planned once."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.readers = ReaderStages(recipe)
        self.cells: dict[tuple[str, str, int], PlannedCell] = {}
        self.looks: dict[tuple[str, str], PlannedProbe] = {}
        self.checkpoints: list[Checkpoint] = []

    def draw(self, name: str) -> list[Stage]:
        """The stages behind a table, a probe or a statistic."""
        if name in self.recipe.tables:
            return self._table(name, self.recipe.tables[name])
        if name in self.recipe.probes:
            return self._probe(name, self.recipe.probes[name])
        statistics = {"anova": self._anova, "compare": self._compare, "claims": self._claims}
        return (statistics | {"selection": self._selection, "confidence": self._confidence})[name]()

    def _table(self, name: str, table: TableEntry) -> list[Stage]:
        for (row, column), (reader, test) in table.places().items():
            self._require_reader(reader, "tables", name, *(("rows", row) if table.reader is None else ("reader",)))
            self._require_test(test, "tables", name, "columns", column)
        return [
            stage
            for reader, test in table.places().values()
            for seed in self.readers.seeds(reader)
            for stage in _outputs(self._cell(reader, test, seed))
        ]

    def _cell(self, reader: str, test: str, seed: int) -> PlannedCell:
        key = (reader, test, seed)
        if key not in self.cells:
            beside, trained = self.recipe.beside, not self.readers.language_models.has(reader)
            self.cells[key] = PlannedCell(
                *key,
                self.readers.predict(*key),
                self.readers.train(reader, seed) if trained else None,
                self.readers.baseline(test) if "lexical" in beside else None,
                self.readers.untrained(reader, test) if trained and "untrained" in beside else None,
            )
        return self.cells[key]

    def _probe(self, name: str, probe: Probe) -> list[Stage]:
        """A probe looks at the readers of their first seed: a figure shows one run."""
        stages: list[Stage] = []
        for reader, tests in probe.readers.items():
            self._check_probe(name, probe, reader, tests)
            seed = self.readers.seeds(reader)[0]
            if (name, reader) not in self.looks:
                stage = self.readers.probe(name, probe, reader, seed)
                scored = [self._cell(reader, test, seed) for test in tests[1:]] if probe.scatter else []
                self.looks[name, reader] = PlannedProbe(name, reader, tuple(tests), seed, stage, tuple(scored))
            look = self.looks[name, reader]
            stages += [look.stage, *(stage for cell in look.scored for stage in _outputs(cell))]
        return stages

    def _check_probe(self, name: str, probe: Probe, reader: str, tests: Sequence[str]) -> None:
        path = ("probes", name, "readers", reader)
        self._require_reader(reader, *path)
        for test in tests:
            self._require_test(test, *path)
        if len(set(tests)) < max(2, len(tests)):
            expected = "two tests or more, each once"
            raise self.recipe.fault("a probe compares tests", *path, found=", ".join(tests), expected=expected)
        kind = KINDS[probe.kind]
        for option in probe.options():
            if option not in kind.options():
                fix = f"it takes {', '.join(kind.options()) or 'none'}"
                raise self.recipe.fault(f"{probe.kind} has no option {option!r}", "probes", name, option, fix=fix)
        try:
            kind(**probe.options())
        except UsageError as error:
            raise placed(self.recipe, error, "probes", name) from None
        if probe.scatter and not kind.likeness:
            raise self.recipe.fault(
                f"{kind.name} has no likeness to draw against scores", "probes", name, "scatter"
            )

    def _anova(self) -> list[Stage]:
        given, path = self.recipe.statistics.anova, ("statistics", "anova")
        assert given is not None
        require(self.recipe, given.table, self.recipe.tables, "table", *path, "table")
        if given.factors is None and self.recipe.paper is None:
            fix = "name a file with `factors`, or the paper whose factors they are: `paper: hsu2019`"
            raise self.recipe.fault("it is not said which factors are tested", *path, fix=fix)
        if given.factors is not None and not Path(given.factors).expanduser().is_file():
            raise self.recipe.fault("there is no such file", *path, "factors", found=given.factors)
        return self._table(given.table, self.recipe.tables[given.table])

    def _compare(self) -> list[Stage]:
        stages = []
        for at, one in enumerate(self.recipe.statistics.compare):
            path = ("statistics", "compare", str(at))
            for reader in (one.a, one.b):
                self._require_reader(reader, *path)
                for test in one.tests:
                    self._require_test(test, *path, "tests")
                    stages += [self._cell(reader, test, seed).predict for seed in self.readers.seeds(reader)]
        return stages

    def _selection(self) -> list[Stage]:
        given, path = self.recipe.statistics.selection, ("statistics", "selection")
        assert given is not None
        for test in (given.source, *given.tests):
            self._require_test(test, *path, "source" if test == given.source else "tests")
        if given.source in given.tests:
            raise self.recipe.fault("the source is not chosen for itself", *path, "tests", found=given.source)
        for reader in dict.fromkeys(given.readers):
            self._require_reader(reader, *path, "readers")
            count = self.recipe.readers[reader].checkpoints
            if count < 2:
                fix = f"add `checkpoints: 5` to it, or --set readers.{reader}.checkpoints=5"
                raise self.recipe.fault(f"{reader!r} has one checkpoint to choose from", *path, "readers", fix=fix)
            self.checkpoints += [
                Checkpoint(reader, test, seed, number, self.readers.predict(reader, test, seed, number))
                for test in dict.fromkeys((given.source, *given.tests))
                for seed in self.readers.seeds(reader)
                for number in range(1, count + 1)
            ]
            for test in (given.source, *given.tests):  # the last ones are in the matrix too
                for seed in self.readers.seeds(reader):
                    self._cell(reader, test, seed)
        return [checkpoint.predict for checkpoint in self.checkpoints]

    def _confidence(self) -> list[Stage]:
        """The answers to all tests that are fitted on and tried on, which the matrix has too."""
        given, path = self.recipe.statistics.confidence, ("statistics", "confidence")
        assert given is not None
        for reader in given.readers:
            self._require_reader(reader, *path, "readers")
        for test in given.tests:
            self._require_test(test, *path, "tests")
        for label, tests in given.fit.items():
            for test in tests:
                self._require_test(test, *path, "fit", label)
                if test in given.tests:
                    message = "a threshold is not tried on what it was fitted on"
                    raise self.recipe.fault(message, *path, "fit", label, found=test)
            if label in BESIDE_FITS:
                found = f"{label}, which the report has beside every fit"
                raise self.recipe.fault("a fit needs another name", *path, "fit", label, found=found)
        if given.accuracy is not None and given.coverage is not None:
            fix = "keep one of them; without both it is the best F1"
            raise self.recipe.fault("a threshold has one goal", *path, found="accuracy and coverage", fix=fix)
        return [
            self._cell(reader, test, seed).predict
            for reader in dict.fromkeys(given.readers)
            for test in given.needs()
            for seed in self.readers.seeds(reader)
        ]

    def _claims(self) -> list[Stage]:
        """Claims are judged on tables, and on probes whose likeness is set against scores."""
        given, recipe = self.recipe.statistics.claims, self.recipe
        assert given is not None
        if recipe.paper is None:
            fix = "add `paper: hsu2019` to the recipe, or leave the claims out"
            raise recipe.fault(
                "claims are those of a paper, and the recipe names none", "statistics", "claims", fix=fix
            )
        known = [*recipe.tables, *(name for name, probe in recipe.probes.items() if probe.scatter)]
        for name in given.of or ():
            if name not in known:
                fix = nearest(name, known)
                raise recipe.fault(f"no claim is judged on {name!r}", "statistics", "claims", "of", fix=fix)
        return [stage for name in (known if given.of is None else given.of) for stage in self.draw(name)]

    def _require_reader(self, label: str, *path: str) -> None:
        require(self.recipe, label, self.recipe.readers, "reader", *path)

    def _require_test(self, label: str, *path: str) -> None:
        require(self.recipe, label, self.recipe.tests, "test", *path)


def _outputs(cell: PlannedCell) -> list[Stage]:
    return [stage for stage in (cell.predict, cell.baseline, cell.untrained) if stage is not None]
