"""The report of a recipe's run: tables beside the paper's, claims in words, deviations, and a safe page."""

import base64
import csv
import json
import re

import papers
import pytest
import reports
from test_report import _Page

from polyspan.errors import PolyspanError
from polyspan.paper import Place, Results, judge, places, printed
from polyspan.paper.results import Cell
from polyspan.report import write_report
from polyspan.report.deviations import Answered, Trained, deviations
from polyspan.report.notation import signed
from polyspan.report.record.paper_record import MeasureRecord
from polyspan.report.record.record import read_record
from polyspan.report.tables.paper_tables import references
from polyspan.report.verdicts import summary, told

ATTACK = "</style><script>alert(1)</script>\"'{{ 7*7 }}"


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """A made-up run of two seeds, written."""
    folder = reports.save(tmp_path_factory.mktemp("paper"), papers.make(seeds=2, lost=1))
    write_report(folder)
    return folder


def test_the_page_has_every_number(paper):
    page = _Page((paper / "report.html").read_text("utf-8"))
    text = page.texts()
    record = read_record(paper / "report.json")
    for table in record.tables.values():
        assert table.title in text
        for cell in table.cells:
            if cell.f1.mean is not None:
                assert f"{cell.f1.mean:.1f} ± {cell.f1.sd:.1f}" in text
    assert "paper 78.8, EM 63.3" in text
    assert "This run is not complete" in text
    assert "In what this differs from the paper" in text
    assert "polyspan train --data squad:train" in text
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)
    links = {attrs["href"][1:] for _, attrs in page.tags if (attrs.get("href") or "").startswith("#")}
    assert links <= set(ids)


def test_the_markdown_page_has_every_table(paper):
    text = (paper / "report.md").read_text("utf-8")
    record = read_record(paper / "report.json")
    for stem in record.tables:
        assert (paper / "tables" / f"{stem}.md").read_text("utf-8").strip() in text
    told = {line.split(" | ")[0] for line in text.splitlines() if line.startswith("| H")}
    assert told == {f"| {one.claim}" for one in record.claims if not one.needs}
    assert "Not tested here: " in text
    for head in ("# All tables", "## This run is not complete", "## In what this differs", "## Which factors"):
        assert f"\n{head}" in f"\n{text}", head
    assert "\n\n\n" not in text


def test_the_markdown_page_escapes_what_it_is_given(tmp_path):
    content = papers.make(seeds=1)
    content["title"] = content["deviations"][0] = ATTACK
    write_report(reports.save(tmp_path, content))
    assert "<script>" not in (tmp_path / "report.md").read_text("utf-8")


def test_a_cell_has_its_interval(tmp_path):
    content = papers.make(seeds=2)
    cell = content["tables"]["table2"]["cells"][0]
    cell["f1"] |= {"low": 51.24, "high": 60.06}
    write_report(reports.save(tmp_path, content))
    assert "51.2–60.1" in _Page((tmp_path / "report.html").read_text("utf-8")).texts()
    table = (tmp_path / "tables" / "table2.md").read_text("utf-8")
    assert "<br><sub>51.2–60.1</sub>" in table
    assert "paragraphs drawn again" in table
    rows = csv.DictReader((tmp_path / "tables/numbers.csv").open(encoding="utf-8"))
    row = next(row for row in rows if row["table"] == "table2")
    assert (row["f1_low"], row["f1_high"], row["exact_match_low"]) == ("51.24", "60.06", "")


def test_tables_as_text(paper):
    names = {path.name for path in (paper / "tables").iterdir()}
    assert {f"{name}.{ending}" for name in places() for ending in ("md", "tex")} <= names
    assert {"numbers.csv", "claims.md"} <= names
    rows = list(csv.DictReader((paper / "tables/numbers.csv").open(encoding="utf-8")))
    assert len(rows) == sum(len(rows) * len(columns) for rows, columns in places().values())
    row = next(row for row in rows if (row["table"], row["row"], row["column"]) == ("table2", "En", "Zh"))
    assert float(row["f1_difference"]) == pytest.approx(float(row["f1_mean"]) - 78.8, abs=0.002)
    latex = (paper / "tables/table2.tex").read_text("utf-8")
    widths = {
        line.count("&") for line in latex.splitlines() if line.endswith("\\\\") and "multicolumn" not in line
    }
    assert widths == {6}
    assert "$^{**}$" in latex
    assert "with p $<$ .05, .01, .001" in latex  # a bare < is set as another sign
    markdown = (paper / "tables/table1.md").read_text("utf-8")
    assert "(f) multi-BERT, English" in markdown
    assert "paper 78.8 (63.3)" in markdown


def columns_of(line: str) -> int:
    """The columns of a row of a LaTeX table."""
    spans = [int(number) for number in re.findall(r"\\multicolumn\{(\d+)\}", line)]
    return len(re.split(r"(?<!\\)&", line)) + sum(spans) - len(spans)


def test_latex_can_be_set_together(tmp_path):
    """All tables of a run in one document: labels once, rows as wide as the table, no command without a text."""
    content = json.loads(json.dumps(papers.make()))
    table = content["tables"]["table2"] | {"text": "", "paper": ""}
    names = ("transfer", "matrix", "Numbers", "50 % of_a & b", "50 - of_a - b", "表", "表 2")
    for name in names:
        content["tables"][name] = table | {"name": name, "title": name}
    write_report(reports.save(tmp_path, content))
    files = sorted((tmp_path / "tables").glob("*.tex"))
    assert len(files) == 6 + len(names) + 1
    texts = [path.read_text("utf-8") for path in files]
    labels = [re.findall(r"\\label\{(.*)\}", text) for text in texts]
    assert all(len(found) == 1 for found in labels)
    assert len({found[0] for found in labels}) == len(files)
    for text in texts:
        assert not re.search(r"\\caption\{\s|\\[a-z]+\s*\}|\{\s*\}", text.replace("textbackslash{}", ""))
        assert re.sub(r"\\[{}]", "", text).count("{") == re.sub(r"\\[{}]", "", text).count("}")
        width = len(re.search(r"\\begin\{tabular\}\{(l r*|lr*)\}", text)[1])
        assert {columns_of(line) for line in text.splitlines() if line.endswith("\\\\")} == {width}
    assert "\\caption{transfer: F1 (exact match) in percent." in (tmp_path / "tables/transfer.tex").read_text(
        "utf-8"
    )
    assert (tmp_path / "tables/transfer.md").read_text("utf-8").startswith("**transfer.**\n")
    assert "Trained on |" in (tmp_path / "tables/matrix.md").read_text("utf-8")
    ids = [attrs["id"] for _, attrs in _Page((tmp_path / "report.html").read_text("utf-8")).tags if "id" in attrs]
    assert len(set(ids)) == len(ids)


def test_each_encoder_has_its_untrained_head(tmp_path):
    content = json.loads(json.dumps(papers.make()))
    rows = content["tables"]["table1"]["cells"]
    for place, cell in enumerate(rows):
        cell |= {"train": "QANet" if place < 2 else "English", "untrained_f1": 0.0 if place < 2 else 1.4}
    content["training"].append(content["training"][0] | {"name": "QANet", "model": "encoder QANet"})
    for row in content["matrix"]:
        row["untrained_f1"] = 1.4
    content["matrix"] += [row | {"train": "QANet", "untrained_f1": 0.0} for row in content["matrix"][:7]]
    for cell in content["tables"]["table7"]["cells"]:
        cell |= {"train": "English", "untrained_f1": 1.4}
    page = _Page(write_report(reports.save(tmp_path, content)).read_text("utf-8")).texts()
    for name in ("matrix", "table1"):
        told = (tmp_path / f"tables/{name}.md").read_text("utf-8")
        assert re.search(r"\| \*untrained head of QANet\* \| (– \| )?0\.0 \|", told), name
        assert re.search(r"\| \*untrained head of e5-small\* \| 1\.4 \|", told), name
    assert "| *untrained head of e5-small* | 1.4 |" in (tmp_path / "tables/table7.md").read_text("utf-8")
    assert "Untrained headof QANet 0.0" in page
    assert "each encoder with random weights" in page


def test_tables_of_one_s_own_are_not_called_the_papers(tmp_path):
    content = json.loads(json.dumps(papers.make())) | {"title": "Own", "deviations": [], "claims": []}
    for table in content["tables"].values():
        table |= {"paper": "", "title": table["name"], "text": ""}
        for cell in table["cells"]:
            cell["f1"]["paper"] = cell["exact_match"]["paper"] = None
    page = _Page(write_report(reports.save(tmp_path, content)).read_text("utf-8")).texts()
    assert "table1" in page
    for word in ("In what this differs", "multi-BERT", "the paper"):
        assert word not in page, word


def test_parquet_has_the_same_numbers(paper):
    parquet = pytest.importorskip("pyarrow.parquet")
    found = parquet.read_table(paper / "tables/numbers.parquet").to_pylist()
    rows = list(csv.DictReader((paper / "tables/numbers.csv").open(encoding="utf-8")))
    assert [row["f1_mean"] for row in found] == [float(row["f1_mean"]) if row["f1_mean"] else None for row in rows]


def test_figures_are_in_the_page(tmp_path):
    content = papers.make()
    content["pictures"] = [
        {"file": "figures/one.png", "title": "One", "text": "a figure"},
        {"file": "no.png", "title": "x"},
    ]
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/one.png").write_bytes(b"not looked at")
    page = _Page(write_report(reports.save(tmp_path, content)).read_text("utf-8"))
    image = next(attrs for tag, attrs in page.tags if tag == "img")
    assert image["src"] == "data:image/png;base64," + base64.b64encode(b"not looked at").decode()
    assert "no.png is not beside the report" in page.texts()


def test_hostile_texts_are_escaped(tmp_path):
    content = json.loads(json.dumps(papers.make(lost=1)))
    content |= {"title": ATTACK, "deviations": [ATTACK], "missing": [{"stage": ATTACK, "why": ATTACK}]}
    content["sources"][0] |= {"title": ATTACK, "licence": ATTACK, "used": [ATTACK]}
    content["tables"][ATTACK] = content["tables"].pop("table2") | {"name": ATTACK, "title": ATTACK, "text": ATTACK}
    for cell in content["tables"][ATTACK]["cells"]:
        cell |= {"commands": [ATTACK], "train": ATTACK, "missing": ATTACK}
    for claim in content["claims"]:
        claim |= {"words": ATTACK, "status": ATTACK, "note": ATTACK}
    page = _Page(write_report(reports.save(tmp_path, content)).read_text("utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert {path.parent for path in tmp_path.rglob("*.tex")} == {tmp_path / "tables"}


@pytest.mark.parametrize("file", ["../x.json", "/etc/passwd", "javascript:alert(1)"])
def test_links_stay_beside_the_report(tmp_path, file):
    content = json.loads(json.dumps(papers.make()))
    content["tables"]["table2"]["cells"][0]["runs"][0]["predictions"] = file
    with pytest.raises(PolyspanError, match="broken") as caught:
        read_record(reports.save(tmp_path, content) / "report.json")
    assert "beside the report" in str(caught.value)


def test_numbers_in_words():
    assert str(MeasureRecord(55.84, 0.42)) == "55.8 ± 0.4"
    assert str(MeasureRecord()) == "–"
    assert [signed(value) for value in (1.26, -3.0, None)] == ["+1.3", "−3.0", "–"]
    assert MeasureRecord(60.0, None, 78.8).difference == pytest.approx(-18.8)


def test_every_reference_is_a_place():
    known = {
        Place(name, row, column)
        for name, (rows, columns) in places().items()
        for row in rows
        for column in columns
    }
    for place in known:
        for other, _ in references(place):
            assert other in known, place
            assert other != place
    assert references(Place("table2", "En-Fr", "Kr"))[0][0] == Place("table2", "En", "Kr")
    assert references(Place("table2", "Zh-En-Zh", "Zh"))[0][0] == Place("table2", "Zh", "Zh")
    assert references(Place("table4", "En", "French"))[0][0] == Place("table4", "En", "None")
    assert references(Place("table6", "En", "Kr")) == []


def test_verdicts_in_words():
    claims = told(judge(printed(), 0), judge(printed(), 0))
    one = {(claim.claim, claim.measure): claim for claim in claims}
    assert one["H1", "f1"].words == "Holds: zero-shot 78.8 > QANet 78.1."
    assert one["H1", "exact_match"].words.startswith("Fails: zero-shot 63.3 ≤ QANet 66.1")
    assert re.match(r"Holds in \d+ of \d+ comparisons; against it: ", one["H6", "f1"].words)
    assert one["H12", "f1"].words.startswith("Not tested")
    assert all(claim.paper_status == claim.status for claim in claims)
    assert summary(claims).startswith("Of the paper’s 18 claims, ")
    assert summary(told(judge(Results({Place("table2", "En", "En"): (Cell(1.0, 2.0),)}), 0), [])) == ""


def about(name: str, questions: int, metric: str = "squad.v1", **more):
    kind = {"name": name.partition(":")[0]}
    return {
        "name": name,
        "root": name,
        "questions": questions,
        "metric": metric,
        "set": kind,
        "sha256": name,
    } | more


def reader(name: str, data, **more) -> Trained:
    given = {"places": (("table2", name),), "model": "bert-base-multilingual-cased", "preset": "hsu2019"}
    return Trained(**{"name": name, "settings": {}, "seeds": (1,), "data": (data,), **given, **more})


def test_what_is_as_in_the_paper_is_not_told():
    told = deviations(
        [reader("En", about("squad:train", 87599))], [Answered("Zh", (("table2", "Zh"),), about("drcd:dev", 3524))]
    )
    assert [sentence.split()[0] for sentence in told] == ["One", "Scored", "As"]


def test_what_differs_is_told():
    card = {"maker": "translate", "options": {"engine": "table"}}
    target = about("drcd:dev", 500)
    told = " ".join(
        deviations(
            [
                reader("En", about("mini:en/train", 288), model="small", preset="cpu", settings={"epochs": 1}),
                reader("En-Fr", about("x", 5, card=card), seeds=(1, 2)),
                reader("GAN", about("squad:train", 5), adversary={"layer": 8}, target=(target,), limit=3),
                reader("Map", about("squad:train", 5), align={"method": "muse", "layer": 8}),
            ],
            [Answered("Zh", (("table2", "Zh"),), target)],
        )
    )
    for words in (
        "The encoder is small",
        "mini:en/train (En), where the paper has SQuAD 1.1 (En)",
        "Trained on 288 questions in En (paper: 87,599)",
        "Tested on 500 questions in Zh (paper: 3,524)",
        "the preset cpu with epochs 1",
        "Means over 1 to 2 seeds",
        "Translated by table; the paper used Google Translate",
        "muse at layer 8",
        "text of the test set itself (drcd:dev), never its answers",
    ):
        assert words in told, words
