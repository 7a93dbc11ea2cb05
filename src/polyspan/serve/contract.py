"""What is asked and what is answered: the bodies of requests and answers, as OpenAPI shows them."""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from polyspan.errors import PolyspanError

QuestionText = Annotated[str, Field(pattern=r"\S", json_schema_extra={"examples": ["When was the mill built?"]})]
ContextText = Annotated[str, Field(json_schema_extra={"examples": ["The mill was built in 1840 by Bente Roos."]})]
Some = Annotated[int, Field(ge=1)]


class Body(BaseModel):
    """A body of a request: nothing is taken for something else, and nothing unknown is passed over."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NamedText(Body):
    """One of several texts to answer from, and what its answers call it."""

    id: str
    text: ContextText


class AnswerRequest(Body):
    """One question or several, on one context or on several documents together."""

    question: QuestionText | None = None
    questions: Annotated[list[QuestionText], Field(min_length=1)] | None = None
    context: ContextText | None = None
    documents: Annotated[list[NamedText], Field(min_length=1)] | None = None
    top: Annotated[int, Field(ge=1, le=20)] = 1
    """Spans to list for each question: the answer and its alternatives."""
    always: bool = False
    """Answer with the best span also where "" is likelier by the Reader's calibration."""
    language: str | None = None
    """Language of the texts, such as en or zh-Hant; it chooses what the Reader was calibrated to."""
    adapter: str | None = None
    """Name of the adapter to answer with, where the server has some."""

    @model_validator(mode="after")
    def _one_of_each(self) -> "AnswerRequest":
        for one, other in (("question", "questions"), ("context", "documents")):
            given = sum(getattr(self, name) is not None for name in (one, other))
            if given != 1:
                raise ValueError(f"give either {one} or {other}, not {'both' if given else 'neither'}")
        names = [document.id for document in self.documents or []]
        if len(set(names)) < len(names):
            raise ValueError("two documents have the same id")
        return self

    @property
    def asked(self) -> list[str]:
        """The questions, one or several."""
        return self.questions if self.questions is not None else [self.question or ""]

    @property
    def texts(self) -> list[tuple[str | None, str]]:
        """Name and text of each document; a context has no name."""
        if self.documents is None:
            return [(None, self.context or "")]
        return [(document.id, document.text) for document in self.documents]


class HubInputs(Body):
    """A question and its context, in the hub's format."""

    question: QuestionText
    context: Annotated[ContextText, Field(min_length=1)]


class HubParameters(Body):
    """The parameters of the hub's format; what is left out is as the Reader has it."""

    top_k: Annotated[int, Field(ge=1, le=20)] | None = None
    doc_stride: Some | None = None
    """Pieces that neighbouring windows share."""
    max_answer_len: Some | None = None
    """Pieces in an answer at most."""
    max_seq_len: Some | None = None
    """Pieces in a window, with the question."""
    max_question_len: Some | None = None
    """Pieces of the question that are kept."""
    handle_impossible_answer: bool | None = None
    """Let "" be an answer."""
    align_to_words: bool | None = None
    """Make answers longer that cut a word, in scripts with spaces."""


class HubRequest(Body):
    """A request in the hub's inference format."""

    inputs: HubInputs
    parameters: HubParameters | None = None
    options: dict[str, Any] | None = None
    """Of the hub's own machines; nothing here heeds them."""


class Alternative(BaseModel):
    """Another span of the texts: `text == document[start:end]`, counted in code points."""

    text: str
    document: str | None
    start: int
    end: int
    probability: float


class GivenAnswer(Alternative):
    """The answer to a question; `text` is "", with start and end 0, where the texts are not likely to have one."""

    question: str
    no_answer: float
    """How probable it is that the texts do not answer."""
    alternatives: list[Alternative]


class ServedModel(BaseModel):
    """Which model answered."""

    name: str
    commit: str | None
    calibrated: bool
    polyspan: str


class AnswerResponse(BaseModel):
    """The answers, in the order of the questions."""

    answers: list[GivenAnswer]
    model: ServedModel
    remarks: list[str]
    """What is to be minded, such as a question of which only the beginning was read."""


class HubAnswer(BaseModel):
    """An answer in the hub's format."""

    answer: str
    score: float
    start: int
    end: int


class Health(BaseModel):
    """Whether the server answers."""

    status: Literal["ready", "loading", "draining"]


class Reason(BaseModel):
    """Why a request is not answered."""

    code: str
    message: str
    request_id: str


class RefusalResponse(BaseModel):
    """The body of every answer with a status of 400 or more."""

    error: Reason


class Refusal(Exception):
    """A request that is not answered: the status, a stable code, and what to do about it in words."""

    def __init__(self, status: int, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.retry_after = None if retry_after is None else max(1, math.ceil(retry_after))

    def body(self, request_id: str) -> dict[str, Any]:
        """As JSON."""
        return {"error": {"code": self.code, "message": self.message, "request_id": request_id}}


GONE = Refusal(499, "gone", "the client has left")
"""What is told to nobody."""
STOPPED = Refusal(503, "stopped", "this server was stopped before it had the answer")
FAILED = Refusal(500, "failed", "this server failed; its log has the request's id")


def refused(error: PolyspanError) -> Refusal:
    """The refusal of a request by what polyspan says of it, without the texts or paths that it names."""
    message = f"{error.message}; expected: {error.expected}" if error.expected else error.message
    return Refusal(422, "invalid_field", message)
