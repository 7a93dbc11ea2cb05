"""Every verb: what was asked for is on stdout, remarks on stderr, and --json is one object and nothing else."""

import json
import shutil
from importlib import import_module
from pathlib import Path

import pytest
import typer

from polyspan.cli import main as cli
from polyspan.data.write import write
from polyspan.lab.engine.local import run_local
from polyspan.lab.stage import Stage
from polyspan.lab.store.store import Store

GROUP = typer.main.get_command(cli.app)
VERBS = [
    f"{name} {inner}".strip()
    for name, command in GROUP.commands.items()
    for inner in getattr(command, "commands", {"": command})
]
FAST = "--preset cpu --max-length 128 --stride 32 --epochs 1"
ROW = {"train": "en", "test": "en", "language": "en", "metric": "squad.v1", "seed": 1, "n": 5}
ROW |= {"exact_match": 40.0, "f1": 60.0, "baseline_f1": 1.0, "untrained_f1": 2.0}
REPORT = {"matrix": [ROW], "timing": {}, "versions": {}}
CALLS = {
    # verb: (call, what stdout says, what stderr says)
    "quickstart": ("quickstart --out q", "report: q/report.html", "training bundled:e5-small"),
    "report": ("report run", "report: run/report.html", ""),
    "check": ("check dev.json", "5 questions, no fault", ""),
    "predict": ("predict --model reader --data dev.json --out p.json", "5 answers: p.json", "loading reader"),
    "ask": ("ask who notes.txt --model reader --always", "notes.txt:1: characters", "not calibrated"),
    "export-task": ("export-task dev.json --out tasks", "lm_eval --include_path tasks --tasks", ""),
    "score": ("score dev.json a.json", "exact match", ""),
    "trim": ("trim tiny --data dev.json --out small", "pieces", ""),
    "bench": ("bench", "| row |", ""),
    "data list": ("data list", "korquad", ""),
    "data fetch": ("data fetch xquad:zh", "xquad.json", ""),
    "data stats": ("data stats dev.json", "questions", ""),
    "data convert": ("data convert dev.json dev.csv", "5 questions: dev.csv", ""),
    "data split": ("data split mini:en/test rest.json held.json", "held.json", ""),
    "make permute": ("make permute dev.json --out permuted.json", "permuted.json", ""),
    "make codeswitch": (
        "make codeswitch dev.json --dictionary mini:ko --target ko --out switched.json", "switched.json", ""),
    "make reorder": ("make reorder mini:en/test --order sov --parser conllu:mini --out sov.json", "sov.json", ""),
    "make translate": ("make translate mini:en/test --to fr --engine file:mini --out fr.json", "fr.json", ""),
    "make backtranslate": (
        "make backtranslate mini:en/test --pivot fr --forward file:mini --backward file:mini --out back.json",
        "back.json", ""),
    "make apart": ("make apart mini:en/train --against dev.json --out apart.json", "0 leaks taken out", ""),
    "make common": ("make common mini:en/test --others mini:ko/test --out common.json", "96 questions; those", ""),
    "make pair": ("make pair dev.json other.json --out paired.json", "5 questions; asked as in", ""),
    "make sample": ("make sample dev.json --size 2 --out two.json", "2 questions; drawn of 5", ""),
    "make unanswerable": (
        "make unanswerable mini:en/test --share 0.6 --out un.json", "240 questions; 144 unanswerable", ""),
    "make mix": ("make mix dev.json mini:ko/test --out both.json", "both.json", ""),
    "train": (f"train --data dev.json --model tiny --out new {FAST}", "Reader: new", "preset cpu; 5 questions"),
    "adapt": (
        "adapt --data mini:ko/test --model masking --out new --max-length 64 --limit 20",
        "adapter for ko: new", "model masking"),
    "average": ("average reader reader --out mean", "the mean of 2 Readers: mean", "averaging reader, reader"),
    "calibrate": ("calibrate reader --data dev.json", "reader/calibration.json", "calibrating reader"),
    "export": ("export reader --out exported --check dev.json", "exported: exported (fp32)", "exporting reader"),
    "vectors": ("vectors --data mini:en/test --width 4 --out en.vec", "vectors of 4 numbers: en.vec", ""),
    "graft": ("graft tiny --vectors some.vec --projection random --out grafted", "added", ""),
    "push": ("push reader me/reader", "/me/reader at ", "pushing reader to me/reader"),
    "qanet": ("qanet --data dev.json --width 8 --heads 2 --blocks 1 --fewest 1 --out qa", "parameters", ""),
    "probe pca": (
        "probe pca --model reader --data mini:en/test --data mini:fr/test --limit 40 --out pca", "told apart", ""),
    "probe cosine": ("probe cosine --model reader --data dev.json --data other.json --out cos", "baseline", ""),
    "probe svcca": (
        "probe svcca --model reader --data mini:en/test --data mini:fr/test --k 2 --limit 40 --out svcca",
        "baseline", ""),
    "probe cka": ("probe cka --model reader --data dev.json --data other.json --out cka", "baseline", ""),
    "probe scatter": (
        "probe scatter --similarity studies/cosine.json --report run/report.json --out scatter", "Spearman", ""),
    "stats compare": ("stats compare a.json b.json --data dev.json --draws 50", "won/lost/tied", "One run"),
    "stats anova": ("stats anova --table paper:table2 --draws 50", "6.855", ""),
    "stats claims": ("stats claims", "H18", ""),
    "align fit": (
        "align fit --method procrustes --source-vectors some.vec --target-vectors some.vec --pairs identical "
        "--out map", "map: map", "pairs: identical"),
    "align score": (
        "align score fitted --source-vectors some.vec --target-vectors some.vec --dictionary words.txt",
        "P@1", ""),
    "recipes": ("recipes", "hsu2019/table2", ""),
    "run": ("run mini/paper --plan", "to make: about", ""),
    "serve": ("serve reader", "reader: http://127.0.0.1:8000", "loading reader"),
    "store export": ("store export out.tar.zst --store kept", "out.tar.zst: 1 stage, ", ""),
    "store import": ("store import kept.tar.gz --store empty", "empty: 1 stage (", ""),
    "store gc": ("store gc --store empty", "0 MB to free", ""),
    "store ls": ("store ls --store empty", "empty: 0 MB", ""),
}  # fmt: skip

SLOW = ("probe pca", "probe svcca", "probe cka")  # seconds each; `probe cosine` goes the same way


def test_every_verb_is_tried():
    assert set(CALLS) == set(VERBS)


@pytest.fixture
def work(corpus, tiny, masking, run, tmp_path, monkeypatch) -> Path:
    """A folder with a little of everything that the calls need."""
    monkeypatch.chdir(tmp_path)
    write(corpus, "dev.json")
    write(corpus, "other.json")
    Path("tiny").symlink_to(tiny)
    Path("masking").symlink_to(masking)
    gold = {question.id: question.answers[0].text for _, question in corpus.questions()}
    for name, texts in (("a", dict.fromkeys(gold, "leeds")), ("b", gold)):
        Path(f"{name}.json").write_text(json.dumps(texts), "utf-8")
    Path("notes.txt").write_text("the cup was won by leeds in 1920.", "utf-8")
    Path("run").mkdir()
    Path("run/report.json").write_text(json.dumps(REPORT), "utf-8")
    words = ("cup", "the", "won", "wxyz", "hull", "leeds", "qqqq", "vvvv")
    lines = [f"{word} {at} {at * at % 5} {-at % 3}" for at, word in enumerate(words, 1)]
    Path("some.vec").write_text("\n".join([f"{len(words)} 3", *lines, ""]), "utf-8")
    Path("words.txt").write_text("cup cup\nwon won\n", "utf-8")
    return tmp_path


def _written_once(kept: Path):
    """As `write_graph`, of one Reader: torch takes seconds to write its graph, and would write the same again."""
    from polyspan.model.export.onnx_graph import write_graph

    def write(model, layout, path):
        if not kept.exists():
            write_graph(model, layout, kept)
        shutil.copy(kept, path)

    return write


def _prepare(verb: str, run, monkeypatch, request) -> None:
    """What takes minutes or a network is put in place of; what a verb needs of others is made first."""
    if verb in (
        "ask",
        "predict",
        "average",
        "calibrate",
        "export",
        "push",
        "probe pca",
        "probe cosine",
        "probe svcca",
        "probe cka",
    ):
        run("train", "--data", "dev.json", "--model", "tiny", "--out", "reader", *FAST.split())
    if verb == "push":
        request.getfixturevalue("hub")
    if verb == "export":
        monkeypatch.setattr("polyspan.model.export.exporting.write_graph", _written_once(Path("graph.onnx")))
    if verb == "align score":
        vectors = ("--source-vectors", "some.vec", "--target-vectors", "some.vec")
        run("align", "fit", "--method", "procrustes", *vectors, "--pairs", "identical", "--out", "fitted")
    if verb == "probe scatter":
        row = {"state": "after", "a": "en", "language_a": "en", "language_b": None, "layer": 1, "points": 9}
        rows = [row | {"b": test, "value": at / 5, "baseline": 0.1} for at, test in enumerate("xyz", 1)]
        corpora = [{"name": name, "language": "en"} for name in ("en", "x", "y", "z")]
        study = {"probe": "cosine", "model": "m", "before": None, "rows": rows, "corpora": corpora}
        Path("studies").mkdir()
        Path("studies/cosine.json").write_text(json.dumps(study), "utf-8")
        matrix = [
            ROW | {"test": test, "f1": 10.0 * at, "exact_match": 9.0 * at} for at, test in enumerate("xyz", 1)
        ]
        Path("run/report.json").write_text(json.dumps(REPORT | {"matrix": matrix}), "utf-8")
    if verb in ("store export", "store import"):
        run_local([Stage("corpus", "French", {"data": "mini:fr/test"})], Store("kept"))
        run("store", "export", "kept.tar.gz", "--store", "kept")
    for module, name, value in (
        ("lab.quickstart", "quickstart", lambda *_: REPORT),
        ("bench.measurements", "bench", lambda *_: {"rows": []}),
        ("bench.measurements", "markdown", lambda _: "| row |"),
        ("data.fetch", "fetch", lambda _: Path("xquad.json")),
        ("serve.server", "serve", lambda *_, ready, **__: ready("http://127.0.0.1:8000")),
    ):
        if verb.split()[-1] == name or (verb, name) == ("bench", "markdown"):
            monkeypatch.setattr(import_module(f"polyspan.{module}"), name, value)


@pytest.mark.parametrize(
    "verb", [pytest.param(verb, marks=[pytest.mark.slow] if verb in SLOW else []) for verb in CALLS]
)
def test_results_and_remarks_have_a_stream_each(run, work, verb, monkeypatch, request):
    call, result, remark = CALLS[verb]
    _prepare(verb, run, monkeypatch, request)
    code, out, err = run(*call.split())
    assert code == 0, err
    assert result in out
    assert result not in err
    assert remark in err
    assert not remark or remark not in out
    for path in work.iterdir():  # written by the call: the second one would be refused
        if path.name in ("new", "mean", "small", "grafted", "qa", "exported"):
            path.rename(path.with_name(f"{path.name}-first"))
    code, out, err = run(*call.split(), "--json")
    assert code == 0, err
    assert isinstance(json.loads(out), dict)
    assert len(out.splitlines()) == 1
