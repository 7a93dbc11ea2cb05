"""What a maker returns: the new corpus, and the card that says how it came about."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, require_writable, write_text
from polyspan.make.rewrite import require_in_place
from polyspan.make.sentences import sentences


@dataclass(frozen=True, slots=True)
class Made:
    """A corpus made from another one.

    `options` are the maker's own (seed and policies among them); `counts` say what became of contexts, questions
    and answers; `kept` and `dropped` count questions, `ambiguous` answers that could have gone elsewhere; `said`
    is what was done in a few words, `before` the corpus that it was done to, and `origins` has the ids of
    questions that were added, each with that of the question it was made of.
    """

    corpus: Corpus
    maker: str
    options: Mapping[str, Any]
    source: Mapping[str, Any]
    kept: int
    dropped: int = 0
    ambiguous: int = 0
    counts: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""
    before: Corpus = field(default=Corpus(()), repr=False, compare=False)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)

    def summary(self) -> str:
        """What was done and how much of it there is, in one sentence; all the counts are in the card."""
        asked = self.kept or self.dropped
        size = f"{len(self.corpus):,} question" if asked else f"{len(self.corpus.paragraphs):,} sentence"
        parts = [size + ("" if size.startswith("1 ") else "s"), self.said]
        others = {"questions dropped": self.dropped, "answers ambiguous": self.ambiguous}
        others["answers extended to whole words"] = self.counts.get("answers_extended", 0)
        return "; ".join(filter(None, [*parts, *(f"{n:,} {what}" for what, n in others.items() if n)]))

    def examples(self, number: int = 3) -> list[dict[str, Any]]:
        """The first questions before and after, each with its first answer and the sentence that has it (with all
        of a context that does not answer it): of those that were added, where any were; of a corpus of contexts
        alone the first that are not blank."""
        if number < 0:
            raise UsageError("no fewer than no examples can be shown", found=str(number))
        if not len(self.corpus):
            pairs = zip(self.before.paragraphs, self.corpus.paragraphs, strict=False)
            texts = ((old.context, new.context) for old, new in pairs if old.context.strip())
            return [
                {"before": {"sentence": old}, "after": {"sentence": new}} for old, new in islice(texts, number)
            ]
        olds = {question.id: (paragraph, question) for paragraph, question in self.before.questions()}
        asked = self.corpus.questions()
        news = islice((new for new in asked if not self.origins or new[1].id in self.origins), number)
        return [
            {
                "id": new[1].id,
                "before": _shown(*olds[self.origins.get(new[1].id, new[1].id)]),
                "after": _shown(*new),
            }
            for new in news
        ]

    def card(self) -> dict[str, Any]:
        """Everything but the corpus itself, ready for JSON or YAML."""
        return {
            "maker": self.maker,
            "source": dict(self.source),
            "questions": len(self.corpus),
            "kept": self.kept,
            "dropped": self.dropped,
            "ambiguous": self.ambiguous,
            "options": dict(self.options),
            "sha256": self.corpus.fingerprint(),
            **self.counts,
        }

    def write(self, out: Source, format: str | None = None) -> None:
        """Write the corpus to `out`, the card to `out.card.yaml`; `format` is that of `polyspan.data.write`."""
        card = Path(f"{out}.card.yaml")
        require_writable(card)
        write(self.corpus, out, format)
        write_text(card, yaml.safe_dump(self.card(), allow_unicode=True, sort_keys=False))


def made(
    corpus: Corpus,
    source: Corpus,
    maker: str,
    options: Mapping[str, Any],
    counts: Mapping[str, Any] | None = None,
    ambiguous: int = 0,
    said: str = "",
) -> Made:
    """A `Made` of `corpus` from `source`; what is missing of the questions counts as dropped, and what was added
    not as kept.

    Raises PolyspanError where an answer's text is not what stands at its place: a maker never lets that pass, be
    it the source's fault or its own.
    """
    for paragraph, question in corpus.questions():
        for answer in question.answers:
            if answer.text != paragraph.context[answer.start : answer.end]:
                for before, asked in source.questions():
                    for given in asked.answers:
                        require_in_place(before, asked.id, given)
                raise PolyspanError(
                    f"{maker} left an answer that is not at its place: please report this",
                    where=f"question {question.id}",
                    found=paragraph.context[answer.start : answer.end],
                    expected=answer.text,
                )
    origin = {"name": source.name, "questions": len(source), "sha256": source.fingerprint()}
    kept, lost = min(len(source), len(corpus)), max(0, len(source) - len(corpus))
    counts = dict(counts or {})
    return Made(corpus, maker, dict(options), origin, kept, lost, ambiguous, counts, said, source)


def _shown(paragraph: Paragraph, question: Question) -> dict[str, str]:
    answer = next(iter(question.answers), None)
    end = 0
    for sentence in [paragraph.context] if question.impossible else sentences(paragraph.context):
        end += len(sentence)
        if answer is None or answer.start < end:
            break
    said = {"sentence": sentence.strip()} if paragraph.context else {}
    return {**said, "question": question.text, "answer": answer.text if answer else ""}


def tally(counter: Counter[str]) -> dict[str, int]:
    """A counter as a plain dictionary in alphabetical order, for cards."""
    return dict(sorted(counter.items()))
