"""What is drawn as a whole: questions, paragraphs or articles. Questions of one context are not independent."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from polyspan.errors import PolyspanError, choose
from polyspan.stats.resampling import Floats

if TYPE_CHECKING:
    from polyspan.data.schema import Corpus
    from polyspan.score import Scores

UNITS = ("question", "paragraph", "article")
MEASURES = ("exact_match", "f1")
"""The measures of a question, in the order of `question_table`."""


def units(corpus: "Corpus", by: str) -> dict[str, str]:
    """The unit of each question id: the id itself, the context, or the article's title.

    Raises UsageError for an unknown unit, PolyspanError where articles are asked for and a paragraph has no title.
    """
    choose("unit", by, UNITS)
    found: dict[str, str] = {}
    for paragraph, question in corpus.questions():
        if by == "article" and not paragraph.title:
            raise PolyspanError(
                "a paragraph has no title, so its article is not known",
                where=corpus.source or corpus.name,
                found=f"question {question.id!r}",
                fix="take paragraphs as units",
            )
        keys = {"question": question.id, "paragraph": paragraph.context, "article": paragraph.title}
        found[question.id] = keys[by]
    return found


def question_table(scores: Sequence["Scores"], of: Mapping[str, str] | None = None) -> tuple[list[str], Floats]:
    """The unit of every question, and the scores of several systems on it from 0 to 1.

    The array has shape (questions, systems, 2); the last axis is `MEASURES`. Questions are in the order of
    their ids, so that nothing depends on the order of a file. Raises PolyspanError where the systems did not
    answer the same questions, a score is not a number, or a question's unit is not known.
    """
    ids = scores[0].table[0]
    for other in scores[1:]:
        _same_questions(scores[0], other)
    table = np.stack([one.table[1] for one in scores], axis=1)
    if not np.isfinite(table).all():
        where = ids[int(np.argwhere(~np.isfinite(table))[0][0])]
        raise PolyspanError(f"the score of question {where!r} is not a number", expected="a number from 0 to 1")
    if of is None:
        return ids, table
    if unknown := [name for name in ids if name not in of]:
        raise PolyspanError(
            f"the unit of {len(unknown)} of {len(ids)} questions is not known",
            found=f"no unit for {unknown[0]!r}",
            fix="take the units from the corpus that was scored",
        )
    return [of[name] for name in ids], table


def unit_sums(keys: Sequence[str], table: Floats) -> Floats:
    """Sums over the questions of each unit: (questions, …) to (units, …), units in the order of their keys."""
    number = {key: at for at, key in enumerate(sorted(set(keys)))}
    place = np.fromiter(map(number.__getitem__, keys), np.intp, len(keys))
    columns = table.reshape(len(table), -1).T
    sums = [np.bincount(place, weights=column, minlength=len(number)) for column in columns]
    return np.array(sums, np.float64).T.reshape(len(number), *table.shape[1:])


def _unanswerable() -> str:
    from polyspan.score import METRICS

    return " and ".join(metric.name for metric in METRICS.values() if metric.no_answer)


def _same_questions(one: "Scores", other: "Scores") -> None:
    if one.table[0] == other.table[0]:
        return
    first, second = set(one.questions), set(other.questions)
    alone = sorted(first ^ second)
    raise PolyspanError(
        "the two systems were not scored on the same questions",
        found=f"{len(first - second)} questions only in the first ({len(first)}), "
        f"{len(second - first)} only in the second ({len(second)}), such as {alone[0]!r}",
        expected="the same question ids in both",
        fix=f"score both on the same data; with {_unanswerable()} both need an answer to every question",
    )
