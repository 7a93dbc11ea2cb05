"""What a server has at hand: its Readers, which load while it is up already, and how it answers with them."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import UsageError
from polyspan.serve.contract import GONE, AnswerRequest, HubRequest, Refusal, refused
from polyspan.serve.limits import Limits
from polyspan.serve.merging import of_documents, of_hub
from polyspan.serve.meters import Meters
from polyspan.serve.model_card import model_card

if TYPE_CHECKING:  # they load torch, which takes seconds: a server is up before
    from polyspan.model.answers import AnswerOptions
    from polyspan.model.reader import Reader
    from polyspan.model.windows.windows import WindowOptions
    from polyspan.serve.batching import Batcher
    from polyspan.serve.turns import Answers

Gone = Callable[[], Awaitable[Any]]
"""Returns when the client has left."""


@dataclass
class Service:
    """Answers with the Reader named `reader`, or with one of the `adapters`, from the time that `load` is done.

    While `draining` nothing new is taken on.
    """

    reader: str
    adapters: Mapping[str, str] = field(default_factory=dict)
    dtype: str = "fp32"
    limits: Limits = field(default_factory=Limits)
    draining: bool = False
    in_flight: int = 0
    """Requests that were admitted and are not answered yet."""
    language_adapter: str | None = None
    """In the place of the language's adapter that the Reader was trained on: as of `Reader.load`."""
    _readers: "dict[str | None, Reader]" = field(default_factory=dict)
    _batcher: "Batcher | None" = None

    @cached_property
    def meters(self) -> Meters:
        """What is counted."""
        return Meters()

    @property
    def status(self) -> str:
        """`ready`, `loading` or `draining`."""
        return "draining" if self.draining else "loading" if self._batcher is None else "ready"

    def load(self, worker: int = 0, workers: int = 1) -> list[str]:
        """Load the Readers, on the GPU or the cores of one of several workers; returns what is to be minded.

        Raises PolyspanError where there is no Reader to be had.
        """
        from polyspan.model.encoders.model_name import EXPORT, fetched, folder_with
        from polyspan.model.fast.allocator import keep_freed_memory
        from polyspan.model.reader import Reader
        from polyspan.serve.batching import Batcher

        if folder_with(EXPORT, fetched(self.reader)) is None or self.adapters:
            _take_share(worker, workers)
        elif workers > 1:
            os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
        keep_freed_memory()
        reader = Reader.load(self.reader, dtype=self.dtype, language_adapter=self.language_adapter)
        readers: dict[str | None, Reader] = {None: reader}
        if self.adapters:
            from polyspan.model.adapters import load_adapters

            readers.update(load_adapters(self.adapters, self.dtype))
        for one in readers.values():
            _ = one.cutter.backend_tokenizer  # whole now, as many texts are to come
            one.answer("Does it work?", "It works.")
        self._readers = readers
        self.info()  # now: large files take seconds to hash
        self._batcher = Batcher(self.limits, self.meters)
        return [f"{self.reader} {doubt}"] if (doubt := readers[None].doubt) else []

    def close(self) -> None:
        """Drop what is still asked, and end the threads."""
        if self._batcher is not None:
            self._batcher.close()

    @cached_property
    def model(self) -> dict[str, Any]:
        """Which model answers, as every answer says."""
        from polyspan import __version__

        card = self._card
        calibrated = self._readers[None].calibration is not None
        return {"name": card.name, "commit": card.commit, "calibrated": calibrated, "polyspan": __version__}

    @cached_property
    def _card(self) -> Any:
        return model_card(self.reader)

    def info(self) -> dict[str, Any]:
        """What `/info` tells."""
        if not self._readers:
            raise Refusal(503, self.status, f"this server is {self.status}", 2)
        reader = self._readers[None]
        calibration = reader.calibration
        limits = {name: getattr(self.limits, name) for name in ("max_body", "max_questions", "max_pieces")}
        return {
            "model": self.model | {"base": self._card.base, "sha256": dict(self._card.sha256)},
            "languages": {
                "calibrated": [] if calibration is None else list(calibration.languages),
                "trained": self._card.languages,
            },
            "metrics": self._card.metrics,
            "adapters": list(self.adapters),
            "device": reader.device.type,
            "dtype": reader.dtype,
            "window": reader.options.max_length,
            "limits": limits,
        }

    async def answer(self, asked: AnswerRequest, gone: Gone) -> dict[str, Any]:
        """The answers to a request of our own format."""
        from polyspan.model.answers import AnswerOptions

        questions, texts = asked.asked, asked.texts
        always = float("inf") if asked.always else None
        options = AnswerOptions(n_best=asked.top, null_threshold=always)
        reader = self._reader(asked.adapter)
        corpus = self._corpus(questions, [text for _, text in texts], asked.language)
        found, remarks = await self._answers(reader, corpus, options, reader.options, gone)
        names = [name for name, _ in texts]
        answers = [
            of_documents(question, names, found[number :: len(questions)], asked.top)
            for number, question in enumerate(questions)
        ]
        return {"answers": answers, "model": self.model, "remarks": remarks}

    async def answer_hub(self, asked: HubRequest, gone: Gone) -> dict[str, Any] | list[dict[str, Any]]:
        """The answer, or for `top_k` > 1 the answers, to a request in the hub's format."""
        from polyspan.model.answers import AnswerOptions

        reader = self._reader(None)
        given = {} if asked.parameters is None else asked.parameters.model_dump(exclude_none=True)
        top, silent = given.get("top_k", 1), given.get("handle_impossible_answer", False)
        options = AnswerOptions(
            n_best=top,
            align_to_words=given.get("align_to_words", False),
            max_answer_length=given.get("max_answer_len", AnswerOptions().max_answer_length),
        )
        options = options.abstaining(reader) if silent else options
        corpus = self._corpus([asked.inputs.question], [asked.inputs.context], None)
        found, _ = await self._answers(reader, corpus, options, _windows(reader.options, given), gone)
        answers = of_hub(found[0], silent)[:top]
        return answers[0] if top == 1 else answers

    def _reader(self, name: str | None) -> "Reader":
        if self.status != "ready":
            raise Refusal(503, self.status, f"this server is {self.status}", 2)
        if name not in self._readers:
            known = ", ".join(self.adapters) or "none"
            raise Refusal(422, "unknown_adapter", f"this server has no such adapter; it has: {known}")
        return self._readers[name]

    def _corpus(self, questions: Sequence[str], texts: Sequence[str], language: str | None) -> Corpus:
        if (count := len(questions) * len(texts)) > (most := self.limits.max_questions):
            message = f"{count} questions, counted once for each document; this server takes at most {most}"
            raise Refusal(413, "too_many_questions", message)
        asked = tuple(Question(str(number), text) for number, text in enumerate(questions, 1))
        try:
            return Corpus(tuple(Paragraph(text, asked) for text in texts), "request", language)
        except UsageError as error:
            raise refused(error) from error

    async def _answers(
        self, reader: "Reader", corpus: Corpus, options: "AnswerOptions", windows: "WindowOptions", gone: Gone
    ) -> "tuple[Answers, list[str]]":
        """The candidates of each question, and remarks. Raises `GONE` where nobody waits for them any more."""
        from polyspan.model.answers import Answering
        from polyspan.serve.turns import Pending

        assert self._batcher is not None
        pending = Pending(reader, corpus, Answering.of(reader, corpus.language, options), windows)
        self._batcher.submit(pending)
        answers, left = asyncio.wrap_future(pending.answers), asyncio.ensure_future(gone())
        try:
            await asyncio.wait((answers, left), return_when=asyncio.FIRST_COMPLETED)
            if not answers.done():
                raise GONE
            return answers.result(), pending.remarks
        finally:
            answers.cancel()
            left.cancel()


def _take_share(worker: int, workers: int) -> None:
    """Let torch use one GPU, or its share of the cores."""
    import torch

    if count := torch.accelerator.device_count():
        torch.accelerator.set_device_index(worker % count)
    elif workers > 1 and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))


def _windows(options: "WindowOptions", given: Mapping[str, int]) -> "WindowOptions":
    """How a Reader cuts contexts, with what a request in the hub's format says otherwise."""
    from dataclasses import replace

    changes: dict[str, Any] = {}
    if "doc_stride" in given:
        changes |= {"stride": given["doc_stride"], "stride_as": "overlap"}
    if "max_question_len" in given:
        changes["max_question_length"] = given["max_question_len"]
    if "max_seq_len" in given:
        if given["max_seq_len"] > options.max_length:
            raise Refusal(422, "invalid_field", f"parameters.max_seq_len: at most {options.max_length}")
        changes["max_length"] = given["max_seq_len"]
    return replace(options, **changes)
