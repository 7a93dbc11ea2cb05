import pytest
from score_corpora import corpus

from polyspan.errors import UsageError
from polyspan.score import find, score
from polyspan.score.mlqa import V1, normalise, words


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The cat, an A-team — a “hat”", "cat ateam hat"),
        ("es", "El gato, la casa y los unos; una unas un las ¿eh?", "gato casa y eh"),
        ("de", "Die, der das den dem des ein eine einen einem eines einer Hund", "hund"),
        ("vi", "của là cái chiếc những Hà Nội", "hà nội"),
        ("hi", "यह एक किताब है।", "यह एक किताब है"),
        ("zh", "1945年，《北京》a the", "1945 年 北 京 a the"),
        ("ar", "كتاب", "كتاب"),
    ],
)
def test_normalise(language: str, text: str, expected: str) -> None:
    assert normalise(text, language) == expected


@pytest.mark.parametrize(
    ("language", "kept"), [("en", "der la"), ("es", "the der"), ("de", "the la einander"), ("vi", "the la")]
)
def test_other_languages_articles_stay(language: str, kept: str) -> None:
    assert normalise(kept, language) == kept


def test_the_arabic_article_goes_wherever_its_letters_stand():
    assert normalise("الكتاب", "ar") == "كتاب"
    assert normalise("في الكتاب", "ar") == "في كتاب"
    assert normalise("خالد", "ar") == "خ د", "the script's bug: a name cut in two"


def test_symbols_of_ascii_and_unicode_punctuation_go_and_other_symbols_stay():
    assert normalise("$5+5=10 ^~`|<>", "en") == "5510"
    assert normalise("€5 — °C", "en") == "€5 °c"


def test_chinese_sets_characters_apart_up_to_u9fa5_and_no_kana():
    assert words("北京2008奥运", "zh") == ["北", "京", "2008", "奥", "运"]
    assert words("\u9fa6\u9fa7 かな", "zh") == ["\u9fa6\u9fa7", "かな"]
    assert find("mlqa.v1", "zh").exact("1945 年", "1945年")


def test_the_language_comes_from_the_argument_or_else_the_corpus():
    chinese = corpus({"q": ["北京"]}, language="zh-Hant")
    assert score(chinese, {"q": "北"}, "mlqa.v1").f1 == pytest.approx(200 / 3)
    assert score(chinese, {"q": "北"}, "mlqa.v1", "en").f1 == 0


@pytest.mark.parametrize("language", [None, "ko", "ja", "th"])
def test_an_unknown_language_names_the_known_ones(language):
    with pytest.raises(UsageError) as error:
        find("mlqa.v1", language)
    assert all(known in str(error.value) for known in V1.languages)
    assert str(language) in str(error.value) or language is None
