"""Parallel corpora: the questions that they share, and the joint moments of their answers' vectors."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from polyspan.data.sample import keep_ids
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source
from polyspan.model.encoders.encoder import weights_sha256
from polyspan.probe.answer_vectors import answer_vectors, paired, unparallel
from polyspan.probe.hidden import resolve_layers
from polyspan.probe.moments import Moments, load_arrays, save_arrays
from polyspan.progress import progress

if TYPE_CHECKING:
    from polyspan.model.reader import Reader

_CHUNK = 512  # questions between two checkpoints, and those that a shuffled pair is drawn from


@dataclass(frozen=True, slots=True)
class PairedMoments:
    """The joint moments of two corpora's answers: `true[layer]` of each answer with its translation.

    `shuffled[layer]` are of the same answers with another one's translation, a baseline. `pairs` counts the
    questions; `alone` those that only one of the corpora has, or has with a usable answer.
    """

    true: dict[int, Moments]
    shuffled: dict[int, Moments]
    pairs: int
    alone: int


def parallel(corpora: Sequence[Corpus], limit: int | None = None, seed: int = 0) -> list[Corpus]:
    """The corpora with only the questions that all have by id, or `limit` of these drawn by the seed.

    Raises PolyspanError where there are none, and UsageError for fewer than two corpora.
    """
    if len(corpora) < 2:
        raise UsageError("at least two corpora are compared", found=str(len(corpora)), fix="give --data twice")
    if limit is not None and limit < 1:
        raise UsageError("the number of questions must be at least 1", found=str(limit))
    ids = [[question.id for _, question in corpus.questions()] for corpus in corpora]
    shared = set(ids[0]).intersection(*ids[1:])
    if not shared:
        raise unparallel([corpus.name for corpus in corpora], ids)
    if limit is not None and limit < len(shared):
        order = sorted(shared)
        shared = {order[place] for place in np.random.default_rng(seed).permutation(len(order))[:limit]}
    return [keep_ids(corpus, shared) for corpus in corpora]


def paired_moments(
    reader: "Reader",
    a: Corpus,
    b: Corpus,
    layers: Sequence[int],
    *,
    seed: int = 0,
    checkpoint: Source | None = None,
    doing: str = "",
) -> PairedMoments:
    """The joint moments of all answers that two corpora share, layer by layer, for corpora of any length.

    Some hundreds of questions, drawn by the seed, are encoded at a time, and nothing but the moments is held:
    (2 · width)² numbers a layer, and as many for the baseline. With `checkpoint`, an `.npz` file, a pass that was
    stopped goes on from there, with the same result. Raises PolyspanError where the corpora share no question, and
    where the checkpoint is of another pass.
    """
    chosen = resolve_layers(reader, layers)
    of_a, of_b = parallel((a, b))
    ids = sorted({question.id for _, question in of_a.questions()})
    order = [ids[place] for place in np.random.default_rng(seed).permutation(len(ids))]
    facts = [a.fingerprint(), b.fingerprint(), weights_sha256(reader.model), list(chosen), seed, _CHUNK]
    key = json.dumps([*facts, str(reader.options)])
    true, shuffled, done, pairs = _resume(checkpoint, key, chosen)
    with progress(doing, len(order), "questions") as advance:
        advance(done, "")
        while done < len(order):
            part = order[done : done + _CHUNK]
            pairs += _take(reader, (of_a, of_b), part, (true, shuffled), chosen, seed + done)
            done += len(part)
            advance(len(part), "")
            if checkpoint is not None:
                _keep(checkpoint, key, true, shuffled, done, pairs)
    return PairedMoments(true, shuffled, pairs, len(a) + len(b) - 2 * pairs)


def _take(
    reader: "Reader",
    corpora: tuple[Corpus, Corpus],
    ids: list[str],
    into: tuple[dict[int, Moments], dict[int, Moments]],
    layers: Sequence[int],
    seed: int,
) -> int:
    """Add a chunk's answers to the moments; returns how many pairs there were."""
    both = paired(*(answer_vectors(reader, keep_ids(corpus, set(ids)), layers) for corpus in corpora))
    other = np.random.default_rng(seed).permutation(len(both.ids))
    for layer in layers:
        x, y = both.a[layer], both.b[layer]
        for moments, translations in zip(into, (y, y[other]), strict=True):
            moments.setdefault(layer, Moments.empty(x.shape[1], y.shape[1])).add(x, translations)
    return len(both.ids)


def _keep(
    path: Source, key: str, true: dict[int, Moments], shuffled: dict[int, Moments], done: int, pairs: int
) -> None:
    arrays = {"key": np.array(key), "done": np.array([done, pairs])}
    for name, moments in (("true", true), ("shuffled", shuffled)):
        for layer, some in moments.items():
            arrays |= some.arrays(f"{name}.{layer}.")
    save_arrays(path, arrays)


def _resume(
    path: Source | None, key: str, layers: Sequence[int]
) -> tuple[dict[int, Moments], dict[int, Moments], int, int]:
    if path is None or not Path(path).exists():
        return {}, {}, 0, 0
    arrays = load_arrays(path)
    if str(arrays.get("key")) != key:
        raise PolyspanError(
            "the checkpoint is of another pass",
            where=str(path),
            expected="the same corpora, model, layers and seed",
            fix="choose another file, or remove this one",
        )
    true, shuffled = (
        {layer: Moments.from_arrays(arrays, path, f"{name}.{layer}.") for layer in layers}
        for name in ("true", "shuffled")
    )
    done, pairs = arrays["done"].tolist()
    return true, shuffled, done, pairs
