"""One command, no downloads: train on English, answer in five languages, draw the result."""

from typing import Any

from polyspan.data.mini import LANGUAGES
from polyspan.files import Source
from polyspan.lab.matrix import transfer_matrix
from polyspan.reading import read
from polyspan.report import write_report
from polyspan.training.settings import preset

MODEL = "bundled:e5-small"


def quickstart(out: Source = "quickstart", seed: int = 42) -> dict[str, Any]:
    """Fine-tune the bundled encoder on `mini:en/train` and test it on all five languages of the mini corpus.

    Writes the Reader, the predictions, `report.json` and `report.html` to the folder `out` and returns the
    report. Takes minutes on two cores and needs no network; run again, it only draws the report anew.
    """
    training = {"mini:en/train": [read("mini:en/train")]}
    tests = [read(f"mini:{language}/test") for language in LANGUAGES]
    settings = preset("cpu", learning_rate=2e-4, batch_size=4, epochs=3.0)  # so few questions need small steps
    report = transfer_matrix(
        training, tests, MODEL, out, settings, seed=seed, command=f"polyspan quickstart --out {out} --seed {seed}"
    )
    write_report(out)
    return report
