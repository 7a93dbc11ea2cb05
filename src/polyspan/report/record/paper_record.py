"""What the run of a recipe adds to `report.json`: tables beside the paper's, hypotheses, pictures, sources."""

from pydantic.dataclasses import dataclass

from polyspan.report.notation import mean_and_deviation, stars
from polyspan.report.record.kinds import File, List, Number, Object, Percentage, Share, Text, Whole


@dataclass(frozen=True, slots=True)
class MeasureRecord:
    """One measure of a cell, in percent: mean and sample standard deviation over seeds, and the paper's number.

    `low` and `high` are the mean's 95 % interval with the paragraphs drawn again (`stats.intervals`).
    """

    mean: Percentage | None = None
    sd: Number | None = None
    paper: Percentage | None = None
    low: Percentage | None = None
    high: Percentage | None = None

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's, in points."""
        return None if self.mean is None or self.paper is None else self.mean - self.paper

    @property
    def between(self) -> str:
        """The interval, "52.1–59.0"; "" where there is none."""
        return "" if self.low is None or self.high is None else f"{self.low:.1f}–{self.high:.1f}"

    def __str__(self) -> str:
        return mean_and_deviation(self.mean, self.sd)


@dataclass(frozen=True, slots=True)
class Against:
    """A cell compared with its natural reference, `name`: the cell minus the reference, in points.

    Intervals are 95 % ones. `p` is that of these very models, `p_runs` that of training again. Where the two
    cannot be compared, `why` says so and there are no numbers.
    """

    name: str
    f1: Number | None = None
    low: Number | None = None
    high: Number | None = None
    p: Share | None = None
    p_runs: Share | None = None
    exact_match: Number | None = None
    low_exact_match: Number | None = None
    high_exact_match: Number | None = None
    p_exact_match: Share | None = None
    why: Text = ""

    @property
    def mark(self) -> str:
        """`*` below .05, `**` below .01, `***` below .001 in F1; "" where it is no surprise."""
        return stars(self.p)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One seed of a cell. `record` and `predictions` are files beside the report; `key` is the stage's."""

    seed: Whole | None
    exact_match: Percentage
    f1: Percentage
    stage: Text = ""
    key: Text = ""
    record: File = ""
    predictions: File = ""


@dataclass(frozen=True, slots=True)
class PaperCell:
    """One place of a table: which Reader and test fill it, our numbers and the paper's, and how it is made alone.

    `missing` says why there are no numbers.
    """

    row: str
    column: str
    train: Text = ""
    test: Text = ""
    metric: Text = ""
    n: Whole | None = None
    exact_match: MeasureRecord = MeasureRecord()
    f1: MeasureRecord = MeasureRecord()
    baseline_f1: Percentage | None = None
    untrained_f1: Percentage | None = None
    against: Against | None = None
    runs: List[RunRecord] = ()
    commands: List[str] = ()
    missing: Text = ""


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One of the paper's tables, or one of the recipe's own: its lines in order, and the planned cells."""

    name: str
    title: str
    text: Text = ""
    rows: List[str] = ()
    columns: List[str] = ()
    cells: List[PaperCell] = ()
    pairs: List[Object] = ()
    """Predicted and gold answers, for a table of examples."""
    paper: Text = ""
    """The paper that its recipe names: what is printed there may be said of its rows."""

    def cell(self, row: str, column: str) -> PaperCell | None:
        """The cell at a place; None where the recipe has none there."""
        return next((cell for cell in self.cells if (cell.row, cell.column) == (row, column)), None)

    @property
    def printed(self) -> bool:
        """Whether any of its numbers is in the paper."""
        return any(cell.f1.paper is not None for cell in self.cells)

    @property
    def bounded(self) -> bool:
        """Whether any of its numbers has an interval."""
        return any(cell.f1.between for cell in self.cells)

    @property
    def starred(self) -> bool:
        """Whether any of its cells differs from its reference by more than chance."""
        return any(cell.against and cell.against.mark for cell in self.cells)


@dataclass(frozen=True, slots=True)
class HypothesisRecord:
    """A hypothesis of the paper in one measure: our verdict and its words, and that of the paper's own numbers."""

    claim: str
    text: str
    measure: str
    status: str
    words: str
    holds_in: Share | None = None
    paper_status: Text = ""
    checks: List[Object] = ()
    needs: List[str] = ()
    note: Text = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A stage that has no output, and why."""

    stage: str
    why: Text = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure beside the report (`file`, PNG), and what it shows; `others` are the same in other formats.

    `of` is the statistic that it stands with on the page; "" where it stands with the other figures.
    """

    file: File
    title: str
    text: Text = ""
    others: List[File] = ()
    of: Text = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that was used, under its licence. `used` are the corpora of it that the run names."""

    name: str
    title: Text = ""
    licence: Text = ""
    homepage: Text = ""
    citation: Text = ""
    used: List[str] = ()


@dataclass(frozen=True, slots=True)
class CardRecord:
    """How a made corpus came about: `file` is its card beside the report."""

    name: str
    file: File
    maker: Text = ""
    source: Text = ""
    questions: Whole | None = None
    kept: Whole | None = None
    dropped: Whole | None = None
