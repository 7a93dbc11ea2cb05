"""`cmrc.v1`: the script of CMRC 2018 (Cui et al. 2019), versions 5 and 6.

Lower case; the ends stripped; a fixed list of marks deleted, among them no ASCII full stop, comma, quotation mark
or bracket. Exact match compares what is left. F1 takes each character from U+4E00 to U+9FA5 as one unit and the
words between them as one each, and counts the longest run of units that both texts have in common.

One deviation: the script cuts what is not Chinese with NLTK's `word_tokenize`, which this package does without;
here it is cut at white space. Few answers feel it ("8.90%" is two units in NLTK, one here). Measured with NLTK's
word tokeniser, F1 by white space and by NLTK, exact match the same: second annotator against the first on DRCD
91.78 and 91.84 (dev; 3 of 3,524 answers differ), 92.90 and 92.94 (test; 2 of 3,493); third against the first on
CMRC 2018 dev 93.45 and 93.44 (7 of 3,219); gold answers without their last character on DRCD test 80.87 and 81.08.
"""

import re
from collections.abc import Sequence

from polyspan.score.metric import UNSPACED, Metric, harmonic_mean

# The script's list also has "……", but compares it to single characters, so that it never applies.
_MARKS = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
_DELETED = str.maketrans("", "", _MARKS)
_HAN = "[\u4e00-\u9fa5]"


def normalise(text: str) -> str:
    """Lower case, stripped, without the listed marks; white space inside stays as it is."""
    return text.lower().strip().translate(_DELETED)


def segments(text: str) -> list[str]:
    """Each Chinese character, and each run of other characters between white space, in order."""
    return re.sub(_HAN, r" \g<0> ", normalise(text)).split()


def longest_run(prediction: Sequence[str], gold: Sequence[str]) -> float:
    """F1 over the longest contiguous run of units that both have; 0 where they share none."""
    best = 0
    ending = [0] * (len(gold) + 1)  # ending[j]: length of the common run that ends before gold[j]
    for unit in prediction:
        ending = [0, *(ending[j] + 1 if unit == other else 0 for j, other in enumerate(gold))]
        best = max(best, *ending)
    return harmonic_mean(best, len(prediction), len(gold)) if best else 0.0


V1 = Metric(
    "cmrc.v1",
    normalise,
    segments,
    longest_run,
    about="CMRC 2018’s script: F1 is the longest common run of Chinese characters and words.",
    source="Cui et al. 2019",
    languages=(UNSPACED,),
)
