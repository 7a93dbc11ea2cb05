"""Context tokens in principal axes, before and after fine-tuning (Hsu et al., Fig. 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.probe.study import Found, Study


@dataclass(frozen=True)
class TokenPca(Study):
    """Tokens in two principal axes, and how well a linear probe tells the languages apart."""

    name: ClassVar[str] = "pca"
    title: ClassVar[str] = "Tokens in two principal axes"

    tokens: int = 1000
    """Drawn from each corpus."""
    fit: tuple[Literal["each", "before", "after", "union"], ...] = ()
    """States that the axes are fitted on; by default each and, where there are two, also before."""

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise UsageError("tokens must be at least 1", found=str(self.tokens))

    def run(
        self,
        model: str,
        corpora: Sequence[Corpus],
        *,
        before: str | None = None,
        layers: Sequence[int] = (),
        limit: int | None = None,
        seed: int = 0,
    ) -> Found:
        """`polyspan.probe.studies.study_tokens`; of the last layer where none are named."""
        from polyspan.probe.studies import study_tokens

        more: dict[str, Any] = {"tokens": self.tokens, "fit": self.fit, "limit": limit, "seed": seed}
        return study_tokens(model, corpora, before=before, layers=layers or (-1,), **more)
