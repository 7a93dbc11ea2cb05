"""`polyspan score`: answers by an official rule, one system or a table of several."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import (
    Cluster,
    Data,
    Draws,
    Json,
    Language,
    Seed,
    TableFile,
    claim_table,
    read,
    reads,
    show,
    show_sheet,
)
from polyspan.errors import UsageError, choose

if TYPE_CHECKING:
    from polyspan.data.schema import Corpus
    from polyspan.report.tables.sheet import Sheet
    from polyspan.score import Scores

_T = typer.Option
scoring_app = Verbs()


@scoring_app.command(example="polyspan score mini:ko/test answers.json")
@reads
def score(
    data: Data,
    predictions: Annotated[
        list[str], typer.Argument(help="Files of {id: text}, or folders of Readers, which answer first.")
    ],
    metric: Annotated[str | None, _T(help="Default: the one that the data set's authors use.")] = None,
    null_odds: Annotated[
        Path | None, _T(help="File of {id: null odds}: the best thresholds, as SQuAD 2.0's script has them.")
    ] = None,
    confidence: Annotated[
        Path | None, _T(help="File of {id: probability}, or of predict --nbest: how far it can be trusted.")
    ] = None,
    form: Annotated[
        str | None, _T("--format", help="every-eval-ever: print one system's record in that schema.")
    ] = None,
    card: Annotated[
        bool, _T("--card", help="Write the scores into the README.md of the Readers' folders.")
    ] = False,
    out: TableFile = None,
    cluster: Cluster = "question",
    draws: Draws = 10_000,
    seed: Seed = 42,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Exact match and F1 by an official rule.

    {score.METRICS}.
    Several systems are one table, with intervals and the difference from the first one.
    """
    from polyspan.cli import terminal
    from polyspan.score import score as compute

    several = len(set(predictions)) > 1
    _check(predictions, null_odds, confidence, form, card)
    corpus = read(data, language)
    claim_table(out)
    odds = _null_odds(null_odds)
    answers = {name: _answers(name, corpus) for name in predictions}
    systems = {name: compute(corpus, texts, metric, language, odds) for name, texts in answers.items()}
    _note(systems, corpus, card)
    if form is not None:
        print(json.dumps(_record(systems, corpus, cluster, draws, seed), ensure_ascii=False))
        return
    result: dict[str, Any] = next(iter(systems.values())).summary()
    sheet: Sheet | None = None
    sure: dict[str, Any] = {}
    if confidence is not None:
        name = predictions[0]
        sure = _sureness(confidence, answers[name], systems[name], corpus, language, cluster, draws, seed)
    if several or out is not None:
        sheet, result = _table(systems, corpus, out, cluster, draws, seed)
    if show(result | sure, as_json):
        if sheet is not None:
            show_sheet(sheet)
        terminal.facts(_shown({} if sheet else result, sure))
    if null_odds is not None:
        terminal.say("best_exact and best_f1 were chosen on these very questions: fit thresholds on others")


def _check(
    predictions: list[str], null_odds: Path | None, confidence: Path | None, form: str | None, card: bool
) -> None:
    if form is not None:
        choose("format", form, ("every-eval-ever",))
    if form and len(predictions) > 1:
        raise UsageError(f"a record of {form} is that of one system", found=f"{len(predictions)} systems")
    if card and (others := [name for name in predictions if not Path(name).is_dir()]):
        raise UsageError("--card writes into the folders of Readers", found=", ".join(others))
    if len(set(predictions)) < len(predictions):
        raise UsageError("a system is given twice", found=", ".join(predictions))
    if len(predictions) > 1 and (null_odds or confidence):
        raise UsageError(
            "--null-odds and --confidence are those of one system",
            found=f"{len(predictions)} systems",
            fix="score each of them alone",
        )


def _note(systems: "dict[str, Scores]", corpus: "Corpus", card: bool) -> None:
    """Say which systems answer more than was asked; write the scores of Readers into their cards."""
    from polyspan.cli import terminal

    for name, scores in systems.items():
        if scores.unknown:
            terminal.say(f"{name} answers {terminal.count(scores.unknown, 'question')} that {corpus.name} has not")
        if card:
            from polyspan.model.card.readme import add_scores

            terminal.say(f"card: {add_scores(name, scores, corpus)}")


def _record(systems: "dict[str, Scores]", corpus: "Corpus", cluster: str, draws: int, seed: int) -> dict[str, Any]:
    """One system's record in the schema of Every Eval Ever; a Reader goes by the name that its card has."""
    from polyspan.model.card.readme import read_card
    from polyspan.report.every_eval_ever import every_eval_ever
    from polyspan.stats import standings, units

    (standing,) = standings(systems, of=units(corpus, cluster), draws=draws, seed=seed)
    known = read_card(standing.name)  # of a file of answers an empty one
    base = known.base_model or known.base
    return every_eval_ever(standing, corpus, model=known.name, base=base, draws=draws, cluster=cluster)


def _null_odds(path: Path | None) -> dict[str, float] | None:
    if path is None:
        return None
    from polyspan.score.no_answer import read_null_odds

    return read_null_odds(path)


def _sureness(
    file: Path,
    answers: dict[str, str],
    scores: "Scores",
    corpus: "Corpus",
    language: str | None,
    cluster: str,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    from polyspan.stats.probabilities import confidence_of, read_probabilities
    from polyspan.stats.units import units

    given, of = read_probabilities(file, answers), units(corpus, cluster)
    return confidence_of(scores, given, language=language or corpus.language, of=of, draws=draws, seed=seed)


def _table(
    systems: "dict[str, Scores]", corpus: "Corpus", out: Path | None, cluster: str, draws: int, seed: int
) -> tuple["Sheet", dict[str, Any]]:
    """The systems with intervals, as a table, which is written, and as JSON."""
    from polyspan.report.tables.comparisons import standings_sheet
    from polyspan.stats import standings, units

    found = standings(systems, of=units(corpus, cluster), draws=draws, seed=seed)
    sheet = standings_sheet(found, corpus.name, f"95 % intervals by {draws:,} draws of {cluster}s, seed {seed}")
    if out is not None:
        sheet.write(out)
    result = {"data": corpus.name, "systems": [one.as_json() for one in found]}
    return sheet, result | {"cluster": cluster, "draws": draws, "seed": seed}


def _shown(result: dict[str, Any], sure: dict[str, Any]) -> dict[str, Any]:
    """For a person: percentages as they are, thresholds and shares to the third decimal with their intervals."""
    shown = {key: f"{value:.3f}" if key.endswith("_thresh") else value for key, value in result.items()}
    for key, value in sure.items():
        if key == "coverage_at":
            bounds = sure["intervals"][key]
            shown |= {f"coverage at {float(at):.0%}": _between(share, bounds[at]) for at, share in value.items()}
        elif key not in ("intervals", "language"):
            shown[key.upper() if key != "brier" else "Brier"] = _between(value, sure["intervals"][key])
    return shown


def _between(value: float | None, bounds: list[float] | None) -> str | None:
    if value is None or bounds is None:
        return None
    return f"{value:.3f} ({bounds[0]:.3f} to {bounds[1]:.3f})"


def _answers(name: str, corpus: "Corpus") -> dict[str, str]:
    """The answers in a file of predictions, or those that the bundled Reader or one in a folder gives."""
    if not Path(name).is_dir() and not name.startswith("bundled:"):
        from polyspan.score import read_predictions

        return read_predictions(name)
    from polyspan.model.reader import Reader
    from polyspan.prediction import predict as answer

    return answer(Reader.load(name), corpus).texts


@scoring_app.command("export-task", example="polyspan export-task xquad:zh --out tasks")
@reads
def export_task(
    data: Data,
    out: Annotated[Path, _T(help="Folder for the task's files.")],
    metric: Annotated[str | None, _T(help="Default: the one that the data set's authors use.")] = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Write a test set as a task of lm-evaluation-harness.

    A language model is then measured by the same rule.
    """
    from polyspan.cli import terminal
    from polyspan.score import harness

    task = harness.export_task(
        data if harness.on_hub(data) else read(data, language), out, metric=metric, language=language
    )
    if show(task.as_json(), as_json):
        terminal.tell(f"{task.task} by {task.metric}: {out / task.files[0]}")
        terminal.tell(f"lm_eval --include_path {out} --tasks {task.task}")
