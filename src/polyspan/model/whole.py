"""What a Reader answers with before anybody asks for its model and tokenizer as transformers has them.

Where a model is known to be the same without transformers, it is loaded so, and transformers' own is made when a
Reader's `model` or `tokenizer` is read: to train, to save, to look into.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Plain:
    """A model and its tokenizer; after `whole`, transformers' own."""

    model: Any
    tokenizer: Any
    build: Callable[[], tuple[Any, Any]] | None

    def whole(self) -> "Plain":
        """The same with transformers' model and tokenizer, which are built once."""
        if self.build is not None:
            (self.model, self.tokenizer), self.build = self.build(), None
        return self


class Whole:
    """A field of a dataclass that may be given a `Plain`; whoever reads it gets the whole, whoever needs no more
    than answers takes `Whole.at_hand`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, reader: Any, owner: type | None = None) -> Any:
        if reader is None:
            raise AttributeError(self._name)  # the field has no default
        found = vars(reader)[self._name]
        return getattr(found.whole(), self._name) if isinstance(found, Plain) else found

    def __set__(self, reader: Any, value: Any) -> None:
        vars(reader)[self._name] = value

    @staticmethod
    def at_hand(reader: Any, name: str) -> Any:
        """What the field holds now."""
        found = vars(reader)[name]
        return getattr(found, name) if isinstance(found, Plain) else found
