"""Questions of one corpus on the texts of a parallel one: a question in Korean, its answer in an English text."""

from collections import Counter
from dataclasses import replace
from typing import Any

from polyspan.data.schema import Corpus, Question, require_corpus
from polyspan.errors import PolyspanError
from polyspan.make.made import Made, made
from polyspan.make.maker import Maker, Shape


def pair(corpus: Corpus, contexts: Corpus, *, seed: int = 0, doing: str = "") -> Made:
    """The questions of a corpus as they are asked there, on the contexts that `contexts` has under the same ids.

    Contexts, answers, titles, language and metric are those of `contexts`, and so is the order: MLQA's generalised
    transfer (Lewis et al. 2020), where question and text are in two languages and the metric follows the text. A
    question that only one of the two has is left out and counted. Nothing is drawn: `seed` changes nothing. Raises
    PolyspanError where no id is in both, or one of them is there twice in a corpus.
    """
    require_corpus(corpus, "make.pair")
    require_corpus(contexts, "make.pair")
    asked, answered = _by_id(corpus), _by_id(contexts)
    both = asked.keys() & answered.keys()
    if not both:
        raise PolyspanError(
            f"no question of {corpus.name} has an id that one of {contexts.name} has",
            found=" and ".join(repr(next(iter(ids), "no question")) for ids in (asked, answered)),
            expected="parallel corpora, such as xquad:zh and xquad:en",
        )
    paragraphs = []
    for paragraph in contexts.paragraphs:
        kept = tuple(replace(q, text=asked[q.id].text) for q in paragraph.questions if q.id in both)
        if kept:
            paragraphs.append(replace(paragraph, questions=kept))
    name = f"make:pair({corpus.name}, contexts={contexts.name})"
    paired = replace(contexts, paragraphs=tuple(paragraphs), name=name, source="")
    counts = {
        "contexts_sha256": contexts.fingerprint(),
        "questions_without_context": len(asked) - len(both),
        "contexts_without_question": len(contexts.paragraphs) - len(paragraphs),
        "answers_without_question": len(answered) - len(both),
        "languages": {"questions": corpus.language, "contexts": contexts.language},
    }
    said = f"asked as in {corpus.name} on the texts of {contexts.name}"
    if lost := counts["answers_without_question"]:
        said += f"; {lost:,} of the latter left out"
    return made(paired, corpus, "pair", {"contexts": contexts.name, "seed": seed}, counts, said=said)


def _by_id(corpus: Corpus) -> dict[str, Question]:
    counts = Counter(question.id for _, question in corpus.questions())
    if twice := next((id for id, count in counts.items() if count > 1), None):
        fix = "give each question an id of its own"
        raise PolyspanError(f"two questions of {corpus.name} have the same id", found=twice, fix=fix)
    return {question.id: question for _, question in corpus.questions()}


def _paired(before: Shape, contexts: Shape, **options: Any) -> Shape:
    sizes = [size for size in (before.questions, contexts.questions) if size is not None]
    return replace(contexts, questions=min(sizes, default=None))


PAIR = Maker("pair", pair, "make:pair(mini:ko/test, contexts=mini:en/test)", corpora=("contexts",), shape=_paired)
