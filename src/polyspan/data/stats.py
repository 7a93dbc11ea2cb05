"""Counting what a data set holds."""

import statistics
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from polyspan.data.schema import Answer, Corpus


def stats(corpus: Corpus) -> dict[str, Any]:
    """Counts of a corpus as plain numbers. Lengths are in characters (code points): mean, median and maximum.

    `articles` counts titles (a paragraph without one is an article by itself), `duplicate_contexts` paragraphs
    whose context came before, `duplicate_ids` questions whose id did, `misplaced` answers that are not where they
    say; `fingerprint` is the SHA-256 of the content.
    """
    paragraphs, questions = corpus.paragraphs, len(corpus)
    answers = sum(len(question.answers) for _, question in corpus.questions())
    titles = {paragraph.title for paragraph in paragraphs if paragraph.title}
    return {
        "name": corpus.name,
        "language": corpus.language,
        "metric": corpus.metric,
        "articles": len(titles) + sum(not paragraph.title for paragraph in paragraphs),
        "paragraphs": len(paragraphs),
        "questions": questions,
        "answers": answers,
        "answers_per_question": round(answers / questions, 3) if questions else 0.0,
        "impossible": sum(question.impossible for _, question in corpus.questions()),
        "context_length": _lengths(paragraph.context for paragraph in paragraphs),
        "question_length": _lengths(question.text for _, question in corpus.questions()),
        "answer_length": _lengths(answer.text for _, answer in _answers(corpus)),
        "misplaced": sum(context[max(0, a.start) : max(0, a.end)] != a.text for context, a in _answers(corpus)),
        "duplicate_contexts": len(paragraphs) - len({paragraph.context for paragraph in paragraphs}),
        "duplicate_ids": questions - len({question.id for _, question in corpus.questions()}),
        "fingerprint": corpus.fingerprint(),
    }


def _answers(corpus: Corpus) -> Iterator[tuple[str, Answer]]:
    """Every answer with its context."""
    return ((paragraph.context, a) for paragraph, question in corpus.questions() for a in question.answers)


def _lengths(texts: Iterable[str]) -> dict[str, float]:
    lengths = array("L", map(len, texts))
    if not lengths:
        return {"mean": 0.0, "median": 0.0, "max": 0}
    return {
        "mean": round(statistics.fmean(lengths), 1),
        "median": float(statistics.median(lengths)),
        "max": max(lengths),
    }
