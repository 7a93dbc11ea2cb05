"""`polyspan stats …`: one JSON object, tables that fit a terminal, and a message for every mistake."""

import csv
import json

import pytest

from polyspan.cli import terminal
from polyspan.data.sample import sample
from polyspan.reading import read


@pytest.fixture
def answers(tmp_path):
    """Predictions for mini:en/test: A right in half of the questions, B in nearly all; two runs each."""
    gold = {question.id: question.answers[0].text for _, question in read("mini:en/test").questions()}
    for name, every in (("a-1", 2), ("a-2", 3), ("b-1", 10), ("b-2", 9)):
        texts = {id: "no" if at % every == 0 else text for at, (id, text) in enumerate(gold.items())}
        (tmp_path / f"{name}.json").write_text(json.dumps(texts), "utf-8")
    return tmp_path


def test_compare(run, answers):
    call = ("stats", "compare", answers / "a-1.json", answers / "b-1.json", "--data", "mini:en/test")
    code, out, err = run(*call, "--metric", "squad.v1", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["delta_f1"] == pytest.approx(found["b"]["f1"] - found["a"]["f1"])
    assert found["ci95"][0] < found["delta_f1"] < found["ci95"][1]
    assert found["p_permutation"] < 0.001
    assert {"delta_exact_match", "ci95_exact_match", "p_permutation_exact_match"} <= set(found)
    assert (found["n"], found["cluster"], found["missing"]) == (96, "question", {"a": 0, "b": 0})
    code, out, err = run(*call, "--cluster", "paragraph", "--seed", 7)
    assert code == 0
    assert "10,000 draws of 16 paragraphs; seed 7" in out
    assert "Only 16 units are drawn" in err


def test_compare_several_runs(run, answers, monkeypatch):
    monkeypatch.setattr(terminal.console, "width", 80)
    call = ("stats", "compare", answers / "a-*.json", answers / "b-?.json", "--data", "mini:en/test")
    found = json.loads(run(*call, "--json")[1])
    assert (found["a"]["runs"], found["b"]["runs"]) == (2, 2)
    assert found["p_runs"] == pytest.approx(2 / 6)
    code, out, _ = run(*call)
    assert code == 0
    assert "p of runs" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("ending", ["csv", "md", "tex"])
def test_compare_writes_a_table(run, answers, ending):
    out = answers / f"table.{ending}"
    call = ("stats", "compare", answers / "a-1.json", answers / "b-1.json", "--data", "mini:en/test")
    printed = run(*call, "--out", out)[1]
    text = out.read_text("utf-8")
    found = json.loads(run(*call, "--json")[1])
    if ending == "csv":
        row = next(csv.DictReader(text.splitlines()))
        assert (row["measure"], float(row["delta"])) == ("f1", pytest.approx(found["delta_f1"]))
        assert [float(row["low"]), float(row["high"])] == pytest.approx(found["ci95"])
    else:
        low, high = found["ci95"]
        assert f"+{low:.1f} to +{high:.1f}" in text
        assert f"+{low:.1f} to +{high:.1f}" in printed
        assert ("$^{***}$" if ending == "tex" else "\\*\\*\\*") in text
        assert "a-1.json" in text


def test_a_table_of_another_ending_is_refused_before_the_work(run, answers):
    call = ("stats", "compare", answers / "a-1.json", answers / "b-1.json", "--data", "mini:en/test")
    code, out, err = run(*call, "--out", answers / "table.docx")
    assert (code, out) == (2, "")
    assert "table.docx" in err
    assert ".csv, .md, .tex" in err


def test_score_of_several_systems(run, answers, monkeypatch):
    """One table: each system's scores and interval, and how it differs from the first one."""
    monkeypatch.setattr(terminal.console, "width", 80)
    systems = [answers / f"{name}.json" for name in ("a-1", "b-1", "b-2")]
    code, out, err = run("score", "mini:en/test", *systems, "--out", answers / "t.tex", "--draws", 2000)
    assert code == 0, err
    assert max(map(len, out.splitlines())) <= 80
    assert [line.split()[0] for line in out.splitlines() if line.startswith((" a-", " b-"))] == [
        "a-1",
        "b-1",
        "b-2",
    ]
    assert "***" in out
    text = (answers / "t.tex").read_text("utf-8")
    assert text.count("$^{***}$") == 2
    assert text.count("&") == 7 * 4
    found = json.loads(run("score", "mini:en/test", *systems, "--draws", 2000, "--json")[1])
    compared = json.loads(
        run("stats", "compare", *systems[:2], "--data", "mini:en/test", "--draws", 2000, "--json")[1]
    )
    first, second, _ = found["systems"]
    assert "against" not in first
    assert second["against"]["delta_f1"] == pytest.approx(compared["delta_f1"])
    assert second["against"]["ci95"] == pytest.approx(compared["ci95"])
    assert first["ci95"][0] < first["f1"] < first["ci95"][1]


def test_score_of_systems_that_cannot_be_compared(run, answers, tmp_path):
    """Under squad.v2 an answer that is missing leaves the average: the table says why there is no difference."""
    texts = json.loads((answers / "a-1.json").read_text("utf-8"))
    (tmp_path / "short.json").write_text(json.dumps(dict(list(texts.items())[1:])), "utf-8")
    call = ("score", "mini:en/test", answers / "a-1.json", tmp_path / "short.json", "--metric", "squad.v2")
    code, out, _ = run(*call, "--draws", 100)
    assert code == 0
    assert "short: not compared" in out
    code, _, err = run("score", "mini:en/test", answers / "a-1.json", answers / "a-1.json")
    assert code == 2
    assert "given twice" in err


def test_anova(run, monkeypatch):
    monkeypatch.setattr(terminal.console, "width", 80)
    code, out, err = run("stats", "anova", "--table", "paper:table2", "--json")
    assert code == 0, err
    found = json.loads(out)
    by = {(row["factor"], row["measure"]): row for row in found["rows"]}
    assert round(by["corpus", "exact_match"]["F"], 3) == 6.855
    assert {"F", "df", "p", "eta2", "p_permutation"} <= set(by["corpus", "f1"])
    code, out, err = run("stats", "anova", "--table", "paper:table2", "--draws", 100)
    assert (code, err) == (0, "")
    assert "6.855" in out
    assert "size: not testable, needs runs on En-small" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.fixture
def report(tmp_path):
    rows = [
        {
            "train": train, "test": test, "language": "en", "metric": "squad.v1", "seed": seed, "n": 100,
            "exact_match": 40.0 + 5 * place + seed, "f1": 60.0 + 7 * place - seed + len(test),
            "baseline_f1": None, "untrained_f1": None,
        }
        for place, train in enumerate(("English", "Chinese", "Korean"))
        for test in ("squad", "drcd", "korquad")
        for seed in (1, 2)
    ]  # fmt: skip
    content = {"matrix": rows, "timing": {}, "versions": {}}
    (tmp_path / "report.json").write_text(json.dumps(content), "utf-8")
    return tmp_path / "report.json"


def test_anova_of_a_report(run, report, tmp_path):
    (tmp_path / "f.yaml").write_text("asian: {English: no, Chinese: yes, Korean: yes}", "utf-8")
    code, out, err = run("stats", "anova", "--table", report, "--factors", tmp_path / "f.yaml", "--json")
    assert code == 0, err
    first = json.loads(out)["rows"][0]
    assert (first["factor"], first["n"], first["seeds"]) == ("asian", 9, 2)
    code, _, err = run("stats", "anova", "--table", report)
    assert code == 1
    assert "the table can test none of the factors" in err
    assert "--factors" in err


def test_claims(run, report, tmp_path, monkeypatch):
    monkeypatch.setattr(terminal.console, "width", 80)
    code, out, err = run("stats", "claims", "--json")
    assert code == 0, err
    found = json.loads(out)["claims"]
    assert {one["claim"] for one in found} == {f"H{number}" for number in range(1, 19)}
    code, out, err = run("stats", "claims")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    labels = tmp_path / "labels.yaml"
    labels.write_text(
        "table2: {rows: {English: En, Chinese: Zh, Korean: Kr}, columns: {squad: En, drcd: Zh, korquad: Kr}}",
        "utf-8",
    )
    code, out, err = run("stats", "claims", "--table", report.parent, "--labels", labels)
    assert code == 0, err
    assert "holds 100 %" in out
    assert "H1 needs table1 f on Zh, table1 b on Zh" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("anova", "--table", "paper:table9"), 2, "no results in 'table9'"),
        (("anova", "--table", "nowhere.json"), 2, "there is no table 'nowhere.json'"),
        (("anova", "--table", "paper:table2", "--factors", "none.yaml"), 1, "cannot read none.yaml"),
        (("anova", "--table", "paper:table2", "--seed", "-1"), 2, "a seed is not negative"),
        (("claims", "--labels", "x.yaml"), 2, "--labels is for a report"),
        (("compare", "none.json", "none.json", "--data", "mini:en/test"), 1, "cannot read none.json"),
        (("compare", "no*.json", "no*.json", "--data", "mini:en/test"), 1, "no file fits the pattern"),
        (("compare", "a", "b", "--data", "mini:en/test", "--draws", "0"), 2, "draws"),
        (("compare", "a", "b", "--data", "mini:en/test", "--cluster", "word"), 2, "unknown unit 'word'"),
    ],
)
def test_mistakes(run, arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, out, err = run("stats", *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert "Traceback" not in err


def test_a_report_without_labels(run, report):
    code, _, err = run("stats", "claims", "--table", report)
    assert code == 1
    assert "no result has a place" in err
    assert "English on squad" in err


def test_different_questions(run, answers, tmp_path):
    """Under squad.v2 a question without an answer leaves the average, and the systems are no longer comparable."""
    texts = json.loads((answers / "a-1.json").read_text("utf-8"))
    texts.pop(next(iter(texts)))
    (tmp_path / "short.json").write_text(json.dumps(texts), "utf-8")
    call = (
        "stats",
        "compare",
        tmp_path / "short.json",
        answers / "b-1.json",
        "--data",
        "mini:en/test",
        "--metric",
    )
    code, _, err = run(*call, "squad.v2")
    assert code == 1
    assert "not scored on the same questions" in err
    code, _, err = run(*call, "squad.v1")
    assert code == 0
    assert "A lacks 1 answer" in err


@pytest.mark.realdata
def test_two_baselines_on_drcd(run, data, tmp_path):
    """On public data: cutting the last character costs exact match nearly everywhere, and F1 little."""
    corpus = sample(read(data / "drcd" / "DRCD_dev.json"), 300, 1)
    gold = {question.id: question.answers[0].text for _, question in corpus.questions()}
    (tmp_path / "a.json").write_text(json.dumps(gold), "utf-8")
    (tmp_path / "b.json").write_text(json.dumps({id: text[:-1] or text for id, text in gold.items()}), "utf-8")
    name = f"make:sample({data}/drcd/DRCD_dev.json, size=300, seed=1)"
    call = ("stats", "compare", tmp_path / "a.json", tmp_path / "b.json", "--data", name, "--cluster", "article")
    found = json.loads(run(*call, "--json")[1])
    assert found["missing"] == {"a": 0, "b": 0}
    assert found["ci95_exact_match"][1] < -80
    assert -30 < found["delta_f1"] < -5
