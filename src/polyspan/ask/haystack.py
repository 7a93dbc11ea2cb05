"""A component of haystack's pipelines: what a Reader answers to a query from the documents of a retriever."""

from typing import TYPE_CHECKING, Any

from polyspan.ask.best_passage import best_passage
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.encoders.model_name import BUNDLED_READER

try:
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.dataclasses import ExtractedAnswer
except ModuleNotFoundError as error:
    missing = "PolyspanReader is a component of haystack, which is not installed"
    raise PolyspanError(missing, fix="pip install 'polyspan[haystack]'") from error

if TYPE_CHECKING:
    from polyspan.model.reader import Reader


@component
class PolyspanReader:
    """Finds the answer to a query, word for word, in the documents of a retriever, or says that it is not there.

    `model`, `dtype` and `language_adapter` are as `Reader.load` takes them; the Reader is loaded by `warm_up`, or
    when it first runs. `top_k` is how many spans there are at most. With `no_answer` an answer without text is
    among them: the first where the documents do not answer, else the last.
    """

    def __init__(
        self,
        model: str = BUNDLED_READER,
        *,
        top_k: int = 10,
        no_answer: bool = True,
        dtype: str = "fp32",
        language_adapter: str | None = None,
    ) -> None:
        self.model, self.top_k, self.no_answer = model, top_k, no_answer
        self.dtype, self.language_adapter = dtype, language_adapter
        self._reader: Reader | None = None

    def warm_up(self) -> None:
        """Load the Reader."""
        self._loaded()

    def to_dict(self) -> dict[str, Any]:
        """The component as it stands in a saved pipeline."""
        names = ("model", "top_k", "no_answer", "dtype", "language_adapter")
        return default_to_dict(self, **{name: getattr(self, name) for name in names})  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PolyspanReader":
        """The component of a saved pipeline."""
        return default_from_dict(cls, data)  # type: ignore[no-any-return]

    @component.output_types(answers=list[ExtractedAnswer])  # type: ignore[untyped-decorator]
    def run(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[ExtractedAnswer]]:
        """The answers to a query, the best first (`best_passage`); `score` is the probability in its document.

        Documents without text are passed over. Where all have a score, their order is taken for that of a ranking.
        """
        from polyspan.model.answers import AnswerOptions, answer_corpus

        top = self.top_k if top_k is None else top_k
        if top < 1:
            raise UsageError("top_k must be at least 1", found=str(top))
        read = [document for document in documents if (document.content or "").strip()]
        asked = (Question("query", query),)
        corpus = Corpus(tuple(Paragraph(document.content, asked) for document in read), "documents")
        reader = self._loaded()
        found = list(answer_corpus(reader, corpus, AnswerOptions(n_best=top))) if read else []
        best = best_passage(found, ranked=all(document.score is not None for document in read))
        answers = [
            ExtractedAnswer(
                query=query,
                score=one.probability,
                data=one.text,
                document=read[number],
                document_offset=ExtractedAnswer.Span(one.start, one.end),
            )
            for number, one in best.spans[:top]
        ]
        if self.no_answer:
            sure = 1.0 if best.null is None else best.null.probability
            answers.insert(len(answers) if best.given else 0, ExtractedAnswer(query=query, score=sure))
        return {"answers": answers}

    def _loaded(self) -> "Reader":
        if self._reader is None:
            from polyspan.model.reader import Reader

            self._reader = Reader.load(self.model, dtype=self.dtype, language_adapter=self.language_adapter)
        return self._reader
