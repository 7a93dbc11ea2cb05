"""Training data switched anew in every epoch, as CoSDA-ML does (Qin et al. 2020)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from polyspan.data.schema import Corpus
from polyspan.errors import UsageError
from polyspan.files import Source
from polyspan.make.codeswitching.codeswitching import switcher
from polyspan.make.dictionary import Dictionary, read_dictionary


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Words replaced by random translations from dictionaries of one or several languages.

    `rate` is the chance that a word of a dictionary is replaced, shared out among the dictionaries.
    """

    dictionaries: tuple[Dictionary, ...]
    rate: float

    def draw(self, corpus: Corpus, seed: int) -> Corpus:
        """The corpus as it is in one epoch: another seed switches other words."""
        for number, dictionary in enumerate(self.dictionaries):
            switch = switcher(dictionary, choice="random", rate=self.rate / len(self.dictionaries))
            corpus = switch(corpus, seed * len(self.dictionaries) + number)
        return corpus

    def as_json(self) -> dict[str, Any]:
        """What identifies it in a run record."""
        return {"dictionaries": {each.name: each.sha256 for each in self.dictionaries}, "rate": self.rate}


def augmentation(files: Sequence[Source], rate: float = 0.5) -> Augmentation:
    """An `Augmentation` from dictionary files in MUSE's format; raises UsageError for a rate that is none."""
    if not 0 < rate <= 1:
        raise UsageError("the rate of switching must be above 0 and at most 1", found=str(rate))
    return Augmentation(tuple(read_dictionary(file) for file in files), rate)
