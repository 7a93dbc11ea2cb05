"""A part of a corpus: a number of questions drawn by a seed."""

import random
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
    kept = set(random.Random(seed).sample(range(len(corpus)), size))
    paragraphs, number = [], 0
    for paragraph in corpus.paragraphs:
        questions = tuple(q for at, q in enumerate(paragraph.questions, number) if at in kept)
        number += len(paragraph.questions)
        if questions:
            paragraphs.append(replace(paragraph, questions=questions))
    return replace(corpus, paragraphs=tuple(paragraphs))
