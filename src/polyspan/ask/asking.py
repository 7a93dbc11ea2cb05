"""Questions put to documents: the passages that are read, the best span of all, and when there is no answer."""

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from polyspan.ask.best_passage import best_passage
from polyspan.ask.documents.document import PART, Counted, Document
from polyspan.ask.documents.document_format import LARGEST
from polyspan.ask.library import Sources, is_text, mind, read_documents
from polyspan.ask.likeness import by_likeness
from polyspan.ask.passages import DocumentPassage
from polyspan.ask.passages import passages as cut
from polyspan.ask.ranking.index import Index
from polyspan.ask.sentence import AnswerSentence, sentence_around
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import UsageError, shorten
from polyspan.files import Source
from polyspan.model.encoders.model_name import BUNDLED_READER

if TYPE_CHECKING:
    from polyspan.model.answers import Candidate
    from polyspan.model.reader import Reader

PASSAGES = 20
"""How many passages are read for a question, of those that are there."""

_SPANS = 20  # of a passage, so that some are left where others overlap them


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """An answer and its place in a file; what its offsets count stands under `counted`.

    `file` and `line` are None, and the text is "", where the documents do not answer the question.
    """

    text: str
    file: str | None
    start: int
    end: int
    line: int | None
    counted: Counted | None
    part: int | None
    """The page or paragraph that the offsets count in, from 1; None where they count in the whole file."""
    encoding: str | None
    """What the file's bytes are decoded with, where the offsets count its characters."""
    probability: float
    """Of the span in the passage that it was read in; of "" that the passage with the best span has no answer."""
    calibrated: bool
    shown: AnswerSentence
    """The sentence around it."""

    def as_json(self) -> dict[str, Any]:
        """As `polyspan ask --json` prints it."""
        value = asdict(self)
        sentence: AnswerSentence = value.pop("shown")
        return value | {"sentence": sentence.text}


@dataclass(frozen=True, slots=True)
class Reply:
    """The best answer to a question, and the next best ones, which overlap neither it nor each other."""

    question: str
    answer: DocumentAnswer
    alternatives: tuple[DocumentAnswer, ...]
    documents: int
    """How many were asked."""

    @property
    def text(self) -> str:
        """The answer; "" where there is none."""
        return self.answer.text

    def as_json(self) -> dict[str, Any]:
        """As `polyspan ask --json` prints it."""
        rest = [one.as_json() for one in self.alternatives]
        return {"question": self.question, **self.answer.as_json(), "alternatives": rest}


def ask(
    questions: str | Sequence[str],
    documents: Sources,
    *,
    reader: "Reader | Source" = BUNDLED_READER,
    language_adapter: Source | None = None,
    top: int = 1,
    passages: int = PASSAGES,
    always: bool = False,
    encoding: str | None = None,
    largest: float = LARGEST,
) -> list[Reply]:
    """Answer questions, in any language, from files of text, Markdown, HTML, PDF or Word: a reply for each one.

    `documents` are files, quoted patterns, "-" for stdin, or documents read before. `top` is how many answers a
    reply has, "" counted; `passages` how many passages are read for a question, those that are most like it (0:
    all). `language_adapter` is as of `Reader.load`, for a Reader that is named. The answer is the best span of all
    (`best_passage`, and `by_likeness` where the question is in other words than the passages), or "" where the
    Reader's calibration says so of its passage; without one, and with `always`, "" is never given.

    Warns of each file that cannot be read. Raises PolyspanError where none can be, and UsageError for a question
    that is empty.
    """
    asked = _asked(questions)
    for name, value, least in (("top", top, 1), ("passages", passages, 0)):
        if value < least:
            raise UsageError(f"{name} must be at least {least}", found=str(value))
    library = read_documents(documents, encoding, largest)
    from polyspan.model.reader import Reader

    if not isinstance(reader, Reader):
        reader = _load(reader, language_adapter)
    elif language_adapter is not None:
        raise UsageError(
            "a Reader that is loaded has its language's adapter", fix="Reader.load(…, language_adapter=…)"
        )
    found = _read(asked, library, cut(library), reader, passages)
    return [_reply(*each, library, top, always) for each in zip(asked, found, strict=True)]


def _asked(questions: str | Sequence[str]) -> list[str]:
    asked = [questions] if isinstance(questions, str) else list(questions)
    if not asked:
        raise UsageError("no question is given")
    for question in asked:
        if not question.strip():
            raise UsageError("a question is empty", found=shorten(question))
        if not is_text(question):
            raise UsageError("a question is no text", found=shorten(question), expected="UTF-8")
    return asked


def _load(name: "Source", language_adapter: "Source | None") -> "Reader":
    from polyspan.model.reader import Reader

    reader = Reader.load(name, language_adapter=language_adapter)
    if reader.doubt and not reader.language_alone:
        mind(f"{name} {reader.doubt}")
    return reader


class _Span(NamedTuple):
    """A span of a document's text."""

    span: "Candidate"
    document: int
    start: int
    end: int

    def overlaps(self, other: "_Span") -> bool:
        """Whether both have characters in common."""
        return self.document == other.document and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class _Found:
    """The spans of a question, the best first and each place once; whether the first is the answer, and ""."""

    spans: list[_Span]
    given: bool
    null: "Candidate | None"

    @classmethod
    def of(
        cls,
        library: list[Document],
        read: list[DocumentPassage],
        found: "Sequence[Sequence[Candidate]]",
        ranked: bool,
    ) -> "_Found":
        """From the candidates in each passage that was read."""
        placed = [_placed(library, *each) for each in zip(read, found, strict=True)]
        kept = [
            [one for one in candidates if one in places or one.start == one.end]
            for places, candidates in zip(placed, found, strict=True)
        ]
        best = best_passage(kept, ranked=ranked)
        spans = [_Span(one, read[number].document, *placed[number][one]) for number, one in best.spans]
        first = {span[1:]: span for span in reversed(spans)}  # a sentence may stand in two passages
        return cls([span for span in spans if first[span[1:]] is span], best.given, best.null)


def _placed(
    library: list[Document], passage: DocumentPassage, candidates: "Sequence[Candidate]"
) -> "dict[Candidate, tuple[int, int]]":
    """Where the spans of a passage stand in its document; those that reach from one paragraph to the next, or from
    a heading, are none."""
    text = library[passage.document].text
    places = {one: passage.in_document(one.start, one.end) for one in candidates if one.start < one.end}
    return {one: place for one, place in places.items() if place is not None and not PART.search(text, *place)}


def _read(
    asked: list[str], library: list[Document], passages: list[DocumentPassage], reader: "Reader", most: int
) -> list[_Found]:
    """What is found for each question in the passages that are read for it."""
    from polyspan.model.answers import AnswerOptions
    from polyspan.prediction import predict

    chosen = _chosen(asked, passages, most)
    askers: dict[int, list[int]] = {}
    for number, places in enumerate(chosen):
        if not _is_known(asked[number], reader):
            mind(f"the model knows no letter of the question {shorten(asked[number])}")
            places.clear()
        for place in places:
            askers.setdefault(place, []).append(number)
    paragraphs = tuple(
        Paragraph(passages[place].text, tuple(Question(f"{place}:{number}", asked[number]) for number in numbers))
        for place, numbers in sorted(askers.items())
    )
    if not paragraphs:
        return [_Found([], False, None) for _ in asked]
    counts = ((len(asked), "question"), (len(paragraphs), "passage"))
    corpus = Corpus(paragraphs, " on ".join(f"{count} {word}{'s'[: count != 1]}" for count, word in counts))
    options = AnswerOptions(_SPANS, align_to_words=True)
    by_id = predict(reader, corpus, options).candidates
    found = by_likeness(
        asked,
        [[passages[place].text for place in places] for places in chosen],
        [[by_id[f"{place}:{number}"] for place in places] for number, places in enumerate(chosen)],
    )
    return [
        _Found.of(library, [passages[place] for place in places], some, ranked=0 < most < len(passages))
        for places, some in zip(chosen, found, strict=True)
    ]


def _chosen(asked: list[str], passages: list[DocumentPassage], most: int) -> list[list[int]]:
    """The passages that are read for each question."""
    texts = [passage.text for passage in passages]
    return Index(texts, doing=f"embedding {len(texts):,} passages").best_of_each(asked, most or max(len(texts), 1))


def _is_known(question: str, reader: "Reader") -> bool:
    """Whether the tokenizer has a piece for any letter or digit of a question; signs alone ask nothing."""
    from polyspan.model.windows.tokens import tokenise

    words = "".join(" " if unicodedata.category(char)[0] in "PS" else char for char in question)
    tokens = tokenise([words], reader.cutter)
    return bool(((tokens.ids != reader.cutter.unk_token_id) & (tokens.starts < tokens.ends)).any())


def _reply(question: str, found: _Found, library: list[Document], top: int, always: bool) -> Reply:
    apart: list[_Span] = []
    for span in found.spans:
        if len(apart) < top and not any(map(span.overlaps, apart)):
            apart.append(span)
    answers = [_answer(one, library[one.document]) for one in apart]
    if not apart or not (always or found.given):
        answers = [_nothing(found.null if apart else None), *answers][:top]
    return Reply(question, answers[0], tuple(answers[1:]), len(library))


def _answer(span: _Span, document: Document) -> DocumentAnswer:
    spot = document.spot(span.start, span.end)
    return DocumentAnswer(
        document.text[span.start : span.end],
        document.path,
        spot.start,
        spot.end,
        spot.line,
        spot.counted,
        spot.part,
        document.encoding,
        span.span.probability,
        span.span.calibrated,
        sentence_around(document.text, span.start, span.end),
    )


def _nothing(null: "Candidate | None") -> DocumentAnswer:
    probability, calibrated = (1.0, False) if null is None else (null.probability, null.calibrated)
    return DocumentAnswer(
        "", None, 0, 0, None, None, None, None, probability, calibrated, AnswerSentence("", 0, 0)
    )
