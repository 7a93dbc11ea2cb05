"""Answers as whole words: longer where they cut one, in scripts with spaces, and nowhere else."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import polyspan as ps
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.model.answers import AnswerOptions, answer_corpus
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions
from polyspan.model.words import whole_words
from polyspan.text import is_mark, stands_alone

LETTERS = "aZé9.,'’-_ \u0301\u200d가을서는수리كتبة١漢字かなカタｶﾞกี่ำมပါ་བོ\n$%😀"


def whole(text: str, part: str) -> str:
    start = text.index(part)
    first, last = whole_words(text, start, start + len(part))
    return text[first:last]


@pytest.mark.parametrize(
    ("text", "part", "wanted"),
    [
        ("It is 10 centimetres long.", "10 centimetr", "10 centimetres"),
        ("Fill in 2.4 litres of water", "4 litre", "2.4 litres"),
        ("The cost was 1,000 dollars", "000", "1,000"),
        ("a co-operation of two", "operat", "operation"),
        ("by Newton's law", "Newt", "Newton"),  # the genitive stays outside
        ("by Newton’s law", "Newton’s", "Newton’s"),
        ("L'ho visto nell'acqua", "acq", "acqua"),  # and so does an article before it
        ("un verre d’eau douce", "eau dou", "eau douce"),
        ("في المدرسة الكبيرة", "مدرس", "المدرسة"),
        ("أكثر من ١٢٫٥ كيلومترا", "كيلومتر", "كيلومترا"),
        ("1936년에 대서울에서 태어났다", "서울", "대서울"),  # what follows may be a particle
        ("1936년에 대서울에서 태어났다", "1936년", "1936년"),
        ("NASA는 미국의 기관이다", "AS", "NASA"),
        ("ที่นี่มีน้ำดื่มสะอาด", "น้ำดื่ม", "น้ำดื่ม"),
        ("ที่นี่มีน้ำดื่มสะอาด", "นี", "นี่"),  # a letter keeps its tone mark
        ("第一座橋於1797年建成", "橋", "橋"),
        ("第一座橋於1797年建成", "79", "1797"),
        ("新しいコンピュータを使う", "ピュータ", "ピュータ"),
        ("我買了iPhone手機", "Phone手", "iPhone手"),
    ],
)
def test_examples(text, part, wanted):
    assert whole(text, part) == wanted


@given(st.text(LETTERS, min_size=1, max_size=30), st.data())
def test_it_holds_the_answer_stays_as_it_is_when_done_again_and_cuts_no_word(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = whole_words(text, start, end)
    assert 0 <= first <= start < end <= last <= len(text)
    assert whole_words(text, first, last) == (first, last)
    assert not _cut(text, first)
    assert not _cut(text, last) or "가" <= text[last] <= "힣"


def _cut(text: str, place: int) -> bool:
    """Whether two letters of one word, in a script with spaces, stand at both sides."""
    sides = text[max(0, place - 1) : place + 1]
    return len(sides) == 2 and all(char.isalnum() and not stands_alone(char) for char in sides)


@given(st.text("漢字かなカタกมไทย一二", min_size=2, max_size=20), st.integers(0, 19))
def test_scripts_without_spaces_are_left_alone(text, start):
    assume(start < len(text))
    assert whole_words(text, start, start + 1) == (start, start + 1)


@given(st.text(LETTERS, max_size=20), st.integers(0, 20))
def test_no_mark_is_torn_from_its_letter(text, start):
    assume(start < len(text))
    first, last = whole_words(text, start, start + 1)
    assert last == len(text) or not is_mark(text[last]) or text[last - 1].isspace()
    assert whole_words(text, first, first) == (first, first)


def test_a_reader_gives_whole_words_each_once(tiny):
    reader = Reader.load(tiny, WindowOptions(max_length=128, stride=32), seed=3)
    with torch.no_grad():
        reader.model.qa_outputs.weight *= 20
    context = "The goldsmithery of Kingstonbury was unforgettably beautiful in 1931, 點字是盲人的文字"
    corpus = Corpus((Paragraph(context, (Question("1", "who won"),)),))
    plain = next(answer_corpus(reader, corpus, AnswerOptions(n_best=40)))
    aligned = next(answer_corpus(reader, corpus, AnswerOptions(n_best=40, align_to_words=True)))
    spans = [(one.start, one.end) for one in aligned]
    assert len(set(spans)) == len(spans) < len(plain)
    best: dict[tuple[int, int], float] = {}
    for one in plain:
        place = whole_words(context, one.start, one.end)
        best[place] = max(best.get(place, one.score), one.score)
    assert dict(zip(spans, (one.score for one in aligned), strict=True)) == best
    assert all(one.text == context[one.start : one.end] for one in aligned)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "least"),
    [
        ("xquad/xquad.en.json", 99.8),
        ("xquad/xquad.es.json", 99.8),
        ("xquad/xquad.ar.json", 97.9),  # prefixes written with a tatweel, a missing space
        ("xquad/xquad.zh.json", 99.9),
        ("drcd/DRCD_dev.json", 99.9),
        ("korquad_v1.0/KorQuAD_v1.0_dev.json", 99.8),
    ],
)
def test_the_answers_that_people_marked_stay_as_they_are(data, file, least):
    answers = [(p.context, a) for p, q in ps.read(data / file).questions() for a in q.answers]
    kept = sum(whole_words(context, a.start, a.end) == (a.start, a.end) for context, a in answers)
    assert 100 * kept / len(answers) >= least
