"""`polyspan vectors`, `graft` and `qanet`: word vectors, and the encoders of Table 1 that are made with them."""

from pathlib import Path
from typing import Annotated

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, Seed, read, reads, show

_T = typer.Option
models_app = Verbs()
Texts = Annotated[list[str], _T(help="Corpora whose contexts and questions are read; may be repeated.")]
Unit = Annotated[str, _T(help="What a piece is: word (a Han or kana character is one) or character.")]
Fewest = Annotated[int, _T(help="Leave out pieces that occur less often.")]
Vectors = Annotated[Path, _T(help="A .vec file of fastText or word2vec, also gzipped.")]


@models_app.command(example="polyspan vectors --data mini:ko/train --out korean.vec")
@reads
def vectors(
    data: Texts,
    out: Annotated[Path, _T(help="File for the vectors, in the text format of fastText.")],
    unit: Unit = "word",
    width: Annotated[int, _T(help="Numbers in a vector.")] = 300,
    window: Annotated[int, _T(help="Neighbours on each side that count.")] = 5,
    fewest: Fewest = 2,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Word vectors from the texts of corpora."""
    from polyspan.cli import terminal
    from polyspan.files import require_writable

    corpora = [read(name, language) for name in data]
    require_writable(out)
    from polyspan.model.vocabulary.cooccurrence import corpus_vectors
    from polyspan.model.vocabulary.word_vectors import write_vectors

    made = corpus_vectors(corpora, unit, width, window, fewest=fewest, seed=seed, doing="counting neighbours")
    write_vectors(made, out)
    counts = {"out": str(out), "words": len(made), "width": made.width, "unit": unit, "seed": seed}
    if show(counts, as_json):
        terminal.tell(f"{terminal.count(len(made), 'vector')} of {made.width} numbers: {out}")


@models_app.command(example="polyspan graft bundled:e5-small --vectors korean.vec --out grafted")
@reads
def graft(
    model: Annotated[str, typer.Argument(help="An encoder's or a Reader's folder, or a hub name.")],
    vectors: Vectors,
    out: Annotated[Path, _T(help="Folder for the new model.")],
    projection: Annotated[str, _T(help="To the encoder's width: pca, random or least_squares.")] = "pca",
    most: Annotated[int | None, _T(help="Add at most this many pieces, the first words' ones.")] = None,
    data: Annotated[
        list[str] | None, _T(help="Measure the coverage of these texts before and after; may be repeated.")
    ] = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Give an encoder word vectors of a new language."""
    from polyspan.cli import terminal

    corpora = [read(name, language) for name in data or []]
    from polyspan.model.vocabulary.graft import graft as append
    from polyspan.model.vocabulary.word_vectors import read_vectors

    found = read_vectors(vectors)
    result = append(model, found, out, projection=projection, most=most, corpora=corpora, seed=seed).as_json()
    result["duplicates"] = found.duplicates
    if show(result, as_json):
        terminal.facts({name: value for name, value in result.items() if value is not None})


@models_app.command(example="polyspan qanet --data mini:en/train --data mini:ko/train --out qanet")
@reads
def qanet(
    data: Texts,
    out: Annotated[Path, _T(help="Folder for the untrained model.")],
    vectors: Annotated[
        Path | None, _T(help="A .vec file of vectors that stay fixed; without it they are learnt.")
    ] = None,
    most: Annotated[int | None, _T(help="Use at most this many vectors.")] = None,
    unit: Unit = "word",
    width: Annotated[int, _T(help="Numbers in a hidden state.")] = 128,
    heads: Annotated[int, _T(help="Attention heads.")] = 8,
    blocks: Annotated[int, _T(help="Blocks of the model encoder.")] = 7,
    fewest: Fewest = 2,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """An untrained QANet, for `train --preset qanet`."""
    from polyspan.cli import terminal

    corpora = [read(name, language) for name in data]
    from polyspan.model.vocabulary.qanet_words import make_qanet
    from polyspan.model.vocabulary.word_vectors import read_vectors

    fixed = None if vectors is None else read_vectors(vectors, most)
    sizes = {"width": width, "heads": heads, "blocks": blocks, "fewest": fewest}
    result = make_qanet(corpora, out, vectors=fixed, unit=unit, seed=seed, **sizes).as_json()
    if show(result, as_json):
        terminal.facts(result)
