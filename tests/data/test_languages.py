"""Tags of languages: their normal form, what they tell, and refusals with the nearest language."""

import subprocess
import sys

import langcodes
import pytest

from polyspan.data.languages import (
    FREQUENT,
    direction,
    language_name,
    language_said,
    language_tag,
    letters,
    script,
    sentence_space,
    spaced,
    target_tag,
)
from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.text import stands_alone, units


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("en", "en"),
        (" ko ", "ko"),
        ("zh_TW", "zh-TW"),
        ("zh-tw", "zh-TW"),
        ("ZH-Hant", "zh-Hant"),
        ("jpn", "ja"),
        ("ger", "de"),
        ("cmn", "zh"),
        ("cmn_Hans", "zh-Hans"),
        ("arb", "ar"),
        ("swh", "sw"),
        ("spa_Latn", "es"),
        ("zho_Hant", "zh-Hant"),
        ("sr-Latn", "sr-Latn"),
        ("iw", "he"),
        ("no", "no"),
        ("nob", "nb"),
        ("tgl_Latn", "tl"),
        ("yue", "yue"),
        ("ase", "ase"),  # American Sign Language
        ("qaa", "qaa"),
        ("x-permuted", "x-permuted"),
        ("en-x-permuted", "en-x-permuted"),
        ("mul", "mul"),
        ("und", None),
        (None, None),
    ],
)
def test_tags_have_a_normal_form(given, tag):
    assert language_tag(given) == tag
    assert language_tag(tag) == tag
    assert Corpus((), language=given).language == tag


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("klingon", "'tlh' (Klingon)"),
        ("French", "'fr' (French)"),
        ("Korean", "'ko' (Korean)"),
        ("Deutsch", "'de' (German)"),
        ("日本語", "'ja' (Japanese)"),
        ("Frnech", "'fr' (French)"),
        ("Cantonese", "'yue' (Cantonese)"),  # no slip of the pen for Maltese
        ("Chinese (Traditional)", "'zh-Hant'"),
        ("jp", "'ja' (Japanese)"),
        ("cn", "'zh' (Chinese)"),
        ("de_DE.UTF-8", "'de' (German)"),
        ("xx", "ISO 639"),
        ("", "ISO 639"),
        ("en-Abcd", ""),
        ("a,b", ""),
    ],
)
def test_what_is_no_language_is_refused_with_the_nearest(given, nearest):
    with pytest.raises(UsageError, match="unknown language") as caught:
        language_tag(given)
    assert nearest in caught.value.fix
    with pytest.raises(UsageError, match="unknown language"):
        Corpus((), language=given)


def test_what_is_no_text_is_no_language():
    with pytest.raises(UsageError, match="a language is a text"):
        language_tag(5)
    with pytest.raises(UsageError, match="'to' must be a language"):
        target_tag("und", "to")


def test_files_may_say_it_in_english():
    assert language_said("Korean") == "ko"
    assert language_said("chinese (traditional)") == "zh-Hant"
    assert language_said("zh_TW") == "zh-TW"
    with pytest.raises(UsageError, match="python"):
        language_said("python")


def test_the_frequent_tags_are_those_of_the_library():
    for tag, code in FREQUENT.items():
        known = langcodes.Language.get(tag, normalize=False)
        assert known.maximize().script == code
        assert tag == "tl" or langcodes.standardize_tag(tag, macro=True) == tag


@pytest.mark.parametrize(
    ("tag", "code", "space"),
    [("zh-TW", "Hant", ""), ("yue", "Hant", ""), ("ja", "Jpan", ""), ("th", "Thai", " "), ("bo", "Tibt", " ")],
)
def test_scripts_without_spaces(tag, code, space):
    assert script(tag) == code
    assert not spaced(tag)
    assert sentence_space(tag) == space


@pytest.mark.parametrize("tag", ["en", "ko", "th-Latn", "ja-Latn", "qaa", "x-mine", "mul", None])
def test_scripts_with_spaces(tag):
    assert spaced(tag)
    assert sentence_space(tag) == " "


def test_letters_are_named_as_unicode_names_them():
    assert letters("bn") == {"BENGALI"}
    assert letters("my") == {"MYANMAR"}
    assert letters("bo") == {"TIBETAN"}
    assert "HIRAGANA" in letters("ja")
    assert letters("qaa") == letters(None) == frozenset()


def test_names_in_english():
    names = ["yue", "ckb", "nb", "ase", "abc", "sr-Latn", "zh-TW", "zh_Hant", "jpn", "bn", "mul", "x-mine", "und"]
    assert [language_name(tag) for tag in names] == [
        "Cantonese",
        "Central Kurdish",
        "Norwegian Bokmål",
        "American Sign Language",
        "Ambala Ayta",
        "Serbian (Latin)",
        "Chinese (TW)",
        "Chinese (Traditional)",
        "Japanese",
        "Bengali",
        "Multiple languages",
        "x-mine",
        "unknown language",
    ]


def test_every_two_letter_code_has_a_name():
    codes = [f"{a}{b}" for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrstuvwxyz"]
    known = [code for code in codes if langcodes.tag_is_valid(code)]
    assert len(known) > 180
    assert all(language_name(code) not in (code, "") for code in known)
    assert [direction(tag) for tag in ("ckb", "he", "yi", "en", "xx")] == ["rtl", "rtl", "rtl", "auto", "auto"]


def test_the_library_is_not_loaded_for_frequent_tags():
    code = (
        "import sys, polyspan.cli.main; from polyspan.score import default_metric; default_metric('zh-Hant');"
        "sys.exit('langcodes' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_units_of_scripts_without_spaces_are_characters_with_their_marks():
    def cut(text: str) -> list[str]:
        return [text[start:end] for start, end in units(text)]

    assert cut("ที่กรุงเทพ 1840") == ["ที่", "ก", "รุ", "ง", "เ", "ท", "พ", "1840"]
    assert cut("ကျွန်တော်၊ ខ្ញុំ។") == ["ကျွ", "န်", "တော်", "ខ្", "ញុំ"]
    assert all(map(stands_alone, "ทກမខའ東カ"))
    assert not any(map(stands_alone, "a한हع1"))
    assert cut("東京 tower, 서울") == ["東", "京", "tower", "서울"]
