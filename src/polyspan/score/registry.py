"""The metrics by name, and which one suits a language."""

from polyspan.errors import UsageError, nearest
from polyspan.score import cmrc, drcd, hsu, korquad, mlqa, squad
from polyspan.score.metric import Metric

_RULES = {rule.name: rule for rule in (squad.V1, squad.V2, korquad.V1, drcd.V1, cmrc.V1, hsu.V1)}

METRICS = (*_RULES, mlqa.NAME)

# Japanese has no script of its own. Of the rules that count characters, mlqa.v1 and cmrc.v1 do so for Han alone
# and leave kana in long runs; hsu.v1 may count words on one side; korquad.v1 keeps the marks 、 and 。
_DEFAULTS = {"en": "squad.v1", "zh": "drcd.v1", "ko": "korquad.v1", "ja": "drcd.v1"}


def find(name: str, language: str | None = None) -> Metric:
    """The metric of a name. `mlqa.v1` needs the language of the answers, the others ignore it.

    Raises UsageError for an unknown name, or a language that the metric does not have.
    """
    if name == mlqa.NAME:
        return mlqa.metric(language)
    if name not in _RULES:
        raise UsageError(f"unknown metric {name!r}", fix=nearest(name, METRICS))
    return _RULES[name]


def default_metric(language: str | None) -> str:
    """The name of the metric that fits a language best (ISO 639-1, perhaps with a script or region).

    The rule of the language's own data set in English, Chinese and Korean; characters (`drcd.v1`) in Japanese,
    which is written without spaces; `mlqa.v1` in MLQA's other languages; `squad.v1` elsewhere.
    """
    code = mlqa.primary(language)
    return _DEFAULTS.get(code) or (mlqa.NAME if code in mlqa.LANGUAGES else squad.V1.name)
