"""How a Reader is trained: the settings, and the recipes of others as presets."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypedDict, Unpack

from polyspan.errors import UsageError, choose, nearest
from polyspan.model.windows.windows import WindowOptions, saved_options


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Everything that decides the weights but the data, the encoder and the seed."""

    learning_rate: float = 5e-5
    """Its peak."""
    schedule: Literal["linear", "log"] = "linear"
    """`linear`: it rises in the warm-up and falls to 0, both in a line. `log`: as QANet's, it rises with the
    logarithm of the step and then stays."""
    batch_size: int = 32
    """Windows in a step, over all processes."""
    accumulate: int = 1
    """Parts in which a batch is computed, one after another: less memory, the same step."""
    epochs: float = 3.0
    """Passes over the windows, or over the questions (`epoch_of`)."""
    epoch_of: Literal["windows", "questions"] = "windows"
    """`questions` is BERT's rule: steps = questions / batch · epochs, fewer passes where contexts are long."""
    full_batches: bool = False
    """Whether the windows that do not fill an epoch's last batch begin the next epoch, as in BERT's script. Else
    that batch is smaller."""
    warmup: float = 0.1
    """Steps of warm-up: a share of all steps below 1, else a number."""
    warmup_from_zero: bool = False
    """Whether step s of w has the share (s − 1)/w of the peak, as in BERT's script and transformers: the first one
    moves nothing. Else it has s/w."""
    decay_from: Literal["peak", "start"] = "peak"
    """Where the line to 0 begins: at the end of the warm-up, or, as BERT has it, at the first step."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Adam's β₁ and β₂."""
    weight_decay: float = 0.0
    """Decoupled; not on biases and layer norms."""
    l2: float = 0.0
    """Penalty λ/2·‖w‖², added to the clipped gradient as λ·w; not on biases, layer norms and embeddings."""
    epsilon: float = 1e-8
    """Adam's ε."""
    bias_correction: bool = True
    """Adam's; BERT's optimiser has none."""
    clip: float = 1.0
    """Largest global norm of the gradient."""
    dropout: float | None = None
    """For hidden states and attention; None keeps the encoder's own. 0 is far faster on a CPU."""
    freeze: tuple[str, ...] = ()
    """Parameters that stay as they are: those with one of these in their name. `embeddings` are those of any
    model, also one that calls them `embed_tokens` or `wte`."""
    freeze_layers: float = 0.0
    """The lowest layers that stay as they are too: a share of all below 1, else a number."""
    reinitialize: int = 0
    """The uppermost layers whose weights are drawn anew before the first step, by the seed (Zhang et al. 2021)."""
    lora: int | None = None
    """The rank of low-rank matrices (LoRA) beside the encoder's layers, which stay as they are; the span head is
    trained whole. None: the weights themselves are trained."""
    lora_alpha: float | None = None
    """Their product counts this much / `lora`; None: twice the rank."""
    lora_dropout: float = 0.0
    """Of what enters the low-rank matrices."""
    lora_target: tuple[str, ...] = ()
    """The linear layers that get them, by the last parts of their names (`query`); none: all in the encoder's
    layers. Frozen ones get none."""
    average: int = 1
    """Weights averaged at the end: snapshots at this many evenly spaced steps, the last one among them."""
    ema: float = 0.0
    """Decay of an exponential moving average of the weights, which are kept in the end; 0: none. It is at most
    (1 + step) / (10 + step), so that short runs forget how they began."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """`auto`: bf16 where training gains by it, on a GPU or, in layers 256 wide or wider, a processor with AMX or
    AVX512-BF16; else fp32."""
    pack: bool = False
    """Compute the windows of a batch as one row without padding; the same step, faster on some GPUs."""
    padding: Literal["masked", "counted"] = "masked"
    """`masked`: a batch is as wide as its longest window, and an answer cannot stand in padding. `counted`, as in
    BERT's script: it is `max_length` wide, and the softmax of start and end runs over padding too."""
    unanswerable: float | None = None
    """At most this share of the questions are unanswerable; more of them are left out, drawn by the seed. None: as
    the data have it."""
    windows: WindowOptions = field(default_factory=WindowOptions)
    """How contexts are cut and labelled."""

    def __post_init__(self) -> None:
        choose("precision", self.precision, ("auto", "fp32", "bf16", "fp16"))
        choose("epoch_of", self.epoch_of, ("windows", "questions"))
        choose("decay_from", self.decay_from, ("peak", "start"))
        choose("schedule", self.schedule, ("linear", "log"))
        choose("padding", self.padding, ("masked", "counted"))
        if self.pack and self.padding == "counted":
            raise UsageError(
                "packed windows have no padding that could count", fix="leave pack away, or mask padding"
            )
        positive = {"learning_rate": self.learning_rate, "epochs": self.epochs, "batch_size": self.batch_size}
        positive |= {"accumulate": self.accumulate, "average": self.average, "clip": self.clip}
        for name, value in positive.items():
            if not 0 < value < math.inf:
                raise UsageError(f"{name.replace('_', ' ')} must be above 0", found=str(value))
        for name in ("warmup", "weight_decay", "l2", "freeze_layers"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name.replace('_', ' ')} must be 0 or more", found=str(getattr(self, name)))
        for name, decay in (("beta 1", self.betas[0]), ("beta 2", self.betas[1]), ("ema", self.ema)):
            if not 0 <= decay < 1:
                raise UsageError(f"{name} must be from 0 to below 1", found=str(decay))
        if self.reinitialize < 0:
            raise UsageError("reinitialize must be 0 or more", found=str(self.reinitialize))
        if self.reinitialize and self.lora is not None:
            raise UsageError("an adapter does not hold layers that are drawn anew", fix="leave one of them away")
        if self.ema and self.average > 1:
            raise UsageError("the weights can be averaged in one way only", found="average and ema")
        self._check_lora()
        if self.unanswerable is not None and not 0 <= self.unanswerable < 1:
            raise UsageError("unanswerable must be from 0 to below 1", found=str(self.unanswerable))
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise UsageError("dropout must be from 0 to below 1", found=str(self.dropout))

    def _check_lora(self) -> None:
        alpha, rest = self.lora_alpha, (self.lora_alpha, self.lora_dropout or None, self.lora_target or None)
        if self.lora is None and any(value is not None for value in rest):
            raise UsageError("there is no LoRA for these settings", fix="give its rank too, such as --lora 16")
        if self.lora is not None and self.lora < 1:
            raise UsageError("the rank of LoRA must be 1 or more", found=str(self.lora))
        if alpha is not None and not 0 < alpha < math.inf:
            raise UsageError("lora alpha must be above 0", found=str(alpha))
        if not 0 <= self.lora_dropout < 1:
            raise UsageError("lora dropout must be from 0 to below 1", found=str(self.lora_dropout))


_BERT = TrainSettings(
    warmup_from_zero=True,
    decay_from="start",
    weight_decay=0.01,
    epsilon=1e-6,
    bias_correction=False,
    epoch_of="questions",
    full_batches=True,
)

PRESETS: dict[str, TrainSettings] = {
    "hsu2019": replace(_BERT, padding="counted", windows=WindowOptions(label="first_match")),
    "readme": replace(_BERT, learning_rate=3e-5, batch_size=12, epochs=2.0),
    "xtreme": TrainSettings(
        learning_rate=3e-5, accumulate=8, warmup=500, warmup_from_zero=True, weight_decay=1e-4
    ),
    "cpu": TrainSettings(
        learning_rate=1e-4,
        batch_size=8,
        epochs=2.0,
        dropout=0.0,
        freeze=("embeddings",),
        freeze_layers=1 / 3,
        windows=WindowOptions(stride_as="overlap"),
    ),
    "adapt": TrainSettings(
        learning_rate=1e-3,
        batch_size=16,
        epochs=1.0,
        dropout=0.0,
        lora=16,
        windows=WindowOptions(max_length=256, stride_as="overlap"),
    ),
    "qanet": TrainSettings(
        learning_rate=1e-3,
        schedule="log",
        warmup=1000,
        epochs=55.0,
        betas=(0.8, 0.999),
        epsilon=1e-7,
        l2=3e-7,
        ema=0.9999,
        clip=5.0,
        windows=WindowOptions(max_length=453, max_question_length=50, stride_as="overlap"),
    ),
}
"""`hsu2019`: the defaults of BERT's `run_squad.py`, which the paper used, labels by first match. `readme`: the
recipe of BERT's README for SQuAD 1.1, labels by offsets, padding masked. `xtreme`: the XTREME benchmark's, padding
masked. `cpu`: no dropout, embeddings and the lowest third of the layers frozen, fewer windows; for small encoders
and corpora on a laptop. `adapt`: what `polyspan.adapt` takes, for masked words of plain text. `qanet`: Yu et al.
(2018), contexts of 400 pieces, questions of 50; 55 epochs of SQuAD are their 150,000 steps."""


class Changes(TypedDict, total=False):
    """What `preset` can change, by name: the settings, and those of `WindowOptions`."""

    learning_rate: float | None
    schedule: Literal["linear", "log"] | None
    batch_size: int | None
    accumulate: int | None
    epochs: float | None
    epoch_of: Literal["windows", "questions"] | None
    warmup: float | None
    decay_from: Literal["peak", "start"] | None
    betas: tuple[float, float] | None
    weight_decay: float | None
    l2: float | None
    epsilon: float | None
    bias_correction: bool | None
    clip: float | None
    dropout: float | None
    warmup_from_zero: bool | None
    full_batches: bool | None
    padding: Literal["masked", "counted"] | None
    freeze: Sequence[str] | None
    freeze_layers: float | None
    reinitialize: int | None
    lora: int | None
    lora_alpha: float | None
    lora_dropout: float | None
    lora_target: Sequence[str] | None
    average: int | None
    ema: float | None
    precision: Literal["auto", "fp32", "bf16", "fp16"] | None
    pack: bool | None
    max_length: int | None
    stride: int | None
    stride_as: Literal["step", "overlap"] | None
    max_question_length: int | None
    long_question: Literal["truncate", "error"] | None
    label: Literal["offsets", "first_match"] | None
    negatives: Literal["all", "some", "none"] | None
    unanswerable: float | None


def preset(name: str, **changes: Unpack[Changes]) -> TrainSettings:
    """A preset with some settings changed; names of `WindowOptions` are taken too. None changes nothing.

    Raises UsageError for an unknown preset, TypeError for an unknown setting, naming the nearest.
    """
    choose("preset", name, PRESETS)
    base = PRESETS[name]
    for key in changes:
        if key not in Changes.__annotations__:
            raise TypeError(f"preset has no setting {key!r}: {nearest(key, Changes.__annotations__)}")
    given: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    for key, value in given.items():
        if isinstance(value, str) and isinstance(_value_of(base, key), (int, float)):
            raise TypeError(f"preset's {key} is a number, not the text {value!r}")
    of_windows = {key: given.pop(key) for key in list(given) if key in WindowOptions.__dataclass_fields__}
    return replace(base, windows=replace(base.windows, **of_windows), **given)


_LORA = ("lora", "lora_alpha", "lora_dropout", "lora_target")


def as_options(settings: TrainSettings) -> dict[str, Any]:
    """Settings as plain JSON, from which `from_options` makes them again; without LoRA and layers drawn anew where
    there are none, so that what stores hold from before there were keeps its keys."""
    options = json.loads(json.dumps(asdict(settings)))
    unused = [*(() if settings.lora else _LORA), *(() if settings.reinitialize else ("reinitialize",))]
    return {key: value for key, value in options.items() if key not in unused}


def from_options(options: Mapping[str, Any]) -> TrainSettings:
    """The settings that `as_options` has written down."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    return TrainSettings(**given | {"windows": saved_options(options["windows"])})


def _value_of(settings: TrainSettings, key: str) -> object:
    return getattr(settings.windows if key in WindowOptions.__dataclass_fields__ else settings, key)


def default_preset() -> str:
    """`readme` where there is a GPU, else `cpu`."""
    from polyspan.model.device import gpu

    return "readme" if gpu() is not None else "cpu"
