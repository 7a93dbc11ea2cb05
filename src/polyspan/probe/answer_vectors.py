"""One vector an answer: the mean of the hidden states of its tokens, question and context encoded together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError
from polyspan.model.windows.tokens import Ints
from polyspan.model.windows.windows import Windows, make_windows
from polyspan.probe.hidden import States, resolve_layers, stream_windows

if TYPE_CHECKING:
    from polyspan.model.reader import Reader

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AnswerVectors:
    """The vectors of a corpus' answers: `vectors[layer]` is (answers, width), a row for each of `ids`.

    `skipped` counts the questions without a vector by reason: `no-answer`, `answer-empty` (one that was not
    recovered), `offset` (it is not where the data says), `answer-unreadable` (pieces), `answer-too-long` (for a
    window), `impossible`.
    """

    name: str
    language: str | None
    ids: tuple[str, ...]
    vectors: dict[int, Vectors]
    skipped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Paired:
    """The vectors of the questions that two corpora share: row i of `a` and of `b` are of question `ids[i]`.

    `only_a` and `only_b` count the answers without a partner.
    """

    ids: tuple[str, ...]
    a: dict[int, Vectors]
    b: dict[int, Vectors]
    only_a: int
    only_b: int


def answer_vectors(reader: "Reader", corpus: Corpus, layers: Sequence[int], *, doing: str = "") -> AnswerVectors:
    """The mean state over the pieces of each question's first answer, at each layer, in file order.

    Each is taken from the window that holds the whole answer with most context on its shorter side. Raises
    PolyspanError where no question has an answer.
    """
    chosen = resolve_layers(reader, layers)
    options = replace(reader.options, label="offsets", negatives="all")
    windows = make_windows(corpus, reader.tokenizer, options, training=True)
    rows = _best_windows(windows)
    ids = [question.id for _, question in corpus.questions()]
    impossible = sum(question.impossible for _, question in corpus.questions())
    skipped = windows.skipped | ({"impossible": impossible} if impossible else {})
    if not len(rows):
        raise PolyspanError(
            f"{corpus.name} has no answer to look at", where=corpus.source, found=str(skipped or "no questions")
        )
    vectors: dict[int, Vectors] = {}
    place = np.full(len(windows), -1)
    place[rows] = np.arange(len(rows))
    for batch in stream_windows(reader, windows, chosen, rows, doing=doing):
        for layer, means in _means(batch).items():
            if layer not in vectors:
                vectors[layer] = np.empty((len(rows), means.shape[1]), np.float32)
            vectors[layer][place[batch.rows]] = means.cpu().numpy()
    found = tuple(ids[question] for question in windows.question[rows])
    return AnswerVectors(corpus.name, corpus.language, found, vectors, skipped)


def paired(a: AnswerVectors, b: AnswerVectors) -> Paired:
    """Match answers by question id, in the order of `a`.

    Raises PolyspanError where the two share none, and where an id stands for two questions.
    """
    for side in (a, b):
        if len(set(side.ids)) < len(side.ids):
            twice = next(key for key in side.ids if side.ids.count(key) > 1)
            raise PolyspanError(f"two questions of {side.name} have the same id", found=twice)
    where = {key: place for place, key in enumerate(b.ids)}
    places = [(here, where[key]) for here, key in enumerate(a.ids) if key in where]
    if not places:
        raise unparallel([a.name, b.name], [a.ids, b.ids])
    of_a, of_b = np.array(places).T
    return Paired(
        tuple(a.ids[place] for place in of_a),
        {layer: vectors[of_a] for layer, vectors in a.vectors.items()},
        {layer: vectors[of_b] for layer, vectors in b.vectors.items()},
        len(a.ids) - len(places),
        len(b.ids) - len(places),
    )


def unparallel(names: Sequence[str], ids: Sequence[Sequence[str]]) -> PolyspanError:
    """What to say of corpora that share no question."""
    return PolyspanError(
        f"{' and '.join(names)} share no question",
        found="ids such as " + " and ".join(repr(some[0]) if some else "none" for some in ids),
        expected="parallel corpora: the same question has the same id in both, as in XQuAD",
    )


def _best_windows(windows: Windows) -> Ints:
    """Of the windows that hold a question's whole answer the one with most context around it, by question."""
    rows = np.flatnonzero(windows.label_start >= 0)
    left, right = windows.label_start[rows], windows.length[rows] - 1 - windows.label_end[rows]
    context = np.minimum(left, right) + 0.01 * windows.length[rows]
    rows = rows[np.lexsort((rows, -context, windows.question[rows]))]
    _, first = np.unique(windows.question[rows], return_index=True)
    return rows[first].astype(np.int32)


def _means(batch: States) -> dict[int, torch.Tensor]:
    """The mean over each window's labelled pieces, (windows, width) in float32."""
    first = batch.context[:, 0] + batch.windows.label_start[batch.rows]
    counts = batch.windows.label_end[batch.rows] - batch.windows.label_start[batch.rows] + 1
    pieces = np.concatenate([np.arange(begin, begin + n) for begin, n in zip(first, counts, strict=True)])
    owners = np.repeat(np.arange(len(counts)), counts)
    means = {}
    for layer, states in batch.states.items():
        where, into, by = (_on(states, part) for part in (pieces, owners, counts.astype(np.float32)))
        sums = states.new_zeros((len(counts), states.shape[1]), dtype=torch.float32)
        means[layer] = sums.index_add_(0, into, states[where].float()) / by[:, None]
    return means


def _on(states: torch.Tensor, values: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(values).to(states.device)
