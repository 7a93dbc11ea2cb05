"""What a reading-comprehension data set is, and reading, checking, mending, splitting and writing one."""

from polyspan.data.check import Report, check
from polyspan.data.parsed import Fault
from polyspan.data.read import read
from polyspan.data.repair import RepairReport, repair
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.split import split
from polyspan.data.stats import stats
from polyspan.data.write import write

__all__ = [
    "Answer",
    "Corpus",
    "Fault",
    "Paragraph",
    "Question",
    "RepairReport",
    "Report",
    "check",
    "read",
    "repair",
    "split",
    "stats",
    "write",
]
