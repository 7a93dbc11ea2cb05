"""`polyspan align …`: maps from the vectors of one language to those of another, and how good they are."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, Seed, grouped, read, reads, show
from polyspan.errors import UsageError, choose

if TYPE_CHECKING:
    from polyspan.align import Aligner
    from polyspan.model.vocabulary.word_vectors import WordVectors

_T = typer.Option
align_app = Verbs(no_args_is_help=True, help="Map the vectors of one language onto another's.")


@dataclass
class Sides:
    """Where the vectors of both languages come from."""

    model: Annotated[str | None, _T(help="A Reader's folder, an encoder's, bundled:e5-small or a hub name.")] = (
        None
    )
    layer: Annotated[int | None, _T(help="Layer of the encoder; 0 is the embeddings' output, -1 the last.")] = None
    source: Annotated[str | None, _T(help="Text of the source language: a file or a name.")] = None
    target: Annotated[str | None, _T(help="Text of the target language: a file or a name.")] = None
    source_vectors: Annotated[Path | None, _T(help="A .vec file in place of --source.")] = None
    target_vectors: Annotated[Path | None, _T(help="A .vec file in place of --target.")] = None
    limit: Annotated[int | None, _T(help="Encode this many paragraphs of each corpus, drawn by the seed.")] = None
    most: Annotated[int, _T(help="Vectors of each side: the most frequent types, or this many tokens.")] = 10_000
    seed: Seed = 0
    language: Language = None


@align_app.command(
    example="polyspan align fit --method procrustes --model bundled:e5-small --layer 6 "
    "--source mini:en/train --target mini:ko/train --pairs mini:ko --out map"
)
@grouped
@reads
def fit(
    method: Annotated[str, _T(help="{align.METHODS}.")],
    out: Annotated[Path, _T(help="File for the map (safetensors).")],
    sides: Sides,
    kind: Annotated[
        str, _T(help="types: the mean of each piece's instances; tokens: single instances.")
    ] = "types",
    pairs: Annotated[
        str | None, _T(help="Seeds: identical, none or a dictionary. Default: what the method takes.")
    ] = None,
    option: Annotated[
        list[str] | None, _T("--set", metavar="NAME=VALUE", help="An option of the method, as epochs=10.")
    ] = None,
    dictionary: Annotated[
        str | None, _T(help="For P@1, 5 and 10: a word and its translation a line; or mini:ko.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the map of two sets of vectors."""
    import time

    from polyspan.files import require_writable

    require_writable(out)
    solver = _solver(method, option or [])
    if dictionary is not None and kind == "tokens":
        raise UsageError("--dictionary scores types: a token has no translation of its own", fix="--kind types")
    x, y, where = _both(sides, kind)
    from polyspan.align.translations import fit_words
    from polyspan.cli import terminal

    terminal.say(f"{len(x)} source and {len(y)} target vectors, pairs: {pairs or solver.seeds}")
    began = time.perf_counter()
    found = fit_words(solver, x, y, pairs=pairs, dictionary=dictionary, seed=sides.seed, doing=method)
    seconds = time.perf_counter() - began
    record = found.record | where
    replace(found, record=record).save(out)
    if show(record | {"seconds": round(seconds, 2), "out": str(out)}, as_json):
        _print(record | {"seconds": round(seconds, 1)})
        terminal.tell(f"map: {out}")


@align_app.command(
    example="polyspan align score map --dictionary mini:ko --source mini:en/test --target mini:ko/test"
)
@grouped
@reads
def score(
    mapped: Annotated[Path, typer.Argument(metavar="MAP", help="A file that align fit wrote.")],
    dictionary: Annotated[str, _T(help="A word and its translation a line, in the format of MUSE; or mini:ko.")],
    sides: Sides,
    as_json: Json = False,
) -> None:
    """How often a map brings a word to its translation: P@1, 5 and 10 by CSLS.

    Model and layer are those of the map unless others are given.
    """
    from polyspan.model.map import Map

    found = Map.load(mapped)
    if sides.source_vectors is None:
        sides.model = sides.model or found.record.get("model")
        sides.layer = found.record.get("layer") if sides.layer is None else sides.layer
    x, y, where = _both(sides, "types")
    from polyspan.align.translations import dictionary_precision

    result = where | {"map": str(mapped)} | dictionary_precision(found, x, y, dictionary)
    if show(result, as_json):
        _print(result)


def _solver(method: str, settings: list[str]) -> "Aligner":
    """A method with some of its options changed; they are written as `name=value`."""
    from polyspan.align import METHODS
    from polyspan.lab.recipe.fields import checked

    choose("method", method, METHODS)
    kinds, options = METHODS[method].options(), dict[str, Any]()
    for setting in settings:
        name, _, value = setting.partition("=")
        choose(f"option of {method}", name, kinds)
        try:
            options |= checked(kinds, {name: None if value == "none" else value})
        except ValueError:
            wanted = getattr(kinds[name], "__name__", kinds[name])
            raise UsageError(f"--set {setting}: this is no {wanted}", found=repr(value)) from None
    return METHODS[method](**options)


def _both(sides: Sides, kind: str) -> tuple["WordVectors", "WordVectors", dict[str, Any]]:
    """The vectors of both sides, and where they are from, for the record."""
    files = [file for file in (sides.source_vectors, sides.target_vectors) if file is not None]
    data = [name for name in (sides.source, sides.target) if name is not None]
    if len(files) == 2 and not data and sides.model is None:
        from polyspan.model.vocabulary.word_vectors import read_vectors

        x, y = (read_vectors(file, sides.most) for file in files)
        return x, y, {"source": str(files[0]), "target": str(files[1])}
    if len(data) < 2 or files or sides.model is None or sides.layer is None:
        raise UsageError(
            "it is not clear where the vectors are to come from",
            expected="--model, --layer, --source and --target, or --source-vectors and --target-vectors",
        )
    corpora = [read(name, sides.language) for name in data]
    from polyspan.align.layer_vectors import encoder_vectors
    from polyspan.cli import terminal
    from polyspan.model.reader import Reader
    from polyspan.probe.hidden import resolve_layers

    terminal.say(f"loading {sides.model}")
    reader = Reader.load(sides.model)
    (layer,) = resolve_layers(reader, [sides.layer])
    how: dict[str, Any] = {"limit": sides.limit}
    x, y = (
        encoder_vectors(reader, one, layer, kind, sides.most, sides.seed, **how, doing=f"encoding {one.name}")
        for one in corpora
    )
    names = {"source": corpora[0].name, "target": corpora[1].name}
    return x, y, {"model": sides.model, "layer": layer, "kind": kind, **names, **how}


_PRINTED = ("method", "model", "layer", "source", "target", "seed", "seeds", "pairs", "criterion", "words", "of")


def _print(result: dict[str, Any]) -> None:
    from polyspan.cli import terminal

    facts = {name: result[name] for name in (*_PRINTED, "seconds") if result.get(name) is not None}
    if "criterion" in facts:
        facts["criterion"] = f"{facts['criterion']:.3f}"
    terminal.facts(facts | {f"P@{k}": f"{value:.1f} %" for k, value in result.get("precision", {}).items()})
