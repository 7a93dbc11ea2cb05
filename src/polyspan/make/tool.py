"""Tools that makers work with, named `KIND:WHICH`: translation engines (`file:TABLE`), parsers (`spacy:MODEL`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from polyspan.errors import UsageError, choose

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tool(Generic[T]):
    """A kind of tool: `open` gives the one that is called `which`, a word for what stands after the colon.

    `local` says that this is a file, and `seconds` how long the tool takes for a question, roughly.
    """

    name: str
    open: Callable[..., T]
    which: str
    local: bool = False
    seconds: float = 0.0


def find_tool(what: str, spec: str, kinds: Mapping[str, Tool[T]]) -> tuple[Tool[T], str]:
    """The kind of tool that `KIND:WHICH` names, and which of it. Raises UsageError where it names none."""
    kind, _, which = spec.partition(":")
    choose(what, kind, kinds)
    if not which:
        fix = ", ".join(f"{tool.name}:{tool.which}" for tool in kinds.values())
        raise UsageError(f"{kind}: which one?", found=spec, fix=fix)
    return kinds[kind], which
