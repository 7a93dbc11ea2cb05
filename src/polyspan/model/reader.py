"""A Reader: an encoder with a span head, its tokenizer, and how it cuts contexts into windows.

torch and transformers are imported where their models are at work: an exported Reader answers without them, and
the bundled one with torch alone.
"""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError, not_installed, shorten
from polyspan.files import Source, explained, write_json
from polyspan.model.answers import AnswerOptions, Candidate, answer_corpus
from polyspan.model.batch import Batch
from polyspan.model.calibration import CALIBRATION_FILE, Calibration
from polyspan.model.card.card import ReaderCard
from polyspan.model.card.readme import CARD_FILE, card_of, write_card
from polyspan.model.encoders.model_name import ADAPTER, DIFFERENCE, EXPORT, fetched, model_folder, reader_folder
from polyspan.model.onnx.onnx_runtime import OnnxRuntime
from polyspan.model.whole import Whole
from polyspan.model.windows.windows import Layout, WindowOptions, saved_options

if TYPE_CHECKING:
    import torch

    from polyspan.data.push import Pushed
    from polyspan.model.encoders.adapter import Adapter
    from polyspan.model.encoders.difference import WeightDifference
OPTIONS_FILE = "reader.json"


@dataclass
class Reader:
    """Answers questions from contexts. `model` is any `AutoModelForQuestionAnswering` of transformers.

    Of one that can answer without them, `model` and `tokenizer` are built when they are first read (`load_plain`).
    """

    model: Any = Whole()  # noqa: RUF009 - a descriptor, no default
    tokenizer: Any = Whole()  # noqa: RUF009
    options: WindowOptions = field(default_factory=WindowOptions)
    dtype: str = "fp32"
    """What answers are computed in: `fp32`, or `bf16` (products of matrices alone; weights stay float32)."""
    calibration: Calibration | None = None
    """How sure it is and when it answers nothing, where the options of answering leave that open (`calibrate`)."""
    adapter: "Adapter | None" = None
    """The adapter whose layers stand in the model, where it learns or shares its base; a merged one is none."""
    card: ReaderCard = field(default_factory=ReaderCard)
    """What it was made from and how well it answers, as far as that is known; `save` writes it as README.md."""

    @classmethod
    def load(
        cls,
        name: Source,
        options: WindowOptions | None = None,
        seed: int = 0,
        dtype: str = "fp32",
        calibrated: bool = True,
        language_adapter: Source | None = None,
    ) -> "Reader":
        """A saved Reader or `bundled:reader`, or a fresh one on an encoder: `bundled:e5-small`, a directory or a
        hub name, which may be followed by `@` and a commit, a tag or a branch. An adapter or a difference is
        merged into its base.

        A fresh head is drawn from `seed`. Without `options` a saved Reader keeps its own. With `calibrated` False
        its calibration is left aside. `language_adapter`, a folder of `adapt`, takes the place of the language's
        adapter that the Reader was trained on. Raises PolyspanError where the model cannot be had or this machine
        gains nothing from the dtype, and UsageError where the encoder's positions do not suffice for the windows.

        The folder of an exported Reader (`polyspan export`) gives one that answers, without torch. All of these
        may be on the hub: what stands in the repository decides.
        """
        try:
            place = fetched(str(name))
        except ModuleNotFoundError as error:  # the hub's client, where there is no torch
            raise not_installed(error, f"{name}, no folder here and so a name on the hub,") from error
        folder = model_folder(place)
        if folder is None or not (folder / EXPORT).is_file():
            model, tokenizer = cls._load_torch(place, seed, dtype, language_adapter)
            folder = reader_folder(place, (OPTIONS_FILE, CALIBRATION_FILE, CARD_FILE))
        elif dtype != "fp32" or language_adapter is not None:
            fix = "export a Reader with what it is to have"
            raise UsageError("an exported Reader answers as it was exported", where=str(name), fix=fix)
        else:
            from polyspan.model.onnx.exported import load_exported

            model, tokenizer = load_exported(folder)
            dtype = model.dtype
        if options is None:
            options = WindowOptions() if folder is None else saved_windows(folder)
        calibration = Calibration.load(folder) if calibrated and folder is not None else None
        reader = cls(model, tokenizer, options, dtype, calibration, card=card_of(str(name), folder))
        if options.max_length > reader.longest:
            raise UsageError(
                f"windows of {options.max_length} pieces are too long for {name}",
                expected=f"at most {reader.longest}",
                fix=f"--max-length {reader.longest}",
            )
        return reader

    @staticmethod
    def _load_torch(name: Source, seed: int, dtype: str, language_adapter: Source | None) -> tuple[Any, Any]:
        try:
            from polyspan.model.encoders.plain import load_plain

            plain = load_plain(str(name), seed) if language_adapter is None else None
            from polyspan.model.abilities import require
            from polyspan.model.fast.precision import require_dtype

            require_dtype(dtype)
            if plain is None:
                from polyspan.model.encoders.encoder import load_encoder
        except ModuleNotFoundError as error:
            raise not_installed(error, str(name)) from error
        model, tokenizer = (plain, plain) if plain else load_encoder(str(name), seed, language_adapter)
        if dtype == "bf16":
            require("bf16", model if plain is None else plain.model)
        return model, tokenizer

    def save(self, folder: Source, *, merge: bool = False, base: str | None = None) -> None:
        """Write weights (safetensors), configuration, tokenizer, window options, the calibration, if there is
        one, and the card (README.md) into a folder.

        With an adapter in the model it is the adapter alone that is written, with the name of its base, which has
        the tokenizer; `merge` writes the whole. With a `base`, the name of the model that this one was trained
        from, it is what is different from that, rounded to four bits a weight: megabytes too, whatever was
        trained. Raises PolyspanError where the base has other layers or another vocabulary.
        """
        save_model = self.model.save_pretrained  # which an exported Reader refuses
        from polyspan.model.encoders.encoder import quiet

        folder = Path(folder)
        with explained(folder, "write"):
            folder.mkdir(parents=True, exist_ok=True)
        small: Adapter | WeightDifference | None = None if base is None else self._difference(base)
        if small is None and self.adapter is not None and not merge:
            small = self.adapter.taken(self.model)
        for file in (ADAPTER, DIFFERENCE, CALIBRATION_FILE):
            (folder / file).unlink(missing_ok=True)  # of the Reader that was there before
        with quiet():
            if small is not None:
                small.save(folder)
                self.model.config.save_pretrained(folder)
            else:
                weights = None if self.adapter is None else self._whole()
                save_model(folder, state_dict=weights)
                self.tokenizer.save_pretrained(folder)
        write_json(folder / OPTIONS_FILE, asdict(self.options))
        if self.calibration is not None:
            self.calibration.save(folder)
        write_card(self.card, folder)

    def push_to_hub(self, repo: str, *, private: bool = False) -> "Pushed":
        """Save the whole Reader into the repository `repo` (`OWNER/NAME`) of the Hugging Face hub, in one commit.

        Raises PolyspanError for no token, no network, and for what the hub refuses: then nothing of it is there;
        also for a Reader that was never trained. A licence that clashes with the data's is a PolyspanWarning.
        """
        if self.fresh_head:
            raise PolyspanError(f"the Reader {self.doubt}")
        import tempfile

        from polyspan.model.card.upload import upload

        with tempfile.TemporaryDirectory() as folder:
            self.save(folder, merge=True)
            return upload(folder, repo, private=private)

    def _whole(self) -> "dict[str, torch.Tensor]":
        """All weights, as they are when the adapter is merged."""
        return self.model.state_dict() if self.adapter is None else self.adapter.whole(self.model)

    def _difference(self, base: str) -> "WeightDifference":
        from polyspan.model.encoders.base import base_of
        from polyspan.model.encoders.difference import WeightDifference
        from polyspan.model.encoders.encoder import load_encoder

        before, tokenizer = load_encoder(base)
        found = WeightDifference.between(base_of(base), before, self._whole())
        if tokenizer.get_vocab() != self.tokenizer.get_vocab():
            raise PolyspanError(f"the Reader has other pieces than {base}", fix="save it whole, without a base")
        return found

    def merge(self) -> None:
        """Merge the adapter whose layers stand in the model, if there is one: answers differ by rounding alone."""
        if self.adapter is not None:
            self.adapter.settle(self.model)
            self.adapter = None

    @property
    def runtime(self) -> Any:
        """What computes: torch, or onnxruntime for an exported Reader."""
        model = Whole.at_hand(self, "model")
        if isinstance(model, OnnxRuntime):
            return model
        from polyspan.model.torch_runtime import TorchRuntime

        return TorchRuntime(model, self.dtype)

    @property
    def cutter(self) -> Any:
        """What cuts texts into pieces: the tokenizer, or what answering needs of it while nobody has read that."""
        return Whole.at_hand(self, "tokenizer")

    @cached_property
    def layout(self) -> Layout:
        """How questions and contexts are joined, as the model can read it."""
        found: Layout = self.runtime.layout(self.cutter)
        return found

    @property
    def longest(self) -> int:
        """Pieces in a window at most."""
        return int(self.runtime.longest(self.cutter))

    @property
    def fresh_head(self) -> bool:
        """Whether the span head was drawn at random when the encoder was loaded: it is still to be trained."""
        return bool(getattr(Whole.at_hand(self, "model"), "fresh_head", False))

    @property
    def doubt(self) -> str | None:
        """Why its answers or probabilities are not to be trusted: a sentence that wants its name before it."""
        if self.fresh_head:
            return "was never trained to answer: its span head is random (see polyspan train)"
        if self.calibration is None:
            return "is not calibrated: its probabilities may be off (see polyspan calibrate)"
        return None

    @property
    def language_alone(self) -> str | None:
        """The language of an adapter that `adapt` made, where nothing but that was loaded: it cannot answer."""
        return getattr(self.model, "adapted_to", None) if self.fresh_head else None

    @property
    def device(self) -> Any:
        """Where it computes; its `type` is `cpu`, `cuda` or the like."""
        return self.runtime.device

    @cached_property
    def packs(self) -> bool:
        """Whether predictions are packed unless told otherwise: where that is faster."""
        return bool(self.runtime.packs)

    def answering(self, *, pack: bool = False) -> AbstractContextManager[Any]:
        """Within this it computes as for answers; raises UsageError where windows are to be packed and cannot."""
        found: AbstractContextManager[Any] = self.runtime.answering(pack=pack)
        return found

    def logits(self, batch: Batch, *, pack: bool = False) -> tuple[Any, Any]:
        """Start and end logits, float32 of shape (batch, length), as tensors or arrays; −inf at padding.

        With `pack` the windows are computed as one row, nothing padded; the logits are the same. Raises UsageError
        for the adapter of a language alone.
        """
        if self.language_alone:
            raise UsageError(
                f"the adapter of a language ({self.language_alone}) has no span head: alone it answers nothing",
                fix="train a task's adapter on one (train --model, --lora), answer with this --language-adapter",
            )
        start, end = self.runtime.logits(batch, pack=pack)
        return start, end

    def answer(self, question: str, context: str, options: AnswerOptions = AnswerOptions()) -> Candidate:
        """The best answer to one question from one context of any length; its offsets count code points."""
        return self.answers(question, context, options)[0]

    def answers(
        self, question: str, context: str, options: AnswerOptions = AnswerOptions(n_best=20)
    ) -> list[Candidate]:
        """The n-best answers to one question, best first. An empty context has the one answer ""."""
        _require_text("question", question)
        _require_text("context", context)
        corpus = Corpus((Paragraph(context, (Question("question", question),)),))
        return next(answer_corpus(self, corpus, options))

    def answer_many(
        self, questions: Sequence[str], contexts: str | Sequence[str], options: AnswerOptions = AnswerOptions()
    ) -> list[Candidate]:
        """The best answer to each question from its context, or from one context for all, as `answer` gives it.

        They are computed together, which is several times faster than one by one. Raises UsageError where there
        are not as many contexts as questions.
        """
        if isinstance(questions, str):
            raise TypeError("questions must be several texts; use answer for one")
        contexts = [contexts] * len(questions) if isinstance(contexts, str) else contexts
        if len(contexts) != len(questions):
            found = f"{len(questions)} questions and {len(contexts)} contexts"
            raise UsageError(
                "each question needs its context", found=found, expected="as many, or one text for all"
            )
        for question, context in zip(questions, contexts, strict=True):
            _require_text("question", question)
            _require_text("context", context)
        pairs = groupby(zip(contexts, questions, strict=True), key=lambda pair: pair[0])
        paragraphs = (
            Paragraph(context, tuple(Question("question", question) for _, question in asked))
            for context, asked in pairs
        )
        return [found[0] for found in answer_corpus(self, Corpus(tuple(paragraphs)), options)]

    def hidden_states(self, batch: Batch, layers: Sequence[int]) -> "dict[int, torch.Tensor]":
        """Hidden states (batch, length, width) of the layers asked for; 0 is the embeddings' output."""
        _ = self.model  # transformers' own, which has them
        found: dict[int, torch.Tensor] = self.runtime.hidden_states(batch, layers)
        return found


def _require_text(what: str, value: object) -> None:
    if not isinstance(value, str):
        given = f"{type(value).__name__}: {shorten(value)}"
        more = f"; ask once for each {what}" if isinstance(value, (list, tuple)) else ""
        raise TypeError(f"the {what} must be one text (str), not {given}{more}")


def saved_windows(folder: Path) -> WindowOptions:
    """How the Reader in a folder cuts contexts; the defaults where there is none."""
    path = folder / OPTIONS_FILE
    if not path.is_file():
        return WindowOptions()
    try:
        return saved_options(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise PolyspanError(
            "the Reader's window options cannot be read", where=str(path), found=str(error), fix="train it again"
        ) from error
