"""The report as a whole: the files, the page's form, its safety and its numbers."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import reports

from polyspan.cli import terminal
from polyspan.errors import PolyspanError
from polyspan.report import write_report

_VOID = {"meta", "link", "br", "col", "polyline", "img"}
_FILES = [
    "tables/matrix.csv",
    "tables/matrix.md",
    "tables/matrix.tex",
    "figures/matrix.png",
    "figures/matrix.pdf",
    "figures/loss.png",
    "figures/loss.pdf",
]


class _Page(HTMLParser):
    """Checks that tags nest, and keeps text, attributes and ids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def texts(self) -> str:
        return re.sub(r"\s+", " ", self.text)


def _written(folder: Path, report: dict[str, Any]) -> _Page:
    return _Page(write_report(reports.save(folder, report)).read_text("utf-8"))


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of four training sets on seven test sets, written."""
    folder = reports.save(tmp_path_factory.mktemp("four"), reports.make(reports.FOUR, reports.SEVEN))
    assert write_report(folder) == folder / "report.html"
    return folder


def test_every_file_is_written_and_nothing_else(four: Path) -> None:
    files = {str(path.relative_to(four)) for path in four.rglob("*") if path.is_file()}
    assert files == {*_FILES, "report.json", "report.html", "report.md"}
    assert all((four / name).stat().st_size > 200 for name in _FILES)


def test_same_report_gives_the_same_bytes(four: Path, tmp_path: Path) -> None:
    write_report(reports.save(tmp_path, json.loads((four / "report.json").read_text("utf-8"))))
    for name in ["report.html", "report.md", *_FILES]:
        assert (tmp_path / name).read_bytes() == (four / name).read_bytes(), name


def test_page_is_well_formed_and_asks_nothing_of_the_network(four: Path) -> None:
    html = (four / "report.html").read_text("utf-8")
    page = _Page(html)
    addresses = [attrs.get(name) or "" for _, attrs in page.tags for name in ("src", "href", "srcset", "action")]
    assert not [address for address in addresses if "//" in address]
    assert "url(" not in html
    assert "@import" not in html
    assert not {"script", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert {address[1:] for address in addresses if address.startswith("#")} <= {a.get("id") for _, a in page.tags}


def test_page_holds_every_score(four: Path) -> None:
    text = _Page((four / "report.html").read_text("utf-8")).texts()
    for row in json.loads((four / "report.json").read_text("utf-8"))["matrix"]:
        assert f"{row['f1']:.1f}EM {row['exact_match']:.1f}" in text


def test_page_names_data_settings_and_versions(four: Path) -> None:
    page = _Page((four / "report.html").read_text("utf-8"))
    text = page.texts()
    for shown in ("windows.stride_as", "overlap", "2.13.0+cpu", "AMD EPYC", "1 h 12 min in all", "drcd.v1"):
        assert shown in text, shown
    assert "polyspan run recipe.yaml --out runs/transfer" in text
    assert 'ps.Reader.load("readers/English")' in text
    assert ("code", {"title": "cd" * 32}) in page.tags
    assert "cd" * 6 in text


def test_texts_carry_language_and_direction(four: Path) -> None:
    tags = _Page((four / "report.html").read_text("utf-8")).tags
    shown = {(a.get("lang"), a.get("dir")) for tag, a in tags if tag == "p" and a.get("class") == "context"}
    assert {("ar", "rtl"), ("zh-Hant", "auto"), ("zh-Hans", "auto"), ("ko", "auto")} <= shown


def test_same_language_is_outlined_and_zero_shot_is_not(four: Path) -> None:
    tags = _Page((four / "report.html").read_text("utf-8")).tags
    cells = [attrs["class"] or "" for tag, attrs in tags if tag == "td" and "value" in (attrs.get("class") or "")]
    assert len(cells) == 4 * 7 + 2 * 7
    assert sum("own" in cell.split() for cell in cells) == 5  # Chinese has two test sets


def test_hostile_texts_are_escaped(tmp_path: Path) -> None:
    attack = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}"
    report = reports.make([(attack, "en")], [("t" + attack, "ar")])
    report["command"] = report["training"][0]["model"] = report["tests"][0]["sha256"] = attack
    report["matrix"][0]["metric"] = report["versions"][attack] = report["machine"][attack] = attack
    report["training"][0]["settings"][attack] = attack
    for example in report["examples"]:
        example |= {"context": attack + example["context"], "question": attack}
        example |= {"gold": [[3, 30]], "predicted": [10, 50], "id": attack, "language": '"><script>'}
    page = _written(tmp_path, report)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert attack in page.text
    assert "{{ 7*7 }}" in page.text


def test_null_scores_are_dashes(tmp_path: Path) -> None:
    report = reports.make(reports.FOUR[:1], reports.FIVE)
    keys = ("exact_match", "f1", "baseline_f1", "untrained_f1", "n", "seed", "language", "metric")
    report["matrix"] = [row | dict.fromkeys(keys) for row in report["matrix"]]
    page = _written(tmp_path, report)
    assert "No scores were computed" in page.texts()
    assert page.texts().count("–") >= 10
    assert "Lexical baseline –" not in page.texts()  # what was not asked has no line
    rows = list(csv.DictReader((tmp_path / "tables/matrix.csv").open(encoding="utf-8")))
    assert all(row["f1"] == row["n"] == "" for row in rows)


@pytest.mark.parametrize("missing", ["machine", "command", "training", "tests", "examples"])
def test_only_the_contract_is_needed(tmp_path: Path, missing: str) -> None:
    report = reports.make(reports.FOUR[:1], reports.FIVE)
    del report[missing]
    assert "The transfer matrix" in _written(tmp_path, report).texts()
    assert (tmp_path / "figures/loss.png").exists() == (missing != "training")


@pytest.mark.parametrize("shape", [(1, 1), (11, 3), (11, 11)])
def test_any_shape(tmp_path: Path, shape: tuple[int, int]) -> None:
    page = _written(tmp_path, reports.make(reports.ELEVEN[: shape[0]], reports.ELEVEN[: shape[1]], steps=20))
    assert sum(tag == "td" and "f1" not in attrs for tag, attrs in page.tags) >= shape[0] * shape[1]


def test_an_empty_matrix(tmp_path: Path) -> None:
    report = {"matrix": [], "timing": {}, "versions": {}}
    assert "No scores were computed" in _written(tmp_path, report).texts()


def test_several_seeds_are_mean_and_deviation(tmp_path: Path) -> None:
    report = reports.make([("A", "en")], [("B", "fr")], seeds=(1, 2))
    for row, f1 in zip(report["matrix"], (40.0, 43.0), strict=True):
        row |= {"f1": f1, "exact_match": 30.0}
    page = _written(tmp_path, report)
    assert "41.5 ± 2.1EM 30.0 ± 0.0" in page.texts()
    assert "41.5 ± 2.1 (30.0 ± 0.0)" in (tmp_path / "tables/matrix.md").read_text("utf-8")
    assert "41.5 $\\pm$ 2.1" in (tmp_path / "tables/matrix.tex").read_text("utf-8")


def test_seeds_are_told_apart_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.matrix(reports.make([("A", "en")], [("B", "fr")], seeds=(7, 8))["matrix"])
    lines = "".join(capsys.readouterr()).split("\n")
    assert [line.split()[2] for line in lines if line.split()[:1] in (["train"], ["A"])] == ["seed", "7", "8"]
    terminal.matrix(reports.make([("A", "en")], [("B", "fr")])["matrix"])
    assert "seed" not in "".join(capsys.readouterr())


def test_readers_of_one_language_go_by_their_names(tmp_path: Path) -> None:
    names = [("mBERT", "en"), ("XLM-R", "en")]
    page = _written(tmp_path, reports.make(names, reports.FOUR))
    text = page.texts()
    assert "All 2 readers" not in text
    for shown in ("mBERT trained on English", "XLM-R trained on English", "Both readers Ada Thorne"):
        assert shown in text, shown
    assert {
        line.split(" |")[0] for line in (tmp_path / "tables/matrix.md").read_text("utf-8").splitlines()[2:4]
    } == {
        "| mBERT (English)",
        "| XLM-R (English)",
    }


def test_every_value_says_on_a_narrow_page_what_it_is_of(four: Path) -> None:
    """There, tables fall apart into tiles and lists: nothing is cut off, and each value has its column's name."""
    tags = _Page((four / "report.html").read_text("utf-8")).tags
    cells = [attrs for tag, attrs in tags if tag == "td"]
    named = [attrs["data-of"] for attrs in cells if "data-of" in attrs]
    heads = sum(tag == "th" and attrs.get("scope") == "row" for tag, attrs in tags)
    assert named.count("Korean") == heads  # a row of the matrix has one value for each test
    assert {"Training data", "EM ± (95 %)", "Metric"} <= set(named)
    assert len(cells) - len(named) == 1 + 4 + 7  # the corner, and the names of readers and tests


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    reports.save(tmp_path, reports.make(reports.FOUR[:1], reports.FIVE))
    (tmp_path / "tables").write_text("in the way")
    with pytest.raises(PolyspanError, match="cannot write"):
        write_report(tmp_path)
