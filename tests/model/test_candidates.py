"""What a probability is: brute force over every pair of pieces of every window, and what it must not depend on."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import UsageError
from polyspan.model.answers import NO_SPAN, AnswerOptions, answer_corpus
from polyspan.model.batch import collate
from polyspan.model.calibration import Calibration
from polyspan.model.evidence import evidence
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows, owned
from polyspan.stats.evidence import TEMPERATURES

ALL = 3_000
CONTEXTS = st.lists(
    st.sampled_from(["the", "cup", "was", "won", "by", "hull", "1931", "點字是", "\u200b", "é", "<s>", ","]),
    min_size=1,
    max_size=24,
).map(" ".join)
QUICK = settings(max_examples=10, deadline=None)


@pytest.fixture(scope="module", params=[(24, 4), (32, 8), (128, 64)], ids=str)
def reader(tiny, request):
    """One whose logits lie far apart, as those of trained readers do; some or no windows overlap."""
    length, stride = request.param
    found = Reader.load(tiny, WindowOptions(max_length=length, stride=stride), seed=3)
    with torch.no_grad():
        found.model.qa_outputs.weight *= 20
    return found


def asked(*contexts: str) -> Corpus:
    questions = ((Question(f"{number}", "who won"),) for number in range(len(contexts)))
    return Corpus(tuple(Paragraph(*pair) for pair in zip(contexts, questions, strict=True)))


def brute_force(reader, context, options):
    """The sums of start and end logit of every span, in characters, and the null score."""
    windows = make_windows(asked(context), reader.tokenizer, reader.options)
    starts, ends = windows.contexts.starts, windows.contexts.ends
    own = owned(windows) if options.max_context else (np.zeros(len(windows), int), windows.length)
    sums, nulls = defaultdict(list), []
    for row in range(len(windows)):
        batch = collate(windows, reader.layout, np.array([row], np.int32))
        with torch.inference_mode():
            start, end = (logits[0].double().numpy() for logits in reader.logits(batch))
        nulls.append(start[0] + end[0])
        begin, stop = batch.context[0].tolist()
        for s in range(begin + own[0][row], begin + own[1][row]):
            for e in range(s, min(stop, s + options.max_answer_length)):
                first, last = (windows.first[row] + place - begin for place in (s, e))
                if starts[last] < ends[last]:
                    sums[int(starts[first]), int(ends[last])].append(start[s] + end[e])
    return sums, min(nulls)


@QUICK
@given(
    context=CONTEXTS,
    reach=st.integers(1, 12),
    max_context=st.booleans(),
    temperature=st.sampled_from(TEMPERATURES.tolist()),
)
def test_probabilities_are_shares_of_all_that_could_be_answered(reader, context, reach, max_context, temperature):
    """Of every span in every window and no answer: to the last one they are those of brute force, and sum to 1."""
    options = AnswerOptions(ALL, reach, max_context, temperature=temperature)
    sums, null = brute_force(reader, context, options)
    (found,) = answer_corpus(reader, asked(context), options)
    top = max([null, *(max(values) for values in sums.values())])
    share = {span: sum(math.exp((one - top) / temperature) for one in some) for span, some in sums.items()}
    nothing = math.exp((null - top) / temperature)
    whole = sum(share.values()) + nothing
    assert {(one.start, one.end) for one in found} == {*share, (0, 0)}
    for one in found:
        expected = share.get((one.start, one.end), nothing) / whole
        assert one.probability == pytest.approx(expected, rel=1e-3, abs=1e-6)
        assert one.null_odds == pytest.approx(null - max(map(max, sums.values())) if sums else NO_SPAN, abs=1e-4)
    assert sum(one.probability for one in found) == pytest.approx(1, abs=1e-6)


@QUICK
@given(context=CONTEXTS, max_context=st.booleans())
def test_a_probability_does_not_depend_on_how_many_are_listed(reader, context, max_context):
    every = reader.answers("who won", context, AnswerOptions(ALL, max_context=max_context))
    known = {(one.start, one.end): one for one in every}
    for n_best in (1, 5, 50):
        options = AnswerOptions(n_best, max_context=max_context)
        some = reader.answers("who won", context, options)
        assert len(some) == min(n_best, len(every) - 1) + 1
        assert [known[one.start, one.end] for one in some] == some
        assert reader.answer("who won", context, options) == some[0]
    assert reader.answer("who won", context) == reader.answers("who won", context)[0]


@QUICK
@given(context=CONTEXTS, temperature=st.floats(0.25, 16), threshold=st.none() | st.floats(-20, 20))
def test_a_temperature_changes_no_order(reader, context, temperature, threshold):
    plain, tempered = (
        reader.answers("who won", context, AnswerOptions(9, null_threshold=threshold, temperature=divisor))
        for divisor in (None, temperature)
    )
    assert [(one.text, one.start, one.score, one.null_odds) for one in plain] == [
        (one.text, one.start, one.score, one.null_odds) for one in tempered
    ]


@QUICK
@given(contexts=st.lists(CONTEXTS | st.just(""), min_size=1, max_size=4), max_context=st.booleans())
def test_evidence_is_what_answers_say_at_every_temperature(reader, contexts, max_context):
    corpus = asked(*contexts)
    seen = evidence(reader, corpus, AnswerOptions(5, 7, max_context, min_probability=1.0))
    assert seen.ids == [question.id for _, question in corpus.questions()]
    for temperature in (0.25, 1.0, 2**0.375, 16.0):
        column = seen.at(temperature)
        options = AnswerOptions(1, 7, max_context, temperature=temperature)
        for row, found in enumerate(answer_corpus(reader, corpus, options)):
            (nothing,) = [one for one in found if not one.text]
            assert (found[0].text, found[0].null_odds) == (seen.texts[row], seen.null_odds[row])
            assert nothing.probability == pytest.approx(np.exp(seen.null[row, column]))
            if found[0].text:
                assert found[0].probability == pytest.approx(np.exp(seen.best[row, column]))
            else:
                assert seen.best[row, column] == -np.inf


def test_an_improbable_answer_is_withheld(reader):
    context = "the cup was won by hull"
    best = reader.answer("who won", context)
    below, above = (
        reader.answers("who won", context, AnswerOptions(3, min_probability=best.probability + more))
        for more in (-1e-9, 1e-9)
    )
    assert below[0] == best
    assert (above[0].text, above[1]) == ("", best)
    assert sorted(below, key=lambda one: -one.score) == sorted(above, key=lambda one: -one.score)


def test_the_threshold_is_met_by_null_odds(reader):
    context = "the cup was won by hull"
    odds = reader.answer("who won", context).null_odds
    assert reader.answer("who won", context, AnswerOptions(null_threshold=odds)).text
    assert not reader.answer("who won", context, AnswerOptions(null_threshold=odds - 1e-6)).text


def test_nothing_may_be_asked_for_without_a_calibration(reader):
    context = "the cup was won by hull"
    odds = reader.answer("who won", context).null_odds
    given = reader.answer("who won", context, AnswerOptions().abstaining(reader))
    assert bool(given.text) == (odds <= 0)
    told = replace(reader, calibration=Calibration(1.0, 1.0, 0.0, 1e6, "null_odds", "f1", {}, (), 0.0, 0.0))
    assert AnswerOptions().abstaining(told) == AnswerOptions()  # which it decides
    assert told.answer("who won", context, AnswerOptions().abstaining(told)).text


@pytest.mark.parametrize("context", ["", " ", "\u200b"])
@pytest.mark.parametrize("options", [AnswerOptions(), AnswerOptions(min_probability=1.0, null_threshold=-99.0)])
def test_nothing_is_certain_where_there_is_nothing_to_answer_with(reader, context, options):
    (only,) = reader.answers("who won", context, options)
    assert (only.text, only.start, only.end, only.probability, only.null_odds) == ("", 0, 0, 1.0, NO_SPAN)


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": 0.0}, {"temperature": math.nan}, {"temperature": math.inf}, {"null_threshold": math.nan}]
    + [{"min_probability": value} for value in (-0.1, 1.1, math.nan)],
)
def test_options_that_mean_nothing_are_refused(wrong):
    with pytest.raises(UsageError):
        AnswerOptions(**wrong)
