"""What a reading-comprehension data set is: contexts, questions on them, and answers as spans of the context."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from polyspan.data.languages import language_tag
from polyspan.errors import shorten


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of the context. `start` counts code points; the span is `context[start:end]`."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """One past the last code point of the span."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Question:
    """A question on one context. `impossible` marks SQuAD 2.0's questions that the context does not answer."""

    id: str
    text: str
    answers: tuple[Answer, ...] = ()
    impossible: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A context with its questions. Paragraphs of one article share their `title`."""

    context: str
    questions: tuple[Question, ...]
    title: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Corpus:
    """A data set in one language: paragraphs in file order. `len(corpus)` is the number of questions.

    `language` is a BCP 47 tag, with a script where it matters (`zh-Hant`), and kept in its normal form (`jpn` is
    "ja"): raises UsageError for what is no language. `metric` is the name of the metric that the data set's
    authors use; `source` says where it was read from.
    """

    paragraphs: tuple[Paragraph, ...]
    name: str = "corpus"
    language: str | None = None
    metric: str | None = None
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "language", language_tag(self.language))

    def __repr__(self) -> str:
        language = f", {self.language}" if self.language else ""
        return f"Corpus({shorten(self.name)}{language}, {len(self)} questions on {len(self.paragraphs)} contexts)"

    def __len__(self) -> int:
        return sum(len(paragraph.questions) for paragraph in self.paragraphs)

    def questions(self) -> Iterator[tuple[Paragraph, Question]]:
        """Every question with its paragraph, in file order."""
        for paragraph in self.paragraphs:
            for question in paragraph.questions:
                yield paragraph, question

    def fingerprint(self) -> str:
        """SHA-256 of the content (contexts, ids, questions, answers), independent of file format and name."""
        digest = hashlib.sha256()
        for paragraph in self.paragraphs:
            _update(digest, paragraph.context)
            for question in paragraph.questions:
                _update(digest, question.id, question.text, "1" if question.impossible else "0")
                for answer in question.answers:
                    _update(digest, answer.text, str(answer.start))
        return digest.hexdigest()


def require_corpus(value: object, taker: str) -> None:
    """Raise TypeError where something else than a corpus was given to the function `taker`."""
    if not isinstance(value, Corpus):
        given = f"{type(value).__name__}: {shorten(value)}"
        raise TypeError(f"{taker} takes a Corpus, as polyspan.read(FILE_OR_NAME) gives it, not {given}")


def require_corpora(values: object, taker: str) -> None:
    """Raise TypeError where something else than a list of corpora was given to the function `taker`."""
    if isinstance(values, (Corpus, str)) or not isinstance(values, Sequence):
        given = f"{type(values).__name__}: {shorten(values)}"
        raise TypeError(f"{taker} takes a list of corpora, such as [polyspan.read(FILE_OR_NAME)], not {given}")
    for value in values:
        require_corpus(value, taker)


def _update(digest: "hashlib._Hash", *texts: str) -> None:
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
