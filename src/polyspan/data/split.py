"""Splitting a data set by article, so that no text is on both sides."""

import hashlib
from dataclasses import replace

from polyspan.data.schema import Corpus, Paragraph
from polyspan.errors import PolyspanError, UsageError


def split(corpus: Corpus, fraction: float = 0.1, size: int | None = None, seed: int = 0) -> tuple[Corpus, Corpus]:
    """Split into (the rest, the held-out part), the latter with `size` questions or that fraction, or few more.

    Articles (paragraphs of one title, or with one context in common; a paragraph without a title is an article
    by itself) go over whole, in the order of a hash of seed and article: the same on every machine, whatever the
    order of the file. Paragraphs keep the file's order. Raises UsageError for an impossible size, PolyspanError
    where there is only one article.
    """
    if not 0 < fraction < 1 or (size is not None and not 0 < size < len(corpus)):
        found = f"fraction {fraction}" if size is None else f"size {size} of {len(corpus)} questions"
        raise UsageError("a split must leave questions on both sides", found=found, expected="a smaller part")
    target = size if size is not None else max(1, round(fraction * len(corpus)))
    articles = _articles(corpus)
    if len(set(articles)) < 2:
        raise PolyspanError(
            "one article cannot be split",
            where=corpus.source or corpus.name,
            expected="two or more articles, told apart by their title",
        )
    weight: dict[str, int] = {}
    for article, paragraph in zip(articles, corpus.paragraphs, strict=True):
        weight[article] = weight.get(article, 0) + len(paragraph.questions)
    held: set[str] = set()
    count = 0
    for article in sorted(weight, key=lambda name: _rank(name, seed)):
        if count >= target or len(held) == len(weight) - 1:
            break
        held.add(article)
        count += weight[article]
    pairs = list(zip(articles, corpus.paragraphs, strict=True))
    rest = tuple(paragraph for article, paragraph in pairs if article not in held)
    part = tuple(paragraph for article, paragraph in pairs if article in held)
    return replace(corpus, paragraphs=rest), replace(corpus, paragraphs=part)


def _articles(corpus: Corpus) -> list[str]:
    # Titles that share a context are one article; its name is that of the least title, whatever the file's order.
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for paragraph in corpus.paragraphs:
        one, two = sorted((root(_key(paragraph)), root(f"context {paragraph.context}")), reverse=True)
        parent[two] = one
    names: dict[str, str] = {}
    for paragraph in corpus.paragraphs:
        top, key = root(_key(paragraph)), _key(paragraph)
        names[top] = min(names.get(top, key), key)
    return [names[root(_key(paragraph))] for paragraph in corpus.paragraphs]


def _key(paragraph: Paragraph) -> str:
    return f"title {paragraph.title}" if paragraph.title else f"context {paragraph.context}"


def _rank(article: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{article}".encode("utf-8", "surrogatepass")).digest()
