"""The language of a file: what it says itself, or else what its name, version, folder or script tells."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from polyspan.data.formats.parsed import Parsed
from polyspan.data.languages import FREQUENT, letters, primary

_CODES = frozenset(tag for tag in FREQUENT if len(tag) == 2) - {
    "am",
    "is",
    "no",
    "mt",
    "sq",
}  # words, and what else is so called
_NAMES = {
    "arabic": "ar", "basque": "eu", "bengali": "bn", "bulgarian": "bg", "burmese": "my", "catalan": "ca",
    "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl", "english": "en",
    "estonian": "et", "farsi": "fa", "finnish": "fi", "french": "fr", "galician": "gl", "georgian": "ka",
    "german": "de", "greek": "el", "gujarati": "gu", "hebrew": "he", "hindi": "hi", "hungarian": "hu",
    "icelandic": "is", "indonesian": "id", "irish": "ga", "italian": "it", "japanese": "ja", "kannada": "kn",
    "khmer": "km", "korean": "ko", "lao": "lo", "latvian": "lv", "lithuanian": "lt", "malay": "ms",
    "malayalam": "ml", "marathi": "mr", "nepali": "ne", "norwegian": "no", "persian": "fa", "polish": "pl",
    "portuguese": "pt", "punjabi": "pa", "romanian": "ro", "russian": "ru", "serbian": "sr", "slovak": "sk",
    "slovenian": "sl", "spanish": "es", "swahili": "sw", "swedish": "sv", "tagalog": "tl", "tamil": "ta",
    "telugu": "te", "thai": "th", "turkish": "tr", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi",
}  # fmt: skip
_SETS = {
    "korquad": "ko", "kquad": "ko", "jaquad": "ja", "drcd": "zh-Hant", "cmrc": "zh-Hans", "fquad": "fr",
    "piaf": "fr", "faquad": "pt", "germanquad": "de", "sberquad": "ru",
}  # fmt: skip
_CHINESE = {"zh-Hant": {"tw", "hk", "hant", "traditional"}, "zh-Hans": {"cn", "hans", "simplified"}}
_SQUAD = re.compile(r"(?<![a-z])(?<!for[-_ ])squad")  # not "for-SQuAD", which is a format
_ENGLISH = {"the", "and", "of", "with", "from", "this", "that", "were", "which", "its", "been", "by", "was"}
_WORD = re.compile(r"[^\W\d_]+")
_ALSO = {"sr": "LATIN"}  # written in two scripts
_KANA = ("HIRAGANA", "KATAKANA")
_ONE_LANGUAGE = {"HANGUL": "ko", "THAI": "th", "LAO": "lo", "KHMER": "km", "MYANMAR": "my", "CJK": "zh"}
_ENOUGH = 100  # letters to tell a language by
_SAMPLE = 50_000  # characters of the contexts that are looked at


def language_of(parts: Sequence[Parsed], card: str | None = None) -> str | None:
    """The language of a data set's files: the one they name, or else its card's, or else a guess.

    None where they are in several languages.
    """
    found = dict.fromkeys(part.language or card or guess_language(part) for part in parts)
    known = [tag for tag in found if tag]
    return known[0] if len({primary(tag) for tag in known}) == 1 else None


def guess_language(part: Parsed) -> str | None:
    """The language that a file's name, version or folder tells: `xquad.zh.json`, `zh-tw_en_dev.json` (its target).

    Of several codes or names of languages in one of these the last counts, but for MLQA's
    `context-zh-question-en`, where it is the context's. What the script of the contexts contradicts does not
    count. Where no name tells, a script does that one language has for itself: Hangul, kana, Thai, ….
    """
    path = Path(part.file)
    seen = _scripts(part)
    for text in (path.name, part.version, path.absolute().parent.name):
        for tag in _told(text.lower()):
            if _fits(tag, seen):
                return tag
        if _SQUAD.search(text.lower()) and _fits("en", seen) and _reads_english(part):
            return "en"
    return _of_script(seen)


def contradicts(part: Parsed, tag: str | None) -> bool:
    """Whether a language that a name tells cannot be that of the file, by its word or by its script."""
    if tag is None:
        return False
    return bool(part.language and primary(part.language) != primary(tag)) or not _fits(tag, _scripts(part))


def _told(text: str) -> Iterator[str]:
    words = re.split(r"[^a-z]+", text)
    if "context" in words[:-1] and (after := words[words.index("context") + 1]) in _CODES:
        yield after
    for index in range(len(words) - 1, -1, -1):
        tag = words[index] if words[index] in _CODES else _NAMES.get(words[index])
        if tag == "zh":
            beside = words[max(0, index - (words[index] != "zh")) : index + 2]  # "traditional_chinese", "zh-tw"
            tag = next((script for script, marks in _CHINESE.items() if marks & set(beside)), tag)
        if tag:
            yield tag
    yield from (tag for name, tag in _SETS.items() if name in text)


def _reads_english(part: Parsed) -> bool:
    """Whether the words of the first contexts can be English: `squad` is in the names of its translations too."""
    texts = (paragraph.context for paragraph in part.paragraphs[:20])
    words = [word.lower() for text in texts for word in _WORD.findall(text[:_SAMPLE])]
    return 20 * sum(word in _ENGLISH for word in words) >= len(words)


def _scripts(part: Parsed) -> Counter[str]:
    """How many letters of each script, by the first word of their Unicode names, the first contexts have."""
    chars: Counter[str] = Counter()
    for paragraph in part.paragraphs:
        chars.update(paragraph.context[:_SAMPLE])
        if chars.total() >= _SAMPLE:
            break
    scripts: Counter[str] = Counter()
    for char, count in chars.items():
        if char.isalpha():
            scripts[unicodedata.name(char, "?").split()[0]] += count
    return scripts


def _fits(tag: str, seen: Counter[str]) -> bool:
    """Whether most letters are of the language's script, and whether there is kana or not as there should be."""
    own = letters(tag) | {_ALSO.get(tag, "")}
    if 2 * sum(seen[word] for word in own) < seen.total():
        return False
    return not seen or "CJK" not in own or (tag == "ja") == _has_kana(seen)


def _of_script(seen: Counter[str]) -> str | None:
    if seen.total() < _ENOUGH:
        return None
    most = max(seen, key=lambda word: seen[word])
    tag = "ja" if _has_kana(seen) else _ONE_LANGUAGE.get(most)
    return tag if tag and _fits(tag, seen) else None


def _has_kana(seen: Counter[str]) -> bool:
    kana = sum(seen[word] for word in _KANA)
    return 20 * kana > kana + seen["CJK"]
