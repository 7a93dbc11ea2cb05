"""A metric of one's own: does the answer begin as the gold does?  `python own_metric.py`."""

from collections.abc import Sequence

import polyspan as ps
from polyspan.score import Metric


def common_prefix(prediction: Sequence[str], gold: Sequence[str]) -> float:
    """The share of the gold answer's words that both begin with."""
    same = 0
    for ours, theirs in zip(prediction, gold, strict=False):
        if ours != theirs:
            break
        same += 1
    return same / max(1, len(gold))


PREFIX = Metric("prefix.v1", normalise=str.casefold, units=str.split, overlap=common_prefix)


def main() -> None:
    """Score the lexical baseline by it, beside SQuAD's own rule."""
    corpus = ps.read("mini:en/test")
    answers = ps.lexical_baseline(corpus)
    for metric in (PREFIX, "squad.v1"):
        scores = ps.score(corpus, answers, metric)
        print(f"{scores.metric}: exact match {scores.exact_match:.1f}, F1 {scores.f1:.1f}, {scores.n} questions")


if __name__ == "__main__":
    main()
