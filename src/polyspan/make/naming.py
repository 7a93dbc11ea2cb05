"""Corpora named by how they are made: `make:permute(mini:en/test, seed=1)`, nested as deep as you like."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.make.made import Made
from polyspan.make.maker import MAKERS


@dataclass(frozen=True, slots=True)
class Call:
    """`make:MAKER(data, option=value, …)`, taken apart; values are as they were written."""

    maker: str
    data: str
    options: Mapping[str, str]

    def __str__(self) -> str:
        options = "".join(f", {name}={value}" for name, value in self.options.items())
        return f"make:{self.maker}({self.data}{options})"

    def values(self, read: Callable[[str], Any]) -> dict[str, Any]:
        """The options as they are in Python; `read` gives what the name of a corpus among them stands for."""
        maker, values = MAKERS[self.maker], dict[str, Any]()
        known = inspect.signature(maker.make).parameters
        for option, value in self.options.items():
            if option in maker.corpora:
                values[option] = [*map(read, value.split("+"))] if option in maker.lists else read(value)
            else:
                text = option in known and known[option].annotation is str  # `none` is a word there
                values[option] = value.split("+") if option in maker.lists else value if text else _value(value)
        return values


def call(name: str) -> Call:
    """A made corpus' name, taken apart; nothing is made.

    Raises UsageError for names that cannot be read, naming the nearest maker or option.
    """
    maker, bracket, rest = name.removeprefix("make:").strip().partition("(")
    if not bracket or not rest.endswith(")"):
        raise UsageError("cannot read the name of a made corpus", found=name, expected="make:MAKER(DATA, seed=1)")
    choose("maker", maker, MAKERS)
    known = MAKERS[maker].options
    data, *parts = [part.strip() for part in _split(rest[:-1], name)]
    options: dict[str, str] = {}
    for part in parts:
        option, equals, value = (side.strip() for side in part.partition("="))
        if not equals:
            raise UsageError(
                "an option without a value in the name of a made corpus", found=part, expected="seed=1"
            )
        choose(f"option of {maker}", option, known)
        options[option] = value
    try:
        inspect.signature(MAKERS[maker].make).bind(None, **options)
    except TypeError as error:
        raise UsageError(
            f"make:{maker} cannot be called so", where=name, found=str(error), expected=MAKERS[maker].example
        ) from error
    return Call(maker, data, options)


def build(name: str, read: Callable[[str], Corpus], doing: str = "") -> Made:
    """What a name `make:MAKER(DATA, option=value, …)` means; `read` gives the corpus of DATA, which may be such a
    name itself, and of other data among the options.

    Options are those of the maker in Python. Raises as `call`.
    """
    asked = call(name)
    return MAKERS[asked.maker].make(read(asked.data), **asked.values(read), doing=doing)


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
