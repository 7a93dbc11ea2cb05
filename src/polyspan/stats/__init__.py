"""Honest statistics: two systems on the same questions, several seeds, factors of a table, choice of checkpoints.

Nothing here needs torch.

Gives: `anova`, `calibration`, `confidence`, `evidence`, `factors`, `judged`, `multiplicity`, `probabilities`,
`proportion`, `ranks`, `resampling`, `standings`, `units`. Its own: `comparison`, `seeds`, `selection`.
"""

from polyspan.stats.anova import Anova, anova, exchange_p, f_ratio, without
from polyspan.stats.comparison import Comparison, Difference, compare
from polyspan.stats.factors import Factors, analyse, read_factors
from polyspan.stats.resampling import DRAWS
from polyspan.stats.seeds import SeedSpread, over_seeds
from polyspan.stats.selection import Choice, select
from polyspan.stats.standings import Standing, intervals, standings
from polyspan.stats.units import UNITS, units

__all__ = [
    "DRAWS",
    "UNITS",
    "Anova",
    "Choice",
    "Comparison",
    "Difference",
    "Factors",
    "SeedSpread",
    "Standing",
    "analyse",
    "anova",
    "compare",
    "exchange_p",
    "f_ratio",
    "intervals",
    "over_seeds",
    "read_factors",
    "select",
    "standings",
    "units",
    "without",
]
