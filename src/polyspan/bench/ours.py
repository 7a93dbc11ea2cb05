"""Our side of the same work, through the functions that the verbs call."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from polyspan.bench import peer
from polyspan.bench.material import Amount, corpus, questions, stretch
from polyspan.model.answers import AnswerOptions
from polyspan.model.batch import collate, input_lengths
from polyspan.model.decode import best_spans
from polyspan.model.fast.allocator import keep_freed_memory
from polyspan.model.fast.used_rows import keep_used_rows, used_pieces
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.prediction import predict
from polyspan.score import score
from polyspan.training.loop import make_accelerator, take_step
from polyspan.training.optimizer import make_optimizer, prepare
from polyspan.training.settings import TrainSettings, preset
from polyspan.training.training_run import TrainingRun

_WINDOWS = WindowOptions(stride_as="overlap")
_BEST = AnswerOptions(n_best=peer.N_BEST, max_answer_length=peer.LONGEST)
RECIPES = {
    "same": TrainSettings(batch_size=peer.BATCH, dropout=0.1, windows=_WINDOWS),  # run_qa.py's, all weights
    "cpu": replace(preset("cpu"), batch_size=peer.BATCH),
}


class Ours:
    """Turns of work, each timed, as `Peer` has them."""

    def __init__(self, model: str, scale: Amount) -> None:
        keep_freed_memory()
        self.name, self.scale = model, scale
        self.trainers: dict[str, Callable[[], tuple[int, float]]] = {}

    @cached_property
    def reader(self) -> Reader:
        """What answers; training loads its own."""
        return Reader.load(self.name, _WINDOWS)

    def windows(self, name: str, turn: int) -> dict[str, Any]:
        """Windows made of a corpus; nothing is cached."""
        given = stretch(name, self.scale.featurised, turn)
        began = time.perf_counter()
        made = len(make_windows(given, self.reader.tokenizer, _WINDOWS))
        return {"seconds": time.perf_counter() - began, "count": made}

    def decode(self, turn: int) -> dict[str, Any]:
        """Logits of windows searched for the 20 best spans, in characters."""
        given = questions("squad:dev", self.scale.decoded, turn)
        windows = make_windows(given, self.reader.tokenizer, _WINDOWS)
        batch = collate(windows, self.reader.layout, np.arange(len(windows), dtype=np.int32))
        first, last = batch.context[:, :1], batch.context[:, 1:]
        generator = np.random.default_rng(turn)
        logits = generator.normal(size=(2, len(windows), peer.LENGTH)).astype(np.float32)
        contexts, begin = windows.contexts, windows.contexts.pointers[windows.paragraph] + windows.first
        began = time.perf_counter()
        places = np.arange(peer.LENGTH)
        start, end = np.where((places < first) | (places >= last), np.float32("-inf"), logits)
        spans = best_spans(start, end, _BEST.max_answer_length, _BEST.n_best)
        line, place = np.nonzero(np.isfinite(spans.score))
        shift = begin[line] - first[line, 0]
        contexts.starts[spans.start[line, place] + shift]
        contexts.ends[spans.end[line, place] + shift]
        return {"seconds": time.perf_counter() - began, "count": len(windows)}

    def missed(self, turn: int) -> dict[str, Any]:
        """Of random windows, those whose best span of all is not found: by us, and among 20 starts × 20 ends."""
        generator = np.random.default_rng(turn)
        start, end = generator.normal(size=(2, 600, peer.LENGTH)).astype(np.float32)
        sums = start[:, :, None] + end[:, None, :]
        reach = np.arange(peer.LENGTH)[None, :] - np.arange(peer.LENGTH)[:, None]
        best = np.where((reach >= 0) & (reach < peer.LONGEST), sums, -np.inf).reshape(600, -1).max(1)
        ours = best_spans(start, end, peer.LONGEST, 1).score[:, 0]
        among = np.zeros_like(start, bool), np.zeros_like(end, bool)
        for kept, values in zip(among, (start, end), strict=True):
            np.put_along_axis(kept, np.argsort(values, 1)[:, -peer.N_BEST :], True, 1)
        theirs = best_spans(
            np.where(among[0], start, -np.inf), np.where(among[1], end, -np.inf), peer.LONGEST, 1
        ).score[:, 0]
        return {"ours": int((ours < best).sum()), "peer": int((theirs < best).sum()), "count": len(best)}

    @cached_property
    def reader_in_bf16(self) -> Reader:
        """The same in bf16, with packed weights of its own."""
        return Reader.load(self.name, _WINDOWS, dtype="bf16")

    def predict(self, name: str, dtype: str, turn: int) -> dict[str, Any]:
        """Questions answered, from text to text."""
        reader = self.reader_in_bf16 if dtype == "bf16" else self.reader
        given = questions(name, self.scale.answered, turn)
        began = time.perf_counter()
        found = predict(reader, given, _BEST)
        seconds = time.perf_counter() - began
        answers = {key: [some[0].text, some[0].score] for key, some in found.candidates.items()}
        return {"seconds": seconds, "count": len(answers), "answers": answers}

    def train(self, kind: str, turn: int) -> dict[str, Any]:
        """Training steps with run_qa.py's settings (`same`) or the preset `cpu`, and their arithmetic."""
        if kind not in self.trainers:
            self.trainers[kind] = self._trainer(RECIPES[kind])
        began = time.perf_counter()
        count, operations = self.trainers[kind]()
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "count": count, "rate": operations / seconds / 1e9}

    def _trainer(self, settings: TrainSettings) -> Callable[[], tuple[int, float]]:
        reader = Reader.load(self.name, settings.windows)
        windows = make_windows(
            questions("squad:train", 1000, 0), reader.tokenizer, settings.windows, training=True
        )
        lengths = input_lengths(windows, reader.layout)
        plan = peer.evenly(lengths, self.scale.batches)
        accelerator = make_accelerator(settings)
        prepare(reader.model, settings)
        keep_used_rows(reader.model, used_pieces(windows, reader.layout))
        reader.model.train()
        model, optimizer = accelerator.prepare(reader.model, make_optimizer(reader.model, settings))
        nowhere: Any = None
        run = TrainingRun(reader, windows, lengths, plan, settings, 0, accelerator, nowhere)
        operations = sum(operations_of(reader.model, lengths[rows]) for rows in plan)

        def steps() -> tuple[int, float]:
            for number in range(1, len(plan) + 1):
                take_step(run, model, optimizer, number)
            return sum(map(len, plan)), operations

        return steps

    def score(self, turn: int) -> dict[str, Any]:
        """SQuAD dev scored by `squad.v1`."""
        given = corpus("squad:dev")
        _, guesses = peer.gold_and_guesses(given)
        began = time.perf_counter()
        summary = score(given, guesses, "squad.v1").summary()
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "count": summary["n"], "scores": [summary["exact_match"], summary["f1"]]}


def operations_of(model: Any, lengths: Any) -> float:
    """Floating-point operations of a training step: products of matrices in the layers, 2 a multiply-add.

    Forward once; for a trained layer twice more (gradients of weights and of inputs), but for the lowest trained
    one the gradient of the inputs of query, key and value only where something below it is trained. Padding and
    what a fused backward pass computes again do not count.
    """
    config = model.config
    hidden, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    trained = sum(
        next(layer.parameters()).requires_grad
        for stack in model.modules()
        if isinstance(stack, torch.nn.ModuleList) and len(stack) == layers
        for layer in stack
    )
    below = trained == layers and model.get_input_embeddings().weight.requires_grad
    pieces, squares = float(np.sum(lengths)), float(np.sum(np.square(lengths, dtype=np.float64)))
    linear = 2 * (4 * hidden * hidden + 2 * hidden * inner) * pieces
    attention = 4 * hidden * squares
    spared = 0.0 if below or not trained else 2 * 3 * hidden * hidden * pieces
    return float((layers + 2 * trained) * (linear + attention) - spared)
