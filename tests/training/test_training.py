"""Training: it learns, it is deterministic, it resumes exactly, and two processes do what one does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate.tracking import GeneralTracker
from safetensors.torch import load_file

import ready
from polyspan.data.write import write
from polyspan.errors import PolyspanError, UsageError
from polyspan.model.batch import collate
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions, make_windows
from polyspan.prediction import predict
from polyspan.training.batches import draw_by_weight, plan_batches
from polyspan.training.loop import train
from polyspan.training.optimizer import rate
from polyspan.training.settings import PRESETS, TrainSettings, preset
from ready import ended

FAST = TrainSettings(
    learning_rate=1e-2, batch_size=4, epochs=3, dropout=0.1, windows=WindowOptions(max_length=64, stride=16)
)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(next(folder.glob("*model.safetensors")))


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
@pytest.mark.parametrize("option", ["average=1", "average=3", "lora=4"])
def test_a_killed_run_resumes_to_the_same_weights(tiny, corpus, tmp_path, option):
    """SIGKILL in the middle, twice; the resumed run ends with the unbroken run's weights and losses."""
    settings = (
        f"TrainSettings(learning_rate=1e-2, batch_size=2, epochs=30.0, {option}, "
        "windows=WindowOptions(max_length=64, stride=16))"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from conftest import make_corpus\n"
        "from polyspan.training.settings import TrainSettings\n"
        "from polyspan.model.windows.windows import WindowOptions\n"
        "from polyspan.training.loop import train\n"
        "train([make_corpus()], {tiny!r}, {out!r}, {settings}, resume={resume}, checkpoint_seconds={every})\n"
    )

    def start(out: Path, resume: bool, every: float) -> BaseProcess:
        text = code.format(tiny=tiny, out=str(out), settings=settings, resume=resume, every=every)
        return ready.start(["python", "-c", text])

    assert ended(start(tmp_path / "whole", False, 1e9)) == 0
    checkpoint, steps = tmp_path / "killed.checkpoint", [0]
    for resume in (False, True):
        run = start(tmp_path / "killed", resume, 0.0)
        while run.is_alive() and steps[-1] < len(steps) * 10:
            time.sleep(0.01)
            found = [int(path.name) for path in checkpoint.glob("[0-9]*")]
            steps[-1] = max([steps[-1], *found])
        run.kill()
        assert ended(run) == -signal.SIGKILL, "the run ended before it was killed"
        assert not (tmp_path / "killed").exists()
        steps.append(steps[-1])
    assert ended(start(tmp_path / "killed", True, 1e9)) == 0
    assert same(tmp_path / "whole", tmp_path / "killed")
    losses = [json.loads((tmp_path / name / "run.json").read_text())["loss"] for name in ("whole", "killed")]
    assert losses[0] == losses[1]
    assert not (tmp_path / "killed.checkpoint").exists()


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_stopped_run_writes_a_checkpoint_and_goes_on(number, error, tiny, corpus, tmp_path, stop_at):
    """Neither loses the step that it came in; the caller's handlers are back afterwards."""
    train([corpus], tiny, tmp_path / "whole", FAST)
    steps = stop_at(3, number)
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(error) as caught:
        train([corpus], tiny, tmp_path / "r", FAST)
    assert getattr(caught.value, "code", 143) == 143
    assert handlers == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert [path.name for path in (tmp_path / "r.checkpoint").iterdir()] == ["3"]
    train([corpus], tiny, tmp_path / "r", FAST, resume=True)
    assert steps == [*range(1, len(steps) + 1)]
    assert same(tmp_path / "whole", tmp_path / "r")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_a_signal_writes_a_checkpoint_that_is_not_thrown_away(number, code, tiny, corpus, tmp_path, run):
    """SIGINT or SIGTERM in the middle of `train`: one line, and --resume goes on from the very step."""
    write(corpus, tmp_path / "data.json")
    options = f"--preset cpu --epochs 30000 --max-length 64 --stride 16 --model {tiny} --out {tmp_path / 'r'}"
    call, log = ["train", "--data", str(tmp_path / "data.json"), *options.split()], tmp_path / "log"
    training = ready.start(["polyspan", *call], log=log)
    while training.is_alive() and not (log.exists() and "training:" in log.read_text()):
        time.sleep(0.05)
    time.sleep(2)  # in the middle of some step
    os.kill(training.pid, number)
    assert ended(training, 60) == code, log.read_text()
    assert "stopped" in log.read_text()
    assert "Traceback" not in log.read_text()
    (step,) = (tmp_path / "r.checkpoint").iterdir()
    assert int(step.name) > 0
    status, _, told = run(*call)
    assert status == 1
    assert "a run that was stopped is kept" in told
    assert step.exists()


@pytest.mark.slow
def test_sigterm_to_two_processes_writes_a_checkpoint(tiny, corpus, tmp_path):
    """Both stop after the same step, though one is told alone: a signal may reach the other late, or never."""
    write(corpus, tmp_path / "data.json")
    options = f"--preset cpu --epochs 30000 --max-length 64 --stride 16 --model {tiny} --out {tmp_path / 'r'}"
    both = in_two(["train", "--data", str(tmp_path / "data.json"), *options.split()], log := tmp_path / "log")
    while all(one.is_alive() for one in both) and not (log.exists() and "training:" in log.read_text()):
        time.sleep(0.05)
    os.kill(both[1].pid, signal.SIGTERM)
    assert [ended(one, 100) for one in both] == [143, 143], log.read_text()
    (step,) = (tmp_path / "r.checkpoint").iterdir()
    assert int(step.name) % 10 == 0, log.read_text()


def in_two(words: list[str], log: Path) -> list[BaseProcess]:
    """`polyspan …` in two processes that know of each other as those of `torchrun` do."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        known = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    known |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    ranks = ({"RANK": rank, "LOCAL_RANK": rank} for rank in "01")
    return [ready.start(["polyspan", *words], log=log, **known, **rank) for rank in ranks]


def test_a_checkpoint_of_another_run_is_refused(tiny, corpus, tmp_path):
    from polyspan.training.checkpoint import Progress, load_checkpoint, save_checkpoint

    model = Reader.load(tiny, FAST.windows).model
    optimizer = torch.optim.AdamW(model.parameters())
    save_checkpoint(tmp_path / "r.checkpoint", "one", Progress(3), model, optimizer)
    assert load_checkpoint(tmp_path / "r.checkpoint", "one", model, optimizer).step == 3
    with pytest.raises(PolyspanError, match="belongs to another run"):
        train([corpus], tiny, tmp_path / "r", FAST, resume=True)
    (tmp_path / "r.checkpoint" / "3" / "weights.safetensors").write_bytes(b"cut")
    with pytest.raises(PolyspanError, match="cannot be read"):
        train([corpus], tiny, tmp_path / "r", FAST, resume=True)


LAUNCHERS = {
    "torchrun": "torch.distributed.run --nproc_per_node 2 -m polyspan",
    "accelerate": "accelerate.commands.launch --multi_gpu --num_processes 2 --module polyspan",
}
LAUNCHED = [("torchrun", ""), ("accelerate", ""), (None, " --lora 4 --merge")]


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "more"), LAUNCHED)
def test_two_processes_do_what_one_does(launcher, more, tiny, corpus, tmp_path, run):
    """Two CPU processes: the same batches, the same weights up to rounding."""
    write(corpus, tmp_path / "data.json")
    options = "--batch-size 4 --epochs 4 --preset xtreme --accumulate 1 --warmup 0.1 --learning-rate 0.001"
    options += f" --dropout 0 --max-length 64 --stride 16 --model {tiny}{more}"
    common = ["train", "--data", str(tmp_path / "data.json"), *options.split()]
    assert run(*common, "--out", tmp_path / "one")[0] == 0
    call = [*common, "--out", str(tmp_path / "two")]
    if launcher is None:
        assert [ended(one, 300) for one in in_two(call, tmp_path / "log")] == [0, 0]
    else:
        launch = [sys.executable, "-m", *LAUNCHERS[launcher].split(), *call]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        together = subprocess.run(launch, env=environment, capture_output=True, text=True, timeout=300)
        assert together.returncode == 0, together.stderr
    processes = [json.loads((tmp_path / name / "run.json").read_text())["processes"] for name in ("one", "two")]
    assert processes == [1, 2]
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    start = Reader.load(tiny, FAST.windows, 42).model.state_dict()
    matrices = [name for name in one if one[name].ndim > 1]  # Adam makes steps of a bias' rounding errors
    moved = max(float((one[name] - start[name]).abs().max()) for name in matrices)
    apart = max(float((one[name] - two[name]).abs().max()) for name in matrices)
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
    from polyspan.training.optimizer import make_optimizer, set_rate

    model = torch.nn.Linear(3, 3)
    settings = TrainSettings(learning_rate=0.1, bias_correction=False, warmup=0.0, epsilon=1e-12)
    optimizer = make_optimizer(model, settings)
    before = model.weight.detach().clone()
    model.weight.grad, model.bias.grad = torch.full((3, 3), 0.5), torch.zeros(3)
    set_rate(optimizer, 1, 1, settings)
    optimizer.step()
    expected = 0.1 * (0.1 * 0.5) / (0.001 * 0.25) ** 0.5
    assert (before - model.weight)[0, 0].item() == pytest.approx(expected, rel=1e-4)


def test_sampling_by_weight(tiny, corpus, tmp_path):
    rows = draw_by_weight([100, 300], [3.0, 1.0], np.random.default_rng(0))
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
    with pytest.raises(PolyspanError, match="is taken"):
        train([corpus], tiny, tmp_path / "taken", FAST)
    empty = replace(
        corpus,
        paragraphs=tuple(
            replace(p, questions=tuple(replace(q, answers=()) for q in p.questions)) for p in corpus.paragraphs
        ),
    )
    with pytest.raises(PolyspanError, match="nothing to learn"):
        train([empty], tiny, tmp_path / "r", FAST)


@pytest.mark.parametrize(("total", "warmup"), [(3, 0.5), (5, 0.1), (25, 0.1), (10, 0.0), (40, 7.0), (1, 0.1)])
@pytest.mark.parametrize("decay_from", ["peak", "start"])
def test_the_learning_rate_rises_falls_and_keeps_its_peak(total, warmup, decay_from):
    from polyspan.training.optimizer import make_optimizer, set_rate

    settings = TrainSettings(learning_rate=1.0, warmup=warmup, decay_from=decay_from)
    optimizer = make_optimizer(torch.nn.Linear(2, 2), settings)
    rates = []
    for step in range(1, total + 1):
        set_rate(optimizer, step, total, settings)
        rates.append(optimizer.param_groups[0]["lr"])
    peak = rates.index(max(rates))
    assert max(rates) <= 1
    assert min(rates) > 0
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert max(rates) == 1 or decay_from == "start"


def test_mistakes_in_settings(tiny, corpus, tmp_path):
    for changes in ({"dropout": 7.0}, {"weight_decay": -1.0}, {"warmup": -3.0}, {"epochs": float("inf")}):
        with pytest.raises(UsageError):
            replace(FAST, **changes)
    calls = {
        "no parameter has 'embedings'": replace(FAST, freeze=("embedings",)),
        "the warm-up is as long as the training": replace(FAST, warmup=500),
    }
    for message, settings in calls.items():
        with pytest.raises(UsageError, match=message):
            train([corpus], tiny, tmp_path / "r", settings)
    with pytest.raises(UsageError, match="at least one corpus"):
        train([], tiny, tmp_path / "r", FAST)
    with pytest.raises(UsageError, match="a seed is"):
        train([corpus], tiny, tmp_path / "r", FAST, seed=-1)


def test_a_warm_up_may_begin_at_zero_and_then_moves_nothing_at_first(tiny, corpus, tmp_path):
    """Step s of w has (s − 1)/w of the peak, in BERT's script and transformers; the decay is as before."""
    settings = TrainSettings(learning_rate=1.0, warmup=4, warmup_from_zero=True, decay_from="start")
    assert [rate(step, 8, settings) for step in range(1, 9)] == [
        0,
        1 / 4,
        2 / 4,
        3 / 4,
        4 / 8,
        3 / 8,
        2 / 8,
        1 / 8,
    ]
    assert rate(1, 8, replace(settings, warmup_from_zero=False)) == 1 / 4
    one_step = replace(FAST, epochs=1.0, warmup=1, warmup_from_zero=True, batch_size=5, weight_decay=0.01)
    with pytest.raises(UsageError, match="warm-up is as long"):
        train([corpus], tiny, tmp_path / "r", one_step)
    train([corpus], tiny, tmp_path / "r", replace(one_step, epochs=2.0), checkpoints=2)
    before = Reader.load(tiny, FAST.windows, 42).model.state_dict()
    first, last = weights(tmp_path / "r" / "checkpoints" / "1"), weights(tmp_path / "r")
    assert all(torch.equal(first[name], before[name]) for name in first)
    assert any(not torch.equal(last[name], before[name]) for name in last)


def test_full_batches_take_the_windows_that_are_left_over_into_the_next_epoch():
    """As BERT's script, which repeats its data before it cuts batches; the very last partial batch is dropped."""
    windows, lengths = make_windows_of(11), np.arange(11, dtype=np.int32)
    settings = replace(FAST, batch_size=4, epochs=3.0, full_batches=True)
    plan = plan_batches(windows, [[11]], lengths, settings, None, 1)
    assert [len(rows) for rows in plan] == [4] * 8
    counts = np.bincount(np.concatenate(plan), minlength=11)
    assert set(counts.tolist()) <= {2, 3}
    loose = plan_batches(windows, [[11]], lengths, replace(settings, full_batches=False), None, 1)
    assert sorted(len(rows) for rows in loose) == [3] * 3 + [4] * 6
    few = plan_batches(windows, [[11]], lengths, replace(settings, batch_size=32, epochs=9.0), None, 1)
    assert [len(rows) for rows in few] == [32] * 3, "fewer windows than a batch: they come several times"


def make_windows_of(count: int):
    """What `plan_batches` looks at: the question of each window."""
    return SimpleNamespace(question=np.arange(count))


def test_padding_that_counts_is_in_the_softmax_over_the_whole_length(tiny, corpus, tmp_path):
    """The first loss is transformers' on inputs padded to `max_length`, and not that of masked padding."""
    from transformers import AutoModelForQuestionAnswering

    settings = replace(FAST, dropout=0.0, batch_size=5, epochs=2.0, accumulate=2)
    losses = {}
    for padding in ("masked", "counted"):
        train([corpus], tiny, tmp_path / padding, replace(settings, padding=padding))
        losses[padding] = json.loads((tmp_path / padding / "run.json").read_text("utf-8"))["loss"]
    reader = Reader.load(tiny, settings.windows, 42)
    windows = make_windows(corpus, reader.tokenizer, reader.options, training=True)
    reader.model.save_pretrained(tmp_path / "model")
    theirs = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "model").eval()
    lost = []
    for row in range(len(windows)):
        batch = collate(windows, reader.layout, np.array([row], np.int32), 64).to("cpu")
        assert batch.input_ids.shape == (1, 64)
        given = batch.inputs() | {"start_positions": batch.start, "end_positions": batch.end}
        lost.append(float(theirs(**given).loss.detach()))
    assert len(windows) == 5
    assert losses["counted"][0] == pytest.approx(np.mean(lost), abs=1e-4)
    assert losses["masked"][0] < losses["counted"][0] - 0.01


def test_bert_s_presets_keep_bert_s_rules():
    hsu, readme, xtreme, ours = (PRESETS[name] for name in ("hsu2019", "readme", "xtreme", "cpu"))
    assert [each.warmup_from_zero for each in (hsu, readme, xtreme, ours)] == [True, True, True, False]
    assert [each.full_batches for each in (hsu, readme, xtreme, ours)] == [True, True, False, False]
    assert [each.padding for each in (hsu, readme, xtreme, ours)] == ["counted", "masked", "masked", "masked"]
    assert preset("readme", padding="counted") == replace(readme, padding="counted")
    with pytest.raises(UsageError, match="no padding that could count"):
        preset("hsu2019", pack=True)
    with pytest.raises(UsageError, match="padding"):
        preset("readme", padding="ignored")


def test_a_record_from_before_a_setting_was_known_is_still_this_run_s(tiny, corpus, tmp_path):
    train([corpus], tiny, tmp_path / "r", FAST)
    path = tmp_path / "r" / "run.json"
    record = json.loads(path.read_text("utf-8"))
    for name in ("padding", "full_batches", "warmup_from_zero"):
        del record["settings"][name]
    path.write_text(json.dumps(record), "utf-8")
    train([corpus], tiny, tmp_path / "r", FAST, resume=True)
    assert json.loads(path.read_text("utf-8")) == record
    with pytest.raises(PolyspanError, match="another run"):
        train([corpus], tiny, tmp_path / "r", replace(FAST, padding="counted"), resume=True)


def test_a_diverged_run_says_so(tiny, corpus, tmp_path):
    with pytest.raises(PolyspanError, match="training diverged"):
        train([corpus], tiny, tmp_path / "r", replace(FAST, learning_rate=1e30, epochs=30.0, clip=1e30))


def test_a_file_in_the_place_of_the_folder_is_left_alone(tiny, corpus, tmp_path):
    (tmp_path / "data.json").write_text("mine")
    with pytest.raises(PolyspanError, match="cannot write"):
        train([corpus], tiny, tmp_path / "data.json", FAST)
    assert (tmp_path / "data.json").read_text() == "mine"


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


def test_switched_training_data_differ_in_every_epoch_and_resume(tiny, corpus, tmp_path):
    from polyspan.make import augmentation

    words = tmp_path / "words.txt"
    words.write_text("cup 東\nwon 한\nby in\nthe the\n", "utf-8")
    augment = augmentation([words], rate=0.6)
    drawn = [augment.draw(corpus, epoch) for epoch in range(4)]
    assert len({each.fingerprint() for each in drawn}) > 1
    assert all(p.context[a.start : a.end] == a.text for d in drawn for p, q in d.questions() for a in q.answers)
    windows = WindowOptions(max_length=64, stride=16)
    settings = TrainSettings(learning_rate=1e-3, batch_size=2, epochs=2, dropout=0.0, windows=windows)
    plain = train([corpus], tiny, tmp_path / "plain", settings).model.state_dict()
    switched = train([corpus], tiny, tmp_path / "switched", settings, augment=augment).model.state_dict()
    again = train([corpus], tiny, tmp_path / "again", settings, augment=augment).model.state_dict()
    assert all(switched[name].equal(again[name]) for name in switched)
    assert any(not switched[name].equal(plain[name]) for name in switched)
    record = json.loads((tmp_path / "switched" / "run.json").read_text("utf-8"))
    assert record["augment"]["rate"] == 0.6
    assert record["steps"] == json.loads((tmp_path / "plain" / "run.json").read_text("utf-8"))["steps"]
    with pytest.raises(UsageError, match="rate"):
        augmentation([words], rate=0)


class Notebook(GeneralTracker):
    """A tracker that remembers."""

    name, requires_logging_directory, tracker = "notebook", False, None

    def __init__(self):
        super().__init__()
        self.config, self.logged = {}, {}

    def store_init_configuration(self, values):
        self.config = values

    def log(self, values, step, **_):
        self.logged[step] = values


def test_trackers_are_sent_the_loss_and_change_nothing(tiny, corpus, tmp_path, monkeypatch):
    notebook, settings = Notebook(), replace(FAST, epochs=12)
    train([corpus], tiny, tmp_path / "plain", settings)
    train([corpus], tiny, tmp_path / "tracked", settings, trackers=[notebook])
    assert same(tmp_path / "plain", tmp_path / "tracked")
    record = json.loads((tmp_path / "tracked" / "run.json").read_text("utf-8"))
    assert list(notebook.logged) == sorted({*range(10, record["steps"] + 1, 10), record["steps"]})
    assert notebook.logged[10]["loss"] == pytest.approx(np.mean(record["loss"][:10]))
    assert notebook.config["settings.learning_rate"] == FAST.learning_rate
    with pytest.raises(UsageError, match="tensorboard"):
        train([corpus], tiny, tmp_path / "no", FAST, trackers=["tensorbord"])
    monkeypatch.setenv("POLYSPAN_TRACK", "swanlab")
    with pytest.raises(UsageError, match="swanlab is not installed"):
        train([corpus], tiny, tmp_path / "no", FAST)
