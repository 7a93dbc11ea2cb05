"""The Reader: saving, loading, answering, hidden states; bad models."""

import json
import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForQuestionAnswering

from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.answers import AnswerOptions, answer_corpus
from polyspan.model.batch import collate
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.prediction import predict

SMALL = WindowOptions(max_length=32, stride=8)
LONG = "The cup was won by hull in 1931, the cup was won by leeds in 1920. " * 6


@pytest.fixture(scope="module")
def reader(tiny):
    return Reader.load(tiny, SMALL, seed=3)


def test_saved_and_loaded_is_the_same_reader(reader, tmp_path):
    reader.save(tmp_path)
    again = Reader.load(tmp_path)
    assert again.options == SMALL
    assert again.answers("who won", LONG) == reader.answers("who won", LONG)
    assert type(AutoModelForQuestionAnswering.from_pretrained(tmp_path)) is type(reader.model)
    assert not list(tmp_path.glob("*.bin"))


def test_the_head_follows_the_seed(tiny):
    heads = [Reader.load(tiny, SMALL, seed).model.qa_outputs.weight for seed in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_answers_are_exact_over_all_windows(reader):
    """The n-best list equals brute force over every span of every window."""
    corpus = Corpus((Paragraph(LONG, (Question("q", "who won"),)),))
    windows = make_windows(corpus, reader.tokenizer, SMALL)
    best: dict[tuple[int, int], float] = {}
    with torch.inference_mode():
        for row in range(len(windows)):
            batch = collate(windows, reader.layout, np.array([row], np.int32))
            start, end = (logits[0].numpy() for logits in reader.logits(batch))
            begin, stop = batch.context[0].tolist()
            for s in range(begin, stop):
                for e in range(s, min(stop, s + 5)):
                    shift = int(windows.first[row]) - begin
                    key = (int(windows.contexts.starts[s + shift]), int(windows.contexts.ends[e + shift]))
                    best[key] = max(best.get(key, -math.inf), float(start[s] + end[e]))
    given = reader.answers("who won", LONG, AnswerOptions(n_best=7, max_answer_length=5))
    found = [candidate for candidate in given if candidate.text]
    expected = sorted(best.values(), reverse=True)[:7]
    assert [candidate.score for candidate in found] == pytest.approx(expected, abs=1e-4)
    for candidate in found:
        assert candidate.text == LONG[candidate.start : candidate.end]
        assert best[candidate.start, candidate.end] == pytest.approx(candidate.score, abs=1e-4)


def test_batching_does_not_change_the_answers(reader, corpus):
    options = AnswerOptions(n_best=3)
    together = list(answer_corpus(reader, corpus, options, token_budget=100_000))
    alone = list(answer_corpus(reader, corpus, options, token_budget=1))
    for some, others in zip(together, alone, strict=True):
        assert [(c.start, c.end) for c in some] == [(c.start, c.end) for c in others]


def test_max_context_restricts_the_start(reader):
    free, bound = (
        reader.answers("who won", LONG, AnswerOptions(n_best=50, max_context=flag)) for flag in (False, True)
    )
    assert {(c.start, c.end) for c in bound} != {(c.start, c.end) for c in free}
    assert all(c.text == LONG[c.start : c.end] for c in bound)


def test_null_threshold_answers_nothing_where_null_wins(reader):
    assert reader.answer("who", "the cup", AnswerOptions(null_threshold=-1000.0)).text == ""
    assert reader.answer("who", "the cup", AnswerOptions(null_threshold=1000.0)).text != ""


def test_the_null_answer_has_its_place_among_the_candidates(reader):
    for threshold in (-1000.0, 0.0, 1000.0):
        found = reader.answers("who", LONG, AnswerOptions(n_best=5, null_threshold=threshold))
        assert len(found) == 6
        assert [candidate.text for candidate in found].count("") == 1
        scores = [candidate.score for candidate in found[1:]]
        assert scores == sorted(scores, reverse=True)


def test_an_empty_context_is_answered_by_nothing(reader):
    assert reader.answer("who won", "").text == ""


def test_hidden_states_of_any_layer(reader, corpus):
    windows = make_windows(corpus, reader.tokenizer, SMALL)
    batch = collate(windows, reader.layout, np.array([0], np.int32))
    found = reader.hidden_states(batch, [0, 2])
    assert set(found) == {0, 2}
    assert found[2].shape == (1, batch.input_ids.shape[1], 32)
    with pytest.raises(UsageError, match="no layer 3"):
        reader.hidden_states(batch, [3])


def test_predictions_are_written_with_their_spans(reader, corpus, tmp_path):
    predictions = predict(reader, corpus, AnswerOptions(n_best=4))
    predictions.write(tmp_path / "p.json", tmp_path / "n.json")
    texts, found = (json.loads((tmp_path / name).read_text("utf-8")) for name in ("p.json", "n.json"))
    assert list(texts) == [question.id for _, question in corpus.questions()]
    for paragraph, question in corpus.questions():
        assert texts[question.id] == found[question.id][0]["text"]
        for candidate in found[question.id]:
            assert paragraph.context[candidate["start"] : candidate["end"]] == candidate["text"]


def test_two_questions_with_one_id_are_refused(reader):
    twice = (Question("q", "who"), Question("q", "when"))
    with pytest.raises(PolyspanError, match="same id"):
        predict(reader, Corpus((Paragraph("the cup", twice),)))


@pytest.mark.parametrize("name", ["/nowhere/at/all", "./none", "bundled:none"])
def test_unknown_models(name):
    with pytest.raises(PolyspanError, match=r"no model at|unknown bundled encoder"):
        Reader.load(name)


def test_a_model_from_the_hub_without_network():
    with pytest.raises(PolyspanError, match="cannot load the model") as caught:
        Reader.load("nobody/nothing")
    assert "bundled:e5-small" in caught.value.fix


def test_damaged_weights_are_a_message(tiny, tmp_path):
    import shutil

    folder = shutil.copytree(tiny, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(PolyspanError, match="cannot load the model"):
        Reader.load(folder)


def test_windows_longer_than_the_positions(tiny):
    with pytest.raises(UsageError, match="too long") as caught:
        Reader.load(tiny, WindowOptions(max_length=129))
    assert caught.value.fix == "--max-length 128"


@pytest.mark.slow
def test_memory_grows_by_no_more_than_the_logits(tiny):
    """Twenty times the windows of one long context: two logits a piece are kept for probabilities, no more."""
    import subprocess
    import sys

    code = (
        "import resource, sys\n"
        "from polyspan.model.reader import Reader\n"
        "from polyspan.model.windows.windows import WindowOptions\n"
        f"reader = Reader.load({tiny!r}, WindowOptions(max_length=128, stride=1))\n"
        "reader.answers('who won', 'the cup was won by hull ' * int(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )

    def peak(repeats: int) -> float:
        run = subprocess.run(
            [sys.executable, "-c", code, str(repeats)], capture_output=True, text=True, check=True
        )
        return float(run.stdout)

    small, large = peak(100), peak(2000)  # about 600 and 12,000 windows, whose logits take 12 MB
    assert large - small < 30, (small, large)  # without them 11 MB: pieces, windows, spans before a merge


def test_many_answers_are_those_of_one_by_one(reader):
    questions, contexts = ["who won", "when", "who won", "who"], [LONG, LONG, "", "In 1931 hull won the cup."]
    found = reader.answer_many(questions, contexts)
    for question, context, one in zip(questions, contexts, found, strict=True):
        alone = reader.answer(question, context)
        assert (one.text, one.start, one.end) == (alone.text, alone.start, alone.end)
        assert one.probability == pytest.approx(alone.probability, abs=1e-5)
    assert reader.answer_many(questions[:2], LONG) == found[:2]
    assert reader.answer_many([], []) == []
    with pytest.raises(UsageError, match="3 questions and 2 contexts"):
        reader.answer_many(["a", "b", "c"], ["d", "e"])
    with pytest.raises(TypeError, match="several texts"):
        reader.answer_many("who", "where")
    with pytest.raises(TypeError, match="must be one text"):
        reader.answer_many(["who"], [None])
