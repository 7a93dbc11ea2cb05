"""The work of probe stages: a study of a Reader's representations, with its figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.errors import choose
from polyspan.files import csv_text, write_json, write_text
from polyspan.lab.outputs import READER
from polyspan.lab.stage import Inputs
from polyspan.lab.work.corpus import kept_corpora
from polyspan.lab.work.encoder import encoder_name
from polyspan.probe.studies import KINDS, study_answers, study_tokens
from polyspan.report.figures.drawing import write_figure
from polyspan.report.figures.representation import heat_figure, layers_figure, tokens_figure

_TOKENS = "pca"


def probe(options: Mapping[str, Any], inputs: Inputs, out: Path) -> None:
    """A study of the corpora `data.0`, …: `study.json`, `study.csv` and figures named after the kind.

    The state after fine-tuning is the Reader in the role `reader`; that before is the option `before`, or the
    encoder in the role `model`. Options: `kind` (`pca`, `cosine`,
    `svcca`, `cka`), `name` of the Reader in the study, and those of `polyspan.probe.studies`.
    """
    given = dict(options)
    kind, name, before = given.pop("kind"), given.pop("name", "reader"), given.pop("before", None)
    choose("probe", kind, (_TOKENS, *KINDS))
    encoder = encoder_name({"model": before}, inputs) if before or "model" in inputs else None
    model = str(inputs["reader"] / READER)
    corpora = kept_corpora(inputs, "data")
    if kind == _TOKENS:
        study, rows = study_tokens(model, corpora, before=encoder, **given)
        write_figure(out, kind, tokens_figure, study, rows)
    else:
        study = study_answers(kind, model, corpora, before=encoder, **given)
        rows = study["rows"]
        write_figure(out, kind, layers_figure, study)
        for heat_name, heat in study["heat"].items():
            sides = (
                [f"layer, {side['name']}" for side in study["corpora"][:2]] if "layers" in heat_name else ["", ""]
            )
            write_figure(out, f"{kind}-{heat_name.replace(' ', '-')}", heat_figure, heat, sides, kind)
    study |= {"model": name, "before": None if encoder is None else before or "encoder"}
    write_json(out / "study.json", study)
    write_text(out / "study.csv", csv_text(rows))
