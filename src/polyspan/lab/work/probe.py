"""The work of probe stages: a study of a Reader's representations, with its figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.errors import choose
from polyspan.files import csv_text, write_json, write_text
from polyspan.lab.outputs import MODEL, READER, START
from polyspan.lab.stage import Inputs
from polyspan.lab.work.corpus import kept_corpora
from polyspan.lab.work.encoder import encoder_name
from polyspan.probe import KINDS
from polyspan.report.figures.representation import study_figures

_MADE = {MODEL: "encoder", START: "reader"}
"""What a study calls the state before, where that is the output of another stage."""


def probe(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """A study of the corpora `data.0`, …: `study.json`, `study.csv` and figures named after the kind.

    The state after fine-tuning is the Reader in the role `reader`; that before is the option `before`, the
    encoder in the role `model`, or the Reader in the role `start`. Options: `kind` (one of `polyspan.probe.KINDS`)
    and its own, `name` of the Reader in the study, `layers`, `limit` and `seed`.
    """
    given = dict(options)
    kind, name, before = given.pop("kind"), given.pop("name", "reader"), given.pop("before", None)
    choose("probe", kind, KINDS)
    made = next((what for role, what in _MADE.items() if role in inputs), None)
    encoder = encoder_name({"model": before}, inputs) if before or made else None
    own = {option: given.pop(option) for option in KINDS[kind].options() if option in given}
    corpora = kept_corpora(inputs, "data")
    study, rows = KINDS[kind](**own).run(str(inputs["reader"] / READER), corpora, before=encoder, **given)
    study_figures(out, study, rows)
    study |= {"model": name, "before": before or made}
    write_json(out / "study.json", study)
    write_text(out / "study.csv", csv_text(rows))
