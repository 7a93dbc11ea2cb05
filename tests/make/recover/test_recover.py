import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.errors import UsageError
from polyspan.make.recover.distance import between
from polyspan.make.recover.nearby import first_match
from polyspan.make.recover.recover import POLICIES, Span, find_span, fold, recover_answers

CUP = "In 1920 the Cup was won by Leeds; in 1931 the cup was won by Hull, of Humberside."

mixed = st.text(
    st.sampled_from("abcAB  .ßİé\u0301\u0327한ᄒ\u1161\u11ab龍ｶﾞ½ﬁ…\u00a0\u3000👩\u200d🚀\U0001f3fe1"), max_size=14
)


def text_of(context: str, span: Span | None) -> str | None:
    return None if span is None else context[span.start : span.end]


@pytest.mark.parametrize("policy", POLICIES)
def test_an_exact_occurrence_is_found_as_it_is(policy):
    assert find_span(CUP, "Leeds", policy) == Span(27, 32, 0, False)
    assert find_span(CUP, "was won by", policy) == Span(16, 26, 0, True)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("answer", ["", "  ", "\u3000\n", "q", "é", "👩"])
def test_empty_answers_and_single_characters_that_do_not_occur_are_not_found(policy, answer):
    assert find_span(CUP, answer, policy, bound=5) is None
    assert find_span("", answer, policy) is None


@pytest.mark.parametrize("policy", POLICIES)
def test_an_answer_that_has_nothing_in_common_is_not_found(policy):
    assert find_span(CUP, "龍龍龍", policy) is None
    assert find_span("", "cup", policy) is None
    assert find_span(CUP, "Leeks", policy, bound=0) is None


def test_what_was_to_be_copied_is_found_with_a_slip_and_nothing_else_is():
    assert text_of(CUP, find_span(CUP, "humbersite", "copied")) == "Humberside"
    assert text_of(CUP, find_span(CUP, "Leads", "copied")) == "Leeds"
    assert find_span(CUP, "1921", "copied") is None
    assert text_of(CUP, find_span(CUP, "1921", "strict")) == "1920"
    assert find_span(CUP, "Hulk City", "copied") is None


def test_the_paper_s_first_match_is_seldom_the_nearest():
    """The examples of METHODS 3.2 and 3.3, on contexts made for them."""
    late = "in the late 19th century, and"
    assert text_of(late, find_span(late, "Late 19th century", "paper_first_match")) == "ate 19th century"
    assert text_of(late, find_span(late, "Late 19th century", "paper_min")) == "late 19th century"
    golf = "Of a former golfer's caddy"
    assert find_span(golf, "Caddy", "paper_first_match") == Span(3, 7, 4, True)
    assert text_of(golf, find_span(golf, "Caddy", "paper_min")) == "caddy"
    assert find_span(golf, "Caddy", "boundary") == Span(21, 26, 0, False)


def test_paper_min_takes_the_leftmost_and_says_that_there_are_others():
    assert find_span("a cat, a cot", "cut", "paper_min") == Span(2, 5, 1, True)
    assert find_span("a cat, a dog", "cut", "paper_min") == Span(2, 5, 1, False)


def test_boundary_looks_through_case_width_and_composition():
    for context, answer, expected in [
        ("the STRASSE here", "straße", "STRASSE"),
        ("Ｔｏｋｙｏ wins", "tokyo", "Ｔｏｋｙｏ"),
        ("un caf\u0065\u0301 noir", "Café", "caf\u0065\u0301"),
        ("in \u1112\u1161\u11ab\u1100\u116e\u11a8 now", "한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("ｶﾞｽ の", "ガス", "ｶﾞｽ"),
        ("the İzmir road", "i\u0307zmir", "İzmir"),
        ("10\u00a0km away", "10 km", "10\u00a0km"),
    ]:
        span = find_span(context, answer)
        assert (text_of(context, span), span.distance) == (expected, 0)


def test_boundary_prefers_whole_words_then_length_then_place_then_the_left():
    assert find_span("concatenate the cat", "cat").start == 16
    assert find_span("xcaty, in cut and c.t", "cat").start == 1  # a smaller distance comes first
    assert text_of("his hour", find_span("his hour", "Four")) == "hour"
    twice = "cat and dog and cat"
    assert find_span(twice, "cat").start == 0
    assert find_span(twice, "cat", position=0.9) == Span(16, 19, 0, True)
    assert find_span(twice, "cat", "paper_min", position=0.9).start == 0


def test_characters_of_unspaced_scripts_are_words_by_themselves():
    assert find_span("x東京y, 東京", "東京").start == 1
    assert find_span("ก東ข NASAは NASA", "NASA").start == 4


def test_korean_particles_do_not_cut_a_word():
    assert find_span("대서울 서울에서 서울", "서울").start == 9
    assert find_span("대서울 서울에서 서울", "서울", language="ko").start == 4


def test_boundary_trims_spaces_and_never_parts_a_character():
    assert text_of("the  cup  is", find_span("the  cup  is", " cup ")) == "cup"
    assert text_of("a  Smith b", find_span("a  Smith b", "X Smith")) == "Smith"
    assert text_of("add ½ cup", find_span("add ½ cup", "1 cup")) == "½ cup"
    rocket = "the 👩🏾\u200d🚀 flew"
    assert text_of(rocket, find_span(rocket, "the 👩")) == "the 👩🏾\u200d🚀"
    assert find_span("e\u0301", "e", bound=3) is None


def test_strict_wants_half_of_the_answer():
    for policy in ("boundary", "strict"):
        assert find_span("xx cazz", "caba", policy) == Span(3, 7, 2, False)
    assert find_span("xx czzz", "caba", "boundary").distance == 3
    assert find_span("xx czzz", "caba", "strict") is None


def test_the_bound_is_ten_or_less_than_the_answer():
    far = "abcdefghijklmnopqrst"
    for policy in ("paper_min", "boundary"):
        assert find_span("x" * 11 + far[11:], far, policy) is None
        assert find_span("x" * 11 + far[11:], far, policy, bound=11).distance == 11
        assert find_span("zzbzz", "abc", policy).distance == 2
        assert find_span("zzbzz", "abc", policy, bound=1) is None


def test_wrong_calls_are_named():
    with pytest.raises(UsageError, match="unknown recovery policy 'boundry'") as raised:
        find_span(CUP, "cup", "boundry")
    assert "boundary" in raised.value.fix
    with pytest.raises(UsageError, match="cannot be -1"):
        find_span(CUP, "cup", bound=-1)
    with pytest.raises(UsageError, match="relative position of 7"):
        find_span(CUP, "cup", position=7)


def test_all_answers_of_a_context_at_once():
    texts, positions = ["leeds", "", "the cup"], [None, None, 0.5]
    expected = [find_span(CUP, "leeds"), None, find_span(CUP, "the cup", position=0.5)]
    assert recover_answers(CUP, texts, positions=positions) == expected
    assert expected[2].start == 42
    assert recover_answers(CUP, texts, "paper_min") == [find_span(CUP, text, "paper_min") for text in texts]
    with pytest.raises(ValueError):
        recover_answers(CUP, texts, positions=[0.5])


@pytest.mark.parametrize("policy", POLICIES)
def test_a_context_of_100_000_characters(policy):
    context = "word after word " * 6250 + "and Leeds won"
    assert text_of(context, find_span(context, "And Leeks won", policy)).endswith("nd Leeds won")


@given(mixed, mixed)
def test_spans_are_within_the_context_and_as_far_as_they_say(context, answer):
    for policy in POLICIES:
        span = find_span(context, answer, policy)
        if span is None:
            continue
        text = context[span.start : span.end]
        assert text
        assert span.distance <= min(10, len(answer) - 1)
        if policy.startswith("paper"):
            assert span.distance == between(answer, text)
        else:
            assert text == text.strip()
            assert span.distance == between(fold(answer.strip()), fold(text))
            assert policy == "boundary" or span.distance <= len(fold(answer.strip())) / 2
            assert not unicodedata.combining(context[span.end : span.end + 1] or "x")


@given(mixed)
def test_any_part_of_a_text_is_found_at_distance_0(context):
    for end in range(1, len(context) + 1):
        if answer := context[end // 2 : end].strip():
            assert find_span(context, answer, "paper_min").distance == 0
            assert find_span(context, answer, "paper_first_match").distance == 0


@given(st.text(st.sampled_from("abcd"), min_size=2, max_size=6), st.text(st.sampled_from("abcde"), max_size=20))
def test_first_match_is_a_near_match_and_exists_where_the_text_shares_a_first_letter(pattern, text):
    found = first_match(pattern, text, len(pattern) - 1)
    if found is None:
        assert not set(pattern) & set(text)
    else:
        start, end, distance = found
        assert text[start] in pattern
        assert between(pattern, text[start:end]) <= distance < len(pattern)


MILL = "Her father was a miller, and the river ran past the old mill into the harbour of Leeds."
MOULIN = "La rivière passait près du vieux moulin, au nord de la ville."
SUISHA = "その川は古い水車のそばを流れて港に入る。一九二〇年に橋ができた。"


# (start, end, distance) of what fuzzysearch 0.6.2 lists first.
@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        (MILL, "Miller", (1, 3, 4)),
        (MILL, "The mill", (16, 21, 3)),
        (MILL, "Old River Mill", (10, 21, 9)),
        (MILL, "harbor at Leeds", (37, 46, 10)),
        (MILL, "Sanskrit", (2, 5, 7)),
        (MILL, "zz", None),
        (MILL, "the river runs past an old mill into a harbor", (29, 77, 9)),
        (MILL, "Her father were millers, but a river runs by", None),
        (MOULIN, "vieille rivière", (2, 10, 7)),
        (MOULIN, "moulin du nord", (33, 48, 2)),
        (MOULIN, "Sanskrit", (1, 6, 5)),
        (SUISHA, "水車小屋", (6, 10, 2)),
        (SUISHA, "港に入った川", (2, 3, 5)),
        (SUISHA, "1920年", (24, 25, 4)),
    ],
)
def test_first_match_is_the_one_recorded(text, answer, expected):
    assert first_match(answer, text, min(10, len(answer) - 1)) == expected


TEMPLATES = {
    "en": (
        "{}", "year {}", "{} years", "In {}", "in {}", "Year {}", "the year {}", "{} year", "{}.",
        "In the year {}",
    ),
    "ja": ("{}年",),
    "ko": ("{} 년", "{}년"),
}  # fmt: skip


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("language", "lost", "by_first", "by_least"), [("en", 88, 83, 1), ("ja", 19, 15, 8), ("ko", 9, 5, 0)]
)
def test_the_years_that_the_released_files_lost(data, language, lost, by_first, by_least):
    """METHODS 3.3: of answers NNNN年, how many lost the year, and which rule gives just the span released."""
    source = json.loads((data / "drcd/DRCD_dev.json").read_text("utf-8"))
    target = json.loads((data / f"drcd_translated/zh-tw_{language}_dev.json").read_text("utf-8"))
    years, counts = 0, [0, 0, 0]
    for (_, answer), (context, released) in zip(_answers(source), _answers(target), strict=True):
        if not (year := re.fullmatch(r"(\d{4})年", answer["text"])):
            continue
        years += 1
        if year[1] in released["text"]:
            continue
        start = int(released["answer_start"])
        place = (start, start + len(released["text"]))
        guesses = [template.format(year[1]) for template in TEMPLATES[language]]
        counts[0] += 1
        for index, policy in enumerate(("paper_first_match", "paper_min"), 1):
            spans = [find_span(context, guess, policy) for guess in guesses]
            counts[index] += place in [(span.start, span.end) for span in spans if span]
    assert years == 627
    assert counts == [lost, by_first, by_least]


def _answers(document):
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                for answer in question["answers"]:
                    yield paragraph["context"], answer
