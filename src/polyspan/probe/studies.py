"""The studies behind `polyspan probe`: a model, or two states of it, and corpora in; numbers as plain JSON out."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from polyspan.data.sample import sample
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions
from polyspan.probe.answer_vectors import AnswerVectors, Paired, answer_vectors, paired
from polyspan.probe.heat import Heat, corpus_heat, layer_heat
from polyspan.probe.hidden import depth, resolve_layers
from polyspan.probe.parallel import parallel
from polyspan.probe.pca import axes, pooled
from polyspan.probe.separability import separability
from polyspan.probe.token_vectors import TokenVectors, token_vectors

if TYPE_CHECKING:
    from polyspan.probe.study import AnswerStudy

AXES = ("each", "before", "after", "union")


def study_tokens(
    model: str,
    corpora: Sequence[Corpus],
    *,
    before: str | None = None,
    layers: Sequence[int] = (-1,),
    tokens: int = 1000,
    fit: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """PCA of context tokens of each corpus, in one state of a model or before and after fine-tuning (Fig. 1).

    `tokens` of each corpus are drawn. The axes are always of all languages together: those of `each` state by
    itself, or the same for both states, fitted on `before`, on `after` or on the `union`; by default on each, and,
    where there are two states, also on `before`. A state's points are relative to its own mean. Returns the
    numbers, a panel for each layer, axes and state, and the points: `{"layer", "axes", "state", "corpus",
    "language", "piece", "x", "y"}`.
    """
    fits = tuple(dict.fromkeys(fit)) or (("each",) if before is None else ("each", "before"))
    for one in fits:
        choose("axes", one, AXES)
        if before is None and one != "each":
            raise UsageError(f"axes fitted on {one} need two states", fix="give --before MODEL too")
    _require_names(corpora)
    some = [corpus if limit is None else sample(corpus, limit, seed) for corpus in corpora]
    seen: dict[str, list[TokenVectors]] = {}
    chosen: tuple[int, ...] = ()
    for state, reader in _readers(model, before):
        chosen = resolve_layers(reader, layers)
        doing = f"reading {state}" if before else "reading"
        seen[state] = [token_vectors(reader, part, chosen, tokens, seed, doing=doing) for part in some]
    seen = dict(sorted(seen.items(), key=lambda item: item[0] != "before"))
    panels: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for layer, one, state in itertools.product(chosen, fits, seen):
        panel, own = _panel(seen, layer, state, one, seed)
        panels.append(panel)
        points += own
    facts = [
        {"name": part.name, "language": part.language, "tokens": len(part.pieces), "among": part.among}
        for part in next(iter(seen.values()))
    ]
    result = {"probe": "pca", "model": model, "before": before, "seed": seed, "corpora": facts}
    return result | {"panels": panels}, points


def _panel(
    seen: Mapping[str, list[TokenVectors]], layer: int, state: str, fit: str, seed: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One layer in one state: its shares of variance, separability, and points in the common axes."""
    fitted = list(seen) if fit == "union" else [state] if fit == "each" else [fit]
    common = axes(pooled([[side.vectors[layer] for side in seen[name]] for name in fitted]))
    sides = [side.vectors[layer] for side in seen[state]]
    middle = np.concatenate(sides).mean(0)
    texts = [side.paragraph for side in seen[state]]
    flat = [common.apply(side - middle) for side in sides]
    panel = {
        "layer": layer,
        "axes": fit,
        "state": state,
        "share": common.share_of(np.concatenate(sides)).tolist(),
        "separability": asdict(separability(sides, seed, texts)),
        "separability_in_plane": asdict(separability(flat, seed, texts)),
    }
    points = [
        {"layer": layer, "axes": fit, "state": state, "corpus": side.name, "language": side.language}
        | {"piece": int(piece), "x": float(x), "y": float(y)}
        for side, places in zip(seen[state], flat, strict=True)
        for piece, (x, y) in zip(side.pieces, places, strict=True)
    ]
    return panel, points


def study_answers(
    kind: "AnswerStudy",
    model: str,
    corpora: Sequence[Corpus],
    *,
    before: str | None = None,
    layers: Sequence[int] = (),
    limit: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Likeness of the answers of parallel corpora, pair by pair and layer by layer (Fig. 2 and 3).

    Without `layers` all are taken. Only questions that all corpora have are used; `left_out` counts the others,
    and those beyond `limit`. Each row has a `value` and a `baseline` of wrong pairs; cosine's also both `centred`
    by language. Where the kind has `maps`, the first pair has a heat map of layers × layers; from three corpora
    on the last layer has one of corpora × corpora.
    """
    _require_names(corpora)
    same = parallel(corpora, limit, seed)
    rows: list[dict[str, Any]] = []
    heat: dict[str, Any] = {}
    sides: list[AnswerVectors] = []
    for state, reader in _readers(model, before):
        chosen = resolve_layers(reader, layers or range(depth(reader) + 1))
        doing = f"{state}: " if before else ""
        sides = [answer_vectors(reader, part, chosen, doing=f"{doing}reading {part.name}") for part in same]
        pairs = {(a.name, b.name): (a, b, paired(a, b)) for a, b in itertools.combinations(sides, 2)}
        for a, b, pair in pairs.values():
            facts = {"state": state, "a": a.name, "b": b.name, "language_a": a.language, "language_b": b.language}
            rows += [facts | row for row in _compare(pair, kind, seed)]
        if kind.maps and len(chosen) > 1:
            heat[f"layers {state}"] = layer_heat(next(iter(pairs.values()))[2], kind, seed).as_json()
        if len(sides) > 2:
            heat[f"corpora {state}"] = _corpora(rows, [side.name for side in sides], state, max(chosen)).as_json()
    about = [_about(*facts) for facts in zip(sides, corpora, same, strict=True)]
    result = {"probe": kind.name, "model": model, "before": before, "seed": seed}
    rows.sort(key=lambda row: str(row["state"]) != "before")  # stable: pairs and layers stay in order
    return result | {"options": kind.settings(), "corpora": about, "rows": rows, "heat": heat}


def _about(side: AnswerVectors, whole: Corpus, part: Corpus) -> dict[str, Any]:
    """A corpus, and what became of its questions."""
    facts = {"name": side.name, "language": side.language, "questions": len(whole), "answers": len(side.ids)}
    return facts | {"left_out": len(whole) - len(part), "skipped": side.skipped}


def _compare(pair: Paired, kind: "AnswerStudy", seed: int) -> list[dict[str, Any]]:
    """A row for each layer of a pair."""
    other = np.random.default_rng(seed).permutation(len(pair.ids))
    about = {layer: {"layer": layer, "points": len(pair.ids)} for layer in pair.a}
    return [about[layer] | kind.row(x, pair.b[layer], other) for layer, x in pair.a.items()]


def _corpora(rows: list[dict[str, Any]], names: list[str], state: str, layer: int) -> Heat:
    here = [row for row in rows if row["state"] == state and row["layer"] == layer]
    return corpus_heat(names, {(row["a"], row["b"]): (row["value"], row["baseline"]) for row in here})


def _readers(model: str, before: str | None) -> Iterator[tuple[str, Reader]]:
    """The model, then its state before fine-tuning, which reads the same windows."""
    options: WindowOptions | None = None
    for state, name in (("after", model), ("before", before)):
        if name is not None:
            reader = Reader.load(name, options)
            options = reader.options
            yield state, reader


def _require_names(corpora: Sequence[Corpus]) -> None:
    names = [corpus.name for corpus in corpora]
    if len(corpora) < 2:
        raise UsageError("at least two corpora are compared", found=str(len(corpora)), fix="give --data twice")
    if len(set(names)) < len(names):
        raise PolyspanError("two corpora have the same name", found=", ".join(names), fix="rename a file")
