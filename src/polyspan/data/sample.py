"""A part of a corpus: questions drawn by a seed, or those of some numbers or ids."""

import random
from collections.abc import Container
from dataclasses import replace

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError


def sample(corpus: Corpus, size: int, seed: int = 0) -> Corpus:
    """`size` questions drawn without replacement, in file order, with the contexts they need.

    A corpus of at most `size` questions is returned as it is. Raises UsageError for a size below 1.
    """
    if size < 1:
        raise UsageError("the number of questions must be at least 1", found=str(size))
    if len(corpus) <= size:
        return corpus
    return keep_questions(corpus, set(random.Random(seed).sample(range(len(corpus)), size)))


def fewer_impossible(corpus: Corpus, share: float, seed: int = 0) -> Corpus:
    """The corpus with no more than a `share` (0 ≤ share < 1) of its questions unanswerable; the seed draws them.

    The others are kept, so the corpus gets smaller where the share was larger.
    """
    impossible = [number for number, (_, question) in enumerate(corpus.questions()) if question.impossible]
    wanted = int(share / (1 - share) * (len(corpus) - len(impossible)))
    if len(impossible) <= wanted:
        return corpus
    left_out = {*impossible} - {*random.Random(seed).sample(impossible, wanted)}
    return keep_questions(corpus, {*range(len(corpus))} - left_out)


def keep_questions(corpus: Corpus, kept: set[int]) -> Corpus:
    """The questions of these numbers, counted in file order from 0, with the contexts they need."""
    paragraphs, number = [], 0
    for paragraph in corpus.paragraphs:
        questions = tuple(q for at, q in enumerate(paragraph.questions, number) if at in kept)
        number += len(paragraph.questions)
        if questions:
            paragraphs.append(replace(paragraph, questions=questions))
    return replace(corpus, paragraphs=tuple(paragraphs))


def keep_ids(corpus: Corpus, ids: Container[str]) -> Corpus:
    """The questions of these ids, with the contexts they need."""
    paragraphs = (
        replace(paragraph, questions=tuple(question for question in paragraph.questions if question.id in ids))
        for paragraph in corpus.paragraphs
    )
    return replace(corpus, paragraphs=tuple(paragraph for paragraph in paragraphs if paragraph.questions))
