"""Corpora named by how they are made: `make:permute(mini:en/test, seed=1)`, nested as deep as you like."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.make.made import Made

MAKERS = {
    "backtranslate": "translation.translation",
    "codeswitch": "codeswitching.codeswitching",
    "part": "sampling",
    "permute": "permutation",
    "reorder": "reordering.reordering",
    "sample": "sampling",
    "translate": "translation.translation",
}
"""Makers that a name can call, and their modules."""

_CORPORA = ("like",)  # options that are corpora themselves
_LISTS = ("fields",)  # options with several values, joined by +


@dataclass(frozen=True, slots=True)
class Call:
    """`make:MAKER(data, option=value, …)`, taken apart; values are as they were written."""

    maker: str
    data: str
    options: Mapping[str, str]

    def __str__(self) -> str:
        options = "".join(f", {name}={value}" for name, value in self.options.items())
        return f"make:{self.maker}({self.data}{options})"


def call(name: str) -> Call:
    """A made corpus' name, taken apart; nothing is made.

    Raises UsageError for names that cannot be read, naming the nearest maker or option.
    """
    maker, bracket, rest = name.removeprefix("make:").strip().partition("(")
    if not bracket or not rest.endswith(")"):
        raise UsageError("cannot read the name of a made corpus", found=name, expected="make:MAKER(DATA, seed=1)")
    choose("maker", maker, MAKERS)
    data, *parts = [part.strip() for part in _split(rest[:-1], name)]
    known = list(_signature(maker).parameters)[1:]
    options: dict[str, str] = {}
    for part in parts:
        option, equals, value = (side.strip() for side in part.partition("="))
        if not equals:
            raise UsageError(
                "an option without a value in the name of a made corpus", found=part, expected="seed=1"
            )
        choose(f"option of {maker}", option, [one for one in known if one != "doing"])
        options[option] = value
    try:
        _signature(maker).bind(None, **options)
    except TypeError as error:
        raise UsageError(
            f"make:{maker} cannot be called so", where=name, found=str(error), expected=", ".join(known)
        ) from error
    return Call(maker, data, options)


def build(name: str, read: Callable[[str], Corpus], doing: str = "") -> Made:
    """What a name `make:MAKER(DATA, option=value, …)` means; `read` gives the corpus of DATA, which may be such a
    name itself, and of other data among the options.

    Options are those of the maker in Python. Raises as `call`.
    """
    asked = call(name)
    options: dict[str, Any] = {}
    for option, value in asked.options.items():
        if option in _CORPORA:
            options[option] = read(value)
        else:
            options[option] = value.split("+") if option in _LISTS else _value(value)
    return _maker(asked.maker)(read(asked.data), **options, doing=doing)


def _maker(name: str) -> Callable[..., Made]:
    found: Callable[..., Made] = getattr(import_module(f"polyspan.make.{MAKERS[name]}"), name)
    return found


@lru_cache
def _signature(maker: str) -> inspect.Signature:
    return inspect.signature(_maker(maker))


def _split(text: str, name: str) -> list[str]:
    """At commas that are not in inner brackets."""
    parts, depth, last = [], 0, 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            parts.append(text[last:place])
            last = place + 1
    if depth:
        raise PolyspanError("the brackets in the name of a made corpus do not match", found=name)
    return [*parts, text[last:]]


def _value(text: str) -> Any:
    """A number, true, false, none, or the text itself."""
    for kind in () if text.isalpha() else (int, float):  # nan is Min Nan
        try:
            return kind(text)
        except ValueError:
            continue
    words: dict[str, Any] = {"true": True, "false": False, "none": None}
    return words.get(text.lower(), text)
