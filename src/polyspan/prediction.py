"""Answers for a whole corpus, and the files they are written to."""

from collections import Counter
from dataclasses import asdict, dataclass

from polyspan.data.formats.parsed import remedy
from polyspan.data.schema import Corpus, require_corpus
from polyspan.errors import PolyspanError, shorten
from polyspan.files import Source, write_json
from polyspan.model.answers import AnswerOptions, Candidate, answer_corpus
from polyspan.model.fast.allocator import keep_freed_memory
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
    reader: Reader, corpus: Corpus, options: AnswerOptions = AnswerOptions(), pack: bool | None = None
) -> Predictions:
    """Answer every question of a corpus; `pack` computes a batch's windows as one row (None: where it is faster).

    Raises PolyspanError for an empty corpus and for two questions with one id, whose answers would overwrite
    each other.
    """
    _require_reader(reader)
    require_corpus(corpus, "predict")
    if not len(corpus):
        raise PolyspanError(f"{corpus.name} has no questions", where=corpus.source)
    counts = Counter(question.id for _, question in corpus.questions())
    if twice := [key for key, count in counts.items() if count > 1]:
        fix = f"{remedy(corpus.source or corpus.name)} puts the second one aside"
        raise PolyspanError("two questions have the same id", where=corpus.source, found=twice[0], fix=fix)
    keep_freed_memory()
    seen = Counter[str]()
    answers = answer_corpus(reader, corpus, options, pack=pack, doing=f"answering {corpus.name}", unknown=seen)
    candidates = dict(zip(counts, answers, strict=True))
    texts = {key: found[0].text for key, found in candidates.items()}
    return Predictions(texts, candidates, seen["pieces"], seen["unknown"])


def _require_reader(value: object) -> None:
    if not isinstance(value, Reader):
        given = f"{type(value).__name__}: {shorten(value)}"
        raise TypeError(f"predict takes a Reader, as polyspan.Reader.load(FOLDER) gives it, not {given}")
