"""The questions that several corpora have: what one maker loses is taken out of all."""

from collections.abc import Sequence
from dataclasses import replace

from polyspan.data.sample import keep_ids
from polyspan.data.schema import Corpus, require_corpora, require_corpus
from polyspan.errors import PolyspanError
from polyspan.make.made import Made, made
from polyspan.make.maker import Maker, Shape


def common(corpus: Corpus, others: Sequence[Corpus], *, seed: int = 0, doing: str = "") -> Made:
    """The corpus' questions whose ids all of `others` have too, such as its translations by several rules.

    A question that one of them has lost, or keeps without an answer as the paper's released files do, is left
    out; the card counts how many each has. Nothing is drawn: `seed` changes nothing. Raises PolyspanError where
    no question is left.
    """
    require_corpus(corpus, "make.common")
    require_corpora(others, "make.common")
    known = [_answered(other) for other in (corpus, *others)]
    both = set.intersection(*known)
    kept = keep_ids(corpus, both)
    if not len(kept):
        names = " and ".join(other.name for other in others)
        raise PolyspanError(
            f"no question of {corpus.name} has an id that all of the others have",
            found=names,
            expected="parallel corpora, such as xquad:zh and xquad:en",
        )
    name = f"make:common({corpus.name}, others={'+'.join(other.name for other in others)})"
    counts = {"questions_of_others": {other.name: len(ids) for other, ids in zip(others, known[1:], strict=True)}}
    said = f"those of {len(corpus):,} that {len(others):,} other corpora have too"
    options = {"others": [other.name for other in others], "seed": seed}
    return made(replace(kept, name=name, source=""), corpus, "common", options, counts, said=said)


def _answered(corpus: Corpus) -> set[str]:
    """The ids of questions that can be answered, or are said to have no answer."""
    questions = (question for _, question in corpus.questions())
    return {one.id for one in questions if one.impossible or any(answer.text for answer in one.answers)}


def _fewest(before: Shape, others: Sequence[Shape], **options: object) -> Shape:
    sizes = [size for size in (before.questions, *(one.questions for one in others)) if size is not None]
    return replace(before, questions=min(sizes, default=None))


COMMON = Maker(
    "common",
    common,
    "make:common(mini:en/test, others=mini:ko/test+mini:fr/test)",
    corpora=("others",),
    lists=("others",),
    shape=_fewest,
)
