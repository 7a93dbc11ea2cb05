"""Questions put to documents: the passages that are read, the best span of all, and when there is no answer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from polyspan.ask.documents.document import PART, Counted, Document
from polyspan.ask.documents.document_format import LARGEST
from polyspan.ask.library import Sources, is_text, mind, read_documents
from polyspan.ask.passages import DocumentPassage
from polyspan.ask.passages import passages as cut
from polyspan.ask.ranking.index import Index
from polyspan.ask.sentence import Shown, sentence_around
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
    shown: Shown
    """The sentence around it."""

    def as_json(self) -> dict[str, Any]:
        """As `polyspan ask --json` prints it."""
        value = asdict(self)
        sentence: Shown = value.pop("shown")
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
    all). `language_adapter` is as of `Reader.load`, for a Reader that is named. "" is the answer where the
    Reader's calibration says so of the passage with the most probable span, or, without one, where that passage
    has better evidence for none; with `always` it is never given.

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
    found = _spans(asked, library, cut(library), reader, passages)
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


@dataclass(frozen=True, slots=True)
class _Span:
    """A span of a document's text; `null` is the answer "" in its passage, `given` whether the Reader gives it."""

    span: "Candidate"
    document: int
    start: int
    end: int
    null: "Candidate"
    given: bool


def _spans(
    asked: list[str], library: list[Document], passages: list[DocumentPassage], reader: "Reader", most: int
) -> list[list[_Span]]:
    """The spans of each question in the passages that are read for it, the most probable first."""
    from polyspan.model.answers import AnswerOptions
    from polyspan.prediction import predict

    askers: dict[int, list[int]] = {}
    for number, chosen in enumerate(_chosen(asked, passages, most)):
        if not _is_known(asked[number], reader):
            mind(f"the model knows no letter of the question {shorten(asked[number])}")
            continue
        for place in chosen:
            askers.setdefault(place, []).append(number)
    paragraphs = tuple(
        Paragraph(passages[place].text, tuple(Question(f"{place}:{number}", asked[number]) for number in numbers))
        for place, numbers in sorted(askers.items())
    )
    found: list[list[_Span]] = [[] for _ in asked]
    if not paragraphs:
        return found
    corpus = Corpus(paragraphs, f"{len(asked)} question{'s'[: len(asked) != 1]} on {len(paragraphs)} passages")
    odds = 0.0 if reader.calibration is None else None  # no answer where its evidence is the better one
    options = AnswerOptions(_SPANS, null_threshold=odds, align_to_words=True)
    for key, candidates in predict(reader, corpus, options).candidates.items():
        place, number = map(int, key.split(":"))
        found[number] += _in_documents(candidates, passages[place], library)
    return [_sorted(spans) for spans in found]


def _chosen(asked: list[str], passages: list[DocumentPassage], most: int) -> list[list[int]]:
    """The passages that are read for each question."""
    texts = [passage.text for passage in passages]
    return Index(texts, doing=f"embedding {len(texts):,} passages").best_of_each(asked, most or max(len(texts), 1))


def _is_known(question: str, reader: "Reader") -> bool:
    """Whether the tokenizer has a piece for anything in a question."""
    from polyspan.model.windows.tokens import tokenise

    return bool((tokenise([question], reader.tokenizer, places=False).ids != reader.tokenizer.unk_token_id).any())


def _in_documents(candidates: "list[Candidate]", passage: DocumentPassage, library: list[Document]) -> list[_Span]:
    """The spans of a passage; those that reach from one paragraph to the next, or from a heading, are none."""
    null = next(one for one in candidates if one.start == one.end)
    given = candidates[0] is not null
    text = library[passage.document].text
    spans = []
    for one in candidates:
        place = passage.in_document(one.start, one.end) if one is not null else None
        if place is not None and not PART.search(text, *place):
            spans.append(_Span(one, passage.document, *place, null, given))
    return spans


def _sorted(spans: list[_Span]) -> list[_Span]:
    """The most probable first, each place once: a sentence may stand in two passages."""
    first: dict[tuple[int, int, int], _Span] = {}
    for span in sorted(spans, key=lambda one: -one.span.probability):
        first.setdefault((span.document, span.start, span.end), span)
    return list(first.values())


def _reply(question: str, spans: list[_Span], library: list[Document], top: int, always: bool) -> Reply:
    apart: list[_Span] = []
    for span in spans:
        if len(apart) == top:
            break
        if not any(
            span.document == one.document and span.start < one.end and one.start < span.end for one in apart
        ):
            apart.append(span)
    answers = [_answer(one, library[one.document]) for one in apart]
    if not apart or not (always or apart[0].given):
        answers = [_nothing(apart[0].null if apart else None), *answers][:top]
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
    return DocumentAnswer("", None, 0, 0, None, None, None, None, probability, calibrated, Shown("", 0, 0))
