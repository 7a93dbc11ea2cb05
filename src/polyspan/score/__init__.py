"""Official scoring rules, one a file, under names that never change their meaning. Nothing here needs torch."""

from polyspan.score.metric import Metric
from polyspan.score.predictions import read_predictions
from polyspan.score.registry import METRICS, default_metric, find
from polyspan.score.scores import QuestionScore, Scores, score

__all__ = [
    "METRICS",
    "Metric",
    "QuestionScore",
    "Scores",
    "default_metric",
    "find",
    "read_predictions",
    "score",
]
