"""Questions that their paragraph does not answer: each asked of another paragraph than its own.

In the way of Clark & Gardner (ACL 2018), who train on further paragraphs of the same document, and for any
language. Those of SQuAD 2.0 (Rajpurkar et al., ACL 2018) were written by people; these cost nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from polyspan.data.schema import Corpus, Paragraph, Question, require_corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.make.likeness import Likeness, terms
from polyspan.make.made import Made, made
from polyspan.make.maker import Maker, Shape
from polyspan.make.recover import MAX_DISTANCE, fold
from polyspan.make.recover.distance import within
from polyspan.progress import progress
from polyspan.score.registry import default_metric, with_no_answer

NEAR = ("words", "random")
"""How the paragraph is chosen: the one most like the question in words, or drawn."""
OF = ("article", "corpus")
"""Where it is sought first: in the question's article, or in the whole corpus."""
_EDITS = 1 / 5  # of an answer's letters: an ending, another spelling
_TOLD = 2 / 5  # of the weight of an answer's words: what a person may take for it ("Broncos" for "Denver Broncos")


def unanswerable(
    corpus: Corpus,
    share: float = 0.5,
    *,
    near: str = "words",
    of: str = "article",
    seed: int = 0,
    doing: str = "",
) -> Made:
    """The corpus with questions added that their paragraph does not answer, until they are `share` of all.

    What is in the corpus stays as it is; its own unanswerable questions count towards the share. A question is
    asked again, as ID#unanswerable, of another paragraph, which is not asked the same and holds none of its gold
    answers: neither exactly, whatever the case, spaces and punctuation, nor nearly (a fifth of its letters), nor
    two fifths of what its words weigh. With `near="words"` that is the paragraph most like the question in words
    (BM25), so that words alone do not give it away, with "random" a drawn one; `of="article"` seeks in the
    question's own article, then, as `of="corpus"` does at once, in all. The seed draws which questions are asked
    again: each once, and only where the share needs more than there are, all a second time, of a further
    paragraph, and so on. Where there are no such paragraphs left, the card says how many are `missing`.

    Raises UsageError for a share that is not between 0 and 1, PolyspanError where not one such paragraph is found.
    """
    require_corpus(corpus, "make.unanswerable")
    choose("nearness", near, NEAR)
    choose("place to seek in", of, OF)
    had = sum(question.impossible for _, question in corpus.questions())
    wanted = max(0, _needed(len(corpus) - had, share) - had)
    search = _Search(corpus, near, of, seed)
    found = search.find(wanted, doing)
    if not found and (wanted or not len(corpus)):
        raise PolyspanError(
            "no question can be asked of a paragraph that does not answer it",
            where=f"corpus {corpus.name}",
            found=f"answered questions: {len(search.asked):,}, paragraphs: {len(corpus.paragraphs):,}",
            expected="answered questions, and other paragraphs that do not hold their answers",
            fix="give more paragraphs; `polyspan make mix` puts several data sets together",
        )
    paragraphs, origins = _placed(corpus, search.asked, found)
    options = {"share": share, "near": near, "of": of, "seed": seed}
    name = f"make:unanswerable({corpus.name}, {', '.join(f'{key}={value}' for key, value in options.items())})"
    result = replace(corpus, paragraphs=paragraphs, name=name, metric=_metric(corpus.metric, corpus.language))
    near_by = sum(search.article[search.asked[number][0]] == search.article[place] for number, place in found)
    counts = {
        "unanswerable": had + len(found),
        "added": len(found),
        "missing": wanted - len(found),
        "added_of_article": near_by,
        "added_of_others": len(found) - near_by,
    }
    short = f" ({counts['missing']:,} fewer than a share of {share} needs)" if counts["missing"] else ""
    said = f"{counts['unanswerable']:,} unanswerable, {len(found):,} of them added{short}"
    new = made(result, corpus, "unanswerable", options, counts, said=said)
    return replace(new, origins=origins)


def _needed(others: int, share: object) -> int:
    """How many unanswerable questions make up a share beside so many others."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        expected = "a number between 0 and 1; at 0.5 as many unanswerable questions as others"
        raise UsageError("an impossible share of unanswerable questions", found=str(share), expected=expected)
    return round(others * share / (1 - share))


def _metric(metric: str | None, language: str | None) -> str | None:
    """The metric of data with unanswerable questions: SQuAD 2.0's in the place of SQuAD 1.1's."""
    known = metric or (default_metric(language) if language else "")
    better = with_no_answer(known)
    return metric if better == known else better


def _shape(before: Shape, share: object, **options: object) -> Shape:
    """How large it becomes where none of its questions is unanswerable before, and enough can be asked again."""
    for what, option, known in (("nearness", "near", NEAR), ("place to seek in", "of", OF)):
        choose(what, options[option], known)
    size = None if before.questions is None else before.questions + _needed(before.questions, share)
    return replace(before, questions=size, metric=_metric(before.metric, before.language))


UNANSWERABLE = Maker(
    "unanswerable", unanswerable, "make:unanswerable(mini:en/test, share=0.3)", whole=True, shape=_shape
)


def _placed(
    corpus: Corpus, asked: Sequence[tuple[int, Question]], found: Sequence[tuple[int, int]]
) -> tuple[tuple[Paragraph, ...], dict[str, str]]:
    """The paragraphs with each question found added to that which it is asked of, behind its own, in file order;
    and the ids of those added with the ones that they had."""
    ids = {question.id for _, question in corpus.questions()}
    origins: dict[str, str] = {}
    added: dict[int, list[Question]] = defaultdict(list)
    for number, place in sorted(found):
        old = asked[number][1]
        new, often = f"{old.id}#unanswerable", 1
        while new in ids:
            often += 1
            new = f"{old.id}#unanswerable{often}"
        ids.add(new)
        origins[new] = old.id
        added[place].append(Question(new, old.text, (), True))
    paragraphs = tuple(
        replace(paragraph, questions=(*paragraph.questions, *added[place])) if place in added else paragraph
        for place, paragraph in enumerate(corpus.paragraphs)
    )
    return paragraphs, origins


class _Search:
    """The answered questions of a corpus (`asked`: its paragraph's place, and the question), and of which other
    paragraphs each can be asked."""

    def __init__(self, corpus: Corpus, near: str, of: str, seed: int) -> None:
        self.asked = [
            (place, question)
            for place, paragraph in enumerate(corpus.paragraphs)
            for question in paragraph.questions
            if question.answers and not question.impossible
        ]
        self.article = [paragraph.title or f"\0{place}" for place, paragraph in enumerate(corpus.paragraphs)]
        self._contexts = [paragraph.context for paragraph in corpus.paragraphs]
        self._questions = [{_plain(each.text) for each in paragraph.questions} for paragraph in corpus.paragraphs]
        self._near, self._of = near, of
        self._draw = np.random.default_rng(seed)

    @cached_property
    def _plain_contexts(self) -> list[str]:
        return [_plain(context) for context in self._contexts]

    @cached_property
    def _likeness(self) -> Likeness:
        return Likeness(self._contexts)

    @cached_property
    def _articles(self) -> dict[str, list[int]]:
        articles: dict[str, list[int]] = defaultdict(list)
        for place, article in enumerate(self.article):
            articles[article].append(place)
        return articles

    def find(self, wanted: int, doing: str) -> list[tuple[int, int]]:
        """As many as `wanted`, or as there are: the number of a question in `asked`, and a paragraph's place."""
        found: list[tuple[int, int]] = []
        with progress(doing, wanted, "questions") as advance:
            before = -1
            while before < len(found) < wanted:
                before = len(found)
                for number in self._draw.permutation(len(self.asked)).tolist():
                    if len(found) == wanted:
                        break
                    if (place := next(self._fitting(number), None)) is not None:
                        found.append((number, place))
                        self._questions[place].add(_plain(self.asked[number][1].text))
                        advance(1, "")
        return found

    def _fitting(self, number: int) -> Iterator[int]:
        """The paragraphs that a question can be asked of, the best first."""
        home, question = self.asked[number]
        same = _plain(question.text)
        answers = _Answers([answer.text for answer in question.answers], self._likeness)
        for place in self._ordered(question.text, home):
            context = self._contexts[place]
            if place == home or not context.strip() or same in self._questions[place]:
                continue
            if not answers.stand_in(context, self._plain_contexts[place], self._likeness.terms[place]):
                yield place

    def _ordered(self, question: str, home: int) -> Iterator[int]:
        """All places, those of the article first where they are to be."""
        scores = self._likeness.scores(question) if self._near == "words" else np.zeros(len(self._contexts))
        article = self._articles[self.article[home]] if self._of == "article" else []
        yield from self._best(article, scores)
        inside = set(article)
        yield from (place for place in self._best(range(len(self._contexts)), scores) if place not in inside)

    def _best(self, places: Sequence[int], scores: np.ndarray) -> Iterator[int]:
        drawn = self._draw.permutation(np.array(places, dtype=int))  # who is first of equals
        return iter(drawn[np.argsort(-scores[drawn], kind="stable")].tolist())


class _Answers:
    """The gold answers of a question, as they are looked for."""

    def __init__(self, texts: Sequence[str], likeness: Likeness) -> None:
        self._texts = sorted(set(texts))
        self._plain = sorted({plain for text in self._texts if (plain := _plain(text))}, key=len)
        self._weights = [{term: likeness.weight(term) for term in terms(text)} for text in self._texts]

    def stand_in(self, context: str, plain: str, told: frozenset[str]) -> bool:
        """Whether a paragraph holds one of them, or so much of it that a person may take it for one."""
        return (
            any(text in context for text in self._texts)
            or any(answer in plain for answer in self._plain)
            or any(_told(weights, told) for weights in self._weights)
            or any(_near(answer, plain) for answer in self._plain)
        )


def _told(weights: dict[str, float], told: frozenset[str]) -> bool:
    whole = sum(weights.values())
    return whole > 0 and sum(weights[term] for term in weights if term in told) >= _TOLD * whole


def _near(answer: str, context: str) -> bool:
    """Whether a span is within so many edits of the answer; figures are no spelling of other figures."""
    edits = min(MAX_DISTANCE, int(sum(map(str.isalpha, answer)) * _EDITS))
    size = len(answer) // (edits + 1)  # of so many pieces, one more than edits, one is unchanged
    pieces = (answer[part * size : (part + 1) * size] for part in range(edits + 1))
    return edits > 0 and any(piece in context for piece in pieces) and within(answer, context, edits)


def _plain(text: str) -> str:
    """A text without case, spaces, punctuation and marks, in NFKC."""
    return re.sub(r"[\W_]+", "", fold(text))
