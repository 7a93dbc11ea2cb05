"""Data sets made from data sets: each maker is a pure, seeded function from a corpus to a `Made` corpus.

`permute`, `codeswitch`, `reorder`, `translate`, `backtranslate`, `pair`, `sample`, `part`, `apart`, `common`,
`mend`, `unanswerable` and `mix`. The corpus of a name such as `make:permute(mini:en/test, seed=1)` is made by
`polyspan.reading.build`.

Gives: `codeswitching`, `dictionary`, `made`, `maker`, `naming`, `permutation`, `recover`, `reordering`,
`sampling`, `sentences`, `translation`. Its own: `intersection`, `likeness`, `mending`, `negatives`, `pairing`,
`rewrite`, `separation`, `tool`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polyspan.make.codeswitching.augmenting import augmentation as augmentation
    from polyspan.make.codeswitching.codeswitching import codeswitch as codeswitch
    from polyspan.make.codeswitching.codeswitching import switcher as switcher
    from polyspan.make.dictionary import read_dictionary as read_dictionary
    from polyspan.make.intersection import common as common
    from polyspan.make.made import Made as Made
    from polyspan.make.mending import mend as mend
    from polyspan.make.negatives import unanswerable as unanswerable
    from polyspan.make.pairing import pair as pair
    from polyspan.make.permutation import permute as permute
    from polyspan.make.reordering.reordering import reorder as reorder
    from polyspan.make.sampling import mix as mix
    from polyspan.make.sampling import part as part
    from polyspan.make.sampling import sample as sample
    from polyspan.make.separation import apart as apart
    from polyspan.make.translation.translation import backtranslate as backtranslate
    from polyspan.make.translation.translation import translate as translate

_HOME = {
    "Made": "made",
    "apart": "separation",
    "augmentation": "codeswitching.augmenting",
    "backtranslate": "translation.translation",
    "codeswitch": "codeswitching.codeswitching",
    "common": "intersection",
    "mend": "mending",
    "mix": "sampling",
    "pair": "pairing",
    "part": "sampling",
    "permute": "permutation",
    "read_dictionary": "dictionary",
    "reorder": "reordering.reordering",
    "sample": "sampling",
    "switcher": "codeswitching.codeswitching",
    "translate": "translation.translation",
    "unanswerable": "negatives",
}
__all__ = sorted(_HOME)


if not TYPE_CHECKING:  # a type checker sees the imports above, and what is not there

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'polyspan.make' has no attribute {name!r}")
        value = getattr(import_module(f"polyspan.make.{_HOME[name]}"), name)
        globals()[name] = value
        return value
