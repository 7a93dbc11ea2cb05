"""Pairs of short texts at which scoring rules part company: seeded, the same in every run."""

import random
import sys
from collections.abc import Iterator

SCRIPTS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
    "ßẞıİŒœÅåǅﬁÉéÀñ ẽＡｂ０％",
    "ΑΒΓΔΟΣσςαβδοά",
    "АБВабвЁё",
    "北京東大寺二〇年月日\u4e00\u9fa5\u9fa6\u3400\U00020000々〆ヶ",
    "ひらがなカタカナーｶﾅ",
    "한국어임종석\u1112\u1161\u11ab",
    "ภาษาไทยเชียงใหม่",
    "العربيةالكتابخالدال\u064e\u0651",
    "हिन्दीपुस्तक\u093c",
    "עברית\u05b0",
    "của là cái chiếc những đĐ",
    "😀👩\u200d👩🏽🇰🇷",
)
MARKS = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "‘’“”„«»‹›…—–‐‑·•¿¡§†€°©",
    "《》〈〉「」『』【】（）［］，。、；：？！－～·ㆍ・",
    "\u0300\u0301\u0308\u0327\u0345\u05b0\u064b",
    "\u200b\u200c\u200d\u200e\u200f\u202e\ufeff\u00ad\u2060\x00\x07\x1c\x85",
)
SPACES = "  \t\n\r\x0b\u00a0\u1680\u2003\u2028\u202f\u3000"
WORDS = (
    *("the", "The", "A", "an", "AN", "a-the", "der", "DIE", "ein", "einander", "el", "Los", "unas", "una"),
    *("của", "NHỮNG", "ال", "الـ", "1945", "1945年", "８月", "ΟΔΟΣ", "ΣΑΣ", "……", "New York", "c'est", "(2006)"),
)


def pairs(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """So many (prediction, gold): mostly two forms of one text, sometimes two texts."""
    draw = random.Random(seed)
    for _ in range(count):
        gold = _text(draw)
        yield (_text(draw) if draw.random() < 0.1 else _changed(gold, draw)), gold


def _text(draw: random.Random) -> str:
    script = draw.choice(SCRIPTS)  # most texts are in one script
    return "".join(_piece(draw, script) for _ in range(draw.choice((0, 1, 2, 3, 5, 8, 12, 20))))


def _piece(draw: random.Random, script: str) -> str:
    kind = draw.random()
    if kind < 0.5:
        return draw.choice(script)
    if kind < 0.65:
        return draw.choice(draw.choice(MARKS))
    if kind < 0.8:
        return draw.choice(SPACES)
    if kind < 0.9:
        return draw.choice(WORDS)
    return draw.choice(draw.choice(SCRIPTS)) if kind < 0.97 else _any(draw)


def _any(draw: random.Random) -> str:
    code = draw.randrange(sys.maxunicode + 1 - 0x800)
    return chr(code if code < 0xD800 else code + 0x800)  # but surrogates


def _changed(text: str, draw: random.Random) -> str:
    for _ in range(draw.choice((0, 1, 1, 2, 4))):
        at = draw.randrange(len(text) + 1)
        to = min(len(text), at + draw.choice((0, 1, 1, 3)))
        script = draw.choice(SCRIPTS)
        new = ("", draw.choice(SPACES), _piece(draw, script), text[at:to].swapcase(), text[at:to] * 2)
        text = text[:at] + draw.choice(new) + text[to:]
    return text
