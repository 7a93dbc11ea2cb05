"""The metrics by name, and which one suits a language."""

from polyspan.data.languages import language_tag, primary, spaced
from polyspan.errors import UsageError, nearest
from polyspan.score import cmrc, drcd, hsu, korquad, mlqa, squad
from polyspan.score.metric import Metric

_RULES = {rule.name: rule for rule in (squad.V1, squad.V2, korquad.V1, drcd.V1, cmrc.V1, hsu.V1)}

METRICS = (*_RULES, mlqa.NAME)


def find(name: str, language: str | None = None) -> Metric:
    """The metric of a name. `mlqa.v1` needs the language of the answers (BCP 47), the others ignore it.

    Raises UsageError for an unknown name, or a language that the metric does not have.
    """
    tag = language_tag(language)
    if name == mlqa.NAME:
        return mlqa.metric(tag)
    if name not in _RULES:
        raise UsageError(f"unknown metric {name!r}", fix=nearest(name, METRICS))
    return _RULES[name]


def default_metric(language: str | None) -> str:
    """The name of the metric that fits a language best (BCP 47).

    `mlqa.v1` in MLQA's languages but English and Chinese; `plain_metric` elsewhere.
    """
    code = primary(language_tag(language))
    return mlqa.NAME if code in mlqa.LANGUAGES and code not in ("en", "zh") else plain_metric(language)


def plain_metric(language: str | None) -> str:
    """The name of the metric that fits data of no authors' own, such as translations.

    Characters (`drcd.v1`) where words are written without spaces: Chinese, whose own rule it is, Japanese, Thai,
    Lao, Khmer, Burmese and kin; Korean's own rule (`korquad.v1`); words (`squad.v1`) elsewhere.
    """
    # Of the rules that count characters, mlqa.v1 and cmrc.v1 do so for Han alone and leave kana and Thai in long
    # runs; hsu.v1 may count words on one side; korquad.v1 keeps the marks 、 and 。
    if not spaced(language):
        return drcd.V1.name
    return korquad.V1.name if primary(language_tag(language)) == "ko" else squad.V1.name
