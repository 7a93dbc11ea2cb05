"""Official scoring rules, one a file, under names that never change their meaning. Nothing here needs torch.

Gives: `baseline`, `by_id`, `by_question`, `harness`, `no_answer`, `registry`. Its own: `cmrc`, `drcd`, `hsu`,
`korquad`, `metric`, `mlqa`, `predictions`, `scores`, `squad`.
"""

import sys
from types import ModuleType
from typing import Any

from polyspan.score.by_id import QuestionScore
from polyspan.score.metric import Metric, Rule
from polyspan.score.predictions import read_predictions
from polyspan.score.registry import METRICS, default_metric, find
from polyspan.score.scores import Scores, score

__all__ = [
    "METRICS",
    "Metric",
    "QuestionScore",
    "Rule",
    "Scores",
    "default_metric",
    "find",
    "read_predictions",
    "score",
]


class _Callable(ModuleType):
    """Lets `polyspan.score(…)` be the function, while `polyspan.score.score` stays where it is."""

    def __call__(self, *arguments: Any, **options: Any) -> Scores:
        return score(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
