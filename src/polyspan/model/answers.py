"""The answers of a Reader: the n-best spans of each question and "no answer", as text of the context."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.model.distribution import Floats
from polyspan.model.search import Decoding, Found, SpanReader, search
from polyspan.model.words import whole_words
from polyspan.stats.calibration import NULL_ODDS, Fitted

_Span = tuple[int, int, float, float]  # start, end, score, probability
NO_SPAN = 1e6
"""The null odds of a question whose context has no span at all, such as an empty one: never exceeded by others."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer: `context[start:end]`; "" from 0 to 0 is that the context does not answer."""

    text: str
    start: int
    end: int
    score: float
    """Start + end logit in the window where it is highest; of "" the null score where it is least."""
    probability: float
    """Of all that could be answered, with "" among it; it does not depend on how many candidates are listed."""
    null_odds: float
    """The question's null score less the score of its best span: the same in all its candidates."""
    calibrated: bool = False
    """Whether the probability's temperature was fitted on data (`polyspan calibrate`)."""


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How answers are read off the logits. The defaults are those of BERT's `run_squad.py`."""

    n_best: int = 1
    """Spans kept for each question; "" comes on top."""
    max_answer_length: int = 30
    """Pieces in an answer at most."""
    max_context: bool = False
    """Let an answer start only in the window that sees most context around its first piece (BERT's rule)."""
    null_threshold: float | None = None
    """SQuAD 2.0: answer "" where the null score exceeds the best span's by more than this.

    Where neither this nor `min_probability` is given, the Reader's calibration decides; without one it answers
    always, unless `abstaining`."""
    min_probability: float | None = None
    """Answer "" where the best span is less probable than this."""
    temperature: float | None = None
    """What logits are divided by before they become probabilities; it changes no order. None: what the Reader's
    calibration says, or 1 without one."""
    null_fit: tuple[float, float] | None = None
    """Scale and bias of the log odds of "" at temperature 1, for probabilities alone: neither `score` nor null
    odds have them, and the temperature is then that of spans alone. None: what the Reader's calibration says;
    without one, and beside a `temperature` of one's own, the null score is divided by the temperature too."""
    align_to_words: bool = False
    """Make answers longer that cut a word, in scripts with spaces (`whole_words`)."""

    def __post_init__(self) -> None:
        for name in ("n_best", "max_answer_length"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1", found=str(getattr(self, name)))
        if self.null_threshold is not None and math.isnan(self.null_threshold):
            raise UsageError("null_threshold must be a number", found="nan")
        if self.min_probability is not None and not 0 <= self.min_probability <= 1:
            raise UsageError("min_probability must be from 0 to 1", found=str(self.min_probability))
        if self.null_fit is not None and not (self.null_fit[0] >= 0 and all(map(math.isfinite, self.null_fit))):
            raise UsageError("null_fit must be a scale of 0 or more and a bias", found=str(self.null_fit))
        if self.temperature is not None and not 0 < self.temperature < math.inf:
            raise UsageError("temperature must be above 0", found=str(self.temperature))

    def decoding(self, temperatures: Floats) -> Decoding:
        """What these options mean for the search."""
        return Decoding(self.n_best, self.max_answer_length, self.max_context, temperatures)

    def abstaining(self, reader: SpanReader) -> "AnswerOptions":
        """These options where "" is asked for as an answer: a Reader without a calibration then gives it where its
        score is the highest."""
        return self if reader.calibration is not None else replace(self, null_threshold=0.0)

    def calibrated(self, fitted: Fitted) -> "AnswerOptions":
        """These options, and what was fitted where they leave it open."""
        own = self
        if self.temperature is None:
            null_fit = self.null_fit or (fitted.null_scale, fitted.null_bias)
            own = replace(self, temperature=fitted.temperature, null_fit=null_fit)
        if self.null_threshold is not None or self.min_probability is not None:
            return own
        if fitted.measure == NULL_ODDS:
            return replace(own, null_threshold=fitted.threshold)
        if self.temperature is not None:  # a fitted probability means nothing at another temperature
            return own
        return replace(own, min_probability=fitted.threshold)


@dataclass(frozen=True, slots=True)
class Answering:
    """How a Reader answers in one language: the options with what they leave open as it was calibrated."""

    options: AnswerOptions
    calibrated: bool

    @classmethod
    def of(cls, reader: SpanReader, language: str | None, options: AnswerOptions) -> "Answering":
        """As the Reader was calibrated for the language; warns where it was not."""
        if reader.calibration is None:
            return cls(options, False)
        reader.calibration.mind(language)
        return cls(options.calibrated(reader.calibration.of(language)), options.temperature is None)

    @property
    def decoding(self) -> Decoding:
        """What is to be searched for."""
        temperature = self.options.temperature or 1.0
        both = self.options.null_fit is not None and temperature != 1
        return self.options.decoding(np.array([1.0, temperature] if both else [temperature]))

    def candidates(self, corpus: Corpus, found: Found) -> Iterator[list[Candidate]]:
        """The candidates of every question by what was found: as of `answer_corpus`."""
        log_null, log_p, options = found.log_null[:, -1], found.log_p[:, -1], self.options
        if options.null_fit is not None:
            log_null, shift = Fitted(1.0, *options.null_fit).null_and_shift(found.log_null[:, 0], log_null)
            log_p = log_p + np.repeat(shift, np.diff(found.bounds))
        columns = found.start, found.end, found.score, np.exp(log_p)
        spans = list(zip(*(column.tolist() for column in columns), strict=True))
        of_question = found.null, np.exp(log_null), null_odds(found)
        rows = zip(
            corpus.questions(),
            itertools.pairwise(found.bounds.tolist()),
            *(column.tolist() for column in of_question),
            strict=True,
        )
        for (paragraph, _), (first, last), null, p_null, odds in rows:
            context, of_text = paragraph.context, spans[first:last]
            of_text = _aligned(context, of_text) if options.align_to_words else of_text
            best, *others = [
                Candidate(context[start:end], start, end, score, probability, odds, self.calibrated)
                for start, end, score, probability in [*of_text, (0, 0, null, p_null)]
            ]
            abstains = first < last and _abstains(best, options)
            given = others.pop() if abstains else best
            rest = [best, *others] if abstains else others
            yield [given, *sorted(rest, key=lambda candidate: -candidate.score)]


def answer_corpus(
    reader: SpanReader,
    corpus: Corpus,
    options: AnswerOptions,
    *,
    token_budget: int | None = None,
    pack: bool | None = None,
    doing: str = "",
    unknown: Counter[str] | None = None,
) -> Iterator[list[Candidate]]:
    """The candidates of every question, in file order: the given answer, then the others by score, "" among them.

    `pack` computes a batch as one row (None: where that is faster), `token_budget` are the pieces of a batch. A
    question on a context without a span, such as an empty one, has the one candidate "". `doing` names the work
    where progress is wanted; `unknown` counts the pieces and those that are `<unk>` to the encoder. What the
    options leave open is as the Reader was calibrated for the corpus's language; warns where that was not.
    """
    answering = Answering.of(reader, corpus.language, options)
    found_chunks = search(
        reader, corpus, answering.decoding, token_budget=token_budget, pack=pack, doing=doing, unknown=unknown
    )
    for chunk, found in found_chunks:
        yield from answering.candidates(chunk, found)


def null_odds(found: Found) -> Floats:
    """For each question its null score less the score of its best span; `NO_SPAN` where it has none."""
    some = np.diff(found.bounds) > 0
    odds = np.full(len(some), NO_SPAN)
    odds[some] = found.null[some].astype(np.float64) - found.score[found.bounds[:-1][some]]
    return odds


def _aligned(context: str, spans: list[_Span]) -> list[_Span]:
    """The spans as whole words; of those that become one the best stays, with its own score and probability."""
    whole: dict[tuple[int, int], _Span] = {}
    for start, end, score, probability in spans:
        place = whole_words(context, start, end)
        whole.setdefault(place, (*place, score, probability))
    return list(whole.values())


def _abstains(best: Candidate, options: AnswerOptions) -> bool:
    """Whether "" is given in place of the best span."""
    if options.null_threshold is not None and best.null_odds > options.null_threshold:
        return True
    return options.min_probability is not None and best.probability < options.min_probability
