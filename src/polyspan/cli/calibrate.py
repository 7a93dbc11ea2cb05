"""`polyspan calibrate`: a Reader learns from development data how sure it is, and when to answer nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, read, reads, show

if TYPE_CHECKING:
    from polyspan.model.calibration import Calibration, LanguageFit

_T = typer.Option
calibrate_app = Verbs()


@calibrate_app.command(example="polyspan calibrate reader --data mini:en/test --accuracy 0.8")
@reads
def calibrate(
    reader: Annotated[str, typer.Argument(help="A Reader's folder, which is given the file calibration.json.")],
    data: Annotated[list[str], _T(help="Development data, which it was not trained on; may be repeated.")],
    accuracy: Annotated[
        float | None, _T(help="Withhold unsure answers, so that this share of those given is right.")
    ] = None,
    coverage: Annotated[float | None, _T(help="Answer this share of the questions, the surest ones.")] = None,
    pooled: Annotated[bool, _T("--pooled", help="One temperature and threshold for all languages.")] = False,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Fit how sure a Reader is, and when it answers nothing.

    Probabilities and a threshold for each language, by default for the best F1 (SQuAD 2.0's rule).
    """
    from polyspan.cli import terminal

    corpora = [read(name, language) for name in data]
    from polyspan.model.calibrate import calibrate as fit

    terminal.say(f"calibrating {reader} on {', '.join(corpus.name for corpus in corpora)}")
    found = fit(reader, corpora, accuracy=accuracy, coverage=coverage, pooled=pooled)
    for remark in found.remarks:
        terminal.say(remark)
    if show(found.as_json(), as_json):
        _print(found, reader)


def _print(found: "Calibration", reader: str) -> None:
    from polyspan.cli import terminal
    from polyspan.model.calibration import CALIBRATION_FILE
    from polyspan.stats.confidence import ece_by_sampling

    sizes = {code: (one.n, one.unanswerable) for code, one in found.languages.items()}
    fits: dict[str, LanguageFit | Calibration] = dict(found.languages)
    if len(fits) > 1:
        n, unanswerable = map(sum, zip(*sizes.values(), strict=True))
        sizes["all"], fits["all"] = (n, unanswerable), found
    rows = []
    for name, one in fits.items():
        fitted = [f"{number:.2f}" for number in (one.temperature, one.null_scale, one.null_bias)]
        numbers = (one.threshold, one.ece_before, one.ece_after)
        rows.append(
            [name, *sizes[name], *fitted, *(None if number is None else f"{number:.3f}" for number in numbers)]
        )
    columns = ("language", "n", "no answer", "T", "scale", "bias", "threshold", "ECE", "after")
    terminal.table(columns, rows)
    terminal.tell(f"threshold of: {found.measure.replace('_', ' ')}; goal: {found.goal}")
    n = sum(one.n for one in found.languages.values())
    terminal.tell(f"ECE of {terminal.count(n, 'question')}: {ece_by_sampling(n):.2f} of it may be chance alone")
    terminal.tell(f"calibration: {reader}/{CALIBRATION_FILE}")
