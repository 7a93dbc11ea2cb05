"""Translation engines behind one small protocol, by name: `apertium:eng-spa`, `hf:MODEL`, `file:TABLE`, …"""

from typing import Protocol

from polyspan.errors import UsageError, choose
from polyspan.languages import target_tag

ENGINES = ("apertium", "hf", "file", "dictionary")


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


def engine(spec: str, source: str, target: str, *, beams: int = 1) -> Engine:
    """The engine of a name.

    `apertium:eng-spa`: a pair of Apertium (Debian's `apertium-eng-spa`); `hf:MODEL`: MarianMT, NLLB or M2M100, a
    folder or a name on the hub, with `beams` (1 is greedy); `file:TABLE`: translations made elsewhere, in TSV,
    JSON Lines or TMX; `file:mini`: the mini corpus' own; `dictionary:FILE`: word by word with a dictionary in
    MUSE's format, the baseline in the paper's repository (`en_xx_dev_word_by_word.json`).
    Raises UsageError for an unknown kind or a pair that does not go from `source` to `target`, and PolyspanError
    where what the engine needs is missing.
    """
    kind, _, name = spec.partition(":")
    choose("translation engine", kind, ENGINES)
    source, target = target_tag(source, "source"), target_tag(target, "target")
    if not name:
        raise UsageError(f"{kind}: which one?", found=spec, fix="apertium:eng-spa, hf:MODEL, file:TABLE, …")
    if kind == "apertium":
        from polyspan.make.engine_apertium import Apertium

        return Apertium(name, source, target)
    if kind == "hf":
        from polyspan.make.engine_hub import Hub

        return Hub(name, source, target, beams)
    from polyspan.make.engine_table import WordByWord, mini_table, read_table

    if kind == "dictionary":
        return WordByWord(name)
    return mini_table(source, target) if name == "mini" else read_table(name, source, target)
