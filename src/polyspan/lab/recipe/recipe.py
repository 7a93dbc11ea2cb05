"""What a recipe may say: corpora, tests, readers, tables, probes and statistics, and which of them to draw.

A recipe names everything once, under labels; only what is drawn, and what that needs, is ever run. A list where
one value stands in a reader (`layer: [8, 11]`) is a sweep: a reader for each value, its label with `-8`, `-11`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, StringConstraints, create_model

from polyspan.errors import PolyspanError, UsageError, nearest
from polyspan.lab.recipe.fields import ENCODERS, Fields, checked, of_aligner, of_encoder, of_training, takes_lists
from polyspan.lab.recipe.part import Count, Dtype, Label, Language, Listed, Many, Part, Seed, Share, Text, one_of
from polyspan.lab.recipe.reader_entry import MapEntry, ReaderEntry
from polyspan.probe import KINDS

STATISTICS = ("anova", "compare", "selection", "confidence", "claims")
"""What can be drawn beside tables and probes."""
BESIDE_FITS = ("uncalibrated", "pooled")
"""What a report of confidence has beside the recipe's own fits: none, and one on all that these were fitted on."""

Places = Mapping[tuple[str, ...], str]
"""Path of a value in a recipe → where it was written: `paper.yaml:12`, or `--set scale.limit=100`."""


class Data(Part):
    """A corpus: a file or a name, as everywhere in polyspan, and how much of it."""

    data: str
    """A file, a pattern of files, or a name such as `squad:dev`, `hub:…` or `make:permute(squad:dev, seed=1)`."""
    language: Language | None = None
    """A tag (BCP 47) such as `zh-Hant`."""
    metric: str | None = None
    """Of tests; by default the one of the data set's authors, or of its language."""
    limit: Count | None = None
    """Questions, drawn by `seed`, the same for every Reader."""
    like: str | None = None
    """As many questions as the corpus of this label."""
    seed: Seed = 42
    answers_in: str | None = None
    """Of tests: that of which this is a translation. Answers are brought back to its texts and scored there."""


class Encoder(Part):
    """An encoder, or word vectors, made for the recipe: `graft`, `qanet`, `trim`, `vectors`."""

    how: Annotated[str, AfterValidator(lambda how: one_of(ENCODERS, how))]
    data: list[str] = []
    model: str | None = None
    """What `graft` and `trim` start from: a name, a folder or another encoder's label."""
    vectors: str | None = None
    """For `graft` and `qanet`: a .vec file, or the label of an encoder made by `vectors`."""
    languages: list[Language] = []
    """Whose pieces `trim` keeps."""
    seed: Seed = 0
    options: dict[str, Any] = {}
    """Of `polyspan graft`, `qanet` or `vectors`."""


class TableEntry(Part):
    """Readers on tests, or one `reader` on questions by texts, both tests that are parallel (G-XLT).

    `rows` and `columns`: the table's own labels, and the reader or test of each.
    """

    rows: Annotated[dict[str, str], BeforeValidator(lambda value: _named(value))]
    columns: Annotated[dict[str, str], BeforeValidator(lambda value: _named(value))]
    reader: str | None = None
    """With it the rows are tests too: their questions are asked of the columns' texts."""
    show: Literal["scores", "examples"] = "scores"

    def places(self) -> dict[tuple[str, str], tuple[str, str]]:
        """The reader and the test of each row and column."""
        return {
            (row, column): (of_row, test) if self.reader is None else (self.reader, paired(of_row, test))
            for row, of_row in self.rows.items()
            for column, test in self.columns.items()
        }


def paired(asked: str, read: str) -> str:
    """The label of a test that asks the questions of one test of the texts of another."""
    return read if asked == read else f"{asked} on {read}"


class Probe(Part):
    """Hidden states of Readers, each over some tests; the first test is in the Reader's own language.

    In a recipe the options of its kind stand beside these.
    """

    kind: Annotated[str, AfterValidator(lambda kind: one_of(KINDS, kind))]
    """One of `polyspan.probe.KINDS`."""
    readers: dict[str, Many[str]]
    before: bool = False
    """Also as it was before fine-tuning; a reader with a `start` as that one left it."""
    scatter: bool = False
    """Draw likeness against the Reader's scores on these tests (Fig. 2 and 3)."""
    layers: Many[int] | None = None
    limit: Count | None = None
    seed: Seed = 0

    def options(self) -> dict[str, Any]:
        """The options of kinds of probe that it gives."""
        given = {name: getattr(self, name) for name in _probe_options()}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items()
            if value is not None
        }


def _probe_options() -> dict[str, Any]:
    """The options of all kinds of probe as fields: a value alone stands for a list of one."""
    known = {name: kind for probe in KINDS.values() for name, kind in probe.options().items()}
    return {name: (Annotated[kind, Listed] if takes_lists(kind) else kind) | None for name, kind in known.items()}


if TYPE_CHECKING:
    _ProbeEntry = Probe
else:
    _ProbeEntry = create_model(
        "_ProbeEntry", __base__=Probe, **{name: (kind, None) for name, kind in _probe_options().items()}
    )


class AnovaEntry(Part):
    """Which factors move the scores of a table (§2.3.2)."""

    table: str
    factors: str | None = None
    """A YAML file; by default the three of the recipe's paper."""
    draws: Count = 10_000


class ComparisonEntry(Part):
    """Two readers on tests: the difference B - A, its interval and p."""

    a: str
    b: str
    tests: Many[str]
    draws: Count = 10_000


class Selection(Part):
    """Readers with several checkpoints on tests: the last one, the best on `source`, the best on the test."""

    readers: Many[str]
    source: str
    """The test that stands for the development set of the source language."""
    tests: Many[str]


class ConfidenceEntry(Part):
    """How sure readers are, and what a temperature and a threshold that were fitted on one language do in others.

    The threshold is the one of the best F1, or else the one that keeps an `accuracy` or a `coverage`.
    """

    readers: Many[str]
    fit: Annotated[dict[Label, Many[str]], BeforeValidator(lambda value: _named(value)), Field(min_length=1)]
    """Label → the tests, development sets, that are fitted on."""
    tests: Many[str]
    """What the fits are tried on."""
    accuracy: Share | None = None
    coverage: Share | None = None

    def needs(self) -> list[str]:
        """The tests that are fitted on, and those that are tried on."""
        return list(dict.fromkeys([*(test for some in self.fit.values() for test in some), *self.tests]))


class Claims(Part):
    """The claims of the recipe's paper on these tables and probes; on all that the recipe has by default."""

    of: list[str] | None = None
    draws: Count = 1000


class Statistics(Part):
    """What is computed from the scores."""

    anova: AnovaEntry | None = None
    compare: list[ComparisonEntry] = []
    selection: Selection | None = None
    confidence: ConfidenceEntry | None = None
    claims: Claims | None = None


class ScaleEntry(Part):
    """A recipe made small without editing it: what is given here takes the place of all that it names.
    QANet keeps its preset and settings, but for the epochs: those of other encoders mean nothing to it.
    """

    limit: Count | None = None  # questions of a training corpus at most
    test_limit: Count | None = None
    model: str | None = None
    preset: str | None = None
    epochs: Annotated[float, Field(gt=0)] | None = None
    seeds: Many[Seed] | None = None
    settings: Annotated[dict[str, Any], AfterValidator(lambda given: checked(of_training(), given))] = {}


class Recipe(Part):
    """A whole experiment, as one YAML file says it."""

    name: Label
    title: str = ""
    paper: Literal["hsu2019"] | None = None
    """The paper that is repeated: the report has its numbers and claims, and in what the run differs from it."""
    include: list[str] = []  # the files that this one was laid over, relative to it
    variables: dict[Annotated[str, StringConstraints(pattern=r"^\w+$")], Text] = {}
    """Texts that stand for `${NAME}` below, before the environment's; each may have those above it."""
    model: str
    preset: str = "readme"
    settings: Annotated[dict[str, Any], AfterValidator(lambda given: checked(of_training(), given))] = {}
    seeds: Many[Seed] = [42]
    dtype: Dtype = "fp32"  # in what answers are computed, as by `polyspan predict --dtype`
    corpora: dict[Label, Data] = {}
    """To train on, and for text without answers."""
    tests: dict[Label, Data] = {}
    encoders: dict[Label, Encoder] = {}
    readers: dict[Label, ReaderEntry] = {}
    tables: dict[Label, TableEntry] = {}
    probes: dict[Label, _ProbeEntry] = {}
    statistics: Statistics = Statistics()
    beside: list[Literal["lexical", "untrained"]] = ["lexical", "untrained"]
    """What stands beside every score: word overlap, and the encoder before it was trained."""
    draw: Many[str] | None = None
    """Tables, probes and statistics by name; by default all."""
    scale: ScaleEntry = ScaleEntry()

    _places: Places = PrivateAttr(default_factory=dict)

    def where(self, *path: str) -> str:
        """Where a value was written, or the nearest one above it; "" for a recipe that is no file."""
        for end in range(len(path), 0, -1):
            if place := self._places.get(path[:end]):
                return place
        return ""

    def drawable(self) -> tuple[str, ...]:
        """The names that `draw` may hold."""
        given = {name: getattr(self.statistics, name) for name in STATISTICS}
        return (*self.tables, *self.probes, *(name for name, value in given.items() if value))

    def drawn(self) -> tuple[str, ...]:
        """The names that are drawn. Raises PolyspanError for one that is not there, and where there are none."""
        known = self.drawable()
        names = tuple(dict.fromkeys(self.draw or known))
        for name in names:
            if name not in known:
                fix = nearest(name, known) if known else ""
                raise self.fault(f"there is no {name!r} to draw", "draw", fix=fix)
        if not names:
            fix = "name tables, probes or statistics, and what they need"
            raise self.fault("the recipe draws nothing", "name", fix=fix)
        return names

    def fault(self, message: str, *path: str, **parts: str) -> PolyspanError:
        """What to say of the value at a path: a UsageError where `--set` put it there."""
        where = self.where(*path)
        kind = UsageError if where.startswith("--set") else PolyspanError
        return kind(message, where=where, **parts)


def _named(value: Any) -> Any:
    """A label, or a list of them, is a mapping of each to itself."""
    value = [value] if isinstance(value, str) else value
    return {str(label): label for label in value} if isinstance(value, list) else value


def options_of(part: MapEntry | Encoder) -> Fields:
    """The names of the options that an aligner or a maker of encoders takes, with their types."""
    return of_encoder(part.how) if isinstance(part, Encoder) else of_aligner(str(part.method))
