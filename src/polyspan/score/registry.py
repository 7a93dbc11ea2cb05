"""The metrics by name, and which one suits a language."""

from collections.abc import Iterable

from polyspan.data.languages import language_tag, primary
from polyspan.errors import UsageError, nearest
from polyspan.records import Records
from polyspan.score.metric import Metric, kind

METRICS: Records[Metric] = Records("polyspan.score", Metric, "polyspan.metrics")


def find(name: str, language: str | None = None) -> Metric:
    """The metric of a name. `mlqa.v1` needs the language of the answers (BCP 47), the others ignore it.

    Raises UsageError for an unknown name, or a language that the metric does not have.
    """
    tag = language_tag(language)
    if name not in METRICS:
        raise UsageError(f"unknown metric {name!r}", fix=nearest(name, METRICS))
    return METRICS[name].rule(tag)


def default_metric(language: str | None) -> str:
    """The name of the metric that fits a language best (BCP 47).

    One that is for the language alone goes before one for all that are written like it: `mlqa.v1` in MLQA's
    languages but English and Chinese, Korean's own rule (`korquad.v1`); characters (`drcd.v1`) where words are
    written without spaces: Chinese, whose own rule it is, Japanese, Thai and others; words (`squad.v1`) elsewhere.
    """
    return _first(language, METRICS.values())


def plain_metric(language: str | None) -> str:
    """As `default_metric`, for data of no authors' own, such as translations: a rule that is the same in all
    languages, and not MLQA's."""
    return _first(language, [metric for metric in METRICS.values() if metric.localise is None])


def _first(language: str | None, metrics: Iterable[Metric]) -> str:
    tag = language_tag(language)
    wanted = primary(tag), kind(tag)
    return next(metric.name for sought in wanted for metric in metrics if sought in metric.default_for)


def with_no_answer(metric: str) -> str:
    """The metric for data with unanswerable questions: SQuAD 2.0's in the place of SQuAD 1.1's, else the same."""
    return "squad.v2" if metric == "squad.v1" else metric
