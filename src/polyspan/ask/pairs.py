"""What a call of the pipeline asks: questions, each with its context, in any shape that they may be given."""

from collections.abc import Iterable, Iterator, Mapping
from types import GeneratorType
from typing import Any, NamedTuple

from polyspan.errors import UsageError, shorten

_SHAPES = 'question="…", context="…"; a dict of the two; or a list of such dicts'


class WrongValue(UsageError, ValueError):
    """A call with a value that it cannot have; a ValueError too, which the old pipeline raised."""


class MissingKey(UsageError, KeyError):
    """A dict without its question or its context; a KeyError too, which the old pipeline raised."""


class Pair(NamedTuple):
    """One question on one context."""

    question: str
    context: str


def pairs(*given: Any, **named: Any) -> "list[Pair] | Iterator[Pair]":
    """The pairs that the arguments of a call mean, in order.

    `named` may hold `question` and `context`, each one text or a list: one text beside a list goes with each of
    it. Or all is one argument, also as `data=` or `X=`: a dict, an object with `question_text` and `context_text`,
    or any iterable of these; two texts are a question and its context. A generator, or a data set of torch, gives
    an iterator that reads it when it is asked. Raises WrongValue and MissingKey for everything else, and for an
    empty text.
    """
    if len(given) == 2 and all(isinstance(one, str) for one in given):
        return [_pair(*given)]
    if len(given) == 1:
        return _many(given[0])
    if given:
        return [_one(item) for item in given]
    for name in ("data", "X"):
        if name in named:
            return _many(named[name])
    if {"question", "context"} <= named.keys():
        return _broadcast(named["question"], named["context"])
    raise WrongValue("a question and its context are wanted", found=", ".join(named) or "none", expected=_SHAPES)


def _many(items: Any) -> "list[Pair] | Iterator[Pair]":
    if isinstance(items, GeneratorType) or _is_dataset(items):
        return (_one(item) for item in _in_order(items))
    if isinstance(items, Mapping) or _is_example(items):
        return [_one(items)]
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise WrongValue("this asks nothing", found=shorten(items), expected=_SHAPES)
    return [_one(item) for item in items]


def _broadcast(question: Any, context: Any) -> list[Pair]:
    several = [one for one in (question, context) if isinstance(one, (list, tuple))]
    if not several:
        return [_pair(question, context)]
    if len({len(one) for one in several}) > 1:
        lengths = " and ".join(str(len(one)) for one in several)
        raise WrongValue("questions and contexts are not equally many", found=lengths)
    columns = [one if isinstance(one, (list, tuple)) else [one] * len(several[0]) for one in (question, context)]
    return [_pair(*both) for both in zip(*columns, strict=True)]


def _one(item: Any) -> Pair:
    if isinstance(item, Mapping):
        for name in ("question", "context"):
            if name not in item:
                raise MissingKey(f"a dict without {name!r}", found=shorten(dict(item)), expected=_SHAPES)
        return _pair(item["question"], item["context"])
    if _is_example(item):
        return _pair(item.question_text, item.context_text)
    raise WrongValue("this asks nothing", found=shorten(item), expected=_SHAPES)


def _pair(question: Any, context: Any) -> Pair:
    for name, text in (("question", question), ("context", context)):
        if not isinstance(text, str):
            raise WrongValue(f"the {name} must be a text", found=f"{type(text).__name__}: {shorten(text)}")
        if not text:
            raise WrongValue(f"the {name} is empty")
    return Pair(question, context)


def _is_example(item: Any) -> bool:
    """Whether it is shaped like transformers' SquadExample."""
    return hasattr(item, "question_text") and hasattr(item, "context_text")


def _is_dataset(items: Any) -> bool:
    from torch.utils.data import Dataset

    return isinstance(items, Dataset)


def _in_order(items: Any) -> Iterable[Any]:
    """The items of a data set whose places alone may say where it ends."""
    return items if hasattr(items, "__iter__") else (items[place] for place in range(len(items)))
