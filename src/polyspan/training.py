"""Fine-tuning: batch → forward → loss → step → checkpoint, on one page."""

import contextlib
import hashlib
import json
import math
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin
from torch.nn.functional import cross_entropy

from polyspan.checkpoint import Progress, load_checkpoint, save_checkpoint
from polyspan.data.sample import sample
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, claim, replacing_folder, write_json
from polyspan.make.augmenting import Augmentation
from polyspan.model.batch import collate, input_lengths
from polyspan.model.encoder import versions, weights_sha256
from polyspan.model.memory import keep_freed_memory
from polyspan.model.pack import require_packing
from polyspan.model.reader import Reader, span_logits
from polyspan.model.rows import keep_used_rows, restore_rows, used_pieces
from polyspan.model.tokens import Ints
from polyspan.model.windows import Windows, cached_windows, concatenate
from polyspan.optimizer import idle_decay, make_optimizer, prepare, set_rate
from polyspan.plan import plan_batches
from polyspan.progress import progress
from polyspan.settings import TrainSettings

CHECKPOINT_SECONDS = 120.0
_CPU_TOKENS = 2048  # pieces computed at a time: more fill the memory and are no faster


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
    resume: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Reader:
    """Fine-tune an encoder on one or several corpora and write the Reader to the folder `out`.

    `limit` trains on that many questions of each corpus, drawn by the seed. `weights` draws each window of an
    epoch from corpus i with probability proportional to weights[i] instead of simply concatenating. `augment`
    switches the corpora anew in every epoch. A checkpoint beside `out` is written every `checkpoint_seconds`; with
    `resume` a killed run goes on from it and ends with the weights it would have had. Under `accelerate launch`
    each process computes its share of every batch.
    Raises PolyspanError for a folder that is taken or cannot be written and for corpora without a usable answer.
    """
    out = Path(out).absolute()
    if not corpora:
        raise UsageError("training needs at least one corpus")
    accelerator = make_accelerator(settings)
    if limit is not None:
        corpora = [sample(corpus, limit, seed) for corpus in corpora]
    identity = _identity(corpora, model, settings, seed, limit, weights, augment)
    if resume and _is_finished(out, identity):
        return Reader.load(out)
    checkpoint = out.with_name(out.name + ".checkpoint")
    if not resume and checkpoint.exists():
        fix = "--resume goes on with it; remove it to start again"
        raise PolyspanError("a run that was stopped is kept", where=str(checkpoint), fix=fix)
    claim(out, folder=True)
    keep_freed_memory()
    reader = Reader.load(model, settings.windows, seed)
    if settings.pack:
        require_packing(reader.model)
    with accelerator.main_process_first():
        variants = [[_windows(one, reader) for one in drawn] for drawn in _epochs(corpora, augment, settings)]
    windows = concatenate([part for parts in variants for part in parts])
    sizes = [[len(part) for part in parts] for parts in variants]
    lengths = input_lengths(windows, reader.layout)
    plan = plan_batches(windows, sizes, lengths, settings, weights, seed)
    derived = {"windows": len(windows), "skipped": windows.skipped, "steps": len(plan), "versions": versions()}
    derived["encoder"] = weights_sha256(reader.model)
    fingerprint = hashlib.sha256(json.dumps(identity | derived, sort_keys=True).encode()).hexdigest()
    run = Run(
        reader, windows, lengths, plan, settings, seed, accelerator, checkpoint, fingerprint, checkpoint_seconds
    )
    with torch.random.fork_rng():  # the caller's random numbers stay as they are
        state = _fit(run, resume)
    if accelerator.is_main_process:
        _save(run, out, state, identity | derived)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return reader


def _save(run: "Run", out: Path, state: Progress, record: dict[str, Any]) -> None:
    """Write the Reader with its record; the checkpoint goes once it is whole."""
    processes = run.accelerator.num_processes
    record |= {"processes": processes, "seconds": round(state.seconds, 1), "loss": state.losses}
    with replacing_folder(out) as folder:
        run.reader.save(folder)
        write_json(folder / "run.json", record)
    shutil.rmtree(run.checkpoint, ignore_errors=True)


def _epochs(
    corpora: Sequence[Corpus], augment: Augmentation | None, settings: TrainSettings
) -> list[Sequence[Corpus]]:
    """The corpora as they are in each epoch, where they differ."""
    if augment is None:
        return [corpora]
    return [[augment.draw(corpus, epoch) for corpus in corpora] for epoch in range(math.ceil(settings.epochs))]


def _windows(corpus: Corpus, reader: Reader) -> Windows:
    windows = cached_windows(corpus, reader.tokenizer, reader.options, training=True)
    if not len(windows):
        found, fix = "no question with a usable answer", "see `polyspan check`"
        raise PolyspanError(f"nothing to learn in {corpus.name}", found=found, fix=fix)
    return windows


@dataclass(frozen=True, slots=True)
class Run:
    """All that a training run needs; `plan` holds the rows of every batch, `fingerprint` tells runs apart."""

    reader: Reader
    windows: Windows
    lengths: Ints
    plan: list[Ints]
    settings: TrainSettings
    seed: int
    accelerator: Accelerator
    checkpoint: Path
    fingerprint: str
    checkpoint_seconds: float


def make_accelerator(settings: TrainSettings) -> Accelerator:
    """The devices, processes and precision that a training runs with."""
    AcceleratorState._reset_state()  # a second training in this process may have another precision
    on_cpu = not torch.cuda.is_available()
    whole = GradientAccumulationPlugin(
        num_steps=1
    )  # `accumulate` is ours, whatever the launcher's environment says
    return Accelerator(mixed_precision=_precision(settings), cpu=on_cpu, gradient_accumulation_plugin=whole)


def _fit(run: Run, resume: bool) -> Progress:
    """The loop. Leaves the trained (or averaged) weights in the reader's model, on the device it ran on."""
    settings, accelerator, total = run.settings, run.accelerator, len(run.plan)
    bare = run.reader.model
    prepare(bare, settings)
    whole = keep_used_rows(bare, used_pieces(run.windows, run.reader.layout))
    optimizer = make_optimizer(bare, settings)
    bare.to(accelerator.device)
    state = load_checkpoint(run.checkpoint, run.fingerprint, bare, optimizer) if resume else Progress()
    model, optimizer = accelerator.prepare(bare, optimizer)
    if state.scaler:
        accelerator.scaler.load_state_dict(state.scaler)
    model.train()
    snapshots = {round(total * (number + 1) / settings.average) for number in range(settings.average)}
    pending: list[torch.Tensor] = []
    saved = time.monotonic()
    doing = "training" if accelerator.is_main_process else ""
    with progress(doing, total, "steps") as advance, _stop_signal() as stopped:
        advance(state.step, "")
        for step in range(state.step + 1, total + 1):
            began = time.monotonic()
            pending.append(take_step(run, model, optimizer, step))
            state.step = step
            if step in snapshots and settings.average > 1:
                _add_snapshot(state, bare)
            due = (stopped.is_set() or time.monotonic() - saved >= run.checkpoint_seconds) and step < total
            if due or step == total or step % 10 == 0:
                _note_losses(state, pending)
            state.seconds += time.monotonic() - began
            if due:
                saved = time.monotonic()
                if accelerator.is_main_process:
                    state.scaler = accelerator.scaler.state_dict() if accelerator.scaler else {}
                    save_checkpoint(run.checkpoint, run.fingerprint, state, bare, optimizer)
            if stopped.is_set():
                raise KeyboardInterrupt
            advance(1, f"loss {np.mean(state.losses[-50:]):.2f}" if state.losses else "")
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # takes autocast off: saved and loaded answer alike
    if state.average:
        bare.load_state_dict(state.average, strict=False)
    if whole is not None:
        restore_rows(bare, whole, idle_decay(snapshots, total, settings))
    bare.eval()
    bare.fresh_head = False
    return state


def take_step(run: Run, model: Any, optimizer: Any, step: int) -> torch.Tensor:
    """Step `step` (from 1) of the plan: forward, backward, clipping, AdamW. Returns the mean loss."""
    accelerator, settings = run.accelerator, run.settings
    set_rate(optimizer, step, len(run.plan), settings)
    torch.manual_seed(_mix(run.seed, step, accelerator.process_index))  # dropout resumes without its state
    loss = _backward(run, model, run.plan[step - 1])
    accelerator.clip_grad_norm_(model.parameters(), settings.clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss


@contextlib.contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Ctrl-C sets the event instead of breaking into a step, so that a checkpoint can be written first."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


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


def _backward(run: Run, model: Any, rows: Ints) -> torch.Tensor:
    """Gradients of one batch; returns its mean loss: (cross-entropy of start + of end) / 2, over all positions."""
    accelerator, parts_wanted = run.accelerator, run.settings.accumulate
    on_cpu = accelerator.device.type == "cpu"
    mine = rows[accelerator.process_index :: accelerator.num_processes]
    # Processes average their gradients, however many windows each has: weigh every window alike.
    share = accelerator.num_processes / len(rows) if len(mine) else 0.0
    wanted = max(parts_wanted, math.ceil(int(run.lengths[mine].sum()) / _CPU_TOKENS) if on_cpu else 1)
    parts = np.array_split(mine, min(wanted, len(mine))) if len(mine) else [rows[:1]]
    loss = torch.zeros((), device=accelerator.device)
    for number, part in enumerate(parts):
        batch = collate(run.windows, run.reader.layout, part).to(accelerator.device)
        with accelerator.autocast(), _unsynchronised(accelerator, model, number == len(parts) - 1):
            start, end = span_logits(model, batch, pack=run.settings.pack)
            of_start = cross_entropy(start, batch.start, reduction="sum")
            of_end = cross_entropy(end, batch.end, reduction="sum")
            scaled = (of_start + of_end) / 2 * share
            accelerator.backward(scaled)
        loss += scaled.detach()
    return accelerator.reduce(loss, "mean")  # type: ignore[no-any-return]


def _unsynchronised(accelerator: Accelerator, model: Any, last: bool) -> Any:
    """Processes exchange gradients only at the last part of a batch."""
    return contextlib.nullcontext() if last else accelerator.no_sync(model)


def _add_snapshot(state: Progress, model: Any) -> None:
    state.snapshots += 1
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            now = weight.detach().float().cpu()
            mean = state.average.setdefault(name, torch.zeros_like(now))
            mean += (now - mean) / state.snapshots


def _mix(*numbers: int) -> int:
    return int.from_bytes(hashlib.sha256(repr(numbers).encode()).digest()[:7], "little")


def _precision(settings: TrainSettings) -> str:
    if settings.precision != "auto":
        return {"fp32": "no"}.get(settings.precision, settings.precision)
    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"


def _identity(
    corpora: Sequence[Corpus],
    model: str,
    settings: TrainSettings,
    seed: int,
    limit: int | None,
    weights: Sequence[float] | None,
    augment: Augmentation | None,
) -> dict[str, Any]:
    """What the caller chose, as it stands in the run record."""
    data = [
        {"name": one.name, "language": one.language, "questions": len(one), "sha256": one.fingerprint()}
        for one in corpora
    ]
    chosen: dict[str, Any] = {"model": model, "data": data, "weights": weights and list(weights)}
    chosen |= {"limit": limit, "seed": seed, "settings": asdict(settings)}
    if augment is not None:
        chosen["augment"] = augment.as_json()
    return json.loads(json.dumps(chosen))  # type: ignore[no-any-return]


def _is_finished(out: Path, identity: dict[str, Any]) -> bool:
    """Whether this very run has written its Reader; raises PolyspanError where another one has."""
    path = out / "run.json"
    if not path.is_file():
        return False
    try:
        record = json.loads(path.read_text("utf-8"))
        if not isinstance(record, dict):
            raise ValueError("not an object")
    except ValueError as error:
        raise PolyspanError("the run record cannot be read", where=str(path), fix="remove the folder") from error
    if other := [name for name, value in identity.items() if record.get(name) != value]:
        raise PolyspanError(
            f"{out} holds the Reader of another run",
            found=f"another {', '.join(other)}",
            fix="give the options it was trained with, choose another --out, or remove it",
        )
    return True
