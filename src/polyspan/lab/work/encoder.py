"""The work of encoder and map stages: encoders made for a table, and maps from one language to another."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from polyspan.align import METHODS
from polyspan.align.layer_vectors import encoder_vectors
from polyspan.align.translations import fit_words
from polyspan.data.schema import Corpus
from polyspan.errors import choose
from polyspan.files import write_json
from polyspan.lab.outputs import MAP, MODEL, READER, START, VECTORS
from polyspan.lab.plan.content import commit_unknown
from polyspan.lab.stage import Inputs
from polyspan.lab.work.corpus import kept_corpora, kept_corpus
from polyspan.model.encoders.model_name import pinned
from polyspan.model.reader import Reader
from polyspan.model.vocabulary.cooccurrence import corpus_vectors
from polyspan.model.vocabulary.graft import graft
from polyspan.model.vocabulary.qanet_words import make_qanet
from polyspan.model.vocabulary.trim import trim
from polyspan.model.vocabulary.word_vectors import WordVectors, read_vectors, write_vectors
from polyspan.model.windows.windows import WindowOptions

_OF_THIS_RUN = ("out", "load_seconds", "vectors", "model")  # differ from machine to machine


def encoder(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """Make an encoder of the corpora `data.0`, …: the folder `model`, or, for `vectors`, the file `vectors.vec`.

    Options: `how`, and those of the function of that name in `polyspan.model` (`graft`, `make_qanet`, `trim`,
    `corpus_vectors`). `graft` and `qanet` take their vectors from the role `vectors`, or from the file that the
    option `vectors` names; without, they are made of the corpora for `graft`, and QANet learns its own.
    `graft` and `trim` start from `model`, a name or a role.
    """
    given = dict(options)
    how = given.pop("how")
    choose("way to make an encoder", how, _WAYS)
    _WAYS[how](given, inputs, out)


def encoder_name(options: Mapping[str, Any], inputs: Inputs) -> str:
    """What `Reader.load` and `train` are to start from: the encoder in the role `model`, the Reader in the role
    `start`, or the option's name.

    Raises PolyspanError for a name on the hub whose commit was not known when the run was planned.
    """
    for role, folder in ((MODEL, MODEL), (START, READER)):
        if role in inputs:
            return str(inputs[role] / folder)
    name = str(options["model"])
    if (known := pinned(name)) != name:
        raise commit_unknown(name, known)
    return name


def fitted_map(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """Fit a map from the corpus in the role `source` to that in `target`: `map.safetensors`, `map.json`.

    Options: `method` and its `options`, `layer` of `model` (or of the role `model`, `start` or `reader`), `kind`
    of vectors, the `most` frequent, of `limit` paragraphs, `seed`; `windows` where they are not the usual; `pairs`
    as in `polyspan align fit`; `dictionary` for P@k.
    """
    method, layer = str(options["method"]), int(options["layer"])
    choose("method", method, METHODS)
    name = str(inputs["reader"] / READER) if "reader" in inputs else encoder_name(options, inputs)
    windows = options.get("windows")
    reader = Reader.load(name, WindowOptions(**windows) if windows else None)
    seed, kind = int(options.get("seed", 0)), str(options.get("kind", "types"))
    sides = [kept_corpus(inputs[role]) for role in ("source", "target")]
    x, y = (
        encoder_vectors(
            *(reader, side, layer, kind, options.get("most"), seed),
            limit=options.get("limit"),
            doing=f"encoding {side.name}",
        )
        for side in sides
    )
    words = {name: options.get(name) for name in ("pairs", "dictionary")}
    found = fit_words(METHODS[method](**options.get("options", {})), x, y, **words, seed=seed, doing=method)
    record = found.record | {"layer": layer, "kind": kind, "model": options.get("model")}
    record |= {"source": sides[0].name, "target": sides[1].name}
    replace(found, record=record).save(out / MAP)
    write_json(out / "map.json", record)


def _vectors(options: dict[str, Any], inputs: Inputs) -> WordVectors | None:
    """The vectors that an encoder is to be given, taken out of its options."""
    name = options.pop("vectors", None)
    if "vectors" in inputs:
        return read_vectors(inputs["vectors"] / VECTORS)
    return None if name is None else read_vectors(name)


def _make_vectors(options: dict[str, Any], inputs: Inputs, out: Path) -> None:
    made = corpus_vectors(kept_corpora(inputs, "data"), **options, doing="counting neighbours")
    write_vectors(made, out / VECTORS)


def _make_graft(options: dict[str, Any], inputs: Inputs, out: Path) -> None:
    name = encoder_name(options, inputs)
    options.pop("model", None)
    found = _vectors(options, inputs)
    corpora = kept_corpora(inputs, "data")
    vectors = corpus_vectors(corpora, doing="counting neighbours") if found is None else found
    graft(name, vectors, out / MODEL, corpora=corpora, **options)
    _plain(out / MODEL / "graft.json")


def _make_qanet(options: dict[str, Any], inputs: Inputs, out: Path) -> None:
    vectors = _vectors(options, inputs)
    make_qanet(kept_corpora(inputs, "data"), out / MODEL, vectors=vectors, **options)
    _plain(out / MODEL / "qanet.json")


def _make_trim(options: dict[str, Any], inputs: Inputs, out: Path) -> None:
    corpora: Sequence[Corpus] = kept_corpora(inputs, "data")
    trim(encoder_name(options, inputs), out / MODEL, corpora, options.get("languages", ()))
    _plain(out / MODEL / "trim.json")


def _plain(record: Path) -> None:
    """Take out of a record what tells machines apart, so that the same stage gives the same files everywhere."""
    content = json.loads(record.read_text("utf-8"))
    write_json(record, {name: value for name, value in content.items() if name not in _OF_THIS_RUN})


_WAYS: dict[str, Callable[[dict[str, Any], Inputs, Path], None]] = {
    "graft": _make_graft,
    "qanet": _make_qanet,
    "trim": _make_trim,
    "vectors": _make_vectors,
}
