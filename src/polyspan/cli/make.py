"""`polyspan make …`: artificial corpora. Each verb is one maker of `polyspan.make`."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Data, Json, Language, Seed, distinct, read, reads, show

_T = typer.Option
make_app = Verbs(no_args_is_help=True, help="Make a corpus from a corpus; answers stay exact.")
Out = Annotated[Path, _T(help="File for the new corpus; OUT.card.yaml says how it came about.")]
Format = Annotated[
    str | None,
    _T(
        "--format",
        help="{data.formats.format.sheets}: for Excel, answers in columns of their own. "
        "Default: OUT's suffix says it.",
    ),
]
Show = Annotated[int, _T("--show", help="Print this many questions or sentences before and after.")]
Recover = Annotated[
    str,
    _T(
        help="How answers are found again: boundary, strict, copied, paper_min, paper_first_match, marker, "
        "aligned."
    ),
]
KeepLost = Annotated[
    bool, _T("--keep-lost", help="Keep questions whose answer is lost (test sets, as the paper does).")
]
Whole = Annotated[bool, _T("--whole", help="Translate contexts whole instead of sentence by sentence.")]


Own = Callable[..., dict[str, Any] | None]
"""A maker's own options; the function gives those that the maker calls otherwise. What is None was not given."""


def _verb(example: str, before_and_after: bool = True) -> Callable[[Own], None]:
    """A verb of the maker that has the name of the function below: with its own options, and those of all."""

    def add(own: Own) -> None:
        declared = inspect.signature(own).parameters

        def run(
            data: Data,
            out: Out,
            shown: Show = 0,
            format: Format = None,
            seed: Seed = 0,
            language: Language = None,
            as_json: Json = False,
            **given: Any,
        ) -> None:
            from polyspan.make.maker import MAKERS

            maker = MAKERS[own.__name__]
            corpus = read(data, language)
            distinct(data, out)
            options = {"seed": seed, "doing": f"making {out.name}"}
            for name, value in (given | (own(**given) or {})).items():
                if value is not None and name in maker.options:
                    options[name] = _corpora(value, language) if name in maker.corpora else value
            _finish(maker.make(corpus, **options), out, format, as_json, shown)

        data, out, shown, *after, _ = inspect.signature(run).parameters.values()
        after = [shown, *after] if before_and_after else after
        parameters = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (data, out, *declared.values(), *after)
        ]
        run.__name__, run.__doc__ = own.__name__, own.__doc__
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        make_app.command(example=example)(reads(run))

    return add


def _corpora(named: str | list[str], language: str | None) -> Any:
    """The corpus of a name, or those of several."""
    return [read(name, language) for name in named] if isinstance(named, list) else read(named, language)


def _finish(made: Any, out: Path, format: str | None, as_json: bool, examples: int = 0) -> None:
    from polyspan.cli import terminal

    if missing := made.counts.get("missing"):
        terminal.say(f"{missing:,} questions too few: no further paragraph is without their answers")
    made.write(out, format)
    told = {"examples": made.examples(examples)} if examples else {}
    if show(made.card() | {"out": str(out)} | told, as_json):
        for example in told.get("examples", []):
            for when in ("before", "after"):
                terminal.tell(f"{when + ':':<8}" + "\n        ".join(example[when].values()))
            terminal.tell("")
        terminal.tell(f"{made.summary()}\n{out}; all counts: {out}.card.yaml")


@_verb("polyspan make permute mini:en/test --seed 1 --out permuted.json")
def permute(
    unit: Annotated[str, _T(help="What is exchanged: word, char or piece.")] = "word",
    invert: Annotated[bool, _T("--invert", help="Undo a permutation with the same seed and options.")] = False,
    permute_digits: Annotated[
        bool, _T("--permute-digits", help="Exchange digits and punctuation too, each among themselves.")
    ] = False,
    bins: Annotated[int | None, _T(help="Exchange words within this many bins of like frequency.")] = None,
    model: Annotated[str, _T(help="Whose pieces: for --unit piece.")] = "bundled:e5-small",
) -> dict[str, Any]:
    """An unseen language: every word becomes another one."""
    tokenizer = None
    if unit == "piece":
        from polyspan.model.encoders.encoder import load_encoder

        tokenizer = load_encoder(model)[1]
    return {"keep_digits": not permute_digits, "tokenizer": tokenizer}


@_verb("polyspan make codeswitch mini:en/test --dictionary mini:ko --target ko --out mixed.json")
def codeswitch(
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
) -> dict[str, Any]:
    """Words replaced by their translations in a dictionary."""
    return {"fields": field or None}


@_verb("polyspan make reorder mini:en/test --order sov --parser conllu:mini --out sov.json")
def reorder(
    order: Annotated[str, _T(help="svo, sov, vso, vos, osv, ovs, random or none.")],
    parser: Annotated[str, _T(help="conllu:FILE, spacy:MODEL or stanza:LANG.")],
    strategy: Annotated[str, _T(help="Answers torn apart: cover, longest_run, recover or drop.")] = "cover",
    rule: Annotated[str, _T(help="mended, or ravfogel2019: as the code that the paper used.")] = "mended",
) -> None:
    """Another word order, by dependency trees."""


@_verb("polyspan make translate mini:en/test --to ko --engine dictionary:mini:ko --out ko.json")
def translate(
    to: Annotated[str, _T(metavar="LANG", help="Language to translate into.")],
    engine: Annotated[str, _T(help="apertium:eng-spa, bergamot:en-pt, hf:MODEL, file:TABLE or dictionary:FILE.")],
    recover: Recover = "boundary",
    whole: Whole = False,
    keep_lost: KeepLost = False,
) -> None:
    """Another language; answers are found again."""


@_verb(
    "polyspan make backtranslate data.json --pivot fr --forward apertium:eng-fra "
    "--backward apertium:fra-eng --out again.json"
)
def backtranslate(
    pivot: Annotated[str, _T(metavar="LANG", help="The language in between.")],
    forward: Annotated[str, _T(help="Engine into it.")],
    backward: Annotated[str, _T(help="Engine back.")],
    recover: Recover = "boundary",
    whole: Whole = False,
    keep_lost: KeepLost = False,
) -> dict[str, Any]:
    """Its own language again, by way of another one."""
    return {"forward_engine": forward, "backward_engine": backward}


@_verb("polyspan make pair mini:ko/test mini:en/test --out korean-on-english.json")
def pair(
    contexts: Annotated[str, typer.Argument(help="A parallel data set: texts and answers, by the same ids.")],
) -> None:
    """Questions of one language on texts of another."""


@_verb("polyspan make apart mini:en/train --against mini:en/test --out apart.json", before_and_after=False)
def apart(
    against: Annotated[list[str], _T(help="Data to have nothing in common with; may be repeated.")],
) -> None:
    """Without what leaks into other data."""


@_verb("polyspan make common mini:en/test --others mini:ko/test --out common.json", before_and_after=False)
def common(
    others: Annotated[list[str], _T(help="Data with the same ids, such as translations; may be repeated.")],
) -> None:
    """Only the questions that other data have too."""


@_verb("polyspan make sample mini:en/train --size 100 --out few.json", before_and_after=False)
def sample(
    size: Annotated[int | None, _T(help="Number of questions.")] = None,
    like: Annotated[str | None, _T(help="As many questions as this data set has.")] = None,
    by: Annotated[str, _T(help="question, article, or spread over the articles (few shots).")] = "question",
) -> None:
    """Fewer questions, drawn by a seed."""


@_verb("polyspan make unanswerable mini:en/test --share 0.3 --out unanswerable.json")
def unanswerable(
    share: Annotated[float, _T(help="Share of all questions that are then unanswerable.")] = 0.5,
    near: Annotated[str, _T(help="Of the paragraph most like it in words, or random.")] = "words",
    of: Annotated[str, _T(help="Of its article first, or of the whole corpus.")] = "article",
) -> None:
    """Questions added that their paragraph does not answer."""


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
