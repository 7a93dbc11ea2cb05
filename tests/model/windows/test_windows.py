"""Windows: layout, cutting, labels, ownership; on WordPiece and on SentencePiece."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError
from polyspan.model.batch import collate
from polyspan.model.windows.windows import (
    Layout,
    WindowOptions,
    cached_windows,
    concatenate,
    layout,
    make_windows,
    owned,
    saved_options,
)

SMALL = WindowOptions(max_length=24, stride=6)


@pytest.fixture(params=["wordpiece", "unigram"])
def tokenizer(request):
    return request.getfixturevalue(request.param)


def one(context: str, answer: str = "", start: int | None = None, question: str = "who") -> Corpus:
    answers = () if start is None else (Answer(answer, start),)
    return Corpus((Paragraph(context, (Question("q", question, answers),)),))


def test_layout(wordpiece, unigram):
    assert layout(wordpiece).types == (0, 0, 0, 1, 1)
    assert (layout(wordpiece).special, layout(unigram).special) == (3, 4)
    assert layout(unigram).types is None


def test_layout_of_decoders(endless, begun):
    """What a tokenizer does not put in is put in for it: a line break between, the end of text behind."""
    line, end = endless.convert_tokens_to_ids("Ċ"), endless.eos_token_id
    assert layout(endless) == Layout((), (line,), (end,), None, endless.pad_token_id, "last")
    assert layout(begun) == Layout((0,), (0,), (end,), None, 0, "first")


def test_a_window_is_what_the_tokenizer_makes_of_the_pair(tokenizer, corpus):
    """Tokenising context and question apart gives the same ids as the tokenizer's own pair encoding."""
    windows = make_windows(corpus, tokenizer, WindowOptions(max_length=128))
    pairs = [(question.text, paragraph.context) for paragraph, question in corpus.questions()]
    for row, (question, context) in enumerate(pairs):
        batch = collate(windows, layout(tokenizer), np.array([row], np.int32))
        expected = tokenizer(question, context)
        assert batch.input_ids[0].tolist() == expected["input_ids"]
        assert batch.attention_mask is None
        if batch.token_type_ids is not None:
            assert batch.token_type_ids[0].tolist() == expected["token_type_ids"]


@pytest.mark.parametrize("stride_as", ["step", "overlap"])
def test_windows_cover_the_context(tokenizer, stride_as):
    corpus = one("the cup was won by hull " * 9)
    options = replace(SMALL, stride_as=stride_as)
    windows = make_windows(corpus, tokenizer, options)
    pieces, capacity = len(windows.contexts.ids), int(windows.length.max())
    covered = {
        at
        for first, length in zip(windows.first, windows.length, strict=True)
        for at in range(first, first + length)
    }
    assert covered == set(range(pieces))
    steps = set(np.diff(windows.first).tolist())
    assert steps == ({6} if stride_as == "step" else {capacity - 6})
    assert windows.first[-2] + windows.length[-2] < pieces  # it stops at the first window that reaches the end


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_labels_point_to_the_annotated_characters(wordpiece, unigram, data):
    """Cutting the context at the label's offsets gives the answer back, wherever and whatever it is."""
    tokenizer = data.draw(st.sampled_from([wordpiece, unigram]))
    words = st.lists(
        st.sampled_from(["the", "cup", "won", "東京", "我是誰", "한국", "a1", "x", "é"]), min_size=3, max_size=40
    )
    context = data.draw(st.sampled_from([" ", "  ", ". "])).join(data.draw(words))
    pieces = make_windows(one(context), tokenizer, WindowOptions(max_length=384)).contexts
    first = data.draw(st.integers(0, len(pieces.ids) - 1))
    last = data.draw(st.integers(first, min(first + 5, len(pieces.ids) - 1)))
    start, end = int(pieces.starts[first]), int(pieces.ends[last])
    if not context[start:end].strip() or context[start:end] != context[start:end].strip():
        return
    windows = make_windows(one(context, context[start:end], start), tokenizer, SMALL, training=True)
    inside = windows.label_start >= 0
    for row in np.flatnonzero(inside):
        a, b = windows.first[row] + windows.label_start[row], windows.first[row] + windows.label_end[row]
        assert context[windows.contexts.starts[a] : windows.contexts.ends[b]] == context[start:end]
    fits = (windows.first <= first) & (windows.first + windows.length > last)
    assert inside[fits].all()


def test_the_word_mark_of_sentencepiece_has_no_characters(unigram):
    """`▁` before unspaced text claims its first character; an answer must not end there."""
    windows = make_windows(one("東京 the", "東京", 0), unigram, SMALL, training=True)
    tokens = windows.contexts
    assert (tokens.starts[0], tokens.ends[0]) == (0, 0)
    label = (int(windows.label_start[0]), int(windows.label_end[0]))
    assert (tokens.starts[label[0]], tokens.ends[label[1]]) == (0, 2)
    assert label[0] > 0


def test_first_match_is_the_first_place_of_the_word(wordpiece):
    """On unspaced text run_squad.py labels the first occurrence, not the annotated one."""
    context = "我在東京是誰在東京"
    corpus = one(context, "東京", 7)
    by_offsets = make_windows(corpus, wordpiece, WindowOptions(max_length=64), training=True)
    by_match = make_windows(corpus, wordpiece, WindowOptions(max_length=64, label="first_match"), training=True)
    assert by_offsets.label_start[0] == 7
    assert by_match.label_start[0] == 2


@pytest.mark.parametrize("fixture", ["unigram", "byte_bpe"])
def test_first_match_by_characters_where_pieces_depend_on_their_place(request, fixture):
    """SentencePiece and byte-level pieces of an answer differ inside a text: there its characters are matched."""
    tokenizer = request.getfixturevalue(fixture)
    context = "the cup. 我在東京是誰在東京"
    options = WindowOptions(max_length=128, label="first_match")
    windows = make_windows(one(context, "東京", context.rindex("東京")), tokenizer, options, training=True)
    a, b = windows.label_start[0], windows.label_end[0]
    first = context.index("東京")
    assert (windows.contexts.starts[a], windows.contexts.ends[b]) == (first, first + 2)


def test_first_match_with_spaces_and_without_any_match(wordpiece):
    spaced = one("the cup, the cup", "cup", 13)
    assert (
        make_windows(
            spaced, wordpiece, WindowOptions(max_length=64, label="first_match"), training=True
        ).label_start[0]
        == 4
    )
    within = one("xcupx won", "cup", 1)  # the word's pieces never equal the answer's: the whole word is the label
    windows = make_windows(within, wordpiece, WindowOptions(max_length=64, label="first_match"), training=True)
    assert (windows.label_start[0], windows.label_end[0]) == (0, 4)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("he cup ", "the cup"), ("he cup", "the cup"), ("cup won  ", "cup won"), ("by hull", "by hull")],
)
def test_a_space_at_the_end_of_an_answer_takes_no_next_word_in(tokenizer, answer, expected):
    """run_squad.py counts a space to the word before it."""
    context = "the cup won  by hull"
    options = WindowOptions(max_length=64, label="first_match")
    windows = make_windows(one(context, answer, context.index(answer)), tokenizer, options, training=True)
    a, b = windows.label_start[0], windows.label_end[0]
    assert context[windows.contexts.starts[a] : windows.contexts.ends[b]] == expected


def test_windows_without_the_answer_point_to_cls_or_are_left_out(tokenizer):
    corpus = one("the cup was won by hull " * 9, "the", 0)
    kept = make_windows(corpus, tokenizer, SMALL, training=True)
    dropped = make_windows(corpus, tokenizer, replace(SMALL, negatives="none"), training=True)
    assert len(dropped) == (kept.label_start >= 0).sum() < len(kept)
    batch = collate(kept, layout(tokenizer), np.arange(len(kept), dtype=np.int32))
    assert batch.start[0] > 0
    assert batch.start[-1] == 0


def test_windows_without_the_answer_are_counted_and_one_a_question_is_kept(tokenizer):
    """Those of unanswerable questions are always learnt from."""
    text = "the cup was won by hull " * 9
    asked = (Question("a", "who", (Answer("the", 0),)), Question("b", "who", (Answer("the", 0),)))
    corpus = Corpus((Paragraph(text, (*asked, Question("none", "who", impossible=True))),))
    made = {
        name: make_windows(corpus, tokenizer, replace(SMALL, negatives=name), training=True)
        for name in ("all", "some", "none")
    }
    every = int((made["all"].label_start >= 0).sum()), made["all"].negatives
    outside, unanswerable = every[1]["outside"], every[1]["unanswerable"]
    assert len(made["all"]) == every[0] + outside + unanswerable
    assert made["some"].negatives == {"unanswerable": unanswerable, "outside": 2, "left_out": outside - 2}
    assert made["none"].negatives == {"unanswerable": unanswerable, "outside": 0, "left_out": outside}
    assert [len(made[name]) for name in ("some", "none")] == [every[0] + 2 + unanswerable, every[0] + unanswerable]
    both = concatenate([made["some"], made["none"]])
    assert both.negatives == {"unanswerable": 2 * unanswerable, "outside": 2, "left_out": 2 * outside - 2}


def test_options_of_older_versions_are_read():
    assert saved_options({"outside": "drop", "stride": 9}) == WindowOptions(negatives="none", stride=9)
    assert saved_options({"outside": "cls"}) == WindowOptions()
    with pytest.raises(TypeError):
        saved_options({"outwards": 3})


def test_unusable_answers_are_counted_and_impossible_questions_learnt(wordpiece):
    questions = (
        Question("empty", "who", (Answer("", 0),)),
        Question("wrong", "who", (Answer("hull", 3),)),
        Question("none", "who"),
        Question("impossible", "who", impossible=True),
        Question("good", "who", (Answer("cup", 4),)),
    )
    windows = make_windows(Corpus((Paragraph("the cup", questions),)), wordpiece, SMALL, training=True)
    assert windows.skipped == {"answer-empty": 1, "offset": 1, "no-answer": 1}
    assert windows.question.tolist() == [3, 4]
    assert windows.label_start.tolist() == [-1, 1]


def test_answers_that_no_window_holds_are_counted(wordpiece):
    corpus = one("the cup was won by hull " * 9, "the cup was won by hull " * 4, 0)
    for negatives, left in (("all", True), ("none", False)):
        windows = make_windows(corpus, wordpiece, replace(SMALL, negatives=negatives), training=True)
        assert windows.skipped == {"answer-too-long": 1}
        assert bool(len(windows)) == left
    dropped = make_windows(one("\u200d\u200d cup", "\u200d\u200d", 0), wordpiece, SMALL, training=True)
    assert dropped.skipped == {"answer-unreadable": 1}


def test_dropping_keeps_questions_without_an_answer(wordpiece):
    corpus = Corpus((Paragraph("the cup", (Question("q", "who", impossible=True),)),))
    assert len(make_windows(corpus, wordpiece, replace(SMALL, negatives="none"), training=True)) == 1


def test_long_questions_are_cut_or_refused(wordpiece):
    corpus = one("the cup", question="was " * 90)
    windows = make_windows(corpus, wordpiece, WindowOptions(max_length=80))
    assert windows.question_length()[0] == 64
    with pytest.raises(PolyspanError, match="longer than the options allow"):
        make_windows(corpus, wordpiece, WindowOptions(max_length=80, long_question="error"))
    with pytest.raises(PolyspanError, match="no room is left"):
        make_windows(corpus, wordpiece, WindowOptions(max_length=60))
    with pytest.raises(PolyspanError, match="no room is left"):
        make_windows(one("the cup"), wordpiece, WindowOptions(max_length=30, stride=128, stride_as="overlap"))


def test_half_a_surrogate_pair_is_named(wordpiece):
    with pytest.raises(PolyspanError, match="surrogate"):
        make_windows(one("cup \ud83d"), wordpiece, SMALL)


def test_an_empty_context_has_one_window(tokenizer):
    windows = make_windows(one(""), tokenizer, SMALL)
    assert len(windows) == 1
    assert windows.length[0] == 0


@pytest.mark.parametrize("stride_as", ["step", "overlap"])
def test_every_piece_is_owned_once(tokenizer, stride_as):
    windows = make_windows(one("the cup was won by hull " * 9), tokenizer, replace(SMALL, stride_as=stride_as))
    first, last = owned(windows)
    mine = [
        at
        for row in range(len(windows))
        for at in range(windows.first[row] + first[row], windows.first[row] + last[row])
    ]
    assert sorted(mine) == list(range(len(windows.contexts.ids)))


def test_cached_windows_equal_fresh_ones_and_survive_damage(tokenizer, corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("POLYSPAN_CACHE", str(tmp_path))
    fresh = make_windows(corpus, tokenizer, SMALL, training=True)
    for damage in (False, False, True):
        if damage:
            (tmp_path / "cache.sqlite").write_bytes((tmp_path / "cache.sqlite").read_bytes()[:100])
        again = cached_windows(corpus, tokenizer, SMALL, training=True)
        assert again.contexts.ids.tolist() == fresh.contexts.ids.tolist()
        assert again.label_start.tolist() == fresh.label_start.tolist()
        assert again.skipped == fresh.skipped


def test_concatenated_windows_keep_their_texts(tokenizer, corpus):
    one_part = make_windows(corpus, tokenizer, SMALL, training=True)
    both = concatenate([one_part, one_part])
    assert len(both) == 2 * len(one_part)
    rows = np.array([0, len(one_part)], np.int32)
    batch = collate(both, layout(tokenizer), rows)
    assert batch.input_ids[0].tolist() == batch.input_ids[1].tolist()
