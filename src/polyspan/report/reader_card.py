"""The card of the Reader in the package: what it is, what it learnt from, how well it answers, what it is not for.

    python -m polyspan.report.reader_card FOLDER REPORT

writes `README.md` into the Reader's folder. Every number is one of the `report.json` of the run that made it, or
one of the folder's own files.
"""

import json
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from polyspan.data.cards import cards
from polyspan.data.languages import language_name, primary
from polyspan.errors import PolyspanError
from polyspan.files import Source, write_text
from polyspan.report.notation import NOTHING
from polyspan.report.record.record import Record, read_record
from polyspan.report.tables.grid import half_width

_TRAINED_ON = ("squad", "cmrc2018", "drcd", "jaquad", "mini")
"""The data sets of the recipe by their names in the catalogue, which has their licences."""

_UNKNOWN = "und"  # the tag of a language that nobody has told


def write_card(folder: Source, report: Source) -> Path:
    """Write the card of the Reader in a folder from the report of the run that trained it; returns its path.

    Raises PolyspanError where report.json is missing, broken, or has no training.
    """
    path = Path(folder) / "README.md"
    write_text(path, reader_card(Path(folder), read_record(Path(report))))
    return path


def reader_card(folder: Path, record: Record) -> str:
    """The card as Markdown."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(language_name=language_name, primary=primary, measured=_measured)
    if not record.training:
        raise PolyspanError("the report tells of no training", fix="give that of a run of public/reader")
    training = record.training[0]
    questions: dict[str, int] = {}
    for one in training.data:
        language = primary(one.language or _UNKNOWN)
        questions[language] = questions.get(language, 0) + (one.questions or 0)
    text = resources.files("polyspan.report").joinpath("reader_card.md.j2").read_text("utf-8")
    card = environment.from_string(text).render(
        record=record,
        training=training,
        questions=dict(sorted(questions.items(), key=lambda each: -each[1])),
        rows=record.matrix,
        languages=sorted(set(questions) - {_UNKNOWN}),
        sources=[cards()[name] for name in _TRAINED_ON],
        megabytes=sum(path.stat().st_size for path in folder.glob("*.safetensors")) / 1e6,
        options=_content(folder / "reader.json"),
        config=_content(folder / "config.json"),
        calibration=_content(folder / "calibration.json"),
    )
    return card.rstrip() + "\n"


def _content(path: Path) -> Any:
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _measured(percentage: float | None, n: int | None) -> str:
    if percentage is None:
        return NOTHING
    return f"{percentage:.1f}" + (f" ± {half_width(percentage, n):.1f}" if n else "")


if __name__ == "__main__":
    print(write_card(*sys.argv[1:]))
