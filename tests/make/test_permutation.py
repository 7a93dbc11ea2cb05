import re
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.make.permutation import permute
from polyspan.reading import read

LETTERS = "abABssßẞİiıIσςΣéÉoǆǅŉﬁ京都のがー〇カไทยก한국어العَرَبِיתक्षि\u0301\u0345\u0e31\u3099"
OTHERS = "42½²Ⅷ๑'’-_.,;!?()\"«»・👩‍🔬 \u3000\n\t"
WILD = st.text(st.sampled_from(LETTERS + OTHERS), max_size=40)
PLAIN = st.lists(st.text(st.sampled_from("abcde"), min_size=2, max_size=3), min_size=1, max_size=20).map(" ".join)


@st.composite
def corpora(draw, texts):
    """Up to three paragraphs with up to three questions, answers anywhere, empty ones among them."""
    paragraphs = []
    for number in range(draw(st.integers(1, 3))):
        context = draw(texts)
        questions = []
        for at in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(context)))
            answer = Answer(context[start : draw(st.integers(start, len(context)))], start)
            questions.append(Question(f"{number}-{at}", draw(texts), (answer,) * draw(st.integers(0, 1))))
        paragraphs.append(Paragraph(context, tuple(questions)))
    return Corpus(tuple(paragraphs), "drawn", "en")


OPTIONS = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["word", "char"]),
        "seed": st.integers(0, 9),
        "keep_digits": st.booleans(),
        "bins": st.sampled_from([None, 1, 2, 5, 50]),
    }
)


def permuted(corpus, **options):
    """The permutation, or None where the corpus has nothing to permute."""
    try:
        return permute(corpus, **options)
    except PolyspanError as error:
        if error.message != "there is nothing to permute":
            raise
        return None


def texts(corpus):
    return [text for p in corpus.paragraphs for text in (p.context, *(q.text for q in p.questions))]


def answers(corpus):
    return [(q.id, answer) for _, q in corpus.questions() for answer in q.answers]


@settings(max_examples=300, deadline=None)
@given(corpora(WILD), OPTIONS)
def test_the_inverse_restores_every_text_and_every_answer_that_cuts_no_word(corpus, options):
    if (result := permuted(corpus, **options)) is None:
        return
    for paragraph, question in result.corpus.questions():
        for answer in question.answers:
            assert answer.text == paragraph.context[answer.start : answer.end]
    back = permute(result.corpus, invert=True, **options)
    assert texts(back.corpus) == texts(corpus)
    changed = sum(old != new for old, new in zip(answers(corpus), answers(back.corpus), strict=True))
    empty_moved = sum(not answer.text for _, answer in answers(corpus))
    assert changed <= result.counts["answers_extended"] + empty_moved
    assert back.counts["answers_extended"] == 0


@given(corpora(PLAIN), OPTIONS)
def test_a_bijection_without_fixed_point_that_keeps_the_histogram(corpus, options):
    if (result := permuted(corpus, **options)) is None:
        return
    token = r"\w+" if options["unit"] == "word" else r"\w"
    old = [word for text in texts(corpus) for word in re.findall(token, text)]
    new = [word for text in texts(result.corpus) for word in re.findall(token, text)]
    pairs = set(zip(old, new, strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert all(a != b for a, b in pairs)
    assert set(old) == set(new)
    assert sorted(Counter(old).values()) == sorted(Counter(new).values())
    assert result.counts["types"] == {"permuted": len(pairs), "unchanged": 0}
    assert result.counts["contexts_unchanged"] == result.counts["questions_unchanged"] == 0


def one(context, *answers_, question="what?"):
    found = tuple(Answer(answer, context.index(answer)) for answer in answers_)
    return Corpus((Paragraph(context, (Question("q", question, found),)),), "one", "en")


def test_case_digits_and_punctuation_stay_where_they_are():
    context = "The CUP, the cup's 1920 iPhone: The McCup in 4th"
    result = permute(one(context, "cup's 1920"), seed=1)
    pattern = re.sub(r"[^\W\d_]+", lambda m: "UPPER" if m[0].isupper() and len(m[0]) > 1 else "x", context)
    found = permute(one(context)).corpus.paragraphs[0].context
    assert re.sub(r"[^\W\d_]+", lambda m: "UPPER" if m[0].isupper() and len(m[0]) > 1 else "x", found) == pattern
    first, upper, second = re.findall(r"[^\W\d_]+", found)[:3]
    assert first.lower() == second == first[0].lower() + first[1:]
    assert upper == upper.upper()
    answer = result.corpus.paragraphs[0].questions[0].answers[0]
    assert re.fullmatch(r"\w+'\w 1920", answer.text)


def test_the_same_word_everywhere_in_context_question_and_answer():
    corpus = one("Leeds won. Hull lost to Leeds.", "Leeds", question="Did Leeds win?")
    question = permute(corpus).corpus.paragraphs[0].questions[0]
    context = permute(corpus).corpus.paragraphs[0].context
    assert question.answers[0].text == question.text.split()[1] == context.split()[0]


def test_an_answer_that_cuts_a_word_takes_in_the_whole_and_is_counted():
    corpus = one("Seoul서울은 한국의 수도이다", "한국", "한국의")
    result = permute(corpus)
    first, second = result.corpus.paragraphs[0].questions[0].answers
    assert first == second
    assert result.counts["answers_extended"] == 1
    assert result.counts["tokens"] == {"context": 3, "question": 1, "answer": 2}


def test_characters_are_words_in_scripts_without_spaces():
    result = permute(one("我在東京。東京在ABC公司", "東京", question="我在哪？"))
    context = result.corpus.paragraphs[0].context
    assert len(context) == len("我在東京。東京在ABC公司")
    assert context[2:4] == context[5:7] == result.corpus.paragraphs[0].questions[0].answers[0].text
    assert result.counts["types"]["unchanged"] == 1  # ABC is the only one of its kind


@pytest.mark.parametrize("context", ["", "42 + 42 = 84.", "cup cup CUP", "👩‍🔬 \u0301"])
def test_nothing_to_permute_is_an_error(context):
    with pytest.raises(PolyspanError, match="there is nothing to permute") as error:
        permute(one(context, question="cup?" if "cup" in context else "?"))
    assert "corpus one" in str(error.value)


def test_questions_without_answers_ids_titles_and_language_stay():
    paragraph = Paragraph("a b", (Question("q1", "b a?", (), impossible=True),), "title")
    result = permute(Corpus((paragraph,), "none", "fr", "squad.v2"), seed=5).corpus
    assert result == Corpus(
        (Paragraph("b a", (Question("q1", "a b?", (), impossible=True),), "title"),),
        "make:permute(none, seed=5)",
        "fr",
        "squad.v2",
    )


def test_numbers_and_marks_among_themselves():
    result = permute(one("In 1920, in 1931; no."), keep_digits=False).corpus.paragraphs[0]
    assert re.fullmatch(r"\w+ 1931\W \w+ 1920\W \w+\W", result.context)
    assert not set(
        zip(re.findall(r"[,;.?]", "In 1920, in 1931; no."), re.findall(r"[,;.?]", result.context), strict=True)
    ) & {(mark, mark) for mark in ",;.?"}


def test_bins_swap_words_of_similar_rank():
    often, seldom = [f"o{c}" for c in "abcd"], [f"s{c}{d}" for c in "abcdefgh" for d in "abcdefgh"]
    corpus = one(" ".join(often * 50 + seldom), question="oa?")
    plain, binned = (permute(corpus, bins=bins).corpus.paragraphs[0].context.split() for bins in (None, 3))
    assert {word[0] for word in binned[:200]} == {"o"}
    assert {word[0] for word in plain[:200]} != {"o"}


def test_name_and_options_say_what_was_done():
    result = permute(one("a bc de"), seed=2, bins=4, unit="char", keep_digits=False)
    assert result.corpus.name == "make:permute(one, seed=2, unit=char, keep_digits=false, bins=4)"
    assert result.options == {"seed": 2, "unit": "char", "keep_digits": False, "bins": 4, "invert": False}
    assert permute(one("a bc de"), seed=2, bins=4, unit="char", keep_digits=False).card() == result.card()
    assert (
        permute(one("ab bc de fg"), seed=1).card()["sha256"]
        != permute(one("ab bc de fg"), seed=2).card()["sha256"]
    )


@pytest.mark.parametrize(
    "options",
    [{"unit": "wrod"}, {"bins": 0}, {"tokenizer": object()}, {"unit": "piece", "invert": True}],
)
def test_options_that_do_not_go_together(options):
    if "invert" in options:
        options["tokenizer"] = object()
    with pytest.raises(UsageError):
        permute(one("a b"), **options)


def test_a_context_of_100_000_characters_takes_no_time():
    context = "leeds won, hull lost. " * 5000
    began = time.process_time()
    result = permute(one(context, "hull lost"))
    assert time.process_time() - began < 2
    assert len(re.findall(r"\w+", result.corpus.paragraphs[0].context)) == 20_000


@pytest.mark.parametrize("name", ["wordpiece", "unigram", "byte_bpe"])
def test_pieces_stay_in_their_place_in_the_word(name, request, corpus):
    tokenizer = request.getfixturevalue(name)
    result = permute(corpus, unit="piece", tokenizer=tokenizer, seed=3)
    for before, after in zip(corpus.paragraphs, result.corpus.paragraphs, strict=True):
        assert before.context != after.context
        assert re.sub(r"[^\W\d_]+", "", before.context) == re.sub(r"[^\W\d_]+", "", after.context)
    assert permute(corpus, unit="piece", tokenizer=tokenizer.backend_tokenizer, seed=3).corpus == result.corpus


def test_the_tokenizer_of_pieces_may_cut_texts_and_is_left_so(wordpiece, corpus):
    wordpiece("the cup", truncation=True, max_length=5)
    whole = permute(corpus, unit="piece", tokenizer=wordpiece).corpus
    assert wordpiece.backend_tokenizer.truncation["max_length"] == 5
    wordpiece.backend_tokenizer.no_truncation()
    assert permute(corpus, unit="piece", tokenizer=wordpiece).corpus == whole


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("language", "options"), [("en", {}), ("zh", {}), ("ar", {"bins": 8}), ("es", {"unit": "char"})]
)
def test_xquad_comes_back_from_the_inverse(data, language, options):
    corpus = read(data / "xquad" / f"xquad.{language}.json")
    result = permute(corpus, seed=7, **options)
    assert (result.kept, result.dropped) == (1190, 0)
    assert result.counts["contexts_unchanged"] == 0
    back = permute(result.corpus, seed=7, invert=True, **options).corpus
    assert texts(back) == texts(corpus)
    differ = sum(old != new for old, new in zip(answers(corpus), answers(back), strict=True))
    assert differ <= result.counts["answers_extended"] <= 0.06 * 1190
