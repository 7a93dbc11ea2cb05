"""What an encoder knows: its hidden states over corpora, and measures of how alike languages are in them.

`KINDS` holds the studies by their names, one a file in `polyspan.probe.kinds`; reading them does not load torch.

Gives: `cca`, `hidden`, `scatter`, `token_vectors`. Its own: `answer_vectors`, `heat`, `kinds`, `moments`,
`parallel`, `pca`, `separability`, `similarity`, `studies`, `study`.
"""

from polyspan.probe.study import Study
from polyspan.records import Records

KINDS: Records[type[Study]] = Records("polyspan.probe.kinds", Study, "polyspan.probes")
"""The kinds of probe by their names: `KINDS["svcca"](k=20).run(model, corpora)`."""

__all__ = ["KINDS", "Study"]
