"""Translation engines by name: `apertium:eng-spa`, `hf:MODEL`, `file:TABLE`, …"""

from polyspan.data.languages import target_tag
from polyspan.errors import UsageError, choose
from polyspan.make.translation.engine import Engine

ENGINES = ("apertium", "hf", "file", "dictionary")


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
        from polyspan.make.translation.apertium import Apertium

        return Apertium(name, source, target)
    if kind == "hf":
        from polyspan.make.translation.hub import Hub

        return Hub(name, source, target, beams)
    from polyspan.make.translation.table import WordByWord, mini_table, read_table

    if kind == "dictionary":
        return WordByWord(name)
    return mini_table(source, target) if name == "mini" else read_table(name, source, target)
