"""What a translation engine is."""

from typing import Protocol


class Engine(Protocol):
    """Translates texts. `name` and `version` decide, with the languages, which stored translations are its own:
    whatever changes its output must change its version. The same text must come out the same in any company."""

    name: str
    version: str

    def translate(self, texts: list[str], source: str, target: str) -> list[str]:
        """The translations, as many as texts and in their order; "" where there is none.

        Whatever it raises but PolyspanError counts as a failure of these texts: they are tried again.
        """


class EngineFailure(Exception):
    """The engine did not give what it was asked for, this time."""
