"""Training: it learns, it is deterministic, it resumes exactly, and two processes do what one does."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.reader import Reader
from polyspan.model.windows import WindowOptions
from polyspan.prediction import predict
from polyspan.settings import PRESETS, TrainSettings, preset
from polyspan.training import _weighted, train

FAST = TrainSettings(
    learning_rate=1e-2, batch_size=4, epochs=3, dropout=0.1, windows=WindowOptions(max_length=64, stride=16)
)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: Path, two: Path) -> bool:
    a, b = weights(one), weights(two)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns_its_training_questions(tiny, corpus, tmp_path):
    settings = replace(FAST, epochs=150.0, dropout=0.0, learning_rate=3e-3)
    reader = train([corpus], tiny, tmp_path / "r", settings)
    texts = predict(reader, corpus).texts
    right = [texts[question.id] == question.answers[0].text for _, question in corpus.questions()]
    record = json.loads((tmp_path / "r" / "run.json").read_text("utf-8"))
    assert sum(right) >= 4, texts
    assert np.mean(record["loss"][-5:]) < record["loss"][0] / 3
    assert len(record["loss"]) == record["steps"]


def test_the_same_seed_gives_the_same_weights(tiny, corpus, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train([corpus], tiny, tmp_path / name, FAST, seed=seed)
    assert same(tmp_path / "a", tmp_path / "b")
    assert not same(tmp_path / "a", tmp_path / "c")


@pytest.mark.slow
@pytest.mark.parametrize("average", [1, 3])
def test_a_killed_run_resumes_to_the_same_weights(tiny, corpus, tmp_path, average):
    """SIGKILL in the middle, twice; the resumed run ends with the unbroken run's weights and losses."""
    settings = (
        f"TrainSettings(learning_rate=1e-2, batch_size=2, epochs=120.0, average={average}, "
        "windows=WindowOptions(max_length=64, stride=16))"
    )
    code = (
        "import sys; sys.path.insert(0, {tests!r})\n"
        "from conftest import make_corpus\n"
        "from polyspan.settings import TrainSettings\n"
        "from polyspan.model.windows import WindowOptions\n"
        "from polyspan.training import train\n"
        "train([make_corpus()], {tiny!r}, {out!r}, {settings}, resume={resume}, checkpoint_seconds={every})\n"
    )

    def start(out: Path, resume: bool, every: float) -> "subprocess.Popen[bytes]":
        text = code.format(
            tests=str(Path(__file__).parent),
            tiny=tiny,
            out=str(out),
            settings=settings,
            resume=resume,
            every=every,
        )
        return subprocess.Popen([sys.executable, "-c", text], env=os.environ | {"OMP_NUM_THREADS": "1"})

    assert start(tmp_path / "whole", False, 1e9).wait() == 0
    state, steps = tmp_path / "killed.checkpoint" / "state.json", [0]
    for resume in (False, True):
        run = start(tmp_path / "killed", resume, 0.0)
        while run.poll() is None and steps[-1] < len(steps) * 60:
            time.sleep(0.01)
            steps[-1] = json.loads(state.read_text())["step"] if state.is_file() else steps[-1]
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL, "the run ended before it was killed"
        assert not (tmp_path / "killed").exists()
        steps.append(steps[-1])
    assert start(tmp_path / "killed", True, 1e9).wait() == 0
    assert same(tmp_path / "whole", tmp_path / "killed")
    losses = [json.loads((tmp_path / name / "run.json").read_text())["loss"] for name in ("whole", "killed")]
    assert losses[0] == losses[1]
    assert not (tmp_path / "killed.checkpoint").exists()


def test_a_checkpoint_of_another_run_is_refused(tiny, corpus, tmp_path):
    from polyspan.checkpoint import Progress, load_checkpoint, save_checkpoint

    model = Reader.load(tiny, FAST.windows).model
    optimizer = torch.optim.AdamW(model.parameters())
    save_checkpoint(tmp_path / "r.checkpoint", "one", Progress(3), model, optimizer)
    assert load_checkpoint(tmp_path / "r.checkpoint", "one", model, optimizer).step == 3
    with pytest.raises(PolyspanError, match="belongs to another run"):
        train([corpus], tiny, tmp_path / "r", FAST, resume=True)
    (tmp_path / "r.checkpoint" / "weights.safetensors").write_bytes(b"cut")
    with pytest.raises(PolyspanError, match="cannot be read"):
        train([corpus], tiny, tmp_path / "r", FAST, resume=True)


@pytest.mark.slow
def test_two_processes_do_what_one_does(tiny, corpus, tmp_path):
    """`accelerate launch` with two CPU processes: the same batches, the same weights up to rounding."""
    write(corpus, tmp_path / "data.json")
    common = [
        "train",
        "--data",
        str(tmp_path / "data.json"),
        "--model",
        tiny,
        "--batch-size",
        "4",
        "--epochs",
        "4",
    ]
    common += [
        "--dropout",
        "0",
        "--learning-rate",
        "0.001",
        "--max-length",
        "64",
        "--stride",
        "16",
        "--preset",
        "xtreme",
    ]
    common += ["--accumulate", "1", "--warmup", "0.1"]
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--module",
        "polyspan",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for name, start in (("one", [sys.executable, "-m", "polyspan"]), ("two", launch)):
        run = subprocess.run(
            [*start, *common, "--out", str(tmp_path / name)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert run.returncode == 0, run.stderr
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    start = Reader.load(tiny, FAST.windows, 42).model.state_dict()
    moved = max(float((one[name] - start[name]).abs().max()) for name in one)
    apart = max(float((one[name] - two[name]).abs().max()) for name in one)
    assert apart < moved / 100


def test_accumulation_is_the_same_step(tiny, corpus, tmp_path):
    settings = replace(FAST, dropout=0.0, learning_rate=1e-3)
    train([corpus], tiny, tmp_path / "one", settings)
    train([corpus], tiny, tmp_path / "parts", replace(settings, accumulate=3))
    one, parts = weights(tmp_path / "one"), weights(tmp_path / "parts")
    for name in one:  # but biases whose gradient is all rounding, which Adam makes steps of
        if one[name].ndim > 1:
            torch.testing.assert_close(one[name], parts[name], atol=2e-4, rtol=1e-2)


def test_frozen_weights_stay(tiny, corpus, tmp_path):
    before = Reader.load(tiny, FAST.windows, 42).model.state_dict()
    train([corpus], tiny, tmp_path / "r", replace(FAST, freeze=("embeddings", "layer.0")))
    after = weights(tmp_path / "r")
    for name, value in after.items():
        frozen = "embeddings" in name or "layer.0" in name
        assert torch.equal(before[name], value) == frozen or "bias" in name, name
    with pytest.raises(UsageError, match="everything is frozen"):
        train([corpus], tiny, tmp_path / "none", replace(FAST, freeze=("",)))


def test_without_bias_correction_the_first_step_is_bert_s(tiny, corpus):
    """BERT's Adam moves by lr·m/√v = lr·0.1·g/√(0.001·g²) at first, not by lr·g/|g|."""
    from polyspan.training import _optimizer, _schedule

    model = torch.nn.Linear(3, 3)
    settings = TrainSettings(learning_rate=0.1, bias_correction=False, warmup=0.0, epsilon=1e-12)
    optimizer = _optimizer(model, settings)
    before = model.weight.detach().clone()
    model.weight.grad, model.bias.grad = torch.full((3, 3), 0.5), torch.zeros(3)
    _schedule(optimizer, 1, 1, settings)
    optimizer.step()
    expected = 0.1 * (0.1 * 0.5) / (0.001 * 0.25) ** 0.5
    assert (before - model.weight)[0, 0].item() == pytest.approx(expected, rel=1e-4)


def test_sampling_by_weight(tiny, corpus, tmp_path):
    rows = _weighted([100, 300], [3.0, 1.0], np.random.default_rng(0))
    share = (rows < 100).mean()
    assert len(rows) == 400
    assert 0.7 < share < 0.8
    counts = np.bincount(rows[rows < 100])
    assert counts.max() - counts.min() <= 1
    train([corpus, corpus], tiny, tmp_path / "r", FAST, weights=[1, 2])
    with pytest.raises(UsageError, match="one weight a corpus"):
        train([corpus], tiny, tmp_path / "w", FAST, weights=[1, 2])


def test_bert_s_steps_count_questions(tiny, corpus, tmp_path):
    settings = replace(FAST, epoch_of="questions", epochs=4.0, windows=WindowOptions(max_length=24, stride=4))
    train([corpus], tiny, tmp_path / "r", settings)
    record = json.loads((tmp_path / "r" / "run.json").read_text("utf-8"))
    assert record["steps"] == int(5 / 4 * 4)
    assert record["windows"] > 5


def test_a_taken_folder_and_nothing_to_learn(tiny, corpus, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    with pytest.raises(PolyspanError, match="cannot write"):
        train([corpus], tiny, tmp_path / "taken", FAST)
    empty = replace(
        corpus,
        paragraphs=tuple(
            replace(p, questions=tuple(replace(q, answers=()) for q in p.questions)) for p in corpus.paragraphs
        ),
    )
    with pytest.raises(PolyspanError, match="nothing to learn"):
        train([empty], tiny, tmp_path / "r", FAST)


def test_a_finished_run_is_taken_as_it_is_but_not_for_another(tiny, corpus, tmp_path):
    train([corpus], tiny, tmp_path / "r", FAST, seed=1)
    before = (tmp_path / "r" / "run.json").stat().st_mtime_ns
    train([corpus], tiny, tmp_path / "r", FAST, seed=1, resume=True)
    assert (tmp_path / "r" / "run.json").stat().st_mtime_ns == before
    with pytest.raises(PolyspanError, match="another run") as caught:
        train([corpus], tiny, tmp_path / "r", FAST, seed=2, resume=True)
    assert caught.value.found == "another seed"


def test_presets():
    assert preset("hsu2019") == PRESETS["hsu2019"]
    assert (PRESETS["hsu2019"].learning_rate, PRESETS["hsu2019"].batch_size, PRESETS["hsu2019"].epochs) == (
        5e-5,
        32,
        3,
    )
    assert preset("cpu", max_length=128, epochs=None).windows.max_length == 128
    with pytest.raises(UsageError, match="did you mean 'readme'"):
        preset("redme")
    with pytest.raises(UsageError, match="batch size must be above 0"):
        preset("cpu", batch_size=0)
