"""What a maker returns: the new corpus, and the card that says how it came about."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from polyspan.data.schema import Corpus
from polyspan.data.write import write
from polyspan.errors import PolyspanError
from polyspan.files import Source, claim, write_text


@dataclass(frozen=True, slots=True)
class Made:
    """A corpus made from another one.

    `options` are the maker's own (seed and policies among them); `counts` say what became of contexts, questions
    and answers; `kept` and `dropped` count questions, `ambiguous` answers that could have gone elsewhere.
    """

    corpus: Corpus
    maker: str
    options: Mapping[str, Any]
    source: Mapping[str, Any]
    kept: int
    dropped: int = 0
    ambiguous: int = 0
    counts: Mapping[str, Any] = field(default_factory=dict)

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

    def write(self, out: Source) -> None:
        """Write the corpus to `out` and the card to `out.card.yaml`."""
        card = Path(f"{out}.card.yaml")
        claim(card)
        write(self.corpus, out)
        write_text(card, yaml.safe_dump(self.card(), allow_unicode=True, sort_keys=False))


def made(
    corpus: Corpus,
    source: Corpus,
    maker: str,
    options: Mapping[str, Any],
    counts: Mapping[str, Any] | None = None,
    ambiguous: int = 0,
) -> Made:
    """A `Made` of `corpus` from `source`; what is missing of the questions counts as dropped.

    Raises PolyspanError where an answer's text is not what stands at its place: a maker never lets that pass.
    """
    for paragraph, question in corpus.questions():
        for answer in question.answers:
            if answer.text != paragraph.context[answer.start : answer.end]:
                raise PolyspanError(
                    f"{maker} left an answer that is not at its place: please report this",
                    where=f"question {question.id}",
                    found=paragraph.context[answer.start : answer.end],
                    expected=answer.text,
                )
    origin = {"name": source.name, "questions": len(source), "sha256": source.fingerprint()}
    lost = len(source) - len(corpus)
    return Made(corpus, maker, dict(options), origin, len(corpus), lost, ambiguous, dict(counts or {}))


def tally(counter: Counter[str]) -> dict[str, int]:
    """A counter as a plain dictionary in alphabetical order, for cards."""
    return dict(sorted(counter.items()))
