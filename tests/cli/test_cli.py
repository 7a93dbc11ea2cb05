"""The command line: contracts of --json, and a clear message with exit 1 or 2 for every mistake."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.data.write import write
from polyspan.errors import nearest
from polyspan.reading import read

FAST = ["--max-length", "64", "--stride", "16", "--epochs", "2", "--preset", "cpu"]


@pytest.fixture
def dev(corpus, tmp_path) -> Path:
    write(corpus, tmp_path / "dev.json")
    return tmp_path / "dev.json"


def test_train_predict_score(run, tiny, dev, tmp_path):
    """The whole way through the command line, each verb with one JSON object on stdout."""
    reader, out, nbest = tmp_path / "reader", tmp_path / "p.json", tmp_path / "n.json"
    code, stdout, stderr = run("train", "--data", dev, "--model", tiny, "--out", reader, *FAST, "--json")
    assert code == 0, stderr
    record = json.loads(stdout)
    assert record["settings"]["windows"]["max_length"] == 64
    assert record["data"][0]["questions"] == 5
    code, stdout, _ = run("predict", "--model", reader, "--data", dev, "--out", out, "--nbest", nbest, "--json")
    assert (code, json.loads(stdout)["questions"]) == (0, 5)
    assert json.loads(stdout)["unanswered"] == 0
    assert json.loads(stdout)["calibrated"] is False
    code, stdout, _ = run("score", dev, out, "--metric", "squad.v1", "--json")
    assert code == 0
    assert set(json.loads(stdout)) == {"metric", "exact_match", "f1", "n", "missing"}
    code, stdout, stderr = run("score", dev, out, "--metric", "squad.v1")
    assert (code, stderr) == (0, "")
    assert "f1" in stdout
    code, _, stderr = run("train", "--data", dev, "--model", tiny, "--out", reader, *FAST)
    assert code == 1
    assert "folder with files in it" in stderr
    assert run("train", "--data", dev, "--model", tiny, "--out", reader, *FAST, "--resume")[0] == 0


def test_answers_are_brought_back_to_what_was_translated(run, tiny, dev, tmp_path, monkeypatch):
    class Words:
        def project(self, source, start, end, target):
            return 0, 1

    monkeypatch.setattr(import_module("polyspan.make.translation.word_alignment"), "WordAligner", Words)
    reader, out = tmp_path / "reader", tmp_path / "p.json"
    run("train", "--data", dev, "--model", tiny, "--out", reader, *FAST)
    asked = ["predict", "--model", reader, "--data", dev, "--out", out, "--answers-in"]
    code, _, stderr = run(*asked, dev)
    assert code == 0, stderr
    assert "brought back to " in stderr
    assert "aligned" in stderr
    assert all(len(text) <= 1 for text in json.loads(out.read_text("utf-8")).values())
    code, _, stderr = run(*asked, "mini:fr/test")
    assert code == 1
    assert "is not in mini:fr/test" in stderr


def test_predict_abstains_and_says_how_sure_it_is(run, tiny, dev, tmp_path):
    reader, out, nbest, odds = (tmp_path / name for name in ("reader", "p.json", "n.json", "odds.json"))
    run("train", "--data", dev, "--model", tiny, "--out", reader, *FAST)
    asked = ["predict", "--model", reader, "--data", dev, "--out", out, "--nbest", nbest, "--null-odds", odds]
    code, stdout, _ = run(*asked, "--n-best", 2, "--min-probability", 1, "--json")
    assert (code, json.loads(stdout)["unanswered"]) == (0, 5)
    found, written = (json.loads(path.read_text("utf-8")) for path in (nbest, odds))
    assert list(written) == list(found)
    for key, candidates in found.items():
        assert [bool(one["text"]) for one in candidates] == [False, True, True]
        assert {one["null_odds"] for one in candidates} == {written[key]}
        assert written[key] == candidates[0]["score"] - candidates[1]["score"]
        assert sum(one["probability"] for one in candidates) < 1
    for wrong, said in ((["--min-probability", "1.5"], "from 0 to 1"), (["--null-odds", nbest], "overwrite")):
        code, _, stderr = run(*asked, *wrong)
        assert (code, said in stderr) == (2, True)


@pytest.mark.parametrize("former", [("--outside", "drop"), ("--outside=cls",)])
def test_a_former_name_of_an_option_is_told_the_new_one(run, former):
    code, _, err = run("train", "--data", "mini:en/train", "--model", "m", "--out", "r", *former)
    assert code == 2
    assert "--outside is called --negatives now" in err


def test_score_asks_a_reader(run, tiny, dev, tmp_path):
    """A Reader's folder among the files of answers: it answers first, and both stand in one table."""
    run("train", "--data", dev, "--model", tiny, "--out", tmp_path / "reader", *FAST)
    run("predict", "--model", tmp_path / "reader", "--data", dev, "--out", tmp_path / "p.json")
    code, out, err = run("score", dev, tmp_path / "p.json", tmp_path / "reader", "--json", "--draws", 50)
    assert code == 0, err
    first, second = json.loads(out)["systems"]
    assert first["f1"] == second["f1"]
    assert second["against"]["p_permutation"] == 1.0


def test_an_error_of_the_system_names_its_file(run, dev, monkeypatch):
    monkeypatch.setenv("POLYSPAN_CACHE", "/tmp/" + "a" * 300)
    code, out, err = run("data", "list")
    assert (code, out) == (1, "")
    assert "cannot use '/tmp/aaa" in err
    assert "too long" in err
    assert "terminal" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_stdout_is_told(dev):
    with open("/dev/full", "w") as full:
        call = [sys.executable, "-m", "polyspan", "data", "stats", str(dev)]
        done = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "cannot write to the terminal or pipe: No space left" in done.stderr


def test_a_table_in_a_pipe_has_a_row_a_line():
    call = [sys.executable, "-m", "polyspan", "data", "list"]
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=environment)
    rows = [line for line in done.stdout.splitlines() if "xquad" in line]
    assert len(rows) == 1
    assert "zh-Hans" in rows[0]
    assert "squad.v1, drcd.v1" in rows[0]


def test_a_folder_with_readers_is_told_the_reader_inside(run, tiny, dev, tmp_path):
    import shutil

    shutil.copytree(tiny, tmp_path / "quick" / "readers" / "mini-en-train")
    code, _, err = run("predict", "--model", tmp_path / "quick", "--data", dev, "--out", tmp_path / "p.json")
    assert code == 1
    assert f"fix:      --model {tmp_path / 'quick' / 'readers' / 'mini-en-train'}" in err


@pytest.mark.parametrize(
    ("word", "hint"), [("epoch", "epochs"), ("batch", "batch_size"), ("epochss", "epochs"), ("qqq", "one of: ")]
)
def test_the_nearest_name(word, hint):
    assert hint in nearest(word, ["epoch_of", "epochs", "batch_size", "seed"])


def test_trim(run, tiny, dev, tmp_path):
    _, stdout, _ = run("trim", tiny, "--data", dev, "--out", tmp_path / "small", "--json")
    cut = json.loads(stdout)
    assert cut["pieces"][1] < cut["pieces"][0]
    assert cut["parameters"][1] < cut["parameters"][0]
    assert run("trim", tiny, "--out", tmp_path / "none")[0] == 2


def test_the_language_stays_with_the_data(run, tmp_path):
    korean = Path(tmp_path, "mine.json")
    part = Paragraph("물레방아는 부산에 있다.", (Question("1", "?", (Answer("부산에", 6),)),), "a")
    write(Corpus((part, replace(part, questions=(replace(part.questions[0], id="2"),), title="b"))), korean)
    document = json.loads(korean.read_text("utf-8"))
    document["data"][1]["paragraphs"][0]["context"] += " 크다."
    korean.write_text(json.dumps(document), "utf-8")
    answers = tmp_path / "answers.json"
    answers.write_text('{"1": "부산", "2": "부산"}', "utf-8")
    rest, held = tmp_path / "rest.json", tmp_path / "held.json"
    assert run("data", "split", korean, rest, held, "--size", 1, "--language", "kor")[0] == 0
    made = [held, tmp_path / "a.csv", tmp_path / "b.json", tmp_path / "c.json"]
    assert run("data", "convert", held, made[1])[0] == 0
    assert run("make", "permute", made[1], "--out", made[2])[0] == 0
    assert run("check", made[2], "--fix", made[3])[0] == 0
    for file in made:
        assert read(file).language == "ko"
        _, stdout, _ = run("score", file, answers, "--json")
        assert json.loads(stdout)["metric"] == "korquad.v1"


@pytest.mark.parametrize(("language", "near"), [("klingon", "tlh"), ("French", "fr"), ("Korean", "ko")])
def test_no_language_is_refused_everywhere(run, dev, tmp_path, language, near):
    out = ["--out", tmp_path / "out.json"]
    for call in (
        ["data", "stats", dev, "--language", language],
        ["data", "split", dev, tmp_path / "1.json", tmp_path / "2.json", "--language", language],
        ["check", dev, "--language", language],
        ["score", dev, dev, "--language", language],
        ["make", "translate", "mini:en/test", "--engine", "file:mini", "--to", language, *out],
        ["make", "codeswitch", "mini:en/test", "--dictionary", "mini:ko", "--target", language, *out],
        ["trim", "bundled:e5-small", "--keep-language", language, *out],
    ):
        code, stdout, stderr = run(*call)
        assert (code, stdout) == (2, ""), call
        assert f"did you mean '{near}'" in stderr, call
        assert "Traceback" not in stderr


def test_check_and_fix(run, dev, tmp_path):
    broken, fixed = tmp_path / "broken.json", tmp_path / "fixed.json"
    content = json.loads(dev.read_text("utf-8"))
    content["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] += 3
    broken.write_text(json.dumps(content), "utf-8")
    assert run("check", dev, "--json")[0] == 0
    code, stdout, _ = run("check", broken, "--json")
    report = json.loads(stdout)
    assert (code, report["ok"], report["questions"]) == (1, False, 5)
    assert set(report["faults"][0]) == {"file", "id", "field", "rule", "found", "expected", "fix"}
    assert run("check", broken, "--fix", fixed)[0] == 0
    assert run("check", fixed)[0] == 0
    code, stdout, _ = run("check", dev, "--against", dev)
    assert code == 1
    assert "leak" in stdout


def test_data_verbs(run, dev, tmp_path):
    code, stdout, _ = run("data", "list", "--json")
    assert code == 0
    assert {"mini", "squad", "drcd", "korquad"} <= {one["name"] for one in json.loads(stdout)["sets"]}
    assert run("data", "list")[0] == 0
    code, stdout, _ = run("data", "stats", dev, "--json")
    assert (code, json.loads(stdout)["questions"]) == (0, 5)
    assert run("data", "convert", dev, tmp_path / "rows.jsonl")[0] == 0
    code, stdout, _ = run("data", "split", "mini:en/test", tmp_path / "a.json", tmp_path / "b.json", "--json")
    assert (code, sum(json.loads(stdout)["questions"].values())) == (0, 96)
    assert run("data", "split", dev, tmp_path / "a.json", tmp_path / "a.json")[0] == 2


def mistakes(folder: Path, dev: Path, tiny: str) -> list[list[str]]:
    """Calls that cannot work, and what they are mistaken in is in the files' names."""
    (folder / "empty.json").touch()
    (folder / "cut.json").write_bytes(dev.read_bytes()[:90])
    (folder / "list.json").write_text("[1, 2, 3]")
    (folder / "utf16.json").write_bytes('{"data": []}'.encode("utf-16"))
    (folder / "nul.json").write_bytes(b'{"data": \x00[]}')
    (folder / "predictions.json").write_text('{"a": "b"}')
    (folder / "text.json").write_text('"text"')
    bad = ["none.json", "", "empty.json", "cut.json", "list.json", "utf16.json", "nul.json"]
    out, good = str(folder / "out"), str(dev)
    calls = [[*verb, str(folder / name)] for verb in (["check"], ["data", "stats"]) for name in bad]
    calls += [["data", "convert", str(folder / name), out + ".json"] for name in bad]
    calls += [
        ["score", str(folder / name), str(folder / "predictions.json"), "--metric", "squad.v1"] for name in bad
    ]
    calls += [["score", good, str(folder / name), "--metric", "squad.v1"] for name in [*bad, "text.json"]]
    calls += [["predict", "--model", tiny, "--data", str(folder / name), "--out", out] for name in bad]
    calls += [["train", "--data", str(folder / name), "--model", tiny, "--out", out] for name in bad]
    calls += [["report", str(folder / name)] for name in ("", "none", "empty.json")]
    calls += [
        ["check", "squad:nosuch"],
        ["check", "nosuch:dev"],
        ["check", "mini:xx/test"],
        ["score", good, str(folder / "predictions.json"), "--metric", "squd.v1"],
        ["score", good, str(folder / "predictions.json"), "--metric", "mlqa.v1", "--language", "xx"],
        ["predict", "--model", str(folder / "none"), "--data", good, "--out", out],
        ["predict", "--model", str(folder), "--data", good, "--out", out],
        ["predict", "--model", tiny, "--data", good, "--out", "/proc/x/out.json"],
        ["predict", "--model", tiny, "--data", good, "--out", out, "--max-answer-length", "0"],
        ["train", "--data", good, "--model", "bundled:nosuch", "--out", out],
        ["train", "--data", good, "--model", tiny, "--out", "/proc/x"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--preset", "cpuu"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--label", "ofsets"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--precision", "fp8"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--epochs", "0"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--epochs", "many"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--limit", "0"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--max-length", "1000"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--max-length", "8"],
        ["train", "--data", good, "--model", tiny, "--out", out, "--freeze", "."],
        ["train", "--data", good, "--model", tiny, "--out", out, "--weight", "1", "--weight", "2"],
        ["data", "fetch", "xquad:zh"],
        ["data", "fetch", "nosuch"],
        ["data", "split", good, out + "1", out + "2", "--size", "99"],
        ["data", "convert", good, out + ".xyz"],
        ["data", "convert", good, "/proc/x/out.json"],
        ["nosuchverb"],
        ["train"],
        ["data"],
    ]
    return calls


def test_every_mistake_is_one_clear_message(run, tiny, dev, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    before = None
    for call in mistakes(folder, dev, tiny):
        before = before or sorted(path.name for path in tmp_path.rglob("*"))
        code, stdout, stderr = run(*call)
        assert code in (1, 2), (call, code, stderr)
        assert (stdout + stderr).strip(), call
        assert "Traceback" not in stderr, call
        assert sorted(path.name for path in tmp_path.rglob("*")) == before, call


def test_a_full_disk_leaves_nothing(run, dev, monkeypatch, tmp_path):
    """The write fails half-way: one message that says so, the old file untouched, no part left behind."""
    target = tmp_path / "old.json"
    target.write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, stderr = run("data", "convert", dev, target)
    assert code == 1
    assert "No space left" in stderr
    assert "free some space" in stderr
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.json", "old.json"]


def test_ctrl_c_is_a_message(run, dev, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("polyspan.data.stats"), "stats", interrupted)
    code, _, stderr = run("data", "stats", dev)
    assert code == 1
    assert "stopped" in stderr


def test_help_is_instant_and_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['polyspan', '--help']\n"
        "from polyspan.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'numpy', 'matplotlib', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    began = time.monotonic()
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "quickstart" in run.stdout
    assert time.monotonic() - began < 2  # a loaded test machine; about 0.1 s when quiet
