"""Languages by their tags (BCP 47): read and normalised, and what a tag says of script, spaces and name."""

import difflib
import re
from functools import lru_cache

from polyspan.errors import UsageError

_HAN = "CJK BOPOMOFO FULLWIDTH IDEOGRAPHIC"
_SCRIPTS = {  # ISO 15924 → the first words of its letters' Unicode names, and frequent tags that are written in it
    "Arab": ("ARABIC", "ar fa ur"),
    "Armn": ("ARMENIAN", "hy"),
    "Beng": ("BENGALI", "bn"),
    "Cans": ("CANADIAN", ""),
    "Cyrl": ("CYRILLIC", "bg ru sr uk"),
    "Deva": ("DEVANAGARI", "hi mr ne"),
    "Ethi": ("ETHIOPIC", "am"),
    "Geor": ("GEORGIAN", "ka"),
    "Grek": ("GREEK", "el"),
    "Gujr": ("GUJARATI", "gu"),
    "Guru": ("GURMUKHI", "pa"),
    "Hang": ("HANGUL HALFWIDTH FULLWIDTH", ""),
    "Hani": (_HAN, ""),
    "Hans": (_HAN, "zh zh-Hans"),
    "Hant": (_HAN, "zh-Hant"),
    "Hebr": ("HEBREW", "he"),
    "Jpan": ("CJK HIRAGANA KATAKANA KATAKANA-HIRAGANA HALFWIDTH FULLWIDTH IDEOGRAPHIC", "ja"),
    "Khmr": ("KHMER", "km"),
    "Knda": ("KANNADA", "kn"),
    "Kore": ("HANGUL HALFWIDTH FULLWIDTH", "ko"),
    "Laoo": ("LAO", "lo"),
    "Latn": (
        "LATIN",
        "ca cs da de en es et eu fi fr ga gl hr hu id is it lt lv ms mt nl no pl pt ro sk sl sq sv sw tl tr vi",
    ),
    "Mlym": ("MALAYALAM", "ml"),
    "Mymr": ("MYANMAR", "my"),
    "Orya": ("ORIYA", ""),
    "Sinh": ("SINHALA", "si"),
    "Taml": ("TAMIL", "ta"),
    "Telu": ("TELUGU", "te"),
    "Thai": ("THAI", "th"),
}
FREQUENT = {tag: script for script, (_, tags) in _SCRIPTS.items() for tag in tags.split()}
"""Frequent tags in their normal form, and their scripts: langcodes, which knows all, takes 50 ms to load."""

_EXPECTED = "a tag (BCP 47) such as en, ko or zh-Hant"
_HAN_OR_KANA = frozenset({"Hani", "Hans", "Hant", "Jpan", "Hira", "Kana", "Hrkt", "Bopo"})
_UNSPACED = _HAN_OR_KANA | {"Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Lana", "Talu", "Tale", "Java", "Bali"}
_RIGHT_TO_LEFT = frozenset({"Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"})
_NO_LANGUAGE = re.compile(r"(?:q[a-t][a-z]|x|und|mul|mis|zxx)(?:-|$)")  # their script is not known
_NAMES = {"bn": "Bengali", "tl": "Tagalog"}  # as corpora call them; CLDR says Bangla and Filipino


def language_tag(given: str | None) -> str | None:
    """A language's tag in its normal form: `zh_TW` → "zh-TW", `jpn` → "ja", `cmn` → "zh", `spa_Latn` → "es".

    None for None and for `und`, which is BCP 47's word for a language that is not known. Private tags (`qaa`,
    `x-mine`) stand as they are. Raises UsageError for what is no language, with the nearest one.
    """
    if given is None:
        return None
    if not isinstance(given, str):
        raise UsageError("a language is a text", found=repr(given), expected=_EXPECTED)
    return _normal(given)


def target_tag(given: str | None, option: str) -> str:
    """As `language_tag`, where a language must be: of an option such as the one to translate into."""
    tag = language_tag(given)
    if tag is None:
        raise UsageError(f"{option!r} must be a language", found=repr(given), expected=_EXPECTED)
    return tag


def language_said(given: str) -> str | None:
    """As `language_tag`, but frequent languages by their English names too, as data sets have them: "korean"."""
    try:
        return language_tag(given)
    except UsageError:
        named = {language_name(tag).lower(): tag for tag in FREQUENT}
        if (tag := named.get(given.strip().lower())) is None:
            raise
        return tag


@lru_cache(maxsize=4096)
def _normal(given: str) -> str | None:
    if given in FREQUENT:
        return given
    import langcodes

    bare = given.strip()
    try:
        known = langcodes.tag_is_valid(bare)
        tag = langcodes.Language.get(langcodes.standardize_tag(bare, macro=True)).simplify_script().to_tag()
    except ValueError:  # no tag at all
        known, tag = False, ""
    if not known:
        raise UsageError(f"unknown language {given!r}", expected=_EXPECTED, fix=_nearest(bare))
    if re.match(r"(?:tl|tgl)(?:[-_]|$)", bare.lower()):
        # CLDR takes Tagalog for Filipino; corpora and models do not.
        tag = f"tl{tag.removeprefix('fil').removeprefix('-Latn')}"
    return None if tag == "und" else tag


def _nearest(given: str) -> str:
    """A hint for what is no tag: a language of that name, in whichever language, or one that is nearly so."""
    import langcodes

    found = None
    if len(given) > 3 or not given.isascii():
        try:
            found = langcodes.standardize_tag(str(langcodes.find(given)), macro=True)
        except LookupError:
            found = None
        if found not in FREQUENT:  # a slip of the pen is likelier than a rare language
            names = {language_name(tag).lower(): tag for tag in FREQUENT}
            close = difflib.get_close_matches(given.lower(), names, n=1, cutoff=0.8 if found else 0.6)
            found = names[close[0]] if close else found
    first = re.split("[^a-z]", given.lower())[0]
    if found is None and first != given.lower() and first in FREQUENT:  # de_DE.UTF-8
        found = first
    if found is None and re.fullmatch("[a-z]{2}", first) and langcodes.tag_is_valid(f"und-{first}"):
        spoken = langcodes.Language.get(f"und-{first}").maximize().language  # jp: the country's
        found = spoken if spoken and (spoken != "en" or first in ("us", "gb")) else None
    return f"did you mean {found!r} ({language_name(found)})?" if found else "give the language's ISO 639 code"


def primary(tag: str | None) -> str:
    """The language of a tag without script and region: `zh-Hant` → "zh"; "" where there is no tag."""
    return (tag or "").replace("_", "-").split("-")[0].lower()


@lru_cache(maxsize=4096)
def script(tag: str | None) -> str:
    """The script that a language is mostly written in (ISO 15924): `zh-TW` → "Hant"; "" where it is not known."""
    tag = language_tag(tag)
    if tag is None or tag in FREQUENT:
        return FREQUENT.get(tag or "", "")
    from langcodes import Language

    known = Language.get(tag)
    return (known.script if _NO_LANGUAGE.match(tag) else known.maximize().script) or ""


def letters(tag: str | None) -> frozenset[str]:
    """The first words of the Unicode names of a language's letters, as "LATIN"; none where that is not known."""
    code = script(tag)
    if not code:
        return frozenset()
    if code in _SCRIPTS:
        return frozenset(_SCRIPTS[code][0].split())
    from langcodes import Language

    return frozenset({Language.make(script=code).script_name().upper().split()[0]})


def spaced(tag: str | None) -> bool:
    """Whether words have spaces between them: in all but Chinese, Japanese, Thai, Lao, Khmer, Burmese and kin."""
    return script(tag) not in _UNSPACED


def direction(tag: str | None) -> str:
    """HTML's `dir` for text in a language: "rtl" where it is written from the right, else "auto"."""
    try:
        return "rtl" if script(tag) in _RIGHT_TO_LEFT else "auto"
    except UsageError:
        return "auto"


def sentence_space(tag: str | None) -> str:
    """What stands between two sentences: nothing in Chinese and Japanese, a space elsewhere (in Thai too)."""
    return "" if script(tag) in _HAN_OR_KANA else " "


def language_name(tag: str | None) -> str:
    """English name of a language tag: `zh-Hant` → "Chinese (Traditional)". What is no language stays as it is."""
    try:
        normal = language_tag(tag)
    except UsageError:
        return tag or ""
    if normal is None:
        return "unknown language"
    if _NO_LANGUAGE.match(normal) and primary(normal) != "mul":
        return normal
    from langcodes import Language

    code, *rest = normal.split("-")
    name = _NAMES.get(code) or Language.get(code).language_name()
    parts = {part: re.fullmatch("[A-Z][a-z]{3}", part) for part in rest}
    said = [Language.make(script=p).script_name() if is_script else p.upper() for p, is_script in parts.items()]
    return f"{name} ({', '.join(said)})" if said else name
