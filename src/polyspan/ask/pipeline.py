"""`pipeline("question-answering", …)`, in place of the one that transformers had until 5.2.

Calls, parameters, defaults and results are those of the old one; the answers are polyspan's, with calibrated
probabilities, unless `compat` asks for the old numbers (`polyspan.ask.compat`).
"""

from collections.abc import Iterator, Sequence
from copy import copy
from itertools import islice
from pathlib import Path
from typing import Any

from polyspan.ask.compat import old_answers
from polyspan.ask.pairs import Pair, WrongValue, pairs
from polyspan.ask.parameters import Parameters, PipelineAnswer
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import UsageError, choose
from polyspan.model.answers import AnswerOptions, Candidate, answer_corpus
from polyspan.model.calibration import Calibration
from polyspan.model.device import gpu
from polyspan.model.encoders.model_name import BUNDLED_READER
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions

TASK = "question-answering"
FREE_NAME = "extractive-qa"

_SPARE = 10  # spans looked for beyond twice those wanted, as words unite some


def pipeline(
    task: str = TASK,
    model: Any = BUNDLED_READER,
    tokenizer: Any = None,
    *,
    compat: bool = False,
    revision: str | None = None,
    device: Any = None,
    dtype: str = "fp32",
    batch_size: int | None = None,
    **parameters: Any,
) -> "QuestionAnswering":
    """A function that answers questions, to be called as transformers' lost pipeline was.

    `model` is a Reader, a name as `Reader.load` takes it, or a model of transformers with its `tokenizer`;
    `revision` is a commit, tag or branch of a model on the hub. With `compat` it gives the old pipeline's numbers,
    else polyspan's best answers and how probable each one is. `parameters` are `Parameters`, for all its calls.
    """
    choose("task", task, (TASK, FREE_NAME))
    return QuestionAnswering(
        BUNDLED_READER if model is None else model,
        tokenizer,
        compat=compat,
        revision=revision,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        **parameters,
    )


class QuestionAnswering:
    """Answers questions: `qa(question=…, context=…)` gives `{"score", "start", "end", "answer"}`.

    Arguments as of `pipeline`.
    """

    # What transformers' `pipeline` asks of a class that is registered with it: what it is to load.
    _load_tokenizer = True
    _load_feature_extractor = _load_image_processor = _load_video_processor = _load_processor = False

    def __init__(
        self,
        model: Any,
        tokenizer: Any = None,
        *,
        compat: bool = False,
        revision: str | None = None,
        device: Any = None,
        dtype: Any = "fp32",
        batch_size: int | None = None,
        task: str = TASK,
        **parameters: Any,
    ) -> None:
        self.task = task
        self.compat = compat
        self._parameters = Parameters().changed(parameters)
        self._batch_size = batch_size
        self._readers: dict[WindowOptions, Reader] = {}  # the same model, cutting contexts in several ways
        self.reader = _loaded(model, tokenizer, revision, dtype)
        self._longest = self.reader.longest  # all modules are searched for it
        if device is not None and str(place := _place(device)) != str(self.reader.device):
            self.reader.model.to(place)

    def __call__(self, *given: Any, batch_size: int | None = None, **named: Any) -> Any:
        """The answers to what is asked: `polyspan.ask.pairs.pairs` has the shapes that this may have.

        For one pair it is one answer, a list of them where several are left, or `[]` where none is; for several
        pairs a list of these. For a generator it is an iterator, which reads `batch_size` pairs at a time (one,
        unless told otherwise). Other names are parameters of this call alone.
        """
        texts = {name: named.pop(name) for name in ("question", "context", "data", "X") if name in named}
        asked = pairs(*given, **texts)
        parameters = self._parameters.changed(named)
        if isinstance(asked, Iterator):
            return self._stream(asked, parameters, batch_size or self._batch_size or 1)
        found = [_plain(some) for some in self._answers(asked, parameters)]
        return found[0] if len(found) == 1 else found

    def _stream(self, asked: Iterator[Pair], parameters: Parameters, size: int) -> Iterator[Any]:
        while some := list(islice(asked, size)):
            yield from map(_plain, self._answers(some, parameters))

    def _answers(self, asked: Sequence[Pair], parameters: Parameters) -> list[list[PipelineAnswer]]:
        """At most `top_k` answers to each pair."""
        corpus, order = _corpus(asked)
        answered = old_answers if self.compat else _exact
        found: list[list[PipelineAnswer]] = [[] for _ in asked]
        for place, some in zip(order, answered(self._reader(parameters), corpus, parameters), strict=True):
            found[place] = some[: parameters.top_k]
        return found

    def _reader(self, parameters: Parameters) -> Reader:
        """The Reader, cutting contexts as the parameters say."""
        windows = parameters.windows(self._longest)
        if windows not in self._readers:
            self._readers[windows] = own = copy(self.reader)  # `replace` would read the model
            own.options = windows
        return self._readers[windows]


def register_pipeline(name: str = FREE_NAME) -> None:
    """Let `transformers.pipeline(name, model=…)` give a QuestionAnswering.

    Takes `compat=True` and the parameters as `polyspan.pipeline` does; the model must be named, by a folder or a
    name on the hub. Raises UsageError for a name that transformers has another use for.
    """
    from transformers import AutoModelForQuestionAnswering
    from transformers.pipelines import PIPELINE_REGISTRY, REMOVED_TASKS

    taken = PIPELINE_REGISTRY.get_supported_tasks()
    ours = PIPELINE_REGISTRY.supported_tasks.get(name, {}).get("impl") is QuestionAnswering
    if name in REMOVED_TASKS or (name in taken and not ours):
        raise UsageError(
            f"transformers keeps the name {name!r} for itself",
            expected=f"a free one, such as {FREE_NAME!r}",
            fix=f'polyspan.pipeline("{TASK}") needs no registration',
        )
    if not ours:
        PIPELINE_REGISTRY.register_pipeline(name, QuestionAnswering, pt_model=AutoModelForQuestionAnswering)


def _loaded(model: Any, tokenizer: Any, revision: str | None, dtype: Any) -> Reader:
    if isinstance(model, Reader):
        return model
    if isinstance(model, (str, Path)):
        name = f"{model}@{revision}" if revision else model
        return Reader.load(name, WindowOptions(max_length=1), dtype=dtype)  # each call says how long they are
    if tokenizer is None:
        raise WrongValue("a model of transformers comes with its tokenizer", fix="tokenizer=…")
    from polyspan.model.encoders.encoder import use_kernels

    use_kernels(model)
    folder = getattr(model, "name_or_path", "")
    calibration = Calibration.load(folder) if folder else None
    return Reader(model.eval(), tokenizer, dtype="bf16" if dtype == "bf16" else "fp32", calibration=calibration)


def _place(device: Any) -> Any:
    """A device as transformers takes it: a GPU's number, −1 for the CPU, a name, or torch's own."""
    if isinstance(device, int):
        return f"{gpu() or 'cuda'}:{device}" if device >= 0 else "cpu"
    return device


def _corpus(asked: Sequence[Pair]) -> tuple[Corpus, list[int]]:
    """The pairs, those on one context together so that it is tokenised once, and where each stood before."""
    places: dict[str, list[int]] = {}
    for place, pair in enumerate(asked):
        places.setdefault(pair.context, []).append(place)
    paragraphs = tuple(
        Paragraph(context, tuple(Question(str(place), asked[place].question) for place in some))
        for context, some in places.items()
    )
    return Corpus(paragraphs, "questions"), [place for some in places.values() for place in some]


def _exact(reader: Reader, corpus: Corpus, parameters: Parameters) -> Iterator[list[PipelineAnswer]]:
    """The n best spans, and "" where it may be given; the score is the probability."""
    impossible, aligned = parameters.handle_impossible_answer, parameters.align_to_words
    options = AnswerOptions(
        n_best=2 * parameters.top_k + _SPARE if aligned else parameters.top_k,
        max_answer_length=parameters.max_answer_len,
        align_to_words=aligned,
    )
    for candidates in answer_corpus(reader, corpus, options.abstaining(reader) if impossible else options):
        yield [_answer(one) for one in candidates if impossible or one.start < one.end]


def _answer(one: Candidate) -> PipelineAnswer:
    return {"score": one.probability, "start": one.start, "end": one.end, "answer": one.text}


def _plain(answers: list[PipelineAnswer]) -> PipelineAnswer | list[PipelineAnswer]:
    """One answer stands alone, however many were wanted."""
    return answers[0] if len(answers) == 1 else answers
