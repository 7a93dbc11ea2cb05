"""Exported Readers answer as before, without torch; what answers otherwise is not written."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

import polyspan as ps
from polyspan.data import mini
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.batch import collate
from polyspan.model.encoders.encoder import load_encoder
from polyspan.model.export import exporting
from polyspan.model.push import push
from polyspan.model.windows.windows import make_windows

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

ROOT = Path(__file__).parents[3]
WINDOWS = ps.WindowOptions(max_length=128, stride=32, max_question_length=32)
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
BLOCKED = """
import sys, json

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "accelerate", "onnx", "scipy", "matplotlib"):
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Blocked())
"""


def saved(encoder: str, folder: Path, calibrated: bool = True) -> str:
    """The folder of a Reader with a random head that counts as trained, as it was saved, and calibrated."""
    ps.Reader.load(encoder, WINDOWS, seed=3).save(folder)
    if calibrated:
        ps.calibrate(folder, [ps.make.sample(ps.read("mini:en/test"), size=40, seed=1).corpus])
    return str(folder)


@pytest.fixture(scope="module")
def reader(tiny, tmp_path_factory) -> str:
    return saved(tiny, tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="module")
def loaded(reader) -> ps.Reader:
    return ps.Reader.load(reader)


@pytest.fixture(scope="module")
def exported(loaded, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "x"
    found = ps.export(loaded, out, check=[few("en"), few("ko")])
    assert found.gate.passed
    assert found.gate.max_logit_difference < 1e-5
    return out


@pytest.fixture
def written(exported, monkeypatch) -> None:
    """The graph of `reader` is taken from its export: torch would write the same again, in seconds."""
    monkeypatch.setattr(exporting, "write_graph", lambda *given: shutil.copy(exported / "model.onnx", given[-1]))


def few(language: str) -> ps.Corpus:
    return ps.make.sample(ps.read(f"mini:{language}/test"), size=12, seed=1).corpus


def test_a_folder_has_all_that_answering_needs(exported, reader):
    names = {path.name for path in exported.iterdir()}
    assert {"model.onnx", "tokenizer.json", "reader.json", "calibration.json", "export.json", "README.md"} <= names
    record = json.loads((exported / "export.json").read_text("utf-8"))
    assert (record["format"], record["passed"], [row["n"] for row in record["gate"]]) == ("fp32", True, [12, 12])
    assert set(record["files"]) == names - {"calibration.json", "export.json", "README.md"}
    assert "mini:ko/test" in (exported / "README.md").read_text("utf-8")
    before, after = ps.Reader.load(reader), ps.Reader.load(exported)
    assert (after.options, after.layout, after.longest) == (before.options, before.layout, before.longest)
    assert (after.calibration, after.doubt) == (before.calibration, None)


def test_answers_are_those_of_torch(exported, reader):
    before, after = ps.Reader.load(reader), ps.Reader.load(str(exported))
    for language in ("en", "zh"):
        corpus = few(language)
        expected, found = ps.predict(before, corpus), ps.predict(after, corpus)
        assert found.texts == expected.texts
        assert (found.pieces, found.unknown) == (expected.pieces, expected.unknown)
        for key, candidates in expected.candidates.items():
            for one, other in zip(candidates, found.candidates[key], strict=True):
                assert (other.text, other.start, other.end) == (one.text, one.start, one.end)
                assert other.probability == pytest.approx(one.probability, abs=1e-4)
    context = few("en").paragraphs[0].context
    asked = ["Who won?", "When was it?"]
    assert [one.text for one in after.answer_many(asked, context)] == [
        before.answer(question, context).text for question in asked
    ]


def test_it_answers_where_there_is_no_torch(exported, reader, tmp_path):
    code = BLOCKED + (
        "import polyspan as ps\n"
        "reader = ps.Reader.load(sys.argv[1])\n"
        "corpus = ps.make.sample(ps.read('mini:ko/test'), size=12, seed=1).corpus\n"
        "asked = ps.ask('Who won the cup?', sys.argv[2], reader=sys.argv[1], always=True)\n"
        "print(json.dumps([ps.predict(reader, corpus).texts, asked[0].text]))"
    )
    notes = tmp_path / "notes.txt"
    notes.write_text("The cup was won by Leeds in 1920.", "utf-8")
    call = [sys.executable, "-c", code, str(exported), str(notes)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    texts, answer = json.loads(done.stdout)
    before = ps.Reader.load(reader)
    assert texts == ps.predict(before, few("ko")).texts
    assert answer == ps.ask("Who won the cup?", [notes], reader=before, always=True)[0].text


def test_a_server_answers_where_there_is_no_torch(exported):
    pytest.importorskip("fastapi")
    code = BLOCKED + (
        "from polyspan.serve.service import Service\n"
        "from polyspan.serve.turns import Pending\n"
        "from polyspan.model.answers import AnswerOptions, Answering\n"
        "from polyspan.data.schema import Corpus, Paragraph, Question\n"
        "service = Service(sys.argv[1])\n"
        "service.load()\n"
        "reader = service._readers[None]\n"
        "context = 'The cup was won by Leeds.'\n"
        "corpus = Corpus((Paragraph(context, (Question('1', 'Who won?'),)),))\n"
        "pending = Pending(reader, corpus, Answering.of(reader, None, AnswerOptions()), reader.options)\n"
        "service._batcher.submit(pending)\n"
        "assert pending.answers.result(60)[0][0].text == reader.answer('Who won?', context).text\n"
        "print(service.info()['device'])\n"
        "service.close()\n"
    )
    call = [sys.executable, "-c", code, str(exported)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "cpu\n"), done.stderr


SHALLOW = SIZE | {"num_hidden_layers": 1}  # a layer more takes torch's exporter seconds more
FAMILIES = {
    "XLMRoberta": ("unigram", SHALLOW | {"max_position_embeddings": 130, "pad_token_id": 1}),
    "ModernBert": (
        "wordpiece",
        SIZE | {"global_attn_every_n_layers": 2, "local_attention": 8, "max_position_embeddings": 160}
        | {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3},
    ),
    "DebertaV2": (
        "wordpiece",
        SHALLOW | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
        | {"max_position_embeddings": 160, "type_vocab_size": 2},
    ),
    "Qwen3": ("endless", SHALLOW | {"num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 160}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_families_export(family, save_encoder, tmp_path):
    folder = saved(save_encoder(family, *FAMILIES[family], tmp_path / "encoder"), tmp_path / "reader", False)
    found = ps.export(folder, tmp_path / "x", check=[few("en"), few("ja")])
    assert found.gate.passed
    before, after = ps.Reader.load(folder), ps.Reader.load(tmp_path / "x")
    assert after.layout == before.layout
    long = ps.Corpus((ps.Paragraph("The cup was won by hull. " * 30, (ps.Question("1", "who won the cup"),)),))
    windows = make_windows(long, before.tokenizer, before.options)
    batch = collate(windows, before.layout, np.arange(len(windows), dtype=np.int32))
    for one, other in zip(before.logits(batch), after.logits(batch), strict=True):
        inside = np.isfinite(other)
        assert np.abs(one.detach().numpy()[inside] - other[inside]).max() < 1e-4


def test_an_export_leaves_the_reader_as_it_was(loaded, exported, reader):
    before = ps.Reader.load(reader)
    assert [type(part) for part in loaded.model.modules()] == [type(part) for part in before.model.modules()]
    assert loaded.packs
    assert ps.predict(loaded, few("en")).texts == ps.predict(before, few("en")).texts


def test_an_adapter_is_merged(tiny, corpus, tmp_path):
    from dataclasses import replace

    settings = replace(ps.preset("cpu"), lora=2, epochs=1.0, windows=WINDOWS)
    trained = ps.train([corpus], tiny, tmp_path / "reader", settings)
    found = ps.export(trained, tmp_path / "x", check=[corpus])
    assert found.gate.passed
    assert ps.predict(ps.Reader.load(tmp_path / "x"), corpus).texts == ps.predict(trained, corpus).texts


def test_the_gate_refuses_what_answers_otherwise(reader, tmp_path, run, monkeypatch, tmp_path_factory):
    write, kept = exporting.write_graph, tmp_path_factory.mktemp("spoiled") / "model.onnx"

    def spoiled(model, layout, path):
        import torch

        if not kept.exists():
            with torch.no_grad():
                head = model.qa_outputs.weight.clone()
                model.qa_outputs.weight.neg_()
                write(model, layout, kept)
                model.qa_outputs.weight.copy_(head)
        shutil.copy(kept, path)

    monkeypatch.setattr(exporting, "write_graph", spoiled)
    with pytest.raises(PolyspanError, match="answers otherwise, and is not written") as refused:
        ps.export(reader, tmp_path / "x", check=[few("en")])
    assert refused.value.exit_code == 1
    assert not list(tmp_path.iterdir())
    code, out, err = run("export", reader, "--out", tmp_path / "x", "--check", "mini:en/test", "--json")
    found = json.loads(out)
    assert (code, found["passed"], found["gate"][0]["n"]) == (1, False, len(ps.read("mini:en/test")))
    assert found["max_logit_difference"] > 1e-4
    assert "expected:" in err
    assert not list(tmp_path.iterdir())
    found = ps.export(reader, tmp_path / "x", check=[few("en")], force=True)
    assert not found.gate.passed
    assert ps.Reader.load(tmp_path / "x").answer("who", "hull won").text in "hull won"


def test_a_logit_too_far_off_is_refused_in_float32(reader, written, tmp_path, monkeypatch):
    monkeypatch.setattr("polyspan.model.export.export_gate.LOGITS", 0.0)
    with pytest.raises(PolyspanError, match="answers otherwise") as refused:
        ps.export(reader, tmp_path / "x", check=[few("en")])
    assert "a logit differs by" in refused.value.found


@pytest.fixture
def copied(exported, tmp_path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "copy"))


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "reader.json"])
def test_a_changed_file_is_told(copied, name):
    content = (copied / name).read_bytes()
    for changed in (content[: len(content) // 2], content.replace(b"1", b"7", 1), content + b" "):
        (copied / name).write_bytes(changed)
        with pytest.raises(PolyspanError, match="was changed or cut short") as told:
            ps.Reader.load(copied)
        assert name in told.value.where
    (copied / name).unlink()
    with pytest.raises(PolyspanError, match="is not whole") as told:
        ps.Reader.load(copied)
    assert told.value.found == f"no {name}"


def test_it_is_loaded_by_its_name_on_the_hub(exported, copied, hub):
    asked = ("Who won?", "The cup was won by Leeds.")
    here, pushed = ps.Reader.load(exported), push(exported, "me/onnx")
    there = ps.Reader.load(f"me/onnx@{pushed.commit}")
    assert (type(there.model), there.calibration, there.card.name) == (
        type(here.model),
        here.calibration,
        "me/onnx",
    )
    assert there.answer(*asked) == here.answer(*asked)
    with pytest.raises(UsageError, match="an exported Reader"):
        load_encoder("me/onnx")
    (copied / "reader.json").write_bytes((copied / "reader.json").read_bytes() + b" ")
    commit = hub.put("me/onnx", copied)
    with pytest.raises(PolyspanError, match="was changed or cut short"):
        ps.Reader.load(f"me/onnx@{commit}")


def test_a_calibration_may_be_made_anew(copied):
    fitted = ps.calibrate(copied, [few("fr")])
    assert ps.Reader.load(copied).calibration == fitted
    (copied / "calibration.json").unlink()
    assert ps.Reader.load(copied).calibration is None


def test_a_record_of_another_version_is_told(copied):
    path = copied / "export.json"
    record = json.loads(path.read_text("utf-8"))
    for changed, told in (
        (record | {"version": 9}, "another version of polyspan"),
        (record | {"format": "int1"}, "cannot be read"),
        ({}, "cannot be read"),
    ):
        path.write_text(json.dumps(changed), "utf-8")
        with pytest.raises(PolyspanError, match=told):
            ps.Reader.load(copied)
    path.write_text("{", "utf-8")
    with pytest.raises(PolyspanError, match="cannot be read"):
        ps.Reader.load(copied)


def test_a_graph_of_another_opset_is_told(copied):
    import onnx

    from polyspan.files import sha256

    graph = onnx.load(copied / "model.onnx")
    graph.opset_import[0].version = 999
    (copied / "model.onnx").write_bytes(graph.SerializeToString())
    path = copied / "export.json"
    record = json.loads(path.read_text("utf-8"))
    record["files"]["model.onnx"] = sha256(copied / "model.onnx")
    path.write_text(json.dumps(record), "utf-8")
    with pytest.raises(PolyspanError, match="cannot run the exported model") as told:
        ps.Reader.load(copied)
    assert "pset" in told.value.found
    assert len(str(told.value).splitlines()) <= 5


def test_what_only_a_model_of_torch_does_is_refused(exported, corpus, tmp_path, run):
    reader = ps.Reader.load(exported)
    for call in (
        lambda: reader.save(tmp_path / "x"),
        lambda: ps.export(reader, tmp_path / "x"),
        lambda: ps.export(exported, tmp_path / "x"),
        lambda: ps.predict(reader, corpus, pack=True),
        lambda: ps.Reader.load(exported, dtype="bf16"),
        lambda: ps.train([corpus], str(exported), tmp_path / "y", ps.preset("cpu", max_length=64, stride=16)),
        lambda: ps.trim(str(exported), tmp_path / "x", [corpus]),
        lambda: reader.model.parameters,
    ):
        with pytest.raises(UsageError, match="exported"):
            call()
    assert not list(tmp_path.iterdir())
    code, _, err = run("probe", "cosine", "--model", exported, "--data", "mini:en/test", "--data", "mini:fr/test",
                       "--out", tmp_path / "p")  # fmt: skip
    assert code == 2
    assert "Traceback" not in err


def test_what_cannot_be_exported_is_told(tiny, corpus, reader, tmp_path, run, monkeypatch):
    with pytest.raises(PolyspanError, match="was never trained"):
        ps.export(ps.Reader.load(tiny, WINDOWS), tmp_path / "x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(PolyspanError, match="is taken"):
        ps.export(reader, tmp_path / "full")
    with pytest.raises(UsageError, match="no questions"):
        ps.export(reader, tmp_path / "x", check=[])
    with pytest.raises(UsageError, match="unknown precision 'int4'"):
        ps.export(reader, tmp_path / "x", precision="int4")
    with pytest.raises(UsageError, match="unknown rounding 'best'"):
        ps.export(reader, tmp_path / "x", precision="int8", rounding="best")
    with pytest.raises(UsageError, match="nothing to calibrate"):
        ps.export(reader, tmp_path / "x", precision="int8", calibrate=[few("en")])
    with pytest.raises(UsageError, match="does not compute in bf16"):
        ps.export(reader, tmp_path / "x", precision="bf16")
    code, _, err = run("export", reader, "--out", tmp_path / "x", "--int8", "--fp16")
    assert (code, "exclude each other" in err) == (2, True)
    with pytest.raises(UsageError, match="tolerance"):
        ps.export(reader, tmp_path / "x", check=[corpus], tolerance=-1)

    def refuse(*_, **__):
        raise RuntimeError("no such operation\nand much more") from ValueError("aten.x has no ONNX function")

    import torch

    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(UsageError, match="a BertForQuestionAnswering cannot be exported") as told:
        ps.export(reader, tmp_path / "x", check=[corpus])
    assert told.value.found == "aten.x has no ONNX function"
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "rounding"), [("fp16", "weights"), ("int8", "weights"), ("int8", "dynamic"), ("int8", "static")]
)
def test_fewer_bits(reader, exported, written, precision, rounding, tmp_path, monkeypatch):
    monkeypatch.setattr("polyspan.model.export.rounding._TABLE", 100)  # the tiny tokenizer has few pieces
    out = tmp_path / "x"
    found = ps.export(reader, out, precision=precision, rounding=rounding, check=[few("en")], force=True)
    assert found.format == precision
    loaded = ps.Reader.load(out)
    assert loaded.dtype == precision
    assert found.gate.rows[0].same > 50
    assert 1e-6 < found.gate.max_logit_difference < 1
    assert (out / "model.onnx").stat().st_size < (exported / "model.onnx").stat().st_size
    assert loaded.logits(_batch(loaded, few("ko")))[0].dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_openvino_reads_the_same_graph(reader, precision, tmp_path):
    pytest.importorskip("openvino")
    found = ps.export(
        reader, tmp_path / "x", precision=precision, runtime="openvino", check=[few("en"), few("ko")]
    )
    assert (found.gate.passed, found.format) == (True, precision)
    assert type(ps.Reader.load(tmp_path / "x").model).__name__ == "OpenVinoRuntime"


def test_what_openvino_needs_is_told(copied, monkeypatch):
    record = json.loads((copied / "export.json").read_text("utf-8")) | {"runtime": "openvino"}
    (copied / "export.json").write_text(json.dumps(record), "utf-8")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(PolyspanError, match="exported for OpenVINO needs openvino, which is not installed"):
        ps.Reader.load(copied)


def _batch(reader, corpus):
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    return collate(windows, reader.layout, np.arange(len(windows), dtype=np.int32))


@pytest.mark.slow
def test_an_environment_without_torch(reader, exported, tmp_path):
    """What docs/export.md says to install is enough for hundreds of questions, and is small."""
    page = (ROOT / "docs" / "export.md").read_text("utf-8")
    packages = shlex.split(re.search(r"^pip install (onnxruntime .*)$", page, re.M)[1])
    venv.create(tmp_path / "env")
    python = str(tmp_path / "env" / "bin" / "python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
    done = subprocess.run([*install, *packages], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("packages cannot be had here")
    code = (
        "import json, sys\nimport polyspan as ps\nreader = ps.Reader.load(sys.argv[1])\n"
        "texts = [ps.predict(reader, ps.read(f'mini:{one}/test')).texts for one in ('en', 'ko', 'ja')]\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\nprint(json.dumps(texts))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    call = [python, "-c", code, str(exported)]
    done = subprocess.run(call, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before = ps.Reader.load(reader)
    expected = [ps.predict(before, ps.read(f"mini:{one}/test")).texts for one in ("en", "ko", "ja")]
    assert sum(map(len, expected)) >= 200
    assert json.loads(done.stdout) == expected
    notes = tmp_path / "notes.txt"
    notes.write_text("The cup was won by Leeds in 1920.", "utf-8")
    call = [python, "-m", "polyspan", "ask", "Who won?", str(notes), "--model", str(exported), "--always"]
    done = subprocess.run(call, env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, "notes.txt:1: characters" in done.stdout) == (0, True), done.stderr
    files = [path for path in (tmp_path / "env" / "lib").rglob("*") if "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 250e6


def test_the_gate_asks_in_five_languages(reader, written, tmp_path, monkeypatch):
    corpora = {short: few(short) for short in mini.LANGUAGES}
    monkeypatch.setattr(mini, "load", lambda short, split: {"test": corpora[short]}[split])
    found = ps.export(reader, tmp_path / "x")
    assert found.gate.passed
    assert [(row.language, row.n) for row in found.gate.rows] == [(one, 12) for one in mini.LANGUAGES.values()]


@pytest.mark.bundled
@pytest.mark.slow
def test_the_bundled_reader_exports(tmp_path):
    found = ps.export("bundled:reader", tmp_path / "x", check=[few(language) for language in mini.LANGUAGES])
    assert found.gate.passed
    assert len(found.gate.rows) == 5
    assert all(row.same == 100 for row in found.gate.rows)
