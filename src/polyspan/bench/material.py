"""What is measured on: public corpora, an encoder, and how much of them a quick or a full run takes."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from polyspan.data.sample import sample
from polyspan.data.schema import Corpus, Paragraph
from polyspan.errors import PolyspanError
from polyspan.reading import read

_FILES = {  # name → the files that may hold it in the folder POLYSPAN_DATA, and the language
    "squad:train": (("train-v1.1.json", "squad_v1.1_train_*.json"), "en"),
    "squad:dev": (("dev-v1.1.json", "squad_v1.1_dev_part*.json"), "en"),
    "drcd:dev": (("DRCD_dev.json",), "zh-Hant"),
    **{f"xquad:{code}": ((f"xquad.{code}.json",), code) for code in ("en", "zh", "es", "ar")},
    "korquad:dev": (("KorQuAD_v1.0_dev.json",), "ko"),
}


@dataclass(frozen=True, slots=True)
class Amount:
    """How much a run measures: pairs of turns, and the size of a turn on either side."""

    pairs: int
    featurised: int
    """Questions made into windows in a turn."""
    decoded: int
    """Windows decoded in a turn."""
    answered: int
    """Questions answered in a turn."""
    batches: int
    """Training batches of 8 in a turn; the peer with its defaults takes one."""


SCALES = {
    "quick": Amount(pairs=5, featurised=1000, decoded=600, answered=8, batches=2),
    "full": Amount(pairs=9, featurised=3000, decoded=1000, answered=64, batches=6),
}


def corpus(name: str) -> Corpus:
    """A public corpus: from the folder `POLYSPAN_DATA` where it is set, else by its name (see `data list`). Other
    data are read as anywhere."""
    patterns, language = _FILES.get(name, ((), None))
    folder = os.environ.get("POLYSPAN_DATA")
    if not folder or not patterns:
        return read(name)
    for pattern in patterns:
        if found := sorted(Path(folder).rglob(pattern)):
            place = str(found[0]) if len(found) == 1 else str(found[0].parent / pattern)
            return replace(read(place, language), name=name)
    raise PolyspanError(
        f"no {name} in the folder POLYSPAN_DATA",
        where=folder,
        expected=" or ".join(patterns),
        fix="download it there, or unset POLYSPAN_DATA to fetch it by its name",
    )


def stretch(name: str, size: int, turn: int) -> Corpus:
    """Whole paragraphs in file order with at least `size` questions; another turn begins elsewhere."""
    whole = corpus(name)
    first = turn * 97 % len(whole.paragraphs)
    taken: list[Paragraph] = []
    for paragraph in whole.paragraphs[first:] + whole.paragraphs[:first]:
        taken.append(paragraph)
        size -= len(paragraph.questions)
        if size <= 0:
            break
    return replace(whole, paragraphs=tuple(taken))


def questions(name: str, size: int, seed: int) -> Corpus:
    """A sample of a corpus; another seed gives other questions."""
    return sample(corpus(name), size, seed)
