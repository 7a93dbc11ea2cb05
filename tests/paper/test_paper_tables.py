"""The paper's numbers, and results of one's own in their places."""

import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.paper import Place, Results, factors, facts, places, printed, read_labels

LABELS = {"table2": {"rows": {"English": "En", "Chinese": "Zh"}, "columns": {"squad:dev": "En", "drcd:dev": "Zh"}}}


def row(train, test, f1, seed=1):
    return {"train": train, "test": test, "seed": seed, "n": 100, "exact_match": f1 - 20, "f1": f1}


def test_every_printed_number_has_a_place():
    results = printed()
    counts = {table: sum(place.table == table for place in results.cells) for table in places()}
    assert counts == {"table1": 7, "table2": 33, "table3": 4, "table4": 5, "table6": 18, "table7": 5}
    assert all(len(cells) == 1 and cells[0].seed is None for cells in results.cells.values())


@pytest.mark.parametrize(
    ("place", "em", "f1"),
    [
        (Place("table1", "a", "Zh"), None, 53.78),
        (Place("table1", "g", "Zh"), 82.63, 90.10),
        (Place("table2", "Kr", "Kr"), 69.41, 89.3),
        (Place("table2", "En-Jp", "Zh"), 62.4, 76.7),
        (Place("table3", "English", "Chinese-permuted"), 5.02, 17.49),
        (Place("table4", "En", "Korean"), 39.93, 63.46),
        (Place("table6", "En-OVS", "Zh"), 57.6, 72.1),
        (Place("table7", "Vecmap", "Zh"), 14.05, 24.83),
    ],
)
def test_numbers_as_printed(place, em, f1):
    (cell,) = printed().cells[place]
    assert (cell.exact_match, cell.f1) == (em, f1)


def test_facts():
    content = facts()
    assert "D19-1607" in content["source"]
    assert content["true_sizes"]["drcd_train"] == 26936
    assert content["thresholds"]["fuzzy_max_distance"] == "min(10, len(answer)-1)"
    assert [line["lang"] for line in content["table5"]] == ["Zh", "Jp", "Fr", "Kr"]
    assert content["anova"]["ranking"].startswith("corpus > size")
    assert str(Place("table2", "Kr", "Zh")) == "table2 Kr on Zh"


def test_factors_cover_the_lower_half():
    rows = [place.row for place in printed().cells if place.table == "table2" and "-" in place.row]
    assert set(factors()["corpus"]) == set(factors()["translated"]) == set(rows)


def test_own_names_become_places():
    rows = [row("English", "drcd:dev", 60.0, seed) for seed in (1, 2)] + [row("English", "xquad:ar", 40.0)]
    results = Results.from_rows(rows, LABELS)
    assert list(results.cells) == [Place("table2", "En", "Zh")]
    assert [cell.seed for cell in results.cells[Place("table2", "En", "Zh")]] == [1, 2]
    assert results.rows("table2")[0] == {
        "train": "En", "test": "Zh", "seed": 1, "exact_match": 40.0, "f1": 60.0,
    }  # fmt: skip


def test_the_papers_own_names_need_no_labels():
    results = Results.from_rows([row("En", "Kr", 50.0), row("En-SOV", "Kr", 51.0), row("En-small", "Zh", 3.0)])
    assert {str(place) for place in results.cells} == {
        "table2 En on Kr",
        "table6 En on Kr",
        "table6 En-SOV on Kr",
        "table2 En-small on Zh",
    }
    again = Results.from_rows([row("En-Pt-En", "En", 50.0), row("En-Pt", "En", 40.0), row("Zh-500", "Zh", 30.0)])
    assert [str(place) for place in again.cells] == ["table2 En-Pt-En on En", "table1 Zh-500 on Zh"]


def test_labels_file(tmp_path):
    path = tmp_path / "labels.yaml"
    path.write_text("table2:\n  rows: {English: En}\n  columns: {squad:dev: En}\n", "utf-8")
    assert read_labels(path) == {"table2": {"rows": {"English": "En"}, "columns": {"squad:dev": "En"}}}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", PolyspanError, "no labels"),
        ("table2: [a]", PolyspanError, "no labels"),
        ("table2: {rows: En}", PolyspanError, "no labels"),
        ("{", PolyspanError, "not YAML"),
        ("tabel2: {rows: {a: En}}", UsageError, "'table2'"),
        ("table2: {row: {a: En}}", UsageError, "has no 'row'"),
        ("table2: {rows: {a: En-Sov}}", UsageError, "no row 'En-Sov'"),
        ("table7: {columns: {a: Kr}}", UsageError, "no column 'Kr'"),
    ],
)
def test_labels_that_are_none(tmp_path, text, error, message):
    path = tmp_path / "labels.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(error) as found:
        read_labels(path)
    assert message in str(found.value)


def test_results_that_fit_nowhere_or_twice():
    with pytest.raises(PolyspanError, match="no result has a place") as error:
        Results.from_rows([row("English", "drcd:dev", 60.0)])
    assert "English on drcd:dev" in str(error.value)
    both = {"table2": {"rows": {"English": "En", "More": "En"}, "columns": {"drcd:dev": "Zh"}}}
    with pytest.raises(PolyspanError, match="two results for table2 En on Zh with the seed 1"):
        Results.from_rows([row("English", "drcd:dev", 60.0), row("More", "drcd:dev", 61.0)], both)
