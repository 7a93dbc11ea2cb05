"""Fewer questions, few shots, one side of a split, and several corpora as one."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from polyspan.data.sample import keep_questions
from polyspan.data.sample import sample as draw
from polyspan.data.schema import Corpus, require_corpora, require_corpus
from polyspan.data.split import split
from polyspan.errors import UsageError, choose
from polyspan.make.made import Made, made
from polyspan.make.maker import Maker, Shape

SIDES = ("rest", "held")
"""The sides of a split: to train on, and to test on."""


def sample(
    corpus: Corpus,
    size: int | None = None,
    *,
    like: Corpus | None = None,
    by: str = "question",
    seed: int = 0,
    doing: str = "",
) -> Made:
    """`size` questions of a corpus, or as many as `like` has, in file order with their contexts.

    `by="question"` draws each question by itself; `by="article"` draws whole articles as long as they fit, so
    that no article is torn and the sample may be a little smaller; `by="spread"` takes its questions from as many
    articles as it can, for few-shot sets. Down-sampling to the size of the smallest set is how the paper makes
    training sets of several languages comparable (§3.2). A corpus that is small enough stays whole.
    """
    require_corpus(corpus, "make.sample")
    choose("way to draw", by, ("question", "article", "spread"))
    if not len(corpus):
        raise UsageError(f"there are no questions to draw in {corpus.name}", fix="give a data set with questions")
    if (size is None) == (like is None):
        raise UsageError("one of size and like is needed", fix="--size N, or --like DATA")
    wanted = len(like) if like is not None else int(size or 0)
    if wanted < 1:
        raise UsageError("the number of questions must be at least 1", found=str(wanted))
    if by == "question":
        drawn = draw(corpus, wanted, seed)
    else:
        drawn = keep_questions(corpus, (_articles if by == "article" else _spread)(corpus, wanted, seed))
    if not len(drawn):
        raise UsageError(
            f"no article of {corpus.name} has as few as {wanted} questions", fix="--by question, or a larger size"
        )
    options = {"size": wanted, "like": like.name if like is not None else None, "by": by, "seed": seed}
    named = replace(drawn, name=f"make:sample({corpus.name}, size={wanted}, by={by}, seed={seed})")
    articles = {"articles": len({paragraph.title for paragraph in drawn.paragraphs})}
    counts = articles | {"contexts": len(drawn.paragraphs)}
    said = f"drawn of {len(corpus):,}, from {counts['articles']:,} articles"
    return made(named, corpus, "sample", options, counts, said=said)


def _sampled(before: Shape, size: object, like: Shape | None, **options: Any) -> Shape:
    sizes = [size, before.questions, like.questions if like else None]
    return replace(before, questions=min((one for one in sizes if isinstance(one, int)), default=None))


SAMPLE = Maker("sample", sample, "make:sample(mini:en/train, size=100)", corpora=("like",), shape=_sampled)


def part(
    corpus: Corpus,
    side: str = "rest",
    *,
    fraction: float = 0.1,
    size: int | None = None,
    seed: int = 0,
    doing: str = "",
) -> Made:
    """One side of `split`: the `rest`, to train on, or the articles `held` out, to test on.

    It gives a data set of one published part a training and a test set by name. Corpora with the same titles and
    as many questions of each, such as translations that lost none, are split alike. Raises as `split`.
    """
    require_corpus(corpus, "make.part")
    choose("side", side, SIDES)
    kept = split(corpus, fraction, size, seed)[side == "held"]
    options = {"side": side, "fraction": fraction, "size": size, "seed": seed}
    amount = f"fraction={fraction}" if size is None else f"size={size}"
    named = replace(kept, name=f"make:part({corpus.name}, side={side}, {amount}, seed={seed})")
    articles = {"articles": len({paragraph.title for paragraph in kept.paragraphs})}
    return made(named, corpus, "part", options, articles | {"contexts": len(kept.paragraphs)})


def _parted(before: Shape, side: str, fraction: object, size: object, **options: Any) -> Shape:
    """About how many questions one side of a split has: articles are not torn."""
    choose("side", side, SIDES)
    if not isinstance(fraction, int | float):
        raise UsageError("the fraction of a part is no number", found=str(fraction), expected="fraction=0.3")
    if (whole := before.questions) is None:
        return before
    held = size if isinstance(size, int) else round(whole * fraction)
    return replace(before, questions=max(1, held if side == "held" else whole - held))


PART = Maker("part", part, "make:part(mini:en/train, side=held, fraction=0.3)", whole=True, shape=_parted)


def mix(corpora: Sequence[Corpus], seed: int = 0) -> Made:
    """Several corpora as one, in the order given. Ids that occur twice get the number of their corpus in front.

    The language is that of all of them, or None where they differ.
    """
    require_corpora(corpora, "make.mix")
    if len(corpora) < 2:
        raise UsageError("a mixture needs at least two corpora", found=str(len(corpora)))
    seen: set[str] = set()
    paragraphs, renamed = [], 0
    for number, corpus in enumerate(corpora, 1):
        own = {question.id for _, question in corpus.questions()}
        twice = own & seen
        seen |= own
        renamed += len(twice)
        for paragraph in corpus.paragraphs:
            questions = tuple(
                replace(question, id=f"{number}:{question.id}") if question.id in twice else question
                for question in paragraph.questions
            )
            paragraphs.append(replace(paragraph, questions=questions))
    languages, metrics = ({getattr(c, name) for c in corpora} for name in ("language", "metric"))
    mixed = Corpus(
        tuple(paragraphs),
        f"make:mix({', '.join(corpus.name for corpus in corpora)})",
        languages.pop() if len(languages) == 1 else None,
        metrics.pop() if len(metrics) == 1 else None,
    )
    sizes = {"questions_of": {corpus.name: len(corpus) for corpus in corpora}, "ids_renamed": renamed}
    said = " and ".join(f"{len(corpus):,} of {corpus.name}" for corpus in corpora)
    return made(mixed, mixed, "mix", {"seed": seed}, sizes, said=said)


def _by_article(corpus: Corpus) -> list[list[int]]:
    """The numbers of the questions of each article; a paragraph without a title is an article of its own."""
    articles: dict[str, list[int]] = {}
    number = 0
    for place, paragraph in enumerate(corpus.paragraphs):
        for _ in paragraph.questions:
            articles.setdefault(paragraph.title or f"\0{place}", []).append(number)
            number += 1
    return list(articles.values())


def _articles(corpus: Corpus, wanted: int, seed: int) -> set[int]:
    articles = _by_article(corpus)
    random.Random(seed).shuffle(articles)
    kept: set[int] = set()
    for article in articles:
        if len(kept) + len(article) <= wanted:
            kept.update(article)
    return kept


def _spread(corpus: Corpus, wanted: int, seed: int) -> set[int]:
    generator = random.Random(seed)
    articles = _by_article(corpus)
    for article in articles:
        generator.shuffle(article)
    kept: set[int] = set()
    while len(kept) < min(wanted, len(corpus)):
        generator.shuffle(articles)
        for article in articles:
            if article and len(kept) < wanted:
                kept.add(article.pop())
    return kept
