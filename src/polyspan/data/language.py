"""The language of a file, as far as its name, version or folder tells it."""

import re
from pathlib import Path

from polyspan.data.parsed import Parsed

_LANGUAGES = frozenset(
    re.findall(
        r"\w+",
        "ar bg bn ca cs da de el en es et eu fa fi fr hi hr hu id it ja ka ko lt lv ms nl pl pt ro ru sk sl sr sv"
        " sw ta te th tl tr uk ur vi zh",
    )
)
_SETS = {
    "korquad": "ko", "kquad": "ko", "jaquad": "ja", "drcd": "zh-Hant", "cmrc": "zh-Hans", "fquad": "fr",
    "piaf": "fr", "germanquad": "de", "sberquad": "ru",
}  # fmt: skip
_SCRIPTS = {"tw": "zh-Hant", "hk": "zh-Hant", "hant": "zh-Hant", "cn": "zh-Hans", "hans": "zh-Hans"}


def guess_language(part: Parsed) -> str | None:
    """The language that a file's name, version or folder tells: `xquad.zh.json`, `zh-tw_en_dev.json` (its target).

    Of several codes in a name the last counts, but for MLQA's `context-zh-question-en`, where it is the context's.
    """
    path = Path(part.file)
    for text in (path.name, part.version, path.absolute().parent.name):
        words = re.split(r"[^a-z]+", text.lower())
        if "context" in words[:-1] and (after := words[words.index("context") + 1]) in _LANGUAGES:
            return after
        for index in range(len(words) - 1, -1, -1):
            word, following = words[index], words[index + 1] if index + 1 < len(words) else ""
            if word == "zh":
                return _SCRIPTS.get(following, word)
            if word in _LANGUAGES:
                return word
        if found := next((code for name, code in _SETS.items() if name in text.lower()), None):
            return found
        if re.search(r"(?<![a-z])squad", text.lower()):
            return "en"
    return None
