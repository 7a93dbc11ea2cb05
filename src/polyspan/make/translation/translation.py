"""Corpora in another language, and there and back, by a translation engine; every answer found again or counted.

As in Hsu, Liu & Lee (2019) §2.1, contexts, questions and answers are translated each by itself, the context
sentence by sentence, and an answer's span is found in the new context by a recovery policy. Those of
`polyspan.make.recover` look for the translated answer. Two more use the sentence that the answer stands in:
`marker`: it is translated once more with brackets around the answer, and what is in them then is the answer
    (EasyProject, Chen et al. 2023);
`aligned`: its words are aligned with those of its translation (SimAlign, Jalili Sabet et al. 2020).
Where brackets do not survive, or no word is aligned, `boundary` takes over; how often is counted.
`backtranslate` is the control that the paper proposes in §2.3.1: the same noise, in the language of the source.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from polyspan.data.languages import target_tag
from polyspan.data.schema import Corpus, Paragraph, require_corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.make.made import Made, made
from polyspan.make.maker import Maker, Shape
from polyspan.make.translation.engine import Engine
from polyspan.make.translation.engines import ENGINES
from polyspan.make.translation.engines import engine as engine_named
from polyspan.make.translation.passage import Passage
from polyspan.make.translation.placing import POLICIES, Placer
from polyspan.make.translation.translation_memory import Translations, remember
from polyspan.score.registry import plain_metric

_MOST_MISSING = 0.5

Leg = tuple[Engine, str, str]
"""One translation of a text: the engine, from which language, into which."""


def translate(
    corpus: Corpus,
    to: str,
    engine: Engine | str,
    *,
    recover: str = "boundary",
    whole: bool = False,
    keep_lost: bool = False,
    seed: int = 0,
    doing: str = "",
) -> Made:
    """A corpus in the language `to` (BCP 47, with a script where it matters).

    `engine` is one or the name of one (`apertium:eng-spa`); `recover` one of `POLICIES`; `whole` translates a
    context in one piece. Nothing is drawn, so `seed` changes nothing: it is there because every maker takes one.

    A question without any recovered answer is dropped, as for training. With `keep_lost`, for test sets, it stays
    as noise with the answer "" at 0, as in the paper's released files: it counts in the average and no prediction
    but an empty one is right (`polyspan check` names it `answer-empty`). What the engine does not translate after
    three tries is left out: an answer, a question, or for a sentence of the context the whole paragraph. The
    card's `ids` name all these. Titles stay.

    Raises UsageError for an unknown engine or policy and for a corpus without a language; PolyspanError where
    more than half of the texts have no translation.
    """
    require_corpus(corpus, "make.translate")
    source, to = _language(corpus), target_tag(to, "to")
    how = engine_named(engine, source, to) if isinstance(engine, str) else engine
    options = {"to": to, "engine": how.name, "engine_version": how.version}
    shape = replace(corpus, language=to, metric=_metric(corpus.metric, to))
    return _make("translate", corpus, shape, [(how, source, to)], options, recover, whole, keep_lost, seed, doing)


def backtranslate(
    corpus: Corpus,
    pivot: str,
    forward_engine: Engine | str,
    backward_engine: Engine | str,
    *,
    recover: str = "boundary",
    whole: bool = False,
    keep_lost: bool = False,
    seed: int = 0,
    doing: str = "",
) -> Made:
    """The corpus in its own language again, by way of `pivot`; for the rest as `translate`."""
    require_corpus(corpus, "make.backtranslate")
    source, pivot = _language(corpus), target_tag(pivot, "pivot")
    there = engine_named(forward_engine, source, pivot) if isinstance(forward_engine, str) else forward_engine
    back = engine_named(backward_engine, pivot, source) if isinstance(backward_engine, str) else backward_engine
    options = {
        "pivot": pivot,
        "forward_engine": there.name,
        "forward_version": there.version,
        "backward_engine": back.name,
        "backward_version": back.version,
    }
    legs = [(there, source, pivot), (back, pivot, source)]
    return _make("backtranslate", corpus, corpus, legs, options, recover, whole, keep_lost, seed, doing)


def _metric(before: str | None, to: str) -> str | None:
    return before if before == "squad.v2" else plain_metric(to)


def _translated(before: Shape, to: str, **options: Any) -> Shape:
    to = target_tag(str(to), "to")
    return replace(before, language=to, metric=_metric(before.metric, to))


_BY = "Translated by {}; the paper used Google Translate."
TRANSLATE = Maker(
    "translate",
    translate,
    "make:translate(mini:en/test, to=ko, engine=file:mini)",
    tools={"engine": ENGINES},
    slow=True,
    shape=_translated,
    deviation=_BY,
)
BACKTRANSLATE = Maker(
    "backtranslate",
    backtranslate,
    "make:backtranslate(mini:en/test, pivot=fr, forward_engine=file:mini, backward_engine=file:mini)",
    tools={"forward_engine": ENGINES, "backward_engine": ENGINES},
    slow=True,
    deviation=_BY,
)


def _make(
    maker: str,
    source: Corpus,
    shape: Corpus,
    legs: Sequence[Leg],
    options: dict[str, Any],
    recover: str,
    whole: bool,
    keep_lost: bool,
    seed: int,
    doing: str,
) -> Made:
    choose("recovery policy", recover, POLICIES)
    marked = recover == "marker"
    passages = [Passage(paragraph, whole) for paragraph in source.paragraphs]
    texts = [text for passage in passages for text in passage.texts(marked)]
    done, counts = _through(legs, texts, doing)
    placer = Placer(recover, str(shape.language), keep_lost)
    paragraphs = [placer.paragraph(passage, done) for passage in passages]
    if not len(source):  # lines of a text: one without a translation is left empty, so that the others keep theirs
        paragraphs = [new or Paragraph("", ()) for new in paragraphs]
    said = {key: value for key, value in options.items() if not key.endswith("version")} | {"recover": recover}
    said |= {key: str(flag).lower() for key, flag in (("whole", whole), ("keep_lost", keep_lost)) if flag}
    name = f"make:{maker}({', '.join([source.name, *(f'{key}={value}' for key, value in said.items())])})"
    corpus = replace(shape, paragraphs=tuple(filter(None, paragraphs)), name=name, source="")
    options = {**options, "recover": recover, "whole": whole, "keep_lost": keep_lost, "seed": seed}
    told = {"texts": counts, **placer.counts()}
    return made(corpus, source, maker, options, told, placer.ambiguous, placer.said())


def _through(legs: Sequence[Leg], texts: Sequence[str], doing: str) -> tuple[dict[str, str], dict[str, int]]:
    """Each text by way of all legs, and how many of the different texts were known, new and never translated."""
    done = {text: text for text in texts if text.strip()}
    counts = {"all": len(done), "cached": 0, "new": 0, "retried": 0, "untranslated": 0}
    error = ""
    for engine, source, target in legs:
        step: Translations = remember(engine, done.values(), source, target, doing)
        done = {text: step.texts[last] for text, last in done.items() if last in step.texts}
        error = step.error or error
        for key in ("cached", "new", "retried"):
            counts[key] += getattr(step, key)
    missing = counts["untranslated"] = counts["all"] - len(done)
    if missing > _MOST_MISSING * counts["all"]:
        without = next(text for text in texts if text.strip() and text not in done)
        names = " and ".join(engine.name for engine, _, _ in legs)
        raise PolyspanError(
            f"{missing:,} of {counts['all']:,} texts have no translation by {names}",
            found=error or f"nothing for {without[:60]!r}",
            expected="a translation for at least half of the sentences, questions and answers",
            fix="a table must have the sentences as they are in the contexts; or give another engine",
        )
    return done, counts


def _language(corpus: Corpus) -> str:
    if not corpus.language:
        raise UsageError(f"the language of {corpus.name} is not known", fix="--language, such as en")
    return corpus.language
