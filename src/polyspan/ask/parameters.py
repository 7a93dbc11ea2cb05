"""How the pipeline reads answers, by the names and with the defaults of the old one, and what it gives."""

from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

from polyspan.ask.pairs import WrongValue
from polyspan.errors import nearest, shorten
from polyspan.model.windows.windows import WindowOptions

_MEANINGLESS = ("framework", "modelcard", "num_workers", "padding", "use_fast")  # of the old one; nothing here


class PipelineAnswer(TypedDict):
    """An answer as the old pipeline gave it; `answer == context[start:end]`, in code points."""

    score: float
    start: int
    end: int
    answer: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """How answers are read, by the old names and with the old defaults."""

    top_k: int = 1
    """Answers at most."""
    doc_stride: int | None = None
    """Pieces that two windows on one context share. None: half of `max_seq_len`, at most 128."""
    max_answer_len: int = 15
    """Pieces in an answer at most."""
    max_seq_len: int | None = None
    """Pieces in a window. None: what the model reads, at most 384."""
    max_question_len: int = 64
    """Pieces of the question that are kept; `compat` keeps all, as the old pipeline did with fast tokenizers."""
    handle_impossible_answer: bool = False
    """Whether "" is an answer."""
    align_to_words: bool = True
    """Make answers longer that cut a word."""

    def __post_init__(self) -> None:
        for name, least in (("top_k", 1), ("max_answer_len", 1), ("max_seq_len", 1), ("max_question_len", 1)):
            _require_number(name, getattr(self, name), least)
        _require_number("doc_stride", self.doc_stride, 0)

    def windows(self, longest: int) -> WindowOptions:
        """How contexts are cut for a model that reads windows of at most `longest` pieces."""
        length = min(longest, 384) if self.max_seq_len is None else self.max_seq_len
        if length > longest:
            raise WrongValue(f"max_seq_len is {length}", expected=f"at most {longest}, which this model reads")
        stride = min(length // 2, 128) if self.doc_stride is None else self.doc_stride
        if stride > length:
            raise WrongValue(f"doc_stride, which is an overlap, is {stride}", expected=f"at most {length}")
        return WindowOptions(
            max_length=length,
            stride=stride or length,
            stride_as="overlap" if stride else "step",  # a step is never wider than what a window holds
            max_question_length=self.max_question_len,
        )

    def changed(self, given: dict[str, Any]) -> "Parameters":
        """These, some of them given anew; None leaves one as it is. Raises TypeError for an unknown name."""
        new = {name: value for name, value in given.items() if value is not None and name not in _MEANINGLESS}
        if "topk" in new:  # its older name
            new = {"top_k": new.pop("topk")} | new
        known = [field.name for field in fields(self)]
        for name in new:
            if name not in known:
                raise TypeError(f"the pipeline has no parameter {name!r}; {nearest(name, known)}")
        return replace(self, **new)


def _require_number(name: str, value: Any, least: int) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise WrongValue(f"{name} must be a whole number from {least} on", found=shorten(value))
