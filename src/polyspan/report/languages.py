"""Languages in words: what a reader of a report sees instead of `zh-Hant`."""

_NAMES = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "bg": "Bulgarian", "bn": "Bengali",
    "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ka": "Georgian", "kk": "Kazakh", "ko": "Korean", "lt": "Lithuanian",
    "lv": "Latvian", "ml": "Malayalam", "mr": "Marathi", "ms": "Malay", "my": "Burmese", "nl": "Dutch",
    "no": "Norwegian", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil",
    "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "uz": "Uzbek", "vi": "Vietnamese", "yo": "Yoruba", "zh": "Chinese",
}  # fmt: skip
_SCRIPTS = {"Hans": "Simplified", "Hant": "Traditional", "Latn": "Latin", "Cyrl": "Cyrillic", "Arab": "Arabic"}
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


def language_name(tag: str | None) -> str:
    """English name of a language tag: `zh-Hant` → "Chinese (Traditional)". An unknown tag stays as it is."""
    if not tag:
        return "unknown language"
    code, *rest = tag.replace("_", "-").split("-")
    if code.lower() not in _NAMES:
        return tag
    name = _NAMES[code.lower()]
    return f"{name} ({', '.join(_SCRIPTS.get(part.title(), part.upper()) for part in rest)})" if rest else name


def primary(tag: str | None) -> str:
    """The language of a tag without script and region: `zh-Hant` → "zh"; "" where there is no tag."""
    return (tag or "").replace("_", "-").split("-")[0].lower()


def direction(tag: str | None) -> str:
    """HTML's `dir` for text in a language: "rtl" where it is written from the right, else "auto"."""
    return "rtl" if primary(tag) in _RIGHT_TO_LEFT else "auto"


def listed(words: list[str]) -> str:
    """Words as a list in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
