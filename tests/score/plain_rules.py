"""The public scoring rules once more, transcribed step by step from their descriptions, to compare polyspan with.

Nothing here is quick or shared with polyspan: characters are looked at one by one, units are crossed off a list.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

ASCII_MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
KORQUAD_MARKS = "'\"《》<>〈〉()‘’"
DRCD_MARKS = "《》？，。、；："
CMRC_MARKS = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
ARTICLES = {
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "de": "ein eine einen einem eines einer der die das den dem des",
    "vi": "của là cái chiếc những",
    "hi": "",
    "zh": "",
}


@dataclass(frozen=True)
class Plain:
    """One rule: text to what exact match compares, text to units, and two lists of units to F1."""

    normal: Callable[[str], str]
    units: Callable[[str], list[str]]
    f1: Callable[[list[str], list[str]], float]
    skips_missing: bool = False

    def exact(self, prediction: str, gold: str) -> bool:
        return self.normal(prediction) == self.normal(gold)


def without(text: str, marks: Iterable[str]) -> str:
    return "".join(char for char in text if char not in marks)


def single_spaced(text: str) -> str:
    return " ".join(text.split())


def without_words(text: str, words: str) -> str:
    """A space in the place of each whole word that is listed; a word is a run of letters, digits and `_`."""
    runs: list[str] = []
    inside = False
    for char in text:
        letter = char.isalnum() or char == "_"
        if letter and inside:
            runs[-1] += char
        else:
            runs.append(char)
        inside = letter
    return "".join(" " if run in words.split() else run for run in runs)


def is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fa5"


def han_apart(text: str) -> list[str]:
    """Each Han character, and what stands between white space and these."""
    units, run = [], ""
    for char in text:
        if is_han(char):
            units += [*run.split(), char]
            run = ""
        else:
            run += char
    return units + run.split()


def balanced(same: int, prediction: Sequence[str], gold: Sequence[str]) -> float:
    if same == 0:
        return 0.0
    precision, recall = same / len(prediction), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def bag(prediction: list[str], gold: list[str]) -> float:
    left, same = list(gold), 0
    for unit in prediction:
        if unit in left:
            left.remove(unit)
            same += 1
    return balanced(same, prediction, gold)


def bag_or_both_empty(prediction: list[str], gold: list[str]) -> float:
    if not prediction or not gold:
        return 1.0 if prediction == gold else 0.0
    return bag(prediction, gold)


def longest_run(prediction: list[str], gold: list[str]) -> float:
    best = 0
    for i in range(len(prediction)):
        for j in range(len(gold)):
            k = 0
            while i + k < len(prediction) and j + k < len(gold) and prediction[i + k] == gold[j + k]:
                k += 1
            best = max(best, k)
    return balanced(best, prediction, gold)


def squad(text: str) -> str:
    return single_spaced(without_words(without(text.lower(), ASCII_MARKS), ARTICLES["en"]))


def drcd(text: str) -> str:
    return single_spaced(without_words(without(text.lower(), ASCII_MARKS + DRCD_MARKS), ARTICLES["en"]))


def korquad(text: str) -> str:
    spaced = "".join(" " if char in KORQUAD_MARKS else char for char in text)
    return single_spaced(without(spaced.lower(), ASCII_MARKS))


def cmrc(text: str) -> str:
    return without(text.lower().strip(), CMRC_MARKS)


def hsu_units(text: str) -> list[str]:
    return squad(text).split() if all(ord(char) < 128 for char in text) else list(squad(text))


def mlqa(language: str) -> Plain:
    def normal(text: str) -> str:
        text = text.lower()
        kept = [c for c in text if c not in ASCII_MARKS and not unicodedata.category(c).startswith("P")]
        text = "".join(kept)
        text = text.replace("ال", " ") if language == "ar" else without_words(text, ARTICLES[language])
        return " ".join(han_apart(text)) if language == "zh" else single_spaced(text)

    return Plain(normal, lambda text: normal(text).split(), bag)


RULES = {
    "squad.v1": Plain(squad, lambda text: squad(text).split(), bag),
    "squad.v2": Plain(squad, lambda text: squad(text).split(), bag_or_both_empty, skips_missing=True),
    "korquad.v1": Plain(korquad, lambda text: list("".join(korquad(text).split())), bag),
    "drcd.v1": Plain(drcd, lambda text: list(drcd(text)), bag),
    "cmrc.v1": Plain(cmrc, lambda text: han_apart(cmrc(text)), longest_run),
    "hsu.v1": Plain(squad, hsu_units, bag_or_both_empty, skips_missing=True),
    **{f"mlqa.v1 {language}": mlqa(language) for language in ("ar", "de", "en", "es", "hi", "vi", "zh")},
}
"""By polyspan's name; MLQA's by the language too."""
