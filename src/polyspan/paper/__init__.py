"""The paper this toolkit starts from: its printed numbers and its hypotheses H1 to H18.

Hsu, Liu & Lee 2019, "Zero-shot Reading Comprehension by Cross-lingual Transfer Learning with Multi-lingual
Language Representation Model". `judge(printed())` says what its own numbers support;
`judge(Results.from_rows(...))` what yours do.

Gives: `printed`. Its own: `draws`, `hypotheses`, `places`, `results`, `values`, `verdict`.
"""

from polyspan.paper.hypotheses import HYPOTHESES, Hypothesis, judge
from polyspan.paper.places import TABLES, Place, facts, places
from polyspan.paper.printed import factors, printed
from polyspan.paper.results import Cell, Labels, Results, read_labels
from polyspan.paper.values import Check, Value
from polyspan.paper.verdict import Verdict

__all__ = [
    "HYPOTHESES",
    "TABLES",
    "Cell",
    "Check",
    "Hypothesis",
    "Labels",
    "Place",
    "Results",
    "Value",
    "Verdict",
    "factors",
    "facts",
    "judge",
    "places",
    "printed",
    "read_labels",
]
