"""The card of the Reader in the package, from the `report.json` of the run that made it.

    python -m polyspan.report.reader_card FOLDER REPORT

writes `README.md` into the Reader's folder. Every number is the report's, or one of the folder's own.
"""

import sys
from dataclasses import asdict
from pathlib import Path

from polyspan.data.cards import cards
from polyspan.errors import PolyspanError
from polyspan.files import Source
from polyspan.model.card.card import Learnt, Measured, ReaderCard
from polyspan.model.card.readme import card_of, write_card
from polyspan.model.encoders.model_name import BUNDLED, BUNDLED_READER, SHA256
from polyspan.report.record.record import Dataset, Record, read_record

_LICENCE = "cc-by-sa-4.0"
_MENDED = {"cmrc-train": "cmrc2018"}  # what the recipe calls a mended copy
_WORD_LISTS = {"MUSE's word lists": "CC BY-NC 4.0"}  # of code-switched questions
_NOTES = {
    "data": "A part of them is asked of texts that do not hold the answer, and a part in other languages than the "
    "text's, by translation engines, the word lists of MUSE and the mini corpus, which is parallel. What the "
    "tests below have in common with the training data was taken out of these first.",
    "results": "`A on B` asks questions in A of texts in B. Without calibration, so that every question is "
    "answered; as trained, before the difference was rounded to four bits.",
    "licence": "CC BY-SA for these weights, as the data ask for; MIT for the encoder; Apache 2.0 for polyspan.",
}


def write_reader_card(folder: Source, report: Source) -> Path:
    """Write the card of the Reader in a folder from the report of the run that trained it; returns its path.

    Raises PolyspanError where report.json is missing, broken, or has no training.
    """
    return write_card(reader_card(read_record(Path(report))), folder)


def reader_card(record: Record) -> ReaderCard:
    """The card of the first Reader that a run trained, with all its results."""
    if not record.training:
        raise PolyspanError("the report tells of no training", fix="give that of a run of public/reader")
    training = record.training[0]
    of = {name: source.name for source in record.sources for name in source.used}
    rows = [row for row in record.matrix if row.train == training.name and row.metric and row.n]
    results = [
        Measured(
            row.test, str(row.metric), row.n or 0, row.language, row.exact_match, row.f1, of.get(row.test, "")
        )
        for row in rows
    ]
    return ReaderCard(
        name=BUNDLED_READER,
        base=training.model,
        base_model=card_of(training.model, None).base_model,
        base_licence=card_of(training.model, None).base_licence,
        hashes={"file": SHA256["e5-small"]} if training.model == BUNDLED else {},
        data=tuple(_learnt(one, of) for one in training.data),
        licence=_LICENCE,
        settings=training.settings,
        seed=training.seed,
        command=record.command.partition(" --out")[0],
        results=tuple(results),
        notes=_NOTES,
    )


def _learnt(one: Dataset, of: dict[str, str]) -> Learnt:
    """A corpus that was trained on, with the licences of what it was made of."""
    found = Learnt.of(asdict(one))
    sets = dict(found.sets)
    source = Path(of.get(one.name, "")).stem
    if (card := cards().get(_MENDED.get(source, source))) is not None:
        sets.setdefault(card.name, card.licence)
    return Learnt(
        one.name, one.language, one.questions, one.sha256, sets | (_WORD_LISTS if "codeswitch" in one.name else {})
    )


if __name__ == "__main__":
    print(write_reader_card(*sys.argv[1:]))
