"""One vector an answer: the mean of its pieces in the window with most context; what has none is counted."""

from dataclasses import replace

import numpy as np
import pytest

import polyspan as ps
from polyspan.errors import PolyspanError
from polyspan.model.batch import collate
from polyspan.model.windows.windows import make_windows
from polyspan.probe.answer_vectors import answer_vectors, paired


def test_vectors_are_means_over_the_answers_pieces(reader, some):
    found = answer_vectors(reader, some, (0, 1, -1))
    assert found.ids == tuple(question.id for _, question in some.questions())
    assert found.skipped == {}
    windows = make_windows(some, reader.tokenizer, reader.options, training=True)
    for place in range(len(found.ids)):
        rows = np.flatnonzero((windows.question == place) & (windows.label_start >= 0))
        assert len(rows) > 1  # there is something to choose
        room = np.minimum(windows.label_start[rows], windows.length[rows] - 1 - windows.label_end[rows])
        row = rows[np.argmax(room + 0.01 * windows.length[rows])]
        batch = collate(windows, reader.layout, np.array([row], np.int32))
        states = reader.hidden_states(batch, (0, 1, 2))
        for layer, vectors in found.vectors.items():
            own = states[layer][0, int(batch.start[0]) : int(batch.end[0]) + 1].detach().numpy()
            assert vectors.dtype == np.float32
            assert vectors[place] == pytest.approx(own.mean(0), abs=1e-5)


def test_what_has_no_vector_is_counted(reader):
    context = "the cup was won by leeds."
    questions = (
        ps.Question("good", "who", (ps.Answer("leeds", 19),)),
        ps.Question("none", "who"),
        ps.Question("lost", "who", (ps.Answer("", 0),)),
        ps.Question("moved", "who", (ps.Answer("leeds", 3),)),
        ps.Question("impossible", "who", impossible=True),
    )
    corpus = ps.Corpus((ps.Paragraph(context, questions),), "odd", "en")
    found = answer_vectors(reader, corpus, (-1,))
    assert found.ids == ("good",)
    assert found.skipped == {"no-answer": 1, "answer-empty": 1, "offset": 1, "impossible": 1}
    with pytest.raises(PolyspanError, match="odd has no answer"):
        answer_vectors(reader, replace(corpus, paragraphs=(ps.Paragraph(context, questions[1:]),)), (-1,))


def test_pairs_are_matched_by_id(reader, english, chinese):
    fewer = replace(chinese, paragraphs=chinese.paragraphs[5:2:-1])
    a, b = answer_vectors(reader, english, (1, 2)), answer_vectors(reader, fewer, (2,))
    both = paired(a, b)
    assert both.ids == ("3-0", "3-1", "4-0", "4-1", "5-0", "5-1")
    assert (both.only_a, both.only_b) == (len(english) - 6, 0)
    assert list(both.a) == [1, 2]
    assert (both.b[2][0] == b.vectors[2][b.ids.index("3-0")]).all()
    assert (both.a[2][5] == a.vectors[2][a.ids.index("5-1")]).all()


def test_unequal_ids(reader, english):
    vectors = answer_vectors(reader, english, (2,))
    other = replace(vectors, name="other", ids=tuple(f"x{key}" for key in vectors.ids))
    with pytest.raises(PolyspanError, match="tiny:en and other share no question"):
        paired(vectors, other)
    with pytest.raises(PolyspanError, match="same id"):
        paired(vectors, replace(vectors, ids=("0-0",) * len(vectors.ids)))
