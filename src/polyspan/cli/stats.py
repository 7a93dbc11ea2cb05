"""`polyspan stats …`: what a difference is worth, which factors matter, which of the paper's hypotheses hold."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import (
    Cluster,
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
from polyspan.errors import PolyspanError, UsageError, nearest

if TYPE_CHECKING:
    from polyspan.paper import Results, Verdict

_T = typer.Option
stats_app = Verbs(no_args_is_help=True, help="Compare systems, analyse tables, judge hypotheses.")
_SHORT = {"exact_match": "EM", "f1": "F1"}
_PRINTED = "paper"


@stats_app.command(example="polyspan stats compare old.json new.json --data mini:en/test --cluster paragraph")
@reads
def compare(
    a: Annotated[str, typer.Argument(help="{id: text} of system A, or a quoted pattern: a file a seed.")],
    b: Annotated[str, typer.Argument(help="{id: text} of system B; the difference is B - A.")],
    data: Annotated[str, _T(help="The questions: a file or a name.")],
    metric: Annotated[str | None, _T(help="Default: the one that the data set's authors use.")] = None,
    cluster: Cluster = "question",
    draws: Draws = 10_000,
    out: TableFile = None,
    seed: Seed = 42,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Two systems on the same questions.

    The difference in F1 and exact match with a paired bootstrap interval and a permutation p.
    """
    from polyspan.score import Scores, read_predictions, score
    from polyspan.stats import compare as measure
    from polyspan.stats import units

    _not_negative(seed)
    corpus = read(data, language)
    of = units(corpus, cluster)
    claim_table(out)

    def scored(pattern: str) -> list[Scores]:
        return [score(corpus, read_predictions(path), metric, language) for path in _files(pattern)]

    first, second = scored(a), scored(b)
    found = measure(first, second, of=of, draws=draws, seed=seed)
    missing = {"a": sum(one.missing for one in first), "b": sum(one.missing for one in second)}
    from polyspan.report.tables.comparisons import comparison_sheet

    sheet = comparison_sheet(found, a, b, corpus.name, cluster)
    if out is not None:
        sheet.write(out)
    if show(found.as_json() | {"cluster": cluster, "missing": missing}, as_json):
        from polyspan.cli import terminal

        show_sheet(sheet)
        for system, count in missing.items():
            if count:
                terminal.say(f"{system.upper()} lacks {terminal.count(count, 'answer')}")
        for warning in found.warnings:
            terminal.say(warning)


@stats_app.command(example="polyspan stats anova --table paper:table2")
def anova(
    table: Annotated[str, _T(help="paper:table2, or a report.json.")],
    factors: Annotated[
        Path | None, _T(help="YAML: factor: {training set: level}. Default: the paper's three factors.")
    ] = None,
    draws: Draws = 10_000,
    seed: Seed = 42,
    as_json: Json = False,
) -> None:
    """Which factors move the scores of a table.

    F, p and effect size, one-way and with the test language taken out.
    """
    from polyspan.paper import factors as papers
    from polyspan.stats import analyse, read_factors

    _not_negative(seed)
    chosen = read_factors(factors) if factors else papers()
    result = {"table": table, **analyse(_rows(table), chosen, draws=draws, seed=seed)}
    if not result["rows"]:
        lacking = "; ".join(f"{each['factor']}: {each['why']}" for each in result["not_testable"])
        raise PolyspanError(
            "the table can test none of the factors", where=table, found=lacking, fix="give levels with --factors"
        )
    if show(result, as_json):
        _print_anova(result)


def _print_anova(result: Mapping[str, Any]) -> None:
    from polyspan.cli import terminal
    from polyspan.report.notation import p_value

    rows = []
    for row in result["rows"]:
        line = [row["factor"], _SHORT[row["measure"]], f"{row['F']:.3f}", ", ".join(map(str, row["df"]))]
        line += [
            p_value(row["p"]),
            p_value(row["p_permutation"]),
            p_value(row.get("p_training_sets")),
            _short(row["eta2"]),
        ]
        additive = row.get("additive")
        rows.append([*line, f"{additive['F']:.2f} {p_value(additive['p'])}" if additive else "–"])
    terminal.table(("factor", "", "F", "df", "p", "cells", "sets", "η²", "given test"), rows)
    lines = [f"{each['factor']}: not testable, {each['why']}" for each in result["not_testable"]]
    if result["left_out"]:
        lines.append(f"{terminal.count(result['left_out'], 'score')} missing, left out")
    lines.append("cells, sets: p if scores are exchanged among cells, or levels among whole training sets.")
    lines.append("given test: F and p of the factor after the test language has taken its part.")
    terminal.sentences([*lines, result["warning"]])


@stats_app.command(example="polyspan stats claims --table report.json")
def claims(
    table: Annotated[str, _T(help="paper, or a report.json.")] = _PRINTED,
    labels: Annotated[Path | None, _T(help="YAML: the report's names in the paper's labels.")] = None,
    draws: Annotated[int, _T(min=1, help="Draws of seeds, where a report has several.")] = 1000,
    seed: Seed = 42,
    as_json: Json = False,
) -> None:
    """The paper's hypotheses H1 to H18 on its own numbers, or on yours."""
    from polyspan.paper import judge

    _not_negative(seed)
    results = _results(table, labels)
    verdicts = judge(results, draws, seed)
    told = [one.as_json() for one in verdicts]
    if show({"table": table, "claims": told, "draws": draws, "seed": seed}, as_json):
        _print_verdicts(verdicts)


def _print_verdicts(verdicts: "Sequence[Verdict]") -> None:
    from polyspan.cli import terminal

    by_hypothesis: dict[str, dict[str, Verdict]] = {}
    for one in verdicts:
        by_hypothesis.setdefault(one.hypothesis, {})[one.measure] = one
    rows = []
    for name, found in by_hypothesis.items():
        cells = [_status(found.get(measure) or next(iter(found.values()))) for measure in _SHORT]
        rows.append([name, next(iter(found.values())).text, *cells])
    terminal.table(("", "claim", "EM", "F1"), rows)
    terminal.sentences(["What speaks against a claim, and what is lacking to test one (–):"])
    for one in verdicts:
        measure = _SHORT.get(one.measure, "EM/F1")
        against = [check.text for check in one.checks if check.holds is False and not check.aside]
        if against:
            terminal.sentences([f"{one.hypothesis} {measure}: {'; '.join(against)}"])
    needs = {one.hypothesis: one.needs for one in verdicts if one.needs}
    for name, needed in needs.items():
        more = f" and {len(needed) - 3} more" if len(needed) > 4 else ""
        terminal.sentences([f"{name} needs {', '.join(needed[: 3 if more else 4])}{more}"])
    terminal.sentences(
        [
            f"{one.hypothesis}: {one.note}"
            for one in {one.hypothesis: one for one in verdicts if one.note and not one.needs}.values()
        ]
    )


def _status(one: "Verdict") -> str:
    if one.needs:
        return "–"
    return one.status + ("" if one.holds_in is None else f" {100 * one.holds_in:.0f} %")


def _rows(table: str) -> list[dict[str, Any]]:
    """Rows with train, test, seed, exact_match, f1: of a printed table, or of a report."""
    from polyspan.paper import TABLES, printed

    kind, _, name = table.partition(":")
    if kind == _PRINTED:
        if name not in TABLES:
            raise UsageError(f"the paper has no results in {name!r}", fix=nearest(name, TABLES))
        return printed().rows(name)
    return _report(table)


def _results(table: str, labels: Path | None) -> "Results":
    from polyspan.paper import Results, printed, read_labels

    if table == _PRINTED:
        if labels is not None:
            raise UsageError("--labels is for a report", found="the paper's own tables, which have their labels")
        return printed()
    return Results.from_rows(_report(table), read_labels(labels) if labels else None, name=table)


def _report(table: str) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from polyspan.report.record.record import read_record

    path = Path(table)
    if not path.exists():
        expected = "paper, paper:table2 or the path of a report.json"
        raise UsageError(f"there is no table {table!r}", expected=expected)
    return [asdict(row) for row in read_record(path / "report.json" if path.is_dir() else path).matrix]


def _files(pattern: str) -> list[str]:
    from glob import glob

    if Path(pattern).exists() or not set("*?[") & set(pattern):
        return [pattern]
    if not (found := sorted(glob(pattern))):
        raise PolyspanError("no file fits the pattern", found=pattern)
    return found


def _not_negative(seed: int) -> None:
    if seed < 0:
        raise UsageError("a seed is not negative", found=str(seed))


def _short(share: float) -> str:
    return f"{share:.3f}".removeprefix("0")
