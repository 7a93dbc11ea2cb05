"""Answers for a whole corpus, and the files they are written to."""

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace

from polyspan.data.formats.parsed import remedy
from polyspan.data.schema import Corpus, require_corpus
from polyspan.errors import PolyspanError, choose, shorten
from polyspan.files import Source, write_json
from polyspan.make.recover import POLICIES, find_span
from polyspan.make.translation.carrying_back import Originals
from polyspan.model.answers import AnswerOptions, Candidate, answer_corpus
from polyspan.model.fast.allocator import keep_freed_memory
from polyspan.model.llm.language_model import LanguageModel
from polyspan.model.llm.prompting import NO_ANSWER, Prompting
from polyspan.model.llm.reply import said
from polyspan.model.map import Map
from polyspan.model.reader import Reader


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers to a corpus: the text given to each question id, and its candidates, the given one first.

    `pieces` counts the pieces of all contexts and questions, `unknown` those that the encoder does not know.
    """

    texts: dict[str, str]
    candidates: dict[str, list[Candidate]]
    pieces: int = 0
    unknown: int = 0

    @property
    def null_odds(self) -> dict[str, float]:
        """How much the null score of each question exceeds its best span's: SQuAD 2.0's `na_prob`."""
        return {key: some[0].null_odds for key, some in self.candidates.items()}

    @property
    def calibrated(self) -> bool:
        """Whether the probabilities' temperature was fitted on data."""
        return any(some[0].calibrated for some in self.candidates.values())

    def write(self, out: Source, nbest: Source | None = None, null_odds: Source | None = None) -> None:
        """Write `{id: text}`; with `nbest` also `{id: [Candidate, …]}`, with `null_odds` also `{id: number}`."""
        if nbest is not None:
            found = {key: [asdict(candidate) for candidate in some] for key, some in self.candidates.items()}
            write_json(nbest, found)
        if null_odds is not None:
            write_json(null_odds, self.null_odds)
        write_json(out, self.texts)


def predict(
    reader: Reader,
    corpus: Corpus,
    options: AnswerOptions = AnswerOptions(),
    pack: bool | None = None,
    align: Map | None = None,
) -> Predictions:
    """Answer every question of a corpus; `pack` computes a batch's windows as one row (None: where it is faster).

    `align` carries the states of its layer: fitted with the method `mean`, from the corpus' language to the one
    that the Reader was trained on, it takes the difference of the languages' means away (Libovický et al. 2020).
    Raises PolyspanError for an empty corpus and for two questions with one id, whose answers would overwrite
    each other, and UsageError for a map that does not fit.
    """
    _require_reader(reader)
    ids = _ids(corpus, "predict")
    keep_freed_memory()
    seen = Counter[str]()
    doing = f"answering {corpus.name}"
    with _mapped(reader, align):
        answers = answer_corpus(reader, corpus, options, pack=pack, doing=doing, unknown=seen)
        candidates = dict(zip(ids, answers, strict=True))
    texts = {key: found[0].text for key, found in candidates.items()}
    return Predictions(texts, candidates, seen["pieces"], seen["unknown"])


def _mapped(reader: Reader, align: Map | None) -> AbstractContextManager[None]:
    if align is None:
        return nullcontext()
    from polyspan.model.layers import mapped  # which needs torch; an exported Reader answers without

    return mapped(reader.model, align)


def carry_back(predictions: Predictions, originals: Originals) -> Predictions:
    """Answers to a translated corpus as they stand in its original (translate-test), candidates and all.

    A candidate that nothing in the original stands for is left out; where that is the answer itself, the answer
    is "". `originals.ways` counts how each was found.
    """
    candidates = {}
    for key, found in predictions.candidates.items():
        given, *others = [_carried(key, one, originals) for one in found]
        candidates[key] = [given or replace(found[0], text="", start=0, end=0), *filter(None, others)]
    texts = {key: found[0].text for key, found in candidates.items()}
    return replace(predictions, texts=texts, candidates=candidates)


def _carried(key: str, candidate: Candidate, originals: Originals) -> Candidate | None:
    if candidate.start == candidate.end:
        return candidate
    span = originals.span(key, candidate.start, candidate.end)
    return span and replace(candidate, text=originals.text(key, span), start=span[0], end=span[1])


@dataclass(frozen=True, slots=True)
class PromptedAnswers:
    """What a language model answered to a corpus, by question id.

    `said` is its answer in its own words, `texts` the span of the context that was found for it, and "" where
    none was; `spans` are the places of those that were found. `facts` has the language of the `template`, and
    counts questions that are `unanswered` (the model says nothing, or that there is no answer), answers that are
    `not_found` in the context, replies `cut_short` at the limit of tokens, tokens of all prompts and replies
    (`prompt_tokens`, `reply_tokens`; 0 where an endpoint does not count them), replies that are `new` and not from
    the cache, and requests that were made again (`retried`).
    """

    texts: dict[str, str]
    said: dict[str, str]
    spans: dict[str, tuple[int, int]]
    facts: dict[str, int | str]

    def write(self, out: Source) -> None:
        """Write `{id: text}`, and the same of the model's own words to `OUT.said.json`."""
        write_json(f"{out}.said.json", self.said)
        write_json(out, self.texts)


NOT_RECOVERED = "none"
"""What stands in the place of a policy of recovery where a language model's own words are its answers."""


def predict_llm(
    model: LanguageModel,
    corpus: Corpus,
    prompting: Prompting = Prompting(),
    recover: str = "copied",
    *,
    again: bool = False,
) -> PromptedAnswers:
    """Ask a language model every question of a corpus, and find its answers in the contexts.

    `recover` is a policy of `polyspan.make.recover`, or `none`: then its own words are the answers. Replies come
    from polyspan's cache where the same was asked before, unless `again`. Raises PolyspanError for an empty
    corpus, two questions with one id, examples that are asked too, and a model that does not answer.
    """
    ids = _ids(corpus, "predict_llm")
    choose("recovery policy", recover, (*POLICIES, NOT_RECOVERED))
    asked = model.reply(prompting.prompts(corpus), again=again, doing=f"asking {corpus.name}")
    words = {key: said(asked.by_key[key].text) for key in ids}
    if prompting.no_answer:
        words = {key: "" if _says_none(text) else text for key, text in words.items()}
    texts, spans = (words, {}) if recover == NOT_RECOVERED else _recovered(corpus, words, recover)
    replies = [asked.by_key[key] for key in ids]
    facts: dict[str, int | str] = {
        "template": prompting.template_language(corpus),
        "unanswered": sum(not text for text in words.values()),
        "not_found": sum(bool(text) and not texts[key] for key, text in words.items()),
        "cut_short": sum(reply.cut for reply in replies),
        "prompt_tokens": sum(reply.prompt_tokens for reply in replies),
        "reply_tokens": sum(reply.reply_tokens for reply in replies),
        "new": asked.new,
        "retried": asked.retried,
    }
    return PromptedAnswers(texts, words, spans, facts)


def _recovered(
    corpus: Corpus, words: Mapping[str, str], policy: str
) -> tuple[dict[str, str], dict[str, tuple[int, int]]]:
    """What stands in the contexts for each answer, "" where nothing does, and where it stands."""
    texts, spans = {}, {}
    for paragraph, question in corpus.questions():
        span = find_span(paragraph.context, words[question.id], policy, language=corpus.language)
        texts[question.id] = paragraph.context[span.start : span.end] if span else ""
        if span is not None:
            spans[question.id] = span.start, span.end
    return texts, spans


def _says_none(text: str) -> bool:
    """Whether a model's words are that there is no answer, with whatever marks around."""
    return "".join(char for char in text if char.isalpha()).casefold() == NO_ANSWER


def _ids(corpus: Corpus, taker: str) -> list[str]:
    """The ids of a corpus' questions, of which there are some, and no two the same."""
    require_corpus(corpus, taker)
    if not len(corpus):
        raise PolyspanError(f"{corpus.name} has no questions", where=corpus.source)
    counts = Counter(question.id for _, question in corpus.questions())
    if twice := [key for key, count in counts.items() if count > 1]:
        fix = f"{remedy(corpus.source or corpus.name)} puts the second one aside"
        raise PolyspanError("two questions have the same id", where=corpus.source, found=twice[0], fix=fix)
    return list(counts)


def _require_reader(value: object) -> None:
    if not isinstance(value, Reader):
        given = f"{type(value).__name__}: {shorten(value)}"
        raise TypeError(f"predict takes a Reader, as polyspan.Reader.load(FOLDER) gives it, not {given}")
