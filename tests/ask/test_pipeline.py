"""The pipeline is called as the lost one was, gives what it gave in shape, and raises what it raised."""

import inspect
import subprocess
import sys

import pytest
import torch
from old_pipeline import alike

import polyspan as ps
from polyspan.ask.parameters import Parameters
from polyspan.errors import UsageError

CONTEXT = "The cup was won by leeds in 1920. In 1931 the cup was won by hull, not by leeds."
OTHER = "我是誰。我在東京。 The cup was in 東京."
WHO, WHEN = "who won", "when"
PAIR = {"question": WHO, "context": CONTEXT}


@pytest.fixture(scope="module", params=[False, True], ids=["exact", "compat"])
def qa(tiny, request):
    reader = ps.Reader.load(tiny, ps.WindowOptions(max_length=128), seed=3)
    with torch.no_grad():
        reader.model.qa_outputs.weight *= 5
    return ps.pipeline("question-answering", model=reader, compat=request.param)


@pytest.fixture(scope="module")
def exact(qa):
    return ps.pipeline(model=qa.reader)


class Example:
    """As transformers' SquadExample."""

    question_text, context_text = WHO, CONTEXT


class Asked(torch.utils.data.Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, place):
        return (PAIR, {"question": WHEN, "context": OTHER})[place]


def test_every_shape_of_one_question_gives_one_answer(qa):
    answer = qa(question=WHO, context=CONTEXT)
    assert set(answer) == {"score", "start", "end", "answer"}
    assert {name: type(value) for name, value in answer.items()} == {
        "score": float,
        "start": int,
        "end": int,
        "answer": str,
    }
    assert CONTEXT[answer["start"] : answer["end"]] == answer["answer"] != ""
    for given in ((PAIR,), ([PAIR],), (WHO, CONTEXT), (Example(),)):
        assert qa(*given) == answer
    for named in ({"data": PAIR}, {"X": [PAIR]}, {"question": [WHO], "context": CONTEXT}):
        assert qa(**named) == answer


def test_several_questions_give_a_list_in_their_order(qa):
    one, two = qa(PAIR), qa(question=WHEN, context=CONTEXT)
    far = qa(question=WHO, context=OTHER)
    assert alike(qa(question=[WHO, WHEN], context=CONTEXT), [one, two])
    assert alike(qa(question=[WHO, WHO, WHEN], context=[CONTEXT, OTHER, CONTEXT]), [one, far, two])
    assert alike(qa(question=WHO, context=[CONTEXT, OTHER]), [one, far])
    assert alike(qa([PAIR, PAIR]), [one, one])
    assert alike(qa(PAIR, PAIR), [one, one])
    assert qa([]) == []


def test_a_generator_or_a_data_set_is_read_as_it_is_asked(qa):
    read = []

    def questions():
        for question in (WHO, WHEN, WHO):
            read.append(question)
            yield {"question": question, "context": CONTEXT}

    answers = qa(questions())
    assert read == []
    assert next(answers) == qa(PAIR)
    assert read == [WHO]
    assert len(list(answers)) == 2
    read.clear()
    next(qa(questions(), batch_size=2))
    assert read == [WHO, WHEN]
    assert [answer["answer"] for answer in qa(Asked())] == [
        qa(PAIR)["answer"],
        qa(question=WHEN, context=OTHER)["answer"],
    ]


@pytest.mark.parametrize(
    ("given", "named", "kind"),
    [
        ((), {"question": "", "context": CONTEXT}, ValueError),
        ((), {"question": WHO, "context": ""}, ValueError),
        ((), {"question": None, "context": CONTEXT}, ValueError),
        ((), {"question": WHO, "context": None}, ValueError),
        ((), {"question": [WHO, None], "context": CONTEXT}, ValueError),
        ((), {"question": [WHO, WHEN], "context": [CONTEXT]}, ValueError),
        ((), {"question": WHO}, ValueError),
        ((), {}, ValueError),
        ((3,), {}, ValueError),
        ((WHO,), {}, ValueError),
        (([WHO, CONTEXT],), {}, ValueError),
        (({"question": WHO},), {}, KeyError),
        (([{"context": CONTEXT}],), {}, KeyError),
        ((PAIR,), {"top_k": 0}, ValueError),
        ((PAIR,), {"topk": 0}, ValueError),
        ((PAIR,), {"top_k": 1.5}, ValueError),
        ((PAIR,), {"max_answer_len": 0}, ValueError),
        ((PAIR,), {"doc_stride": 101, "max_seq_len": 100}, ValueError),
        ((PAIR,), {"max_seq_len": 129}, ValueError),
        ((PAIR,), {"top": 3}, TypeError),
    ],
)
def test_it_raises_what_the_old_one_raised(qa, given, named, kind):
    with pytest.raises(kind) as error:
        qa(*given, **named)
    assert kind is TypeError or isinstance(error.value, UsageError)
    assert str(error.value)[0] not in "'\""  # a KeyError shows its message as it is


def test_parameters_are_for_all_calls_or_for_one(tiny, qa):
    three = ps.pipeline("question-answering", model=qa.reader, compat=qa.compat, top_k=3, max_answer_len=4)
    assert len(three(PAIR)) == 3
    assert isinstance(three(PAIR, top_k=1), dict)
    assert three(PAIR, topk=2, padding="longest", num_workers=1) == three(PAIR)[:2]
    assert three(PAIR, top_k=None) == three(PAIR)
    assert three(PAIR) == qa(PAIR, top_k=3, max_answer_len=4) != qa(PAIR, top_k=3)


def test_nothing_to_answer_with_is_an_empty_list(qa):
    assert qa(question=WHO, context=" \n ") == []
    assert qa(question=[WHO, WHO], context=[" ", CONTEXT])[0] == []
    nothing = qa(question=WHO, context=" ", handle_impossible_answer=True)
    assert nothing == {"score": 1.0, "start": 0, "end": 0, "answer": ""}
    assert isinstance(qa(question=WHO, context="cup", top_k=5), dict)  # the one word there is


def test_no_answer_is_among_them_where_it_may_be(qa):
    texts = [one["answer"] for one in qa(PAIR, handle_impossible_answer=True, top_k=100)]
    assert texts.count("") == 1
    assert "" not in [one["answer"] for one in qa(PAIR, top_k=100)]


def test_the_score_is_the_probability_and_answers_do_not_depend_on_how_many_are_wanted(exact):
    options = ps.AnswerOptions(n_best=60, max_answer_length=15, align_to_words=True)
    best = exact.reader.answers(WHO, CONTEXT, options)[0]
    answer = exact(PAIR)
    assert (answer["start"], answer["end"]) == (best.start, best.end)
    assert answer["score"] == pytest.approx(best.probability, rel=1e-4)
    many = exact(PAIR, top_k=12)
    for wanted in range(2, 12):
        few = exact(PAIR, top_k=wanted)
        assert [one["start"] for one in few] == [one["start"] for one in many[:wanted]]
        assert alike(few, many[:wanted])
    assert len({(one["start"], one["end"]) for one in many}) == 12


def test_windows_are_cut_by_overlap():
    options = Parameters().windows(512)
    assert (options.max_length, options.stride, options.stride_as) == (384, 128, "overlap")
    options = Parameters().windows(128)
    assert (options.max_length, options.stride) == (128, 64)
    assert Parameters(doc_stride=0, max_seq_len=50).windows(128).stride_as == "step"


def test_a_calibrated_reader_says_nothing_where_it_was_told_to(exact):
    from dataclasses import replace

    from polyspan.model.calibration import Calibration

    told = Calibration(1.0, 1.0, 0.0, -1e6, "null_odds", "f1", {}, (), 0.0, 0.0)
    qa = ps.pipeline(model=replace(exact.reader, calibration=told))
    assert qa(PAIR, handle_impossible_answer=True)["answer"] == ""
    assert qa(PAIR)["answer"] == exact(PAIR)["answer"] != ""


@pytest.mark.parametrize("how", ["name", "Reader", "model"])
def test_a_model_is_named_or_given(tiny, how):
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    reader = ps.Reader.load(tiny, ps.WindowOptions(max_length=64))
    if how == "model":
        model = AutoModelForQuestionAnswering.from_pretrained(tiny)
        with pytest.raises(ValueError, match="tokenizer"):
            ps.pipeline(model=model)
        model.qa_outputs.load_state_dict(reader.model.qa_outputs.state_dict())
        qa = ps.pipeline(model=model, tokenizer=AutoTokenizer.from_pretrained(tiny), device=-1)
        assert qa(PAIR) == pytest.approx(ps.pipeline(model=reader)(PAIR))
    else:
        qa = ps.pipeline(model=tiny if how == "name" else reader, device="cpu")
    assert qa(PAIR)["answer"] in CONTEXT


def test_an_unknown_task_is_told():
    with pytest.raises(UsageError, match="unknown task 'fill-mask'"):
        ps.pipeline("fill-mask", model="x")


def test_the_defaults_are_the_bundled_reader_s_and_its_tasks(tiny):
    assert inspect.signature(ps.pipeline).parameters["model"].default == "bundled:reader"


def test_it_is_registered_under_a_free_name(tiny):
    import transformers

    ps.register_pipeline()
    ps.register_pipeline()
    qa = transformers.pipeline("extractive-qa", model=tiny, top_k=2, compat=True, device="cpu")
    assert len(qa(question=WHO, context=CONTEXT)) == 2
    for name in ("question-answering", "text-generation"):
        with pytest.raises(UsageError, match="keeps the name"):
            ps.register_pipeline(name)


def test_importing_polyspan_registers_nothing_and_loads_nothing():
    code = "import sys, polyspan, polyspan.ask; assert not {'torch', 'transformers'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
