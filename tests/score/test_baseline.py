"""The lexical baseline: spans of the context, near the question's words, in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspan.data.mini import LANGUAGES
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.reading import read
from polyspan.score import score
from polyspan.score.baseline import lexical_baseline

TEXT = st.text(st.sampled_from("ab cd. 東京은 é'"), max_size=60)


def ask(context: str, question: str) -> str:
    return lexical_baseline(Corpus((Paragraph(context, (Question("q", question),)),)))["q"]


@given(TEXT, TEXT)
def test_an_answer_is_a_stretch_of_the_context(context, question):
    assert ask(context, question) in context


def test_it_points_beside_the_question_s_words():
    context = "Cats sleep at noon. In spring Leeds took the red cup. Dogs bark at night."
    assert ask(context, "Who took the red cup in spring?") == "Leeds"
    assert ask("貓睡覺。紅杯由里茲贏得。", "紅杯由誰贏得？") == "里茲"


def test_texts_without_any_unit():
    assert ask("", "who") == ""
    assert ask("…", "who") == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_mini_corpus_is_not_answered_by_word_overlap(language, split):
    corpus = read(f"mini:{language}/{split}")
    found = score(corpus, lexical_baseline(corpus), corpus.metric)
    print(f"mini:{language}/{split} sliding window: EM {found.exact_match:.1f} F1 {found.f1:.1f}")
    assert found.exact_match < 5
    assert found.f1 < 15
