"""The grid, what is said about it, and the small pieces the page is drawn from."""

import math
from pathlib import Path
from typing import Any

import pytest
import reports

from polyspan.data.languages import direction, language_name
from polyspan.report import findings
from polyspan.report.figures import shades
from polyspan.report.figures.curves import smoothed, thinned, ticks
from polyspan.report.notation import listed
from polyspan.report.record.record import read_record
from polyspan.report.tables.grid import Grid, make_grid
from polyspan.report.tables.markup import latex
from polyspan.report.tables.matrix_text import latex_table, markdown_table
from polyspan.stats.proportion import half_width


def _grid(folder: Path, report: dict[str, Any]) -> Grid:
    return make_grid(read_record(reports.save(folder, report) / "report.json"))


def _scored(folder: Path, tests: list[tuple[str, str]], scores: list[float], **more: Any) -> Grid:
    report = reports.make([("mini:en/train", "en")], tests, **more)
    for row, f1 in zip(report["matrix"], scores, strict=True):
        row |= {"f1": f1, "exact_match": f1 / 2, "baseline_f1": 20.0, "untrained_f1": 10.0}
    return _grid(folder, report)


def test_zero_shot_goes_by_language_and_not_by_script(tmp_path: Path) -> None:
    grid = _grid(tmp_path, reports.make(reports.FOUR, reports.SEVEN))
    chinese = [cell and cell.zero_shot for cell in grid.cells[1]]
    assert chinese == [True, False, True, True, False, True, True]


def test_unknown_language_is_not_called_zero_shot(tmp_path: Path) -> None:
    report = reports.make([("A", "en")], [("B", "fr")])
    report["training"][0]["data"][0]["language"] = None
    grid = _grid(tmp_path, report)
    assert grid.all()[0][2].zero_shot is None
    assert "Which results are zero-shot is not known." in findings.lede(grid)


def test_headline_of_one_reader(tmp_path: Path) -> None:
    grid = _scored(tmp_path, [("a", "en"), ("b", "zh-Hant"), ("c", "ko")], [52.0, 41.4, 38.6])
    assert findings.headline(grid) == (
        "Trained on English alone, the reader reaches F1 41 in Chinese (Traditional) and 39 in Korean"
        " – languages it was never trained on"
    )
    lede = " ".join(findings.lede(grid))
    assert "2 of 3 results are zero-shot" in lede
    assert "For comparison, where it was trained: F1 52 in English." in lede
    assert "everywhere above the better of two baselines" in lede
    assert "by 18.6 to 32.0 points" in lede


def test_headline_of_many_tests_is_a_mean_and_a_range(tmp_path: Path) -> None:
    grid = _scored(tmp_path, reports.ELEVEN, [30.0 + place for place in range(11)])
    assert "a mean F1 of 36 on 10 test sets, from 31 in Spanish to 40 in Hindi" in findings.headline(grid)


def test_headline_of_several_readers_counts_zero_shot_apart(tmp_path: Path) -> None:
    report = reports.make(reports.FOUR[:2], reports.SEVEN[:2])
    for row, f1 in zip(report["matrix"], (60.0, 40.0, 30.0, 50.0), strict=True):
        row["f1"] = f1
    headline = findings.headline(_grid(tmp_path, report))
    assert (
        headline
        == "In languages they were never trained on, two readers reach a mean F1 of 35, against 55 in their own"
    )


def test_losing_to_a_baseline_is_said(tmp_path: Path) -> None:
    lede = " ".join(findings.lede(_scored(tmp_path, [("a", "en"), ("b", "ko")], [52.0, 12.0])))
    assert "in 1 of 2 results, all but English to Korean" in lede
    assert "Nowhere is F1 above" in " ".join(findings.lede(_scored(tmp_path, [("b", "ko")], [12.0])))


def test_small_tests_come_with_a_caution(tmp_path: Path) -> None:
    assert "With 250 questions" in findings.caution(_scored(tmp_path, [("b", "ko")], [40.0]))
    assert findings.caution(_scored(tmp_path, [("b", "ko")], [40.0], n=1000)) == ""


def test_half_width_is_wilson_s() -> None:
    assert half_width(50, 100) == pytest.approx(9.62, abs=0.01)  # 40.4 to 59.6 in published tables
    assert half_width(0, 12) == pytest.approx(100 * 1.959964**2 / (12 + 1.959964**2) / 2, abs=1e-9)


def test_tables_hold_the_numbers(tmp_path: Path) -> None:
    report = reports.make(reports.FOUR, reports.SEVEN)
    grid = _grid(tmp_path, report)
    markdown, tex = markdown_table(grid), latex_table(grid)
    for row in report["matrix"]:
        assert f"{row['f1']:.1f} ({row['exact_match']:.1f})" in markdown
        assert f"{row['f1']:.1f}" in tex
        assert f"{row['exact_match']:.1f}" in tex
    assert "\\toprule" in tex
    assert tex.count(" \\\\\n") == 2 + 2 + 4 + 2 + 4
    assert len({line.count("|") for line in markdown.splitlines()[:8]}) == 1


def test_latex_and_markdown_escape_names(tmp_path: Path) -> None:
    assert latex("50 % of_a & b\\c") == r"50 \% of\_a \& b\textbackslash{}c"
    assert latex("p < .05 – a|b, −1 ± 2") == r"p $<$ .05 -- a$|$b, $-$1 $\pm$ 2"
    report = reports.make([("a|b_c", "en")], [("x&y", "fr")])
    assert "a\\|b\\_c" in markdown_table(_grid(tmp_path, report))
    assert "x\\&y" in latex_table(_grid(tmp_path, report))


@pytest.mark.parametrize("stops", [shades.LIGHT, shades.DARK])
def test_numbers_can_be_read_on_every_shade(stops: tuple[str, ...]) -> None:
    for number in range(shades.LEVELS + 1):
        ground = shades.shade(number / shades.LEVELS, stops)
        assert shades.contrast(ground, shades.ink(ground)) >= 4.3


def test_shades_grow_darker_steadily() -> None:
    against_white = [shades.contrast(shades.shade(number / 20), "#ffffff") for number in range(21)]
    assert against_white == sorted(against_white)
    assert shades.level(70, 70) == shades.LEVELS
    assert shades.level(0, 70) == 0
    assert shades.scale_top(64.7) == 70
    assert shades.scale_top(3) == 20


def test_smoothing_keeps_length_and_mean_of_a_line() -> None:
    assert smoothed([1, 2, 3, 4, 5], 1) == [1.5, 2, 3, 4, 4.5]
    assert smoothed([], 2) == []


def test_thinning_keeps_peaks_and_order() -> None:
    values = [math.sin(step / 50) for step in range(5000)]
    values[1234] = 9.0
    points = thinned(values, 500)
    assert len(points) <= 500
    assert (1235.0, 9.0) in points
    assert points == sorted(points)


@pytest.mark.parametrize(
    ("top", "expected"), [(70, [0, 20, 40, 60]), (5.4, [0, 1, 2, 3, 4, 5]), (6, [0, 1, 2, 3, 4, 5, 6])]
)
def test_ticks_are_round(top: float, expected: list[float]) -> None:
    assert ticks(top) == expected


def test_languages_in_words() -> None:
    assert language_name("zh-Hant") == "Chinese (Traditional)"
    assert language_name("pt-BR") == "Portuguese (BR)"
    assert language_name("xx") == "xx"
    assert language_name(None) == "unknown language"
    assert direction("ar") == "rtl"
    assert direction("en") == "auto"
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
