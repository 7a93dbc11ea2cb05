"""What a maker is: the function that makes, and all that a plan and a report have to know of it beforehand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from polyspan.make.made import Made
from polyspan.make.tool import Tool, find_tool
from polyspan.records import Records


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a corpus before there is one; None where it is not."""

    language: str | None = None
    metric: str | None = None
    questions: int | None = None


def _same(before: Shape, **options: Any) -> Shape:
    return before


@dataclass(frozen=True, slots=True, eq=False)
class Maker:
    """A maker under the `name` that stands in `make:NAME(DATA, option=value, …)`.

    `make` takes a corpus and the options, `seed` and `doing` (the name of the work in a progress bar) among them.
    Raises TypeError for options that are said here and that it does not take.
    """

    name: str
    make: Callable[..., Made]
    example: str
    """A call of it as a DATA word."""
    files: tuple[str, ...] = ()
    """Options that are the path of a file."""
    tools: Mapping[str, Mapping[str, Tool[Any]]] = field(default_factory=dict)
    """Options that name a tool, with the kinds of tools that there are."""
    corpora: tuple[str, ...] = ()
    """Options that are data themselves; the function gets the corpus."""
    lists: tuple[str, ...] = ()
    """Options with several values, joined by +."""
    slow: bool = False
    """Whether it is worth sparing: where a corpus is limited, its questions are drawn before."""
    whole: bool = False
    """Whether it needs all of the data: what it makes of a sample is no sample of what it makes of the whole."""
    seconds: float = 0.001
    """How long it takes for a question, roughly, besides its tools."""
    shape: Callable[..., Shape] = _same
    """From the shape of its data and all options, corpora among them as shapes, to that of what it makes."""
    deviation: str = ""
    """A sentence for reports, with {} for its files and tools: how the paper did it."""
    usual: str = ""
    """A pattern for the names of files and tools that are the paper's: of these the report says nothing."""

    def __post_init__(self) -> None:
        said = {*self.files, *self.tools, *self.corpora, *self.lists, "seed", "doing"}
        if missing := sorted(said - set(signature(self.make).parameters)):
            raise TypeError(f"the maker {self.name} takes no {missing[0]}")

    @property
    def options(self) -> list[str]:
        """The options that a name can have."""
        return [option for option in list(signature(self.make).parameters)[1:] if option != "doing"]

    def file(self, option: str, value: str) -> str:
        """The file that an option's value names; "" where it names none."""
        if option in self.files:
            return value
        kind, _, which = value.partition(":")
        tool = self.tools.get(option, {}).get(kind)
        return which if tool is not None and tool.local else ""

    def work(self, options: Mapping[str, str]) -> float:
        """Seconds a question with these options, roughly."""
        kinds = [self.tools[option].get(options.get(option, "").partition(":")[0]) for option in self.tools]
        return self.seconds + sum(tool.seconds for tool in kinds if tool is not None)

    def expected(self, before: Shape, options: Mapping[str, Any]) -> Shape:
        """The shape of what it makes of data of the shape `before`. Raises UsageError for what cannot be made."""
        for option, kinds in self.tools.items():
            if option in options:
                find_tool(option.replace("_", " "), str(options[option]), kinds)
        call = signature(self.make).bind(before, **options)
        call.apply_defaults()
        return self.shape(before, **{name: call.arguments[name] for name in self.options})


MAKERS: Records[Maker] = Records("polyspan.make", Maker, "polyspan.makers")
"""All makers that a name can call, by their names."""
