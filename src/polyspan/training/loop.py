"""Fine-tuning: batch → forward → loss → step → checkpoint, on one page."""

import contextlib
import hashlib
import math
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin
from torch.nn.functional import cross_entropy

from polyspan.data.sample import fewer_impossible, sample
from polyspan.data.schema import Corpus, require_corpora
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, replacing_folder, require_writable, write_json
from polyspan.make.codeswitching.augmenting import Augmentation
from polyspan.model.abilities import require
from polyspan.model.batch import Batch, collate, input_lengths
from polyspan.model.device import gpu
from polyspan.model.encoders.base import base_of
from polyspan.model.encoders.model_name import pinned
from polyspan.model.fast.allocator import keep_freed_memory
from polyspan.model.fast.used_rows import keep_used_rows, restore_rows, used_pieces
from polyspan.model.map import Map
from polyspan.model.reader import Reader
from polyspan.model.torch_runtime import span_logits
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Windows, cached_windows, concatenate
from polyspan.progress import progress
from polyspan.training.adversary import Adversary, Confusion
from polyspan.training.batches import plan_batches
from polyspan.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from polyspan.training.command import trained_card
from polyspan.training.identity import additions, identity, is_finished
from polyspan.training.lora import add_adapter
from polyspan.training.optimizer import idle_decay, make_optimizer, penalise, prepare, rate, set_rate
from polyspan.training.settings import TrainSettings
from polyspan.training.tracking import Tracker, chosen_trackers
from polyspan.training.tracking import start as start_tracking
from polyspan.training.training_run import CHECKPOINT_SECONDS, TrainingRun

TERMINATED = 128 + signal.SIGTERM
"""The exit status after SIGTERM, which batch systems send before they kill."""
_CPU_TOKENS = 2048  # pieces computed at a time: more fill the memory and are no faster
_CPU_WIDTHS = 16  # a batch is padded to a multiple: kernels are made, and memory is taken, once for each width


def train(
    corpora: Sequence[Corpus],
    model: str,
    out: Source,
    settings: TrainSettings,
    *,
    seed: int = 42,
    limit: int | None = None,
    weights: Sequence[float] | None = None,
    augment: Augmentation | None = None,
    align: Map | None = None,
    adversary: Adversary | None = None,
    merge: bool = False,
    checkpoints: int = 1,
    trackers: Sequence[Tracker] = (),
    resume: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Reader:
    """Fine-tune an encoder on one or several corpora and write the Reader to the folder `out`.

    `limit` trains on that many questions of each corpus, drawn by the seed. `weights` draws each window of an
    epoch from corpus i with probability proportional to weights[i] instead of simply concatenating. `augment`
    switches the corpora anew in every epoch. `align` is applied to the states of its layer while the Reader
    learns, and stays as it is (Hsu et al. 2019, A.2.1); `adversary` learns such a transform against a
    discriminator (A.2.2). Both carry source states towards the target's; the Reader answers without either.
    With `settings.lora` the folder holds the adapter and names its base; with `merge` it is a whole Reader. Of
    `checkpoints` evenly spaced ones the last is the Reader itself; each other one, from 1, is a Reader in
    `out/checkpoints/NUMBER` with the weights as they were then. A folder beside `out`, written every
    `checkpoint_seconds` and at SIGINT or SIGTERM, holds what a stopped run goes on from with `resume`, to end with
    the weights it would have had. Under `accelerate launch` each process computes its share of every batch.
    `trackers` are sent the loss and the learning rate every ten steps. Raises PolyspanError for a folder that is
    taken or cannot be written, for corpora without a usable answer and for more checkpoints than steps.
    """
    if merge and settings.lora is None:
        raise UsageError("there is no adapter to merge", fix="give the rank of one, such as --lora 16")
    out = Path(out).absolute()
    accelerator = make_accelerator(settings, chosen_trackers(trackers), out.parent)
    corpora = _asked(corpora, limit, settings.unanswerable, seed)
    model = pinned(str(model))
    chosen = identity(corpora, model, settings, seed, limit, weights)
    chosen |= additions(augment, align, adversary, checkpoints, merge)
    if resume and is_finished(out, chosen):
        return Reader.load(out)
    checkpoint = claim_checkpoint(out, resume)
    reader = Reader.load(model, settings.windows, seed, calibrated=False)  # other weights are not as sure
    if settings.pack:
        require("pack", reader.model)
    confusion = None if adversary is None else _confusion(adversary, reader, seed, accelerator)
    with accelerator.main_process_first():
        variants = [[_windows(one, reader) for one in drawn] for drawn in _epochs(corpora, augment, settings)]
    windows, lengths, sizes = _joined(variants, reader)
    plan = plan_batches(windows, sizes, lengths, settings, weights, seed)
    _check_checkpoints(checkpoints, len(plan), settings)
    run = TrainingRun(reader, windows, lengths, plan, settings, seed, accelerator, checkpoint)
    run = replace(run, every=checkpoint_seconds, checkpoints=checkpoints, merge=merge)
    run = replace(run, align=align, confusion=confusion)
    run = replace(run, record=chosen | run.found())
    reader.card = trained_card(reader.card, run.record, settings, out.name)
    start_tracking(accelerator, out, chosen, run.fingerprint)
    with torch.random.fork_rng():  # the caller's random numbers stay as they are
        state = fit(run, resume)
    if accelerator.is_main_process:
        _save(run, out, state)
    reader.merge()  # it answers as the folder's does when it is loaded
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return reader


def _asked(
    corpora: Sequence[Corpus], limit: int | None, unanswerable: float | None, seed: int
) -> Sequence[Corpus]:
    """The corpora, or samples of them. Raises UsageError where there are none."""
    require_corpora(corpora, "train")
    if not corpora:
        raise UsageError("training needs at least one corpus")
    if unanswerable is not None:
        corpora = [fewer_impossible(corpus, unanswerable, seed) for corpus in corpora]
    return corpora if limit is None else [sample(corpus, limit, seed) for corpus in corpora]


def _joined(variants: Sequence[Sequence[Windows]], reader: Reader) -> tuple[Windows, Ints, list[list[int]]]:
    """The windows of all corpora in all variants, their lengths as inputs, and how many each corpus has."""
    windows = concatenate([part for parts in variants for part in parts])
    return windows, input_lengths(windows, reader.layout), [[len(part) for part in parts] for parts in variants]


def claim_checkpoint(out: Path, resume: bool) -> Path:
    """The folder that a stopped run goes on from.

    Raises PolyspanError where one is left and nobody asks for it, and where the Reader cannot be written.
    """
    checkpoint = out.with_name(out.name + ".checkpoint")
    if not resume and checkpoint.exists():
        fix = "--resume goes on with it; remove it to start again"
        raise PolyspanError("a run that was stopped is kept", where=str(checkpoint), fix=fix)
    require_writable(out, folder=True)
    keep_freed_memory()
    return checkpoint


def _save(run: TrainingRun, out: Path, state: Progress) -> None:
    """Write the Reader with its record; the checkpoint goes once it is whole."""
    processes = run.accelerator.num_processes
    record = run.record | {"processes": processes, "seconds": round(state.seconds, 1), "loss": state.losses}
    with replacing_folder(out) as folder:
        run.reader.save(folder, merge=run.merge)
        write_json(folder / "run.json", record)
        run.snapshots.publish(folder)
    shutil.rmtree(run.checkpoint, ignore_errors=True)


def _epochs(
    corpora: Sequence[Corpus], augment: Augmentation | None, settings: TrainSettings
) -> list[Sequence[Corpus]]:
    """The corpora as they are in each epoch, where they differ."""
    if augment is None:
        return [corpora]
    return [[augment.draw(corpus, epoch) for corpus in corpora] for epoch in range(math.ceil(settings.epochs))]


def _check_checkpoints(checkpoints: int, steps: int, settings: TrainSettings) -> None:
    if checkpoints > steps:
        raise PolyspanError("more checkpoints than steps", found=f"{checkpoints} of {steps} steps")
    if checkpoints > 1 and settings.average > 1:
        fix = "keep one checkpoint, or --average 1"
        raise UsageError("checkpoints beside weights averaged at the end cannot be compared", fix=fix)


def _confusion(adversary: Adversary, reader: Reader, seed: int, accelerator: Accelerator) -> Confusion:
    """The adversary's part of the model. Raises UsageError where several processes train."""
    if accelerator.num_processes > 1:
        raise UsageError("adversarial training runs in one process", found=f"{accelerator.num_processes}")
    return Confusion(adversary, reader, seed)


def _windows(corpus: Corpus, reader: Reader) -> Windows:
    windows = cached_windows(corpus, reader.tokenizer, reader.options, training=True)
    if not len(windows):
        found, fix = "no question with a usable answer", "see `polyspan check`"
        raise PolyspanError(f"nothing to learn in {corpus.name}", found=found, fix=fix)
    return windows


def make_accelerator(
    settings: TrainSettings, trackers: Sequence[Tracker] = (), folder: Path | None = None
) -> Accelerator:
    """The devices and processes that a training runs with, and where trackers write."""
    AcceleratorState._reset_state()  # a second training in this process may have another precision
    on_cpu, scaled = gpu() is None, "fp16" if settings.precision == "fp16" else "no"
    whole = GradientAccumulationPlugin(
        num_steps=1
    )  # `accumulate` is ours, whatever the launcher's environment says
    tracked: dict[str, Any] = {"log_with": list(trackers), "project_dir": folder} if trackers else {}
    return Accelerator(mixed_precision=scaled, cpu=on_cpu, gradient_accumulation_plugin=whole, **tracked)


def fit(run: TrainingRun, resume: bool) -> Progress:
    """The loop. Leaves the trained (or averaged) weights in the reader's model, on the device it ran on."""
    settings, accelerator, total = run.settings, run.accelerator, len(run.plan)
    bare = run.reader.model
    prepare(bare, settings, run.seed)
    if settings.lora is not None:
        language = None if run.words is None else run.words.language
        run.reader.adapter = add_adapter(bare, settings, base_of(run.record["model"]), run.seed, language)
    used = used_pieces(run.windows, run.layout)
    if run.confusion is not None:
        used = np.union1d(used, used_pieces(run.confusion.windows, run.reader.layout))
        bare.confusion = run.confusion  # trained, kept in checkpoints and moved with the model
    if run.words is not None:
        bare.words = run.words
    whole = keep_used_rows(bare, used)
    optimizer = make_optimizer(bare, settings)
    bare.to(accelerator.device)
    state = load_checkpoint(run.checkpoint, run.fingerprint, bare, optimizer) if resume else Progress()
    model, optimizer = accelerator.prepare(bare, optimizer)
    if state.scaler:
        accelerator.scaler.load_state_dict(state.scaler)
    model.train()
    snapshots = run.snapshots
    if accelerator.is_main_process:
        snapshots.begin(state)
    pending: list[torch.Tensor] = []
    saved = time.monotonic()
    doing = "training" if accelerator.is_main_process else ""
    shown = progress(doing, total, "steps", state.step)
    with shown as advance, _stop_signals() as stopped, run.changed_states():
        for step in range(state.step + 1, total + 1):
            began = time.monotonic()
            pending.append(take_step(run, model, optimizer, step))
            state.step = step
            snapshots.take(state, run.reader, whole, accelerator.is_main_process)
            stopping = _stopping(accelerator, stopped, step)
            due = (stopping or time.monotonic() - saved >= run.every) and step < total
            if due or step == total or step % 10 == 0:
                new = len(pending)
                _note_losses(state, pending)
                if accelerator.log_with:
                    loss = float(np.mean(state.losses[-new:]))
                    accelerator.log({"loss": loss, "learning_rate": rate(step, total, settings)}, step=step)
            state.seconds += time.monotonic() - began
            if due:
                saved = time.monotonic()
                if accelerator.is_main_process:
                    state.scaler = accelerator.scaler.state_dict() if accelerator.scaler else {}
                    save_checkpoint(run.checkpoint, run.fingerprint, state, bare, optimizer)
            if stopping:
                raise KeyboardInterrupt if signal.SIGINT in stopped else SystemExit(TERMINATED)
            advance(1, f"loss {np.mean(state.losses[-50:]):.2f}" if state.losses else "")
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # takes autocast off: saved and loaded answer alike
    if averaged := state.average or state.ema:
        bare.load_state_dict(averaged, strict=False)
    if run.confusion is not None:
        del bare.confusion
    if run.words is not None:
        del bare.words
    if whole is not None:
        restore_rows(bare, whole, idle_decay(snapshots.averaged, total, settings))
    bare.eval()
    bare.fresh_head = False
    return state


def take_step(run: TrainingRun, model: Any, optimizer: Any, step: int) -> torch.Tensor:
    """Step `step` (from 1) of the plan: forward, backward, clipping, AdamW. Returns the mean loss."""
    accelerator, settings = run.accelerator, run.settings
    set_rate(optimizer, step, len(run.plan), settings)
    torch.manual_seed(_mix(run.seed, step, accelerator.process_index))  # dropout resumes without its state
    loss = _backward(run, model, step)
    accelerator.clip_grad_norm_(model.parameters(), settings.clip)
    penalise(optimizer)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss


@contextlib.contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM are noted instead of breaking into a step, so that a checkpoint can be written first."""
    stopped: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda found, _: stopped.append(found)) for number in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _stopping(accelerator: Accelerator, stopped: list[int], step: int) -> bool:
    """Whether training stops after this step; several processes do so together, at a tenth step."""
    if accelerator.num_processes == 1:
        return bool(stopped)
    asked = torch.tensor(float(bool(stopped)), device=accelerator.device)
    return step % 10 == 0 and bool(accelerator.reduce(asked, "sum") > 0)


def _note_losses(state: Progress, pending: list[torch.Tensor]) -> None:
    """Move the losses since the last time from the device to the record; raises where training has diverged."""
    losses = torch.stack(pending).tolist()
    pending.clear()
    if not all(map(math.isfinite, losses)):
        raise PolyspanError(
            f"training diverged by step {state.step}",
            found=f"a loss of {next(loss for loss in losses if not math.isfinite(loss))}",
            fix="lower --learning-rate, or lengthen --warmup",
        )
    state.losses += [round(loss, 6) for loss in losses]


def _backward(run: TrainingRun, model: Any, step: int) -> torch.Tensor:
    """Gradients of one batch; returns its mean loss."""
    accelerator, parts_wanted, rows = run.accelerator, run.settings.accumulate, run.plan[step - 1]
    on_cpu = accelerator.device.type == "cpu"
    mine = rows[accelerator.process_index :: accelerator.num_processes]
    # Processes average their gradients, however many windows each has: weigh every window alike.
    share = accelerator.num_processes / len(rows) if len(mine) else 0.0
    width = run.reader.options.max_length if run.settings.padding == "counted" else None
    pieces = len(mine) * width if width else int(run.lengths[mine].sum())
    wanted = max(parts_wanted, math.ceil(pieces / _CPU_TOKENS) if on_cpu else 1)
    parts = np.array_split(mine, min(wanted, len(mine))) if len(mine) else [rows[:1]]
    loss = torch.zeros((), device=accelerator.device)
    for number, part in enumerate(parts):
        batch = collate(run.windows, run.layout, part, width or _width(run, part)).to(accelerator.device)
        with run.computing(), _unsynchronised(accelerator, model, number == len(parts) - 1):
            scaled = _loss(run, model, batch, step) * share
            whole = scaled
            if run.confusion is not None:
                game = run.confusion.loss(model, run.reader, batch, [step, number], pack=run.settings.pack)
                whole = scaled + game * len(part) / len(mine)
            accelerator.backward(whole)
        loss += scaled.detach()
    return accelerator.reduce(loss, "mean")  # type: ignore[no-any-return]


def _width(run: TrainingRun, part: Ints) -> int | None:
    """What a part of a batch is padded to on a processor; None: its longest window, as on a GPU and packed."""
    if run.accelerator.device.type != "cpu" or run.settings.pack:
        return None
    longest = int(run.lengths[part].max())
    return min(run.reader.options.max_length, math.ceil(longest / _CPU_WIDTHS) * _CPU_WIDTHS)


def _loss(run: TrainingRun, model: Any, batch: Batch, step: int) -> torch.Tensor:
    """The sum over windows of (cross-entropy of start + of end) / 2, over all positions; or of masked words'."""
    if run.words is not None:
        return run.words.loss(model, batch, step)
    masked = run.settings.padding == "masked"
    start, end = span_logits(model, batch, pack=run.settings.pack, mask=masked)
    of_start = cross_entropy(start, batch.start, reduction="sum")
    of_end = cross_entropy(end, batch.end, reduction="sum")
    return (of_start + of_end) / 2


def _unsynchronised(accelerator: Accelerator, model: Any, last: bool) -> Any:
    """Processes exchange gradients only at the last part of a batch."""
    return contextlib.nullcontext() if last else accelerator.no_sync(model)


def _mix(*numbers: int) -> int:
    return int.from_bytes(hashlib.sha256(repr(numbers).encode()).digest()[:7], "little")
