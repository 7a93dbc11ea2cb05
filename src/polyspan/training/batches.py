"""Which windows stand in which batch of a whole training run: drawn from the seed alone, so that it can resume."""

import math
from collections.abc import Sequence

import numpy as np

from polyspan.errors import UsageError
from polyspan.model.batch import bucketed
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Windows
from polyspan.training.settings import TrainSettings


def plan_batches(
    windows: Windows,
    variants: Sequence[Sequence[int]],
    lengths: Ints,
    settings: TrainSettings,
    weights: Sequence[float] | None,
    seed: int,
) -> list[Ints]:
    """The rows of every batch of the whole run.

    `windows` and their input `lengths` hold the training data as often as it has variants, one after another:
    epoch e takes variant e modulo their number. `variants` are the numbers of windows of the corpora in each. With
    `full_batches` what does not fill an epoch's last batch begins the next one.
    Raises UsageError where the warm-up would never end.
    """
    bounds = np.cumsum([0, *(sum(sizes) for sizes in variants)])
    size = settings.batch_size
    if settings.epoch_of == "questions":
        steps = int(len(np.unique(windows.question[: bounds[1]])) / size * settings.epochs)
    elif settings.full_batches:
        steps = int(bounds[1] / size * settings.epochs)
    else:
        steps = round(math.ceil(bounds[1] / size) * settings.epochs)
    if 1 <= settings.warmup >= max(steps, 1):
        raise UsageError(
            "the warm-up is as long as the training",
            found=f"{settings.warmup:g} of {steps} steps",
            fix="--warmup 0.1",
        )
    plan: list[Ints] = []
    left = np.empty(0, np.int32)
    epoch = 0
    while len(plan) < max(steps, 1):
        generator = np.random.default_rng([seed, epoch])
        variant = epoch % len(variants)
        first, last = bounds[variant : variant + 2]
        if weights is None:
            drawn = generator.permutation(last - first)
        else:
            drawn = draw_by_weight(variants[variant], weights, generator)
        order = np.concatenate([left, drawn.astype(np.int32) + np.int32(first)])
        whole = len(order) // size * size if settings.full_batches else len(order)
        order, left = order[:whole], order[whole:]
        plan += bucketed(lengths, size, generator, order)
        epoch += 1
    return plan[: max(steps, 1)]


def draw_by_weight(sizes: Sequence[int], weights: Sequence[float], generator: np.random.Generator) -> Ints:
    """Rows of one epoch, drawn corpus by weight; within a corpus each row comes once before any comes twice."""
    if len(weights) != len(sizes) or not min(weights) >= 0 or not 0 < sum(weights) < math.inf:
        raise UsageError(
            "one weight a corpus is needed, none below 0", found=f"{len(weights)} weights for {len(sizes)} corpora"
        )
    counts = generator.multinomial(sum(sizes), np.array(weights) / sum(weights))
    first = np.cumsum([0, *sizes])
    drawn = [
        first[index] + np.concatenate([generator.permutation(size) for _ in range(count // size + 1)])[:count]
        for index, (size, count) in enumerate(zip(sizes, counts, strict=True))
    ]
    return generator.permutation(np.concatenate(drawn)).astype(np.int32)
