import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.data import mini
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.make.codeswitching.codeswitching import FIELDS, codeswitch, coverage, switcher
from polyspan.make.dictionary import Dictionary, read_dictionary
from polyspan.reading import read

CHINESE = Dictionary(
    {
        "second": ("第二", "秒"),
        "law": ("法律",),
        "of": ("of", "的"),
        "thermodynamics": ("熱力學",),
        "the": ("這",),
    },
    "en-zh",
)
KOREAN = Dictionary(
    {"difference": ("차이점",), "potential": ("잠재력",), "energy": ("에너지",), "is": ("이다",)}, "en-ko"
)
FRENCH = Dictionary(
    {"cup": ("coupe", "tasse"), "the": ("le", "la"), "on": ("on",), "new-york": ("new-york",)}, "en-fr"
)


def one(context, *answers, question="what?"):
    found = tuple(Answer(answer, context.index(answer)) for answer in answers)
    return Corpus((Paragraph(context, (Question("q", question, found),), "title"),), "one", "en", "squad.v1")


def switched(context, dictionary, *answers, **options):
    paragraph = codeswitch(one(context, *answers), dictionary, "qaa", **options).corpus.paragraphs[0]
    return paragraph.context, [answer.text for answer in paragraph.questions[0].answers]


@pytest.mark.parametrize(
    ("join", "expected", "gold"),
    [
        (
            "space",
            "The 第二 法律 of 熱力學 (the 法律).".replace("The", "這").replace("the", "這"),
            "法律 of 熱力學",
        ),
        ("script", "這第二法律 of 熱力學 (這法律).", "法律 of 熱力學"),
        ("none", "這第二法律of熱力學(這法律).", "法律of熱力學"),
    ],
)
def test_join_in_a_script_without_spaces(join, expected, gold):
    context = "The second law of thermodynamics (the law)."
    assert switched(context, CHINESE, "law of thermodynamics", join=join) == (expected, [gold])


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("space", "the 차이점 in 잠재력 에너지 is,".replace("is", "이다")),
        ("script", "the 차이점 in 잠재력 에너지 이다,"),
        ("none", "the차이점in잠재력에너지이다,"),
    ],
)
def test_join_of_korean_which_has_spaces_but_table_5_shows_none(join, expected):
    assert switched("the difference in potential energy is,", KOREAN, join=join)[0] == expected


def test_join_none_leaves_latin_script_its_spaces():
    assert switched("won the  cup !", FRENCH, join="none")[0] == "won le  coupe !"


def test_case_is_transferred_and_equal_words_stay():
    context, golds = switched("The CUP on New-York THE cups", FRENCH, "CUP on", "cups")
    assert context == "Le COUPE on New-York LE cups"
    assert golds == ["COUPE on", "cups"]
    result = codeswitch(one("The CUP on New-York THE cups"), FRENCH, "fr")
    assert result.counts["switched"]["context"] == {"words": 6, "replaced": 3, "percent": 50.0}


def test_words_are_looked_up_with_their_apostrophes_and_hyphens():
    dictionary = Dictionary(
        {"cup": ("coupe",), "cup's": ("x",), "e\u0301te\u0301": ("summer",), "re": ("y",), "4": ("z",)}
    )
    context, _ = switched("cup’s cup's cup-tie re-cup cup' E\u0301te\u0301 4th 4", dictionary)
    assert context == "x x cup-tie re-cup coupe' Summer 4th Z".replace("Z", "z")


@pytest.mark.parametrize("apostrophe", list("'’‘ʼ′＇´`"))
@pytest.mark.parametrize("hyphen", list("-‐‑－"))
def test_a_word_is_found_however_its_apostrophe_and_hyphen_are_typed(apostrophe, hyphen):
    dictionary = {"don't": "nicht", "know": "weiß", "o'clock": "uhr", "well-known": "bekannt", "i": "ich"}
    text = "I don't know the well-known miller of nine o'clock."
    text = text.replace("'", apostrophe).replace("-", hyphen)
    result = codeswitch(one(text, "miller"), Dictionary({key: (new,) for key, new in dictionary.items()}), "de")
    paragraph = result.corpus.paragraphs[0]
    assert paragraph.context == "Ich nicht weiß the bekannt miller of nine uhr."
    assert paragraph.questions[0].answers[0].text == "miller"
    assert result.counts["ratio"]["words"] == 50.0  # 5 of the 9 words there, none of the question's one


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("cafe\u0301", "café"),
        ("café", "cafe\u0301"),
        ("ＡＢＣ", "abc"),
        ("co\u00adoperate", "cooperate"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("L’ÉTÉ", "l'e\u0301te\u0301"),
        ("don't", "don’t"),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
    ],
)
def test_a_word_is_found_in_any_of_its_unicode_forms(written, listed):
    assert switched(f"x {written} y", Dictionary({listed: ("z",)}))[0].lower() == "x z y"
    assert (
        codeswitch(one(f"x {written} y"), Dictionary({listed: (listed,), "x": ("u",)}), "qaa")
        .corpus.paragraphs[0]
        .context
        == f"u {written} y"
    )


def test_an_answer_that_cuts_a_replaced_word_takes_in_the_whole():
    result = codeswitch(one("two cups, a cup's", "up", "cup"), Dictionary({"cups": ("tasses",)}), "fr")
    assert [answer.text for answer in result.corpus.paragraphs[0].questions[0].answers] == ["tasses", "tasses"]
    assert result.counts["answers_extended"] == 2


def test_an_empty_answer_stays_empty():
    corpus = one("the cup")
    question = replace(corpus.paragraphs[0].questions[0], answers=(Answer("", 5), Answer("", 0)))
    corpus = replace(corpus, paragraphs=(replace(corpus.paragraphs[0], questions=(question,)),))
    result = codeswitch(corpus, FRENCH, "fr")
    assert result.corpus.paragraphs[0].questions[0].answers == (Answer("", 3), Answer("", 0))
    assert result.counts["answers_empty"] == 2


@pytest.mark.parametrize(
    ("fields", "context", "question"),
    [
        (FIELDS, "le coupe, le coupe", "le coupe?"),
        (("context",), "le coupe, the cup", "the cup?"),
        (("answer",), "the cup, le coupe", "the cup?"),
        (("question",), "the cup, the cup", "le coupe?"),
    ],
)
def test_fields(fields, context, question):
    corpus = Corpus((Paragraph("the cup, the cup", (Question("q", "the cup?", (Answer("the cup", 9),)),)),))
    result = codeswitch(corpus, FRENCH, "fr", fields=fields).corpus.paragraphs[0]
    assert (result.context, result.questions[0].text) == (context, question)


def test_rate_by_token_and_by_sentence():
    context = "the cup the cup? " * 300
    corpus = one(context.strip())
    by_token = codeswitch(corpus, FRENCH, "fr", rate=0.3, fields=["context"], seed=1)
    assert by_token.counts["switched"]["context"]["percent"] == pytest.approx(30, abs=5)
    by_sentence = codeswitch(corpus, FRENCH, "fr", rate=0.3, per="sentence", fields=["context"], seed=1)
    assert by_sentence.counts["switched"]["context"]["percent"] == pytest.approx(30, abs=9)
    sentences = set(re.findall(r"\w[^?]*\?", by_sentence.corpus.paragraphs[0].context))
    assert sentences == {"the cup the cup?", "le coupe le coupe?"}
    assert len(set(re.findall(r"\w[^?]*\?", by_token.corpus.paragraphs[0].context))) > 4
    assert codeswitch(corpus, FRENCH, "fr", rate=0).corpus.paragraphs == corpus.paragraphs


def test_random_translations_are_drawn_at_each_place_by_the_seed():
    corpus = one("cup " * 40)
    first, again, other = (codeswitch(corpus, FRENCH, "fr", choice="random", seed=seed) for seed in (1, 1, 2))
    assert set(first.corpus.paragraphs[0].context.split()) == {"coupe", "tasse"}
    assert first.card() == again.card()
    assert first.corpus.paragraphs != other.corpus.paragraphs


def test_the_original_answer_is_kept_where_it_still_is_a_span():
    corpus = Corpus((Paragraph("cups cup, one cup", (Question("q", "what?", (Answer("cup", 14),)),)),))
    made = codeswitch(corpus, FRENCH, "fr", fields=["answer"], keep_original=True)
    assert made.corpus.paragraphs[0].questions[0].answers == (Answer("coupe", 14), Answer("cup", 5))
    assert (made.counts["originals_kept"], made.counts["originals_gone"]) == (1, 0)
    made = codeswitch(one("a cup, the cupboard", "cup"), FRENCH, "fr", keep_original=True)
    assert (made.counts["originals_kept"], made.counts["originals_gone"]) == (0, 1)


def test_ratio_by_its_five_definitions():
    dictionary = Dictionary({"the": ("le",), "cup": ("coupe",), "on": ("on",)})
    corpus = one("The cup, on (the) cup - 4", question="Cup?")
    assert coverage(corpus, dictionary) == {
        "words": round(500 / 7, 2),
        "whitespace_cased": round(200 / 8, 2),
        "whitespace_lower": round(300 / 8, 2),
        "stripped_lower": round(600 / 7, 2),
        "words_and_punctuation_lower": round(600 / 12, 2),
    }
    assert codeswitch(corpus, dictionary, "fr", rate=0.0).counts["ratio"]["words"] == 71.43
    assert set(coverage(Corpus(()), dictionary).values()) == {0.0}


def test_name_and_options_say_what_was_done():
    made = codeswitch(
        one("the cup"), FRENCH, "fr", rate=0.5, fields=["question", "answer"], keep_original=True, seed=4
    )
    assert made.corpus.name == (
        "make:codeswitch(one, target=fr, seed=4, rate=0.5, fields=question+answer, keep_original=true)"
    )
    assert (made.corpus.language, made.corpus.metric) == ("en", "squad.v1")
    assert made.options["dictionary"]["pairs"] == 6
    assert made.options["fields"] == ["question", "answer"]


@pytest.mark.parametrize(
    "options",
    [{"choice": "last"}, {"per": "word"}, {"join": "glue"}, {"fields": ["title"]}, {"fields": []}, {"rate": 1.5}],
)
def test_unknown_options(options):
    with pytest.raises(UsageError):
        codeswitch(one("the cup"), FRENCH, "fr", **options)


def test_the_dictionary_may_be_a_file(tmp_path):
    (tmp_path / "en-fr.txt").write_text("cup coupe\nbroken line here\n")
    made = codeswitch(one("the cup"), tmp_path / "en-fr.txt", "fr")
    assert made.corpus.paragraphs[0].context == "the coupe"
    assert made.options["dictionary"]["broken_lines"] == 1
    with pytest.raises(PolyspanError, match="cannot read"):
        codeswitch(one("the cup"), tmp_path / "none.txt", "fr")


def test_a_switcher_draws_anew_for_each_seed():
    corpus = one("the cup, " * 50)
    draw = switcher(FRENCH, rate=0.5, choice="random")
    assert draw(corpus, 1) == draw(corpus, 1)
    assert draw(corpus, 1).paragraphs != draw(corpus, 2).paragraphs
    assert (
        draw(corpus, 1).paragraphs
        == codeswitch(corpus, FRENCH, "fr", rate=0.5, choice="random", seed=1).corpus.paragraphs
    )


WILD = st.text(st.sampled_from("abAB é\u0301 \u0301京のが\u3099ก ั한العَر42½'’-_.,!?。👩‍🔬\u3000\n"), max_size=30)
ENTRIES = st.dictionaries(
    st.text(st.sampled_from("abé\u0301京한'4"), min_size=1, max_size=3),
    st.lists(st.sampled_from(["a", "ab", "京都", "の", "한국", "éß", "x-y", "👩"]), min_size=1, max_size=3).map(
        tuple
    ),
)


@st.composite
def corpora(draw):
    context = draw(WILD)
    start = draw(st.integers(0, len(context)))
    end = draw(st.integers(start, len(context)))
    answers = (Answer(context[start:end], start),)
    return Corpus((Paragraph(context, (Question("q", draw(WILD), answers),)),), "drawn", "en")


@settings(max_examples=300, deadline=None)
@given(
    corpora(),
    ENTRIES,
    st.fixed_dictionaries(
        {
            "choice": st.sampled_from(["first", "random"]),
            "rate": st.sampled_from([0.5, 1.0]),
            "per": st.sampled_from(["token", "sentence"]),
            "join": st.sampled_from(["script", "space", "none"]),
            "fields": st.sets(st.sampled_from(FIELDS), min_size=1).map(sorted),
            "keep_original": st.booleans(),
            "seed": st.integers(0, 3),
        }
    ),
)
def test_never_a_wrong_span(corpus, entries, options):
    dictionary = Dictionary(entries)
    switch = switcher(dictionary, **{key: options[key] for key in options if key != "seed"})
    if switch(corpus, options["seed"]) == corpus and not coverage(corpus, dictionary)["words"]:
        with pytest.raises(PolyspanError, match="for no word of the corpus"):
            codeswitch(corpus, dictionary, "qaa", **options)
        return
    made = codeswitch(corpus, dictionary, "qaa", **options)
    paragraph = made.corpus.paragraphs[0]
    before, after = corpus.paragraphs[0].questions[0].answers[0], paragraph.questions[0].answers[0]
    for answer in paragraph.questions[0].answers:
        assert paragraph.context[answer.start : answer.end] == answer.text
    counts = made.counts["switched"]
    assert (counts["context"]["replaced"] == 0) == (paragraph.context == corpus.paragraphs[0].context)
    if not counts["answer"]["replaced"] and not made.counts["answers_extended"]:
        assert after.text.replace(" ", "") == before.text.replace(" ", "")
    if not before.text:
        assert not after.text


@pytest.mark.parametrize("language", ["zh", "fr", "ja", "ko"])
def test_the_mini_corpus_with_its_own_word_lists(language):
    made = codeswitch(mini.load("en", "test"), mini.dictionary(language), language, join="none")
    assert (made.kept, made.dropped) == (96, 0)
    assert made.counts["ratio"]["words"] > 75
    assert made.counts["answers_extended"] <= 1


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("zh", (42.3, 29.7, 37.4, 44.3, 39.0)),
        ("fr", (61.0, 50.6, 63.5, 72.3, 63.2)),
        ("ja", (38.7, 31.8, 40.2, 47.0, 41.4)),
    ],
)
def test_the_measured_ratios_on_xquad(data, language, expected):
    dictionary = read_dictionary(data / "muse" / f"en-{language}.txt")
    made = codeswitch(read(data / "xquad" / "xquad.en.json"), dictionary, language, seed=1)
    assert tuple(made.counts["ratio"].values()) == pytest.approx(expected, abs=0.06)
    counts = made.counts["switched"]
    both = [sum(counts[field][key] for field in ("context", "question")) for key in ("replaced", "words")]
    assert 100 * both[0] / both[1] == pytest.approx(made.counts["ratio"]["words"], abs=0.01)
