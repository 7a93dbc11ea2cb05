"""What a recipe may say of a reader: its data, its encoder, its settings, and what is done beside training."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from polyspan.lab.recipe.fields import checked, of_training
from polyspan.lab.recipe.part import Count, Dtype, Listed, Many, Part, Seed


class MapEntry(Part):
    """A map between the states of one layer."""

    method: str | Many[str]
    """One of `polyspan.align.METHODS`."""
    layer: int | Many[int]
    kind: Literal["types", "tokens"] = "types"
    most: Count = 10_000
    limit: Count | None = None
    """Paragraphs of either corpus that are encoded."""
    pairs: str | None = None
    """Seeds: identical, none or a dictionary; by default what the method takes."""
    dictionary: str | None = None
    """For P@1, 5 and 10."""
    options: dict[str, Any] = {}
    """Of the method, as in `polyspan align fit --set`."""


class Align(MapEntry):
    """A map from the corpus `source` to `target`, applied while the Reader is trained (A.2.1)."""

    source: str
    target: str


class Shift(MapEntry):
    """A map from each test to the corpus `onto`, applied while the Reader answers: by default what takes the
    difference of their means away (Libovický et al. 2020)."""

    onto: str
    method: str | Many[str] = "mean"
    kind: Literal["types", "tokens"] = "tokens"


class AdversaryEntry(Part):
    """A layer whose states of the source are confused with those of unlabelled target text (A.2.2)."""

    layer: int | Many[int]
    data: Many[str]
    weight: float | Many[float] = 0.1


class Augment(Part):
    """Words switched anew in every epoch, by dictionaries."""

    dictionaries: Many[str]
    rate: float | Many[float] = 0.5


class PromptEntry(Part):
    """How a language model is asked: options of `polyspan predict --model llm:…`. Its examples are drawn from the
    `data` of its reader, by each seed; without `shots` all seeds are one."""

    shots: Annotated[int, Field(ge=0)] = 0
    no_answer: bool = False
    templates: str | None = None
    recover: str = "copied"
    max_tokens: Count = 64
    parallel: Count = 4
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    timeout: Annotated[float, Field(gt=0)] = 60.0
    retries: Annotated[int, Field(ge=0)] = 4
    body: dict[str, Any] = {}


class ReaderEntry(Part):
    """What is trained, on which corpora and how; what is left out is the recipe's.

    With a `model` that is `llm:…` it is not trained but asked, as `llm` says.
    """

    data: Annotated[list[str], Listed] = []
    model: str | Many[str] | None = None
    """A name, a folder, or the label of one of the recipe's `encoders`."""
    start: str | Many[str] | None = None
    """The label of another reader, which this one goes on from, its head too; in place of a `model`."""
    mean_of: str | None = None
    """The label of another reader, the means of whose weights over all its seeds are those of this one."""
    preset: str | Many[str] | None = None
    """A Reader with a preset of its own does not take the recipe's `settings`."""
    settings: Annotated[dict[str, Any], AfterValidator(lambda given: checked(of_training(), given))] = {}
    seeds: Many[Seed] | None = None
    limit: Count | Many[Count] | None = None
    """Questions of each corpus, drawn anew by each seed."""
    weights: list[float] | None = None
    checkpoints: Count = 1
    """Readers kept on the way, evenly spaced, the last being the Reader itself; for `statistics.selection`."""
    dtype: Dtype | None = None
    align: Align | None = None
    shift: Shift | None = None
    adversary: AdversaryEntry | None = None
    augment: Augment | None = None
    llm: PromptEntry | None = None
