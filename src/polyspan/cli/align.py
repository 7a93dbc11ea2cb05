"""`polyspan align …`: maps from the vectors of one language to those of another, and how good they are."""

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, Seed, read, reads, show
from polyspan.errors import PolyspanError, UsageError, choose

if TYPE_CHECKING:
    from polyspan.align import Map, Method
    from polyspan.model.vocabulary.word_vectors import WordVectors

_T = typer.Option
align_app = Verbs(no_args_is_help=True, help="Map the vectors of one language onto another's.")
Model = Annotated[str | None, _T(help="A Reader's folder, an encoder's, bundled:e5-small or a hub name.")]
Layer = Annotated[int | None, _T(help="Layer of the encoder; 0 is the embeddings' output, -1 the last.")]
SourceData = Annotated[str | None, _T(help="Text of the source language: a file or a name.")]
TargetData = Annotated[str | None, _T(help="Text of the target language: a file or a name.")]
SourceVectors = Annotated[Path | None, _T(help="A .vec file in place of --source.")]
TargetVectors = Annotated[Path | None, _T(help="A .vec file in place of --target.")]
Kind = Annotated[str, _T(help="types: the mean of each piece's instances; tokens: single instances.")]
Limit = Annotated[int | None, _T(help="Encode this many paragraphs of each corpus, drawn by the seed.")]
Most = Annotated[int, _T(help="Vectors of each side: the most frequent types, or this many tokens.")]
Evaluation = Annotated[str | None, _T(help="For P@1, 5 and 10: a word and its translation a line; or mini:ko.")]


@align_app.command(
    example="polyspan align fit --method procrustes --model bundled:e5-small --layer 6 "
    "--source mini:en/train --target mini:ko/train --pairs mini:ko --out map"
)
@reads
def fit(
    method: Annotated[str, _T(help="procrustes, muse, vecmap, dema or mean.")],
    out: Annotated[Path, _T(help="File for the map (safetensors).")],
    model: Model = None,
    layer: Layer = None,
    source: SourceData = None,
    target: TargetData = None,
    source_vectors: SourceVectors = None,
    target_vectors: TargetVectors = None,
    kind: Kind = "types",
    limit: Limit = None,
    most: Most = 10_000,
    pairs: Annotated[
        str | None, _T(help="Seeds: identical, none or a dictionary. Default: what the method takes.")
    ] = None,
    option: Annotated[
        list[str] | None, _T("--set", metavar="NAME=VALUE", help="An option of the method, as epochs=10.")
    ] = None,
    dictionary: Evaluation = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Find the map of two sets of vectors."""
    import time

    from polyspan.files import require_writable

    require_writable(out)
    solver = _solver(method, option or [])
    x, y, where = _both(
        model, layer, (source, target), (source_vectors, target_vectors), kind, limit, most, seed, language
    )
    from polyspan.align.translations import default_seeds, seed_pairs
    from polyspan.cli import terminal

    chosen = pairs or default_seeds(method)
    seeds = seed_pairs(chosen, x.words, y.words)
    if method == "procrustes" and seeds is None:
        raise PolyspanError("Procrustes needs pairs", found=f"--pairs {chosen}: none", fix="--pairs DICTIONARY")
    terminal.say(
        f"{len(x)} source and {len(y)} target vectors, {0 if seeds is None else len(seeds)} pairs ({chosen})"
    )
    began = time.perf_counter()
    found = solver.fit(x.matrix, y.matrix, pairs=seeds, seed=seed, doing=f"{method}")
    seconds = time.perf_counter() - began
    record = found.record | where | {"seed": seed, "seeds": chosen}
    if dictionary is not None:
        record |= _precision(found, x, y, dictionary, kind)
    replace(found, record=record).save(out)
    if show(record | {"seconds": round(seconds, 2), "out": str(out)}, as_json):
        _print(record | {"seconds": round(seconds, 1)})
        terminal.tell(f"map: {out}")


@align_app.command(
    example="polyspan align score map --dictionary mini:ko --source mini:en/test --target mini:ko/test"
)
@reads
def score(
    mapped: Annotated[Path, typer.Argument(metavar="MAP", help="A file that align fit wrote.")],
    dictionary: Annotated[str, _T(help="A word and its translation a line, in the format of MUSE; or mini:ko.")],
    model: Model = None,
    layer: Layer = None,
    source: SourceData = None,
    target: TargetData = None,
    source_vectors: SourceVectors = None,
    target_vectors: TargetVectors = None,
    limit: Limit = None,
    most: Most = 10_000,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """How often a map brings a word to its translation: P@1, 5 and 10 by CSLS.

    Model and layer are those of the map unless others are given.
    """
    from polyspan.model.map import Map

    found = Map.load(mapped)
    if source_vectors is None:
        model, layer = model or found.record.get("model"), found.record.get("layer") if layer is None else layer
    x, y, where = _both(
        model, layer, (source, target), (source_vectors, target_vectors), "types", limit, most, seed, language
    )
    result = where | {"map": str(mapped)} | _precision(found, x, y, dictionary, "types")
    if show(result, as_json):
        _print(result)


def _solver(method: str, settings: list[str]) -> "Method":
    """A method with some of its options changed; they are written as `name=value`."""
    from polyspan.align import METHODS

    choose("method", method, METHODS)
    kinds: dict[str, Any] = {field.name: type(field.default) for field in fields(METHODS[method])}
    options: dict[str, Any] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        choose(f"option of {method}", name, kinds)
        try:
            options[name] = _yes(value) if kinds[name] is bool else kinds[name](value)
        except ValueError:
            raise UsageError(f"--set {setting}: this is no {kinds[name].__name__}", found=repr(value)) from None
    return METHODS[method](**options)


def _yes(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError
    return value.lower() == "true"


def _both(
    model: str | None,
    layer: int | None,
    data: tuple[str | None, str | None],
    files: tuple[Path | None, Path | None],
    kind: str,
    limit: int | None,
    most: int,
    seed: int,
    language: str | None,
) -> tuple["WordVectors", "WordVectors", dict[str, Any]]:
    """The vectors of both sides, and where they are from, for the record."""
    from_files = [file for file in files if file is not None]
    from_data = [name for name in data if name is not None]
    if len(from_files) == 2 and not from_data and model is None:
        from polyspan.model.vocabulary.word_vectors import read_vectors

        x, y = (read_vectors(file, most) for file in from_files)
        return x, y, {"source": str(files[0]), "target": str(files[1])}
    if len(from_data) < 2 or from_files or model is None or layer is None:
        raise UsageError(
            "it is not clear where the vectors are to come from",
            expected="--model, --layer, --source and --target, or --source-vectors and --target-vectors",
        )
    corpora = [read(name, language) for name in from_data]
    from polyspan.align.layer_vectors import encoder_vectors
    from polyspan.cli import terminal
    from polyspan.model.reader import Reader

    terminal.say(f"loading {model}")
    reader = Reader.load(model)
    x, y = (
        encoder_vectors(reader, corpus, layer, kind, most, seed, limit=limit, doing=f"encoding {corpus.name}")
        for corpus in corpora
    )
    from polyspan.probe.hidden import resolve_layers

    (layer,) = resolve_layers(reader, [layer])
    names = [corpus.name for corpus in corpora]
    where = {"model": model, "layer": layer, "kind": kind, "source": names[0], "target": names[1], "limit": limit}
    return x, y, where


def _precision(found: "Map", x: "WordVectors", y: "WordVectors", name: str, kind: str) -> dict[str, Any]:
    from polyspan.align.translations import dictionary_precision

    if kind == "tokens":
        raise UsageError("--dictionary scores types: a token has no translation of its own", fix="--kind types")
    return dictionary_precision(found, x, y, name)


def _print(result: dict[str, Any]) -> None:
    from polyspan.cli import terminal

    names = (
        "method",
        "model",
        "layer",
        "source",
        "target",
        "seed",
        "seeds",
        "criterion",
        "words",
        "of",
        "seconds",
    )
    facts = {name: result[name] for name in names if result.get(name) is not None}
    if "criterion" in facts:
        facts["criterion"] = f"{facts['criterion']:.3f}"
    terminal.facts(facts | {f"P@{k}": f"{value:.1f} %" for k, value in result.get("precision", {}).items()})
