"""Adapting an encoder to a language for which there is text and no question (Pfeiffer et al. 2020, MAD-X).

An adapter of the language learns masked words of plain text. A task's adapter, trained on that of the source
language, answers with the target's in its place: the layers' weights are W + target + task.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.files import Source, replacing_folder, write_json
from polyspan.model.batch import input_lengths
from polyspan.model.encoders.adapter import Adapter
from polyspan.model.encoders.encoder import quiet
from polyspan.model.encoders.model_name import pinned
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import cached_windows, concatenate
from polyspan.training.batches import plan_batches
from polyspan.training.identity import identity, is_finished
from polyspan.training.loop import claim_checkpoint, fit, make_accelerator
from polyspan.training.masked_words import MaskedWords, texts_of
from polyspan.training.settings import PRESETS, TrainSettings
from polyspan.training.tracking import chosen_trackers
from polyspan.training.tracking import start as start_tracking
from polyspan.training.training_run import CHECKPOINT_SECONDS, TrainingRun


def adapt(
    corpora: Sequence[Corpus],
    model: str,
    out: Source,
    settings: TrainSettings = PRESETS["adapt"],
    *,
    seed: int = 42,
    limit: int | None = None,
    resume: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Adapter:
    """Train an adapter of a language on masked words of the contexts of corpora; their questions are never read.

    The corpora are of one language, which the adapter's folder `out` names beside its base, `model`. It has no
    span head: `train(…, model=OUT, settings with lora)` trains an adapter of the task on it. `limit` is the
    contexts of each corpus, drawn by the seed. Masked pieces are guessed by the model's own head where it was
    saved with one, which stays as it is; else by a new one, which is thrown away. Stopping and `resume` are as in
    `train`. Raises PolyspanError for a folder that is taken and for corpora without text, and UsageError for those
    of several languages and for a model that cannot guess masked words.
    """
    _require_adaptable(settings)
    texts, language = texts_of(corpora, limit, seed)
    whole = replace(settings.windows, stride=settings.windows.max_length, stride_as="step")  # each piece once
    settings = replace(settings, windows=whole)
    out = Path(out).absolute()
    accelerator = make_accelerator(settings, chosen_trackers(()), out.parent)
    if accelerator.num_processes > 1:
        raise UsageError("adapting runs in one process", found=f"{accelerator.num_processes}")
    model = pinned(str(model))
    chosen = identity(texts, model, settings, seed, limit, None) | {"language": language}
    for one in chosen["data"]:
        one["contexts"] = one.pop("questions")
    if resume and is_finished(out, chosen):
        return Adapter.load(out)
    checkpoint = claim_checkpoint(out, resume)
    reader = Reader.load(model, settings.windows, seed, calibrated=False)
    windows = concatenate([cached_windows(text, reader.tokenizer, reader.options) for text in texts])
    words = MaskedWords(language, reader, windows, model, seed)
    lengths = input_lengths(windows, words.layout)
    plan = plan_batches(windows, [[len(windows)]], lengths, settings, None, seed)
    run = TrainingRun(reader, windows, lengths, plan, settings, seed, accelerator, checkpoint, words=words)
    run = replace(run, every=checkpoint_seconds)
    run = replace(run, record=chosen | run.found() | words.record)
    start_tracking(accelerator, out, chosen, run.fingerprint)
    with torch.random.fork_rng():
        state = fit(run, resume)
    assert reader.adapter is not None
    learnt = reader.adapter.taken(reader.model)
    with replacing_folder(out) as folder, quiet():
        learnt.save(folder)
        reader.model.config.save_pretrained(folder)
        record = run.record | {"seconds": round(state.seconds, 1), "loss": state.losses}
        write_json(folder / "run.json", record)
    shutil.rmtree(run.checkpoint, ignore_errors=True)
    accelerator.end_training()
    return learnt


def _require_adaptable(settings: TrainSettings) -> None:
    if settings.lora is None:
        raise UsageError("an adapter needs a rank", fix="preset('adapt', lora=16)")
    if settings.pack:
        raise UsageError("masked words are not computed as one row", fix="leave pack away")
