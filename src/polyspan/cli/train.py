"""`polyspan train`, `adapt` and `average`: every setting of a preset can be changed, more can be done beside."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, Seed, adds, read, reads, show
from polyspan.errors import UsageError

if TYPE_CHECKING:
    from polyspan.make.codeswitching.augmenting import Augmentation
    from polyspan.model.map import Map
    from polyspan.training.adversary import Adversary

_T = typer.Option
_Resume = Annotated[bool, _T("--resume", help="Go on where a killed run was; the result is the same.")]
train_app = Verbs()
_SETTINGS: dict[str, Any] = {
    "learning_rate": Annotated[float | None, _T(help="Peak learning rate.")],
    "batch_size": Annotated[int | None, _T(help="Windows in a step.")],
    "accumulate": Annotated[int | None, _T(help="Compute each batch in this many parts.")],
    "epochs": Annotated[float | None, _T(help="Passes over the data.")],
    "warmup": Annotated[float | None, _T(help="Warm-up: a share of the steps below 1, else a number.")],
    "weight_decay": Annotated[float | None, _T(help="Decoupled weight decay.")],
    "dropout": Annotated[float | None, _T(help="Dropout of hidden states and attention.")],
    "freeze": Annotated[list[str] | None, _T(help="Freeze parameters with this in their name.")],
    "freeze_layers": Annotated[float | None, _T(help="Freeze the lowest layers: a share below 1, else a number.")],
    "reinitialize": Annotated[int | None, _T(help="Draw this many of the uppermost layers anew.")],
    "lora": Annotated[int | None, _T(help="Train adapters of this rank beside the encoder, which stays (LoRA).")],
    "lora_alpha": Annotated[float | None, _T(help="They count this / rank; default: twice the rank.")],
    "lora_dropout": Annotated[float | None, _T(help="Dropout of what enters the adapters.")],
    "lora_target": Annotated[list[str] | None, _T(help="Adapters for linear layers of this name alone (query).")],
    "pack": Annotated[bool | None, _T("--pack", help="Compute a batch's windows as one row, unpadded.")],
    "padding": Annotated[str | None, _T(help="masked, or counted in the softmax as in BERT's script.")],
    "average": Annotated[int | None, _T(help="Average the weights over this many snapshots.")],
    "precision": Annotated[str | None, _T(help="auto, fp32, bf16 or fp16.")],
    "max_length": Annotated[int | None, _T(help="Pieces in a window.")],
    "stride": Annotated[int | None, _T(help="Distance or overlap of windows, in pieces.")],
    "stride_as": Annotated[str | None, _T(help="step (BERT) or overlap (transformers).")],
    "max_question_length": Annotated[int | None, _T(help="Pieces of a question.")],
    "long_question": Annotated[str | None, _T(help="truncate or error.")],
    "label": Annotated[str | None, _T(help="offsets, or first_match as the paper's script.")],
    "negatives": Annotated[str | None, _T(help="Windows without the answer: all, some (one a question) or none.")],
    "unanswerable": Annotated[float | None, _T(help="Share of unanswerable questions at most.")],
}
"""Settings of a preset that have an option."""


_ADAPTING = (
    *("learning_rate", "batch_size", "accumulate", "epochs", "warmup", "weight_decay", "dropout", "lora"),
    *("lora_alpha", "lora_dropout", "lora_target", "average", "precision", "max_length"),
)


@train_app.command(example="polyspan train --data mini:en/train --model bundled:e5-small --out reader")
@reads
@adds(_SETTINGS, as_one="changes")
def train(
    data: Annotated[list[str], _T(help="Training data; give it several times to mix corpora.")],
    model: Annotated[str, _T(help="bundled:e5-small, a directory, or a hub name (NAME@REVISION).")],
    out: Annotated[Path, _T(help="Folder for the Reader.")],
    preset: Annotated[
        str | None, _T(help="hsu2019, readme, xtreme, cpu or qanet; default: readme on a GPU, else cpu.")
    ] = None,
    seed: Seed = 42,
    limit: Annotated[
        int | None, _T(help="Train on this many questions of each corpus, drawn by the seed.")
    ] = None,
    weight: Annotated[list[float] | None, _T(help="Sample corpora by weight, one for each --data.")] = None,
    switch: Annotated[
        list[str] | None, _T(help="Switch words anew in every epoch by this dictionary; may be repeated.")
    ] = None,
    switch_rate: Annotated[float, _T(help="Chance that a word of a --switch dictionary is replaced.")] = 0.5,
    align: Annotated[Path | None, _T(help="Apply this map at its layer to the source's states.")] = None,
    adversarial_layer: Annotated[
        int | None, _T(help="Confuse this layer's states of the source with those of --adversarial-data.")
    ] = None,
    adversarial_data: Annotated[
        list[str] | None, _T(help="Unlabelled target text; its answers are never read.")
    ] = None,
    adversarial_weight: Annotated[float, _T(help="Of the discriminator's loss beside the task's.")] = 0.1,
    merge: Annotated[bool, _T("--merge", help="Write the whole Reader, not the adapter of --lora alone.")] = False,
    checkpoints: Annotated[
        int, _T(min=1, help="Keep the weights at this many even steps, the last included, as Readers.")
    ] = 1,
    track: Annotated[
        list[str] | None, _T(help="Send the loss to tensorboard, wandb, trackio, …; may be repeated.")
    ] = None,
    resume: _Resume = False,
    language: Language = None,
    changes: Any = None,
    as_json: Json = False,
) -> None:
    """Fine-tune an encoder and write a Reader.

    transformers' AutoModelForQuestionAnswering loads its folder too, but for an adapter's.
    """
    from polyspan.cli import terminal

    corpora = [read(name, language) for name in data]
    from polyspan.training import settings as presets
    from polyspan.training.loop import train as fine_tune

    chosen = preset or presets.default_preset()
    settings = presets.preset(chosen, **changes)
    if int(os.environ.get("RANK", "0")) == 0:
        questions = sum(min(len(corpus), limit or len(corpus)) for corpus in corpora)
        terminal.say(f"preset {chosen}; {questions} questions; model {model}; seed {seed}")
    options: dict[str, Any] = {"limit": limit, "weights": weight, "trackers": track or (), "resume": resume}
    options |= {
        "merge": merge,
        "checkpoints": checkpoints,
        "augment": _augment(switch, switch_rate),
        "align": _map(align),
    }
    options["adversary"] = _adversary(adversarial_layer, adversarial_data, adversarial_weight, language)
    fine_tune(corpora, model, out, settings, seed=seed, **options)
    record = json.loads((out / "run.json").read_text("utf-8"))
    if show(record, as_json):
        if record["skipped"]:
            terminal.say(f"left out, without a usable answer: {record['skipped']} (see polyspan check)")
        terminal.tell(f"{terminal.count(record['steps'], 'step')} in {record['seconds']:.0f} s; Reader: {out}")


@train_app.command(
    example="polyspan adapt --data mini:ko/train --language ko --model bundled:e5-small --out korean"
)
@reads
@adds({name: _SETTINGS[name] for name in _ADAPTING}, as_one="changes")
def adapt(
    data: Annotated[list[str], _T(help="Text: lines of a .txt file, or a corpus' contexts; may be repeated.")],
    model: Annotated[str, _T(help="bundled:e5-small, a directory, or a hub name (NAME@REVISION).")],
    out: Annotated[Path, _T(help="Folder for the adapter.")],
    seed: Seed = 42,
    limit: Annotated[
        int | None, _T(help="Learn from this many contexts of each corpus, drawn by the seed.")
    ] = None,
    resume: _Resume = False,
    language: Language = None,
    changes: Any = None,
    as_json: Json = False,
) -> None:
    """Teach an encoder a language by masked words of plain text.

    Writes an adapter that answers nothing by itself: train a task's adapter on that of one language (train --model
    OUT --lora 16), and answer in another with that one's (predict --language-adapter).
    """
    from polyspan.cli import terminal

    corpora = [read(name, language) for name in data]
    from polyspan.training.adaptation import adapt as learn
    from polyspan.training.settings import preset

    settings = preset("adapt", **changes)
    terminal.say(f"model {model}; seed {seed}")
    learn(corpora, model, out, settings, seed=seed, limit=limit, resume=resume)
    record = json.loads((out / "run.json").read_text("utf-8"))
    if show(record, as_json):
        terminal.tell(
            f"{terminal.count(record['steps'], 'step')} in {record['seconds']:.0f} s; "
            f"adapter for {record['language']}: {out}"
        )


@train_app.command(example="polyspan average reader-42 reader-43 reader-44 --out reader")
def average(
    readers: Annotated[list[str], typer.Argument(help="Readers trained from one encoder: folders, or names.")],
    out: Annotated[Path, _T(help="Folder for the Reader.")],
    as_json: Json = False,
) -> None:
    """Make one Reader of several runs: the mean of their weights."""
    from polyspan.cli import terminal
    from polyspan.training.averaging import average as mean

    terminal.say(f"averaging {', '.join(readers)}")
    mean(readers, out)
    if show({"out": str(out), "readers": len(readers)}, as_json):
        terminal.tell(f"the mean of {terminal.count(len(readers), 'Reader')}: {out}")


def _augment(switch: list[str] | None, rate: float) -> "Augmentation | None":
    if not switch:
        return None
    from polyspan.make.codeswitching.augmenting import augmentation

    return augmentation(switch, rate)


def _map(path: Path | None) -> "Map | None":
    if path is None:
        return None
    from polyspan.model.map import Map

    return Map.load(path)


def _adversary(
    layer: int | None, data: list[str] | None, weight: float, language: str | None
) -> "Adversary | None":
    if (layer is None) != (not data):
        raise UsageError("--adversarial-layer and --adversarial-data go together")
    if layer is None or not data:
        return None
    from polyspan.training.adversary import Adversary

    return Adversary(layer, [read(name, language) for name in data], weight)
