"""A corpus without what it shares with others: training data that leak into no test."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from polyspan.data.check.leaks import leaks
from polyspan.data.formats.parsed import Parsed
from polyspan.data.schema import Corpus, require_corpora, require_corpus
from polyspan.errors import PolyspanError
from polyspan.make.made import Made, made, tally
from polyspan.make.maker import Maker


def apart(corpus: Corpus, against: Sequence[Corpus], *, seed: int = 0, doing: str = "") -> Made:
    """The corpus without the contexts and questions that leak into those of `against`, as `check` finds them.

    The card counts what was taken out by rule: contexts by `leak` and `leak-passage`, questions by `leak-id` and
    `leak-question`. Nothing is drawn: `seed` changes nothing. Raises PolyspanError where no question is left.
    """
    require_corpus(corpus, "make.apart")
    require_corpora(against, "make.apart")
    found, _ = leaks([Parsed.of(corpus)], [Parsed.of(other) for other in against])
    contexts = {fault.id for fault in found if fault.field == "context"}
    questions = {fault.id for fault in found if fault.field != "context"}
    paragraphs = []
    for place, paragraph in enumerate(corpus.paragraphs):
        kept = tuple(question for question in paragraph.questions if question.id not in questions)
        if str(place) not in contexts and (kept or not paragraph.questions):
            paragraphs.append(replace(paragraph, questions=kept))
    if not any(paragraph.questions for paragraph in paragraphs):
        raise PolyspanError(f"no question of {corpus.name} is apart from {' and '.join(o.name for o in against)}")
    names = "+".join(other.name for other in against)
    named = replace(corpus, paragraphs=tuple(paragraphs), name=f"make:apart({corpus.name}, against={names})")
    by_rule = tally(Counter(fault.rule for fault in found))
    counts = {"leaks": by_rule, "against_sha256": {other.name: other.fingerprint() for other in against}}
    lost = len(corpus.paragraphs) - len(paragraphs)
    said = f"{len(found):,} leaks taken out, {lost:,} contexts with them"
    options = {"against": [other.name for other in against], "seed": seed}
    return made(named, corpus, "apart", options, counts, said=said)


APART = Maker(
    "apart",
    apart,
    "make:apart(mini:en/train, against=mini:en/test+mini:ko/test)",
    corpora=("against",),
    lists=("against",),
)
