"""Which sentence answers where the question is in other words than the text: its likeness to the question counts.

A Reader that is asked in one language about a text in another still finds a span of the right kind, but more
often in the wrong sentence. The bundled encoder is a retriever of many languages by birth: the cosine of a
sentence and the question says which sentence is about what is asked. Both are evidence of their own, so their log
odds are added, as in a product of experts (Hinton 2002).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from polyspan.ask.library import mind
from polyspan.ask.ranking.terms import terms
from polyspan.ask.sentence import sentence_around
from polyspan.errors import PolyspanError, not_installed

if TYPE_CHECKING:
    from polyspan.model.answers import Candidate

WEIGHT = 35.0
"""What a cosine counts beside log odds: those of E5 differ by some hundredths."""

_KNOWN = 1 / 3  # of a question's terms: those of one language share more with the text, its little words alone
_LEAST = 1e-300  # of a probability, whose logarithm is wanted


def by_likeness(
    asked: Sequence[str], read: Sequence[Sequence[str]], found: "Sequence[Sequence[Sequence[Candidate]]]"
) -> "list[Sequence[Sequence[Candidate]]]":
    """The candidates of each question in each passage, weighed by how like the question their sentences are.

    `read` are the texts that were read for each question, `found` the candidates in each, the given one first. It
    changes nothing for a question of whose terms a third is in one of its texts. That there is no answer stays as
    probable as it was: spans share the rest anew.
    """
    around = {
        number: [_sentences(*each) for each in zip(texts, found[number], strict=True)]
        for number, texts in enumerate(read)
        if _is_foreign(asked[number], texts)
    }
    unclear = {number: parts for number, parts in around.items() if any(len(set(part)) > 1 for part in parts)}
    kept = list(found)
    if not unclear:
        return kept
    known = sorted({sentence for parts in unclear.values() for part in parts for sentence in part})
    try:
        from polyspan.ask.ranking.embeddings import embed  # with torch, only where it is needed

        vectors = dict(zip(known, embed(known, "passage"), strict=True))
        queries = embed([asked[number] for number in unclear], "query")
    except (ModuleNotFoundError, PolyspanError) as error:  # an exported Reader answers without torch
        fault = error if isinstance(error, PolyspanError) else not_installed(error, "their likeness")
        mind(f"sentences are not compared with the question: {fault.brief}")
        return kept
    for (number, parts), query in zip(unclear.items(), queries, strict=True):
        cosines = ([float(vectors[sentence] @ query) for sentence in part] for part in parts)
        kept[number] = [_weighed(*each) for each in zip(found[number], cosines, strict=True)]
    return kept


def _is_foreign(question: str, texts: Sequence[str]) -> bool:
    """Whether few of its terms are in any text; it asks nothing where there is no text."""
    own = set(terms(question))
    return bool(texts) and all(len(own.intersection(terms(text))) < _KNOWN * len(own) for text in texts)


def _sentences(text: str, candidates: "Sequence[Candidate]") -> list[str]:
    """The sentence that each span stands in, in their order."""
    return [sentence_around(text, one.start, one.end).text for one in candidates if one.start < one.end]


def _weighed(candidates: "Sequence[Candidate]", cosines: Sequence[float]) -> "list[Candidate]":
    """The candidates of a passage, the cosine of each span's sentence counted."""
    spans = [one for one in candidates if one.start < one.end]
    if not spans:
        return list(candidates)
    more = [WEIGHT * (cosine - max(cosines)) for cosine in cosines]
    odds = [math.log(max(one.probability, _LEAST)) + gain for one, gain in zip(spans, more, strict=True)]
    weights = [math.exp(one - max(odds)) for one in odds]
    each = sum(one.probability for one in spans) / sum(weights)
    moved = [
        replace(one, score=one.score + gain, probability=each * weight)
        for one, gain, weight in zip(spans, more, weights, strict=True)
    ]
    moved.sort(key=lambda one: -one.score)
    nothing = [one for one in candidates if one.start == one.end]
    return [*nothing, *moved] if candidates[0].start == candidates[0].end else [*moved, *nothing]
