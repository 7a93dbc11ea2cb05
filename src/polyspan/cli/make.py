"""`polyspan make …`: artificial corpora. Each verb is one maker of `polyspan.make`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Data, Json, Language, Seed, distinct, read, reads, show

if TYPE_CHECKING:
    from polyspan.make.made import Made

_T = typer.Option
make_app = Verbs(no_args_is_help=True, help="Make a corpus from a corpus; answers stay exact.")
Out = Annotated[Path, _T(help="File for the new corpus; OUT.card.yaml says how it came about.")]
Recover = Annotated[
    str, _T(help="How answers are found again: boundary, strict, paper_min, paper_first_match, marker, aligned.")
]
KeepLost = Annotated[
    bool, _T("--keep-lost", help="Keep questions whose answer is lost (test sets, as the paper does).")
]
Whole = Annotated[bool, _T("--whole", help="Translate contexts whole instead of sentence by sentence.")]


Format = Annotated[
    str | None,
    _T(
        "--format",
        help="{data.formats.format.sheets}: for Excel, answers in columns of their own. "
        "Default: OUT's suffix says it.",
    ),
]
Show = Annotated[int, _T("--show", help="Print this many questions or sentences before and after.")]


def _finish(made: "Made", out: Path, format: str | None, as_json: bool, examples: int = 0) -> None:
    from polyspan.cli import terminal

    made.write(out, format)
    told = {"examples": made.examples(examples)} if examples else {}
    if show(made.card() | {"out": str(out)} | told, as_json):
        for example in told.get("examples", []):
            for when in ("before", "after"):
                terminal.tell(f"{when + ':':<8}" + "\n        ".join(example[when].values()))
            terminal.tell("")
        terminal.tell(f"{made.summary()}\n{out}; all counts: {out}.card.yaml")


@make_app.command(example="polyspan make permute mini:en/test --seed 1 --out permuted.json")
@reads
def permute(
    data: Data,
    out: Out,
    unit: Annotated[str, _T(help="What is exchanged: word, char or piece.")] = "word",
    invert: Annotated[bool, _T("--invert", help="Undo a permutation with the same seed and options.")] = False,
    permute_digits: Annotated[
        bool, _T("--permute-digits", help="Exchange digits and punctuation too, each among themselves.")
    ] = False,
    bins: Annotated[int | None, _T(help="Exchange words within this many bins of like frequency.")] = None,
    model: Annotated[str, _T(help="Whose pieces: for --unit piece.")] = "bundled:e5-small",
    shown: Show = 0,
    format: Format = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """An unseen language: every word becomes another one."""
    from polyspan.make.permutation import permute as make

    corpus = read(data, language)
    distinct(data, out)
    tokenizer = None
    if unit == "piece":
        from polyspan.model.encoders.encoder import load_encoder

        tokenizer = load_encoder(model)[1]
    options: dict[str, Any] = {"unit": unit, "seed": seed, "invert": invert, "bins": bins, "tokenizer": tokenizer}
    _finish(
        make(corpus, **options, keep_digits=not permute_digits, doing="permuting"), out, format, as_json, shown
    )


@make_app.command(
    example="polyspan make codeswitch mini:en/test --dictionary mini:ko --target ko --out mixed.json"
)
@reads
def codeswitch(
    data: Data,
    out: Out,
    dictionary: Annotated[str, _T(help="MUSE format: a word and its translation a line; or mini:ko.")],
    target: Annotated[str, _T(metavar="LANG", help="Language of the translations.")],
    choice: Annotated[str, _T(help="first translation, or random.")] = "first",
    rate: Annotated[float, _T(help="Chance that a word in the dictionary is replaced.")] = 1.0,
    per: Annotated[str, _T(help="The chance is drawn for each token or sentence.")] = "token",
    field: Annotated[
        list[str] | None, _T(help="context, question, answer; may be repeated. Default: all.")
    ] = None,
    join: Annotated[str, _T(help="Spaces round translations: script, space or none.")] = "script",
    keep_original: Annotated[
        bool, _T("--keep-original", help="Keep the original answer as a further gold where it still occurs.")
    ] = False,
    shown: Show = 0,
    format: Format = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Words replaced by their translations in a dictionary."""
    from polyspan.make.codeswitching.codeswitching import FIELDS
    from polyspan.make.codeswitching.codeswitching import codeswitch as make

    corpus = read(data, language)
    distinct(data, out)
    options: dict[str, Any] = {"choice": choice, "rate": rate, "per": per, "fields": field or FIELDS, "join": join}
    options |= {"keep_original": keep_original, "seed": seed, "doing": "code-switching"}
    _finish(make(corpus, dictionary, target, **options), out, format, as_json, shown)


@make_app.command(example="polyspan make reorder mini:en/test --order sov --parser conllu:mini --out sov.json")
@reads
def reorder(
    data: Data,
    out: Out,
    order: Annotated[str, _T(help="svo, sov, vso, vos, osv, ovs, random or none.")],
    parser: Annotated[str, _T(help="conllu:FILE, spacy:MODEL or stanza:LANG.")],
    strategy: Annotated[str, _T(help="Answers torn apart: cover, longest_run, recover or drop.")] = "cover",
    rule: Annotated[str, _T(help="mended, or ravfogel2019: as the code that the paper used.")] = "mended",
    shown: Show = 0,
    format: Format = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Another word order, by dependency trees."""
    from polyspan.make.reordering.reordering import reorder as make

    corpus = read(data, language)
    distinct(data, out)
    options: dict[str, Any] = {"strategy": strategy, "rule": rule, "seed": seed}
    _finish(make(corpus, order, parser, **options, doing="reordering"), out, format, as_json, shown)


@make_app.command(example="polyspan make translate mini:en/test --to ko --engine dictionary:mini:ko --out ko.json")
@reads
def translate(
    data: Data,
    out: Out,
    to: Annotated[str, _T(metavar="LANG", help="Language to translate into.")],
    engine: Annotated[str, _T(help="apertium:eng-spa, hf:MODEL, file:TABLE or dictionary:FILE.")],
    recover: Recover = "boundary",
    whole: Whole = False,
    keep_lost: KeepLost = False,
    shown: Show = 0,
    format: Format = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Another language; answers are found again."""
    from polyspan.make.translation.translation import translate as make

    corpus = read(data, language)
    distinct(data, out)
    options: dict[str, Any] = {"recover": recover, "whole": whole, "keep_lost": keep_lost, "seed": seed}
    _finish(make(corpus, to, engine, **options, doing="translating"), out, format, as_json, shown)


@make_app.command(
    example="polyspan make backtranslate data.json --pivot fr --forward apertium:eng-fra "
    "--backward apertium:fra-eng --out again.json"
)
@reads
def backtranslate(
    data: Data,
    out: Out,
    pivot: Annotated[str, _T(metavar="LANG", help="The language in between.")],
    forward: Annotated[str, _T(help="Engine into it.")],
    backward: Annotated[str, _T(help="Engine back.")],
    recover: Recover = "boundary",
    whole: Whole = False,
    keep_lost: KeepLost = False,
    shown: Show = 0,
    format: Format = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Its own language again, by way of another one."""
    from polyspan.make.translation.translation import backtranslate as make

    corpus = read(data, language)
    distinct(data, out)
    options: dict[str, Any] = {"recover": recover, "whole": whole, "keep_lost": keep_lost, "seed": seed}
    _finish(make(corpus, pivot, forward, backward, **options, doing="translating"), out, format, as_json, shown)


@make_app.command(example="polyspan make sample mini:en/train --size 100 --out few.json")
@reads
def sample(
    data: Data,
    out: Out,
    size: Annotated[int | None, _T(help="Number of questions.")] = None,
    like: Annotated[str | None, _T(help="As many questions as this data set has.")] = None,
    by: Annotated[str, _T(help="question, article, or spread over the articles (few shots).")] = "question",
    format: Format = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Fewer questions, drawn by a seed."""
    from polyspan.make.sampling import sample as make

    corpus = read(data, language)
    distinct(data, out)
    other = None if like is None else read(like, language)
    _finish(make(corpus, size, like=other, by=by, seed=seed), out, format, as_json)


@make_app.command(example="polyspan make mix mini:en/train mini:ko/train --out both.json")
@reads
def mix(
    data: Annotated[list[str], typer.Argument(help="Two or more files or names.")],
    out: Out,
    format: Format = None,
    seed: Seed = 0,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Several corpora as one."""
    from polyspan.make.sampling import mix as make

    corpora = [read(name, language) for name in data]
    for name in data:
        distinct(name, out)
    _finish(make(corpora, seed=seed), out, format, as_json)
