"""The probabilities of given answers: read from a file, and measured against what the answers scored."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from polyspan.errors import PolyspanError, shorten
from polyspan.score import Scores
from polyspan.score.by_question import check_numbers, is_nbest, read_object
from polyspan.stats.confidence import confidence
from polyspan.stats.resampling import DRAWS

_EXPECTED = 'one JSON object {"question id": probability, …}, or what predict --nbest writes'


def read_probabilities(
    path: str | os.PathLike[str], predictions: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Read the probability of each given answer, {id: number}; of n-best answers it is the first one's.

    Raises PolyspanError if the file cannot be read or is no such JSON, and where the first of the n-best answers
    is another than the prediction.
    """
    values, where = read_object(path, "probabilities", _EXPECTED), str(path)
    if not isinstance(values, Mapping):
        return _checked(values, where=where)
    first = {name: value[0] for name, value in values.items() if is_nbest(value)}
    given = predictions or {}
    if other := [name for name in first if name in given and first[name]["text"] != given[name]]:
        raise PolyspanError(
            f"the first of the n-best answers is not the prediction to {len(other)} of {len(first)} questions",
            where=where,
            found=f"{other[0]!r}: {shorten(first[other[0]]['text'])}, predicted {shorten(given[other[0]])}",
            fix="take both from one run: predict --out FILE --nbest FILE",
        )
    probabilities = {name: candidate.get("probability") for name, candidate in first.items()}
    return _checked({**values, **probabilities}, where=where)


def confidence_of(
    scores: Scores,
    probabilities: Mapping[str, float],
    *,
    language: str | None = None,
    of: Mapping[str, str] | None = None,
    draws: int = DRAWS,
    seed: int = 42,
) -> dict[str, Any]:
    """`stats.confidence.confidence` of scored answers, right where they match exactly, and the language.

    `probabilities` (question id to number) are those of the given answers; `of` gives each question's unit
    (`units(corpus, "paragraph")`). Raises PolyspanError where they lack a scored question, or one is no number
    from 0 to 1.
    """
    ids, table = scores.table
    p = _checked(probabilities, ids)
    found = confidence(
        [p[name] for name in ids],
        table[:, 0],
        of=None if of is None else [of[name] for name in ids],
        draws=draws,
        seed=seed,
    )
    return {**found, "language": language}


def _checked(values: object, ids: Collection[str] | None = None, where: str = "") -> dict[str, float]:
    fix = "a probability is that of the given answer, as in predict --nbest; null odds are another file"
    return check_numbers(values, ids, "probabilities", bounds=(0, 1), where=where, fix=fix)
