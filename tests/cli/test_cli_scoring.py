"""`polyspan score --null-odds --confidence`: keys, remarks, and what is refused."""

import json

import pytest

from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.data.write import write


@pytest.fixture
def judged(corpus, tmp_path):
    """Five answers, one of them wrong, and a question without an answer, with null odds and probabilities."""
    none = Paragraph(corpus.paragraphs[0].context, (Question("none", "Who?", impossible=True),))
    write(Corpus((*corpus.paragraphs, none), language="en"), tmp_path / "dev.json")
    texts = {question.id: question.answers[0].text for _, question in corpus.questions()}
    wrong = next(iter(texts))
    texts |= {wrong: "wrong", "none": ""}
    odds = {name: float(at) for at, name in enumerate(texts)}
    p = {name: 0.2 if name == wrong else 0.9 for name in texts}
    for name, value in (("a", texts), ("odds", odds), ("p", p)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value), "utf-8")
    return tmp_path


def test_null_odds_and_confidence(run, judged):
    call = ("score", judged / "dev.json", judged / "a.json", "--draws", 50)
    plain = json.loads(run(*call, "--json")[1])
    assert (plain["metric"], plain["NoAns_total"], plain["HasAns_exact"]) == ("squad.v2", 1, 80)
    more = ("--null-odds", judged / "odds.json", "--confidence", judged / "p.json")
    code, out, err = run(*call, *more, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert plain.items() <= found.items()
    assert (found["best_exact"], found["best_exact_thresh"]) == (pytest.approx(500 / 6), 4)
    assert {"best_f1", "best_f1_thresh", "pr_exact_ap", "pr_f1_ap", "pr_oracle_ap"} <= set(found)
    assert (found["auroc"], found["coverage_at"], found["language"]) == (1, {"0.8": 1, "0.9": 5 / 6}, "en")
    assert set(found["intervals"]) == {"ece", "brier", "auroc", "aurc", "coverage_at"}
    assert "chosen on these very questions" in err


def test_what_a_person_is_shown(run, judged):
    call = ("score", judged / "dev.json", judged / "a.json", "--draws", 50)
    call += ("--null-odds", judged / "odds.json", "--confidence", judged / "p.json")
    code, out, err = run(*call)
    assert code == 0, err
    lines = dict(line.split("  ", 1) for line in out.splitlines())
    assert lines["best exact thresh"].strip() == "4.000"
    assert lines["AUROC"].strip().startswith("1.000 (")
    code, out, err = run(*call, "--out", judged / "table.csv")
    assert code == 0, err
    assert "coverage at 80%" in out
    assert "best_exact_thresh" in (judged / "table.csv").read_text("utf-8")


def test_what_is_refused(run, judged):
    (judged / "b.json").write_text((judged / "a.json").read_text("utf-8"), "utf-8")
    data, a, b = judged / "dev.json", judged / "a.json", judged / "b.json"
    for option in ("--null-odds", "--confidence"):
        code, out, err = run("score", data, a, b, option, judged / "p.json")
        assert (code, out) == (2, "")
        assert "are those of one system" in err
        code, out, err = run("score", data, a, option, a)
        assert (code, out) == (1, "")
        assert "of 6 questions are no finite numbers" in err
        assert "Traceback" not in err
