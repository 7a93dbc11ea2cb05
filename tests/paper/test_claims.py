"""H1 to H18: the outcomes on the printed numbers that METHODS lists, and on tables with seeds and gaps."""

import dataclasses

import numpy as np
import pytest

from polyspan.paper import HYPOTHESES, Cell, Place, Results, judge, printed
from polyspan.score import QuestionScore, Scores

EM, F1, RATIO = "exact_match", "f1", "exact_match / f1"


def judged(results, **options):
    return {(one.hypothesis, one.measure): one for one in judge(results, **options)}


@pytest.fixture(scope="module")
def on_paper():
    return judged(printed())


def test_there_are_eighteen():
    assert [claim.name for claim in HYPOTHESES] == [f"H{number}" for number in range(1, 19)]


@pytest.mark.parametrize(
    ("claim", "exact_match", "f1"),
    [
        ("H1", "fails", "holds"),
        ("H3", "fails", "holds"),
        ("H4", "holds", "holds"),
        ("H5", "holds", "holds"),
        ("H6", "holds", "partly"),
        ("H7", "partly", "holds"),
        ("H8", "partly", "holds"),
        ("H9", "holds", "holds"),
        ("H10", "holds", "holds"),
        ("H11", "holds", "holds"),
        ("H12", "not testable", "not testable"),
        ("H13", "not testable", "not testable"),
        ("H14", "holds", "holds"),
        ("H15", "partly", "holds"),
        ("H16", "partly", "partly"),
        ("H17", "holds", "holds"),
        ("H18", "not testable", "not testable"),
    ],
)
def test_the_papers_own_numbers(on_paper, claim, exact_match, f1):
    assert on_paper[claim, EM].status == exact_match
    assert on_paper[claim, F1].status == f1
    assert on_paper[claim, F1].holds_in is None


def test_the_ratio_of_h2(on_paper):
    verdict = on_paper["H2", RATIO]
    assert verdict.status == "holds"
    assert [round(number, 3) for number in (verdict.checks[0].left, verdict.checks[0].right)] == [0.803, 0.846]
    apart = dict(printed().cells) | {Place("table1", "f", "Zh"): (Cell(50.0, 60.0),)}
    assert "now F1 apart 18.1" in str(judged(Results(apart))["H2", RATIO])


def test_h2_takes_the_reader_with_the_nearest_f1():
    """QANet is no match at a public scale; Chinese readers of fewer questions are, and Korean ones beside them."""

    def found(**scores):
        cells = {Place("table1", "b", "Zh"): (Cell(2.0, 11.0),), Place("table2", "En", "Zh"): (Cell(30.0, 50.0),)}
        own = {Place("table1", row.replace("_", "-"), "Zh"): (Cell(*pair),) for row, pair in scores.items()}
        return judged(Results(cells | own))["H2", RATIO]

    near = found(e=(50.0, 65.0), Zh_500=(22.0, 44.0), Zh_800=(33.0, 49.0))
    assert (near.status, near.checks[0].text) == (
        "holds",
        "EM/F1 of zero-shot 0.600 < EM/F1 of trained on Zh-800 0.673",
    )
    assert "now F1 apart 15.0" in str(found(e=(50.0, 65.0)))
    both = judged(
        Results(
            {
                Place("table2", row, test): (Cell(em, 50.0),)
                for row, test, em in (
                    ("En", "Zh", 30.0),
                    ("Zh", "Zh", 33.0),
                    ("En", "Kr", 30.0),
                    ("Kr-9", "Kr", 20.0),
                )
            }
        )
    )["H2", RATIO]
    assert (both.status, len(both.checks)) == ("partly", 2)
    seeds = {
        Place("table1", row, "Zh"): tuple(Cell(em + seed, 50.0 + seed, seed) for seed in range(3))
        for row, em in (("f", 30.0), ("e", 22.0), ("Zh-500", 35.0))
    }
    assert judged(Results(seeds | {Place("table1", "b", "Zh"): (Cell(2.0, 11.0, 1),)}))["H2", RATIO].holds_in == 0


@pytest.mark.filterwarnings("error")
def test_h2_says_nothing_of_readers_that_answer_nothing():
    """EM/F1 of no F1 is no number: a report could not be written with it."""
    cells = {Place("table2", row, "Zh"): (Cell(0.0, 0.0, 1), Cell(0.0, 0.0, 2)) for row in ("En", "Zh")}
    verdict = judged(Results(cells))["H2", RATIO]
    assert verdict.status == "not testable"
    some = {
        Place("table2", "En", "Zh"): (Cell(0.0, 0.0, 1), Cell(1.0, 2.0, 2)),
        Place("table2", "Zh", "Zh"): (Cell(1.9, 2.0, 1),) * 2,
    }
    assert judged(Results(some))["H2", RATIO].status == "holds"


def test_h12_is_about_likeness_before_and_after():
    def verdict(**values):
        rows = {"before": "CKA before", "after": "CKA after", "plane": "told apart in the plane"}
        cells = {
            Place("figure1", rows[name], "English and Chinese"): (Cell(None, None, similarity=value),)
            for name, value in values.items()
        }
        return judged(Results(cells))["H12", F1]

    along = verdict(before=0.4, after=0.55, plane=0.62)
    assert along.status == "holds"
    assert [check.text for check in along.checks] == [
        "CKA after 0.550 > CKA before 0.400",
        "told apart in the plane 0.620 < 0.75",
    ]
    assert verdict(before=0.4, after=0.3).status == "fails"
    assert "probe cka" in str(verdict(after=0.3))


@pytest.mark.parametrize(
    ("claim", "measure", "against"),
    [
        ("H1", EM, ["zero-shot 63.3 ≤ QANet 66.1"]),
        ("H6", F1, ["En-Zh on Zh 78.8 ≥ En on Zh 78.8"]),
        ("H7", EM, ["En-Zh on Kr 49.0 ≤ En on Kr 49.2", "En-Kr on Kr 47.1 ≤ En on Kr 49.2"]),
        ("H8", EM, ["En-Kr on Zh 56.7 ≤ Zh-Kr on Zh 58.2", "En-Kr on Kr 47.1 ≤ Zh-Kr on Kr 47.4"]),
        (
            "H15",
            EM,
            [
                "En-SOV on Kr 47.6 ≤ En on Kr 49.2",
                "En-OSV on Kr 49.0 ≤ En on Kr 49.2",
                "En-OSV on Zh 63.5 ≥ En on Zh 63.3",
            ],
        ),
        (
            "H16",
            F1,
            [
                "loss by VOS on Zh 4.2 ≥ 3.0",
                "loss by VSO on Kr 3.9 ≥ 3.0",
                "loss by OVS on En 6.1 ≥ 3.0",
                "loss by OVS on Zh 6.7 ≥ 3.0",
            ],
        ),
    ],
)
def test_what_speaks_against(on_paper, claim, measure, against):
    checks = on_paper[claim, measure].checks
    assert [check.text for check in checks if check.holds is False and not check.aside] == against


def test_what_is_told_beside(on_paper):
    asides = {name: [one for one in on_paper[name, F1].checks if one.aside] for name in ("H4", "H5", "H10", "H11")}
    assert asides["H4"][0].text == "trained on En + Zh 90.1 > trained on Zh 88.7"
    assert asides["H5"][0].text == "Kr on En 68.4 > Zh on En 53.8"
    assert asides["H11"][0].text == "English on Chinese-permuted 17.5 > English on English-permuted 11.5"
    assert asides["H10"][0].holds is None  # the size needs a run that is not printed
    assert on_paper["H10", F1].checks[0].left == pytest.approx(6.979, abs=5e-4)
    assert on_paper["H14", F1].note


def test_what_is_lacking_is_named(on_paper):
    assert str(on_paper["H18", F1]) == "not testable: needs table2 En-Zh-En on En"
    partial = Results({place: cells for place, cells in printed().cells.items() if place.row in ("En", "Zh")})
    found = judged(partial)
    assert "table2 Kr on Zh" in found["H5", F1].needs
    assert found["H1", F1].status == "not testable"
    assert [check.holds for check in found["H4", F1].checks if not check.aside].count(True) == 2
    empty = judged(Results({}))
    assert {one.status for one in empty.values()} == {"not testable"}


def test_claims_that_need_other_runs():
    cells = dict(printed().cells) | {
        Place("table2", "En-Zh-En", "En"): (Cell(70.0, 80.0),),
        **{
            Place("table2", "En-small", test): (Cell(50.0 + at, 70.0 + at),)
            for at, test in enumerate(("En", "Zh", "Kr"))
        },
        **{
            Place(figure, "pair", str(at)): (Cell(50.0 + at, 80.0 - at, similarity=0.1 * at),)
            for at in range(6)
            for figure in ("figure2", "figure3")
        },
    }
    found = judged(Results(cells))
    assert found["H18", F1].status == "holds"
    assert found["H13", EM].status == "holds"
    assert found["H13", F1].status == "fails"
    assert found["H13", F1].checks[0].text == "Spearman's ρ with cosine -1.00 ≤ 0.0"
    assert [one.holds is None for one in found["H10", F1].checks] == [False, False, False]


def test_back_translation_by_another_pivot():
    """The claim is about the pivot that was run, and without translated DRCD about what translation costs."""

    def verdict(**rows):
        own = {Place("table2", row.replace("_", "-"), "En"): (Cell(f1 - 10, f1),) for row, f1 in rows.items()}
        return judged(Results(own))["H18", F1]

    both = verdict(En=80.0, En_Pt_En=74.0, Zh_En=40.0)
    assert both.status == "holds"
    counted = [check.text for check in both.checks if not check.aside]
    assert counted == ["En-Pt-En on En 74.0 < En on En 80.0", "En-Pt-En on En 74.0 > Zh-En on En 40.0"]
    assert verdict(En=80.0, En_Pt_En=74.0, Zh_En=75.0).status == "partly"
    assert [verdict(En=80.0, En_Pt_En=f1).status for f1 in (74.0, 81.0)] == ["holds", "fails"]
    assert verdict(En=80.0, En_Pt_En=74.0, En_Zh_En=81.0).status == "partly"
    assert verdict(En_Pt_En=74.0, Zh_En=40.0).needs == ("table2 En on En",)
    assert verdict(En=80.0, Zh_En=40.0).needs == ("table2 En-Zh-En on En",)


def test_seeds_say_how_sure():
    """Table 2 run with three seeds, once with a spread that leaves H5 alone, once with one that drowns it."""

    def spread(points):
        moved = {}
        for place, (cell,) in printed().cells.items():
            rng = np.random.default_rng(list(place.row.encode()))
            shifts = points * np.array([-1, 0, 1]) + rng.normal(0, 1e-3, 3)
            moved[place] = tuple(
                Cell(cell.exact_match and cell.exact_match + shift, cell.f1 + shift, seed)
                for seed, shift in enumerate(shifts)
            )
        return judged(Results(moved))

    assert spread(0.1)["H5", F1].holds_in == 1
    drowned = spread(10)["H5", F1]
    assert drowned.status == "holds"
    assert 0.3 < drowned.holds_in < 0.9
    assert drowned.checks[0].share >= drowned.holds_in
    assert spread(10)["H5", F1].holds_in == drowned.holds_in


def test_questions_say_how_sure():
    """Cells on the same questions are drawn together: a small steady difference is sure, an unsteady one not."""

    def scores(values):
        each = {f"q{at}": QuestionScore(False, float(value)) for at, value in enumerate(values)}
        return Scores("squad.v1", 0.0, 100 * float(np.mean(values)), len(each), 0, 0, each)

    rng = np.random.default_rng(1)
    base = rng.random(300) * 0.8

    def table(other):
        cells = {
            Place("table1", row, "Zh"): (Cell(0.0, one.f1, 1, 300, one),)
            for row, one in (("b", scores(base)), ("f", scores(other)))
        }
        return Results(cells)

    steady = judged(table(base + 0.01))["H1", F1]
    assert (steady.status, steady.holds_in) == ("holds", 1.0)
    unsteady = table(np.clip(rng.permutation(base) + 0.01, 0, 1))
    assert 0.2 < judged(unsteady)["H1", F1].holds_in < 0.99
    whole = dataclasses.replace(unsteady, units={f"q{at}": str(at // 30) for at in range(300)})
    assert judged(whole)["H1", F1].holds_in != judged(unsteady)["H1", F1].holds_in


def test_a_verdict_as_json(on_paper):
    value = on_paper["H6", F1].as_json()
    assert set(value) == {"claim", "text", "measure", "status", "holds_in", "checks", "needs", "note"}
    assert len(value["checks"]) == 16
    assert sum(check["holds"] for check in value["checks"]) == 15
