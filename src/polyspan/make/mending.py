"""A corpus with the faults mended that can be mended for certain: data as they were published, used by name."""

from dataclasses import replace

from polyspan.data.check.repair import mended
from polyspan.data.formats.parsed import Parsed
from polyspan.data.schema import Corpus, require_corpus
from polyspan.errors import PolyspanError
from polyspan.make.made import Made, made
from polyspan.make.maker import Maker


def mend(corpus: Corpus, *, seed: int = 0, doing: str = "") -> Made:
    """The corpus as `polyspan check DATA --fix OUT` leaves it: offsets that are not those of their answers, and
    whatever else can be mended for certain; an answer or a question for which it cannot is left out.

    The card counts both. Nothing is drawn: `seed` changes nothing. Raises PolyspanError where no question is left.
    """
    require_corpus(corpus, "make.mend")
    found = mended([Parsed.of(corpus)])
    if not len(found.corpus):
        fix = "mend the faults that polyspan check names"
        raise PolyspanError(f"no question of {corpus.name} is left after the repair", fix=fix)
    name = f"make:mend({corpus.name})"
    new = replace(corpus, paragraphs=found.corpus.paragraphs, name=name, source="")
    counts = {"repaired": found.repaired, "answers_left_out": found.quarantined_answers}
    said = f"{sum(found.repaired.values()):,} faults mended, {found.quarantined_answers:,} answers left out"
    return made(new, corpus, "mend", {"seed": seed}, counts, said=said)


MEND = Maker("mend", mend, "make:mend(mini:en/test)")
